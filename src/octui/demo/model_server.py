"""A scripted model on loopback that opencode takes for an OpenAI-compatible provider.

It needs no account and no network, and answers by `octui.demo.script`: by a script whose marker stands in the prompt,
else by the directives the prompt itself carries. opencode's own requests without tools (it asks for a title) are
answered with a short title. Real tools really run: only the model is made up.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast

from octui.demo import chat_format
from octui.demo.script import Failure, Request, Script, Turn, script_from_prompt
from octui.errors import ConfigError

PROVIDER = "scripted"
"""Name of the provider in opencode's config."""

MODEL = "m1"
"""Name of its only model; opencode calls it ``scripted/m1``."""

OFFLINE_ENVIRONMENT = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "npm_config_offline": "true",
}
"""Keeps opencode 1.18 off the network, for ``RunConfig.extra_env``. Measured: on its first start in a home it otherwise
fetches the list of models and installs ``@opencode-ai/plugin`` with npm into its config folder, in the background; that
takes seconds and megabytes, and needs neither to run."""


def provider_config(base_url: str) -> dict[str, Any]:
    """The part of opencode's config that makes it ask the scripted model, for ``RunConfig.config_overrides``.

    Args:
        base_url: As told by `ModelServer.base_url`, such as ``http://127.0.0.1:4711/v1``.
    """
    model = {
        "name": "Scripted model",
        "tool_call": True,
        "reasoning": True,
        "limit": {"context": 128_000, "output": 8_000},
        "cost": {"input": 1, "output": 2},
    }
    return {
        "provider": {
            PROVIDER: {
                "npm": "@ai-sdk/openai-compatible",
                "name": "Scripted",
                "options": {"baseURL": base_url, "apiKey": "not-a-secret"},
                "models": {MODEL: model},
            }
        },
        "model": f"{PROVIDER}/{MODEL}",
    }


class ModelServer:
    """The scripted model, served from a thread on a free port of 127.0.0.1.

    Use it as a context manager; it serves while the block runs. Every connection has a thread of its own.

    Args:
        scripts: Looked through in order; the first that is for a request answers it.
    """

    def __init__(self, scripts: Sequence[Script] = ()) -> None:
        self._scripts = tuple(scripts)
        self._requests: list[Request] = []
        self._arrived = threading.Condition()
        self._asked: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._http = _HTTPServer(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="scripted-model")

    @property
    def base_url(self) -> str:
        """Where it is served, such as ``http://127.0.0.1:4711/v1``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def requests(self) -> list[Request]:
        """The requests for completions so far, titles left out, in the order in which they came."""
        with self._arrived:
            return list(self._requests)

    def wait_for_requests(self, count: int, timeout_s: float) -> list[Request]:
        """Wait until so many requests have come, and return them.

        Raises:
            TimeoutError: They did not come within ``timeout_s`` seconds.
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._requests) >= count, timeout_s):
                raise TimeoutError(f"{len(self._requests)} of {count} requests came within {timeout_s} s")
            return list(self._requests)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Turn:
        """Note a request and choose its answer; a failure that has happened often enough is left out of it."""
        if request.wants_title:
            return Turn(text=self._script_for(request).title)
        turn = self._script_for(request).answer(request)
        with self._arrived:
            self._requests.append(request)
            self._arrived.notify_all()
            if turn.failure is None:
                return turn
            conversation = json.dumps(request.messages)
            self._asked[conversation] += 1
            happened = turn.failure.times is not None and self._asked[conversation] > turn.failure.times
            return replace(turn, failure=None) if happened else turn

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than the server serves.

        Raises:
            ConnectionAbortedError: The server is stopping.
        """
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError("the scripted model is stopping")

    def _script_for(self, request: Request) -> Script:
        for script in self._scripts:
            if script.is_for(request):
                return script
        if request.wants_title:
            return Script("", ())
        return script_from_prompt(request.prompt)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, model: ModelServer) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of an error on stderr, unless it is only that a client went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _model(self) -> ModelServer:
        return cast(_HTTPServer, self.server).model

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: what was asked is in `ModelServer.requests`."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send_json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": PROVIDER}]})
        else:
            self._send_failure(Failure(HTTPStatus.NOT_FOUND, f"nothing is served at {self.path}"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/v1/chat/completions":
            self._send_failure(Failure(HTTPStatus.NOT_FOUND, f"nothing is served at {self.path}"))
            return
        try:
            request = Request(json.loads(body))
            turn = self._model.answer(request)
        except (ValueError, AttributeError, ConfigError) as error:
            self._send_failure(Failure(HTTPStatus.BAD_REQUEST, str(error)))
            return
        self._model.pause(turn.stall_s)
        if turn.failure is not None:
            self._send_failure(turn.failure)
        elif request.body.get("stream"):
            self._stream(request, turn)
        else:
            usage = chat_format.usage_of(turn, request)
            self._send_json(chat_format.completion(request.model, turn, request.answers, usage))

    def _stream(self, request: Request, turn: Turn) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for delta in chat_format.deltas_before_text(turn):
            self._send_chunk(chat_format.chunk(request.model, delta))
        for number, piece in enumerate(turn.text_pieces()):
            if number:
                self._model.pause(turn.pace_s)
            self._send_chunk(chat_format.chunk(request.model, {"content": piece}))
        if turn.cut:
            self.close_connection = True
            return
        if turn.calls:
            calls = chat_format.tool_calls(turn, request.answers)
            self._send_chunk(chat_format.chunk(request.model, {"tool_calls": calls}))
        usage = chat_format.usage_of(turn, request)
        self._send_chunk(chat_format.chunk(request.model, {}, turn.finish_reason, usage))
        self._send_chunk(chat_format.STREAM_END)
        self.wfile.write(b"0\r\n\r\n")

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _send_json(self, body: Any) -> None:
        self._send_body(HTTPStatus.OK, body, {})

    def _send_failure(self, failure: Failure) -> None:
        headers = {} if failure.retry_after_s is None else {"Retry-After": str(failure.retry_after_s)}
        self._send_body(failure.status, chat_format.error_body(failure), headers)

    def _send_body(self, status: int, body: Any, headers: dict[str, str]) -> None:
        data = chat_format.encode(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
