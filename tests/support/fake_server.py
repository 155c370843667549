"""A small stand-in for ``opencode serve`` on loopback, for what the real one cannot be made to do.

It keeps sessions, tells what happens in them as server-sent events, and answers what octui asks, in the shapes of 1.18.
Nothing happens in a session unless a test says so. Itself tested, in ``tests/support/test_fake_server.py``.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from octui.client.serve import v1_events

Json = dict[str, Any]


class FakeServer:
    """Use it as a context manager; it serves while the block runs.

    Args:
        password: What it wants to be told; None for nothing.

    Attributes:
        asked: What it was asked, as method, path and body, in order.
        muted: Whether what happens is kept from those who listen: a connection that loses events.
        twice: Whether each event is sent twice.
        messages: Of each session, as ``GET /session/ID/message`` tells them.
        requests: Permissions and questions that wait, by id.
        refusals: What is refused, by the end of its path: a status and a word.
    """

    def __init__(self, password: str | None = None) -> None:
        self.password = password
        self.asked: list[tuple[str, str, Json | None]] = []
        self.muted = False
        self.twice = False
        self.sessions: dict[str, Json] = {}
        self.messages: dict[str, list[Json]] = {}
        self.requests: dict[str, Json] = {}
        self.statuses: dict[str, Json] = {}
        self.refusals: dict[str, tuple[int, str]] = {}
        self.on_prompt: Callable[[str, str], None] = lambda session, text: None
        self._listeners: list[queue.Queue[bytes | None]] = []
        self._arrived = threading.Condition()
        self._numbers = itertools.count(1)
        self._port = 0
        self._http: _HTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is, also while it is away."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def listeners(self) -> int:
        """How many connections listen to its events."""
        return len(self._listeners)

    def __enter__(self) -> FakeServer:
        self.come()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go()

    def come(self) -> None:
        """Serve, on the port it had before."""
        self._http = _HTTPServer(self, self._port)
        self._port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="fake-opencode")
        self._thread.start()

    def go(self) -> None:
        """Be gone, with all connections."""
        if self._http is not None and self._thread is not None:
            self.cut()
            self._http.shutdown()
            self._http.close_all()
            self._http.server_close()
            self._thread.join()
            self._http = None

    def cut(self) -> None:
        """Break the connections of those who listen."""
        with self._arrived:
            for listener in self._listeners:
                listener.put(None)
            self._listeners.clear()

    # What happens

    def emit(self, kind: str, **properties: Any) -> None:
        """Tell an event."""
        event_id = v1_events.event_id(time.time() * 1000, next(self._numbers) % 4096)
        payload = {"id": event_id, "type": kind, "properties": properties}
        self.send(json.dumps({"directory": "/x", "payload": payload}, separators=(",", ":")).encode())

    def send(self, line: bytes) -> None:
        """Tell a line, whatever it is."""
        if self.muted:
            return
        with self._arrived:
            for listener in self._listeners:
                for _ in range(2 if self.twice else 1):
                    listener.put(line)

    def open(self, session: str, parent: str = "") -> None:
        """Begin a session."""
        info = {"id": session, "title": session, "time": {"updated": next(self._numbers)}}
        self.sessions[session] = {**info, **({"parentID": parent} if parent else {})}
        self.messages[session] = []
        self.emit("session.created", sessionID=session, info=self.sessions[session])

    def message(self, session: str, role: str) -> str:
        """Begin a message; give its id."""
        info = {"id": f"msg_{next(self._numbers):06}", "role": role, "sessionID": session}
        self.messages[session].append({"info": info, "parts": []})
        self.emit("message.updated", sessionID=session, info=info)
        return str(info["id"])

    def part(self, session: str, kind: str, part_id: str = "", **fields: Any) -> str:
        """Add a part to the last message, or change one; give its id."""
        message = self.messages[session][-1]
        part = {"id": part_id or f"prt_{next(self._numbers):06}", "type": kind, "sessionID": session, **fields}
        part["messageID"] = message["info"]["id"]
        message["parts"] = [each for each in message["parts"] if each["id"] != part["id"]] + [part]
        self.emit("message.part.updated", sessionID=session, part=part)
        return str(part["id"])

    def status(self, session: str, kind: str) -> None:
        """Be ``busy`` or ``idle``."""
        self.statuses[session] = {"type": kind}
        self.emit("session.status", sessionID=session, status={"type": kind})

    def take(self, session: str, text: str) -> None:
        """Put a prompt into a session and begin to work on it."""
        self.message(session, "user")
        self.part(session, "text", text=text)
        self.status(session, "busy")

    def say(self, session: str, text: str) -> None:
        """Answer with one step."""
        self.message(session, "assistant")
        self.part(session, "step-start")
        part = self.part(session, "text", text="", time={"start": 1})
        message = self.messages[session][-1]["info"]["id"]
        for word in text.split(" "):
            self.emit(
                "message.part.delta", sessionID=session, messageID=message, partID=part, field="text", delta=f"{word} "
            )
        self.part(session, "text", part, text=text, time={"start": 1, "end": 2})
        self.part(session, "step-finish", reason="stop", cost=0.5, tokens={"total": 3, "input": 2, "output": 1})

    def answer(self, session: str, text: str) -> None:
        """Answer a prompt whole, and rest."""
        self.take(session, f"prompt for {text}")
        self.say(session, text)
        self.status(session, "idle")

    def ask_permission(self, session: str, request: str, command: str) -> None:
        """Have a permission wait."""
        asked = {"id": request, "sessionID": session, "permission": "bash", "patterns": [command]}
        self.requests[request] = asked
        self.emit("permission.asked", **asked)

    def ask_question(self, session: str, request: str, question: str) -> None:
        """Have a question wait."""
        asked = {"id": request, "sessionID": session, "questions": [{"question": question, "options": []}]}
        self.requests[request] = asked
        self.emit("question.asked", **asked)

    def close_request(self, request: str, reply: str) -> None:
        """Have a request answered, by whomever."""
        asked = self.requests.pop(request)
        if request.startswith("per"):
            self.emit("permission.replied", sessionID=asked["sessionID"], requestID=request, reply=reply)
        else:
            self.emit("question.replied", sessionID=asked["sessionID"], requestID=request, answers=[[reply]])

    def wait_for(self, condition: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Wait until something is so after a request or a new listener.

        Raises:
            TimeoutError: It was not so in time.
        """
        with self._arrived:
            if not self._arrived.wait_for(condition, timeout_s):
                raise TimeoutError

    # What it is asked

    def listen(self) -> queue.Queue[bytes | None]:
        listener: queue.Queue[bytes | None] = queue.Queue()
        listener.put(b'{"payload":{"id":"evt_000000000000","type":"server.connected","properties":{}}}')
        with self._arrived:
            self._listeners.append(listener)
            self._arrived.notify_all()
        return listener

    def reply(self, method: str, path: str, body: Json | None) -> tuple[int, Any]:
        """Give the status and body of an answer."""
        with self._arrived:
            self.asked.append((method, path, body))
            self._arrived.notify_all()
        for end, (status, word) in self.refusals.items():
            if path.endswith(end):
                return status, {"name": "Refused", "data": {"message": word}}
        match method, path.strip("/").split("/"):
            case "GET", ["global", "health"]:
                return 200, {"healthy": True, "version": "1.18.33"}
            case "GET", ["session"]:
                return 200, list(self.sessions.values())
            case "POST", ["session"]:
                session = f"ses_{next(self._numbers):06}"
                self.open(session)
                return 200, self.sessions[session]
            case "GET", ["session", "status"]:
                return 200, self.statuses
            case "GET", [("permission" | "question") as kind]:
                return 200, [each for key, each in self.requests.items() if key.startswith(kind[:3])]
            case "POST", ["permission" | "question", request, _]:
                if request not in self.requests:
                    return 404, {"name": "NotFoundError", "data": {"message": "no such request"}}
                reply = (body or {}).get("reply") or ((body or {}).get("answers") or [["dismissed"]])[0][0]
                self.close_request(request, reply)
                return 200, True
            case method, ["session", session, *rest] if session in self.sessions:
                return self._reply_session(method, session, rest, body or {})
        return 404, {"name": "NotFoundError", "data": {"message": f"nothing at {path}"}}

    def _reply_session(self, method: str, session: str, rest: list[str], body: Json) -> tuple[int, Any]:
        match method, rest:
            case "GET", ["children"]:
                return 200, [each for each in self.sessions.values() if each.get("parentID") == session]
            case "GET", ["message"]:
                return 200, self.messages[session]
            case "POST", ["prompt_async"]:
                text = "".join(part.get("text", "") for part in body["parts"])
                threading.Thread(target=self.on_prompt, args=(session, text), daemon=True).start()
                return 204, None
            case "POST", ["abort"]:
                self.emit("session.error", sessionID=session, error={"name": "MessageAbortedError", "data": {}})
                self.status(session, "idle")
                return 200, True
            case "POST", ["fork"]:
                fork = f"ses_{next(self._numbers):06}"
                self.open(fork)
                self.messages[fork] = [*self.messages[session]]
                return 200, self.sessions[fork]
            case "POST", ["share"]:
                return 200, {"share": {"url": f"https://x.example/{session}"}}
        return 200, self.sessions[session]


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, fake: FakeServer, port: int) -> None:
        self.fake = fake
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        for each in [*self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that is broken is meant to be."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _fake(self) -> FakeServer:
        return cast(_HTTPServer, self.server).fake

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        wanted = base64.b64encode(f"opencode:{self._fake.password}".encode()).decode()
        if self._fake.password is not None and self.headers.get("Authorization") != f"Basic {wanted}":
            self._answer(401, None)
            return
        path = urlsplit(self.path).path
        assert path.startswith("/global") or parse_qs(urlsplit(self.path).query).get("directory")
        if path == "/global/event":
            self._stream()
        else:
            self._answer(*self._fake.reply(self.command, path, json.loads(body) if body else None))

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        listener = self._fake.listen()
        while (line := listener.get()) is not None:
            self.wfile.write(b"data: %b\n\n" % line)
            self.wfile.flush()

    def _answer(self, status: int, value: Any) -> None:
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
