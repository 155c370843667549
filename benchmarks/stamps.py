"""A model whose every token says when it was sent: `serve.py` starts it in a process of its own.

Its arguments are how many tokens a second an answer has and how many seconds it lasts; it prints its address and
serves until its stdin ends. A token reads ``@4711.123456@``: seconds of the clock, without all above ten thousand.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from octui.demo import chat_format
from octui.demo.script import Request, Usage

ROOM_S = 10_000
MARK = re.compile(rb"@(\d{1,4}\.\d{6})@")
"""Finds tokens in what came of them."""

PARAGRAPH_TOKENS = 50
TITLE = "Stamps"


def stamp(now: float) -> str:
    """The token of a moment, in seconds since the epoch."""
    return f"@{now % ROOM_S:.6f}@"


def since(stamped: float, now: float) -> float:
    """Seconds from a stamp to a moment shortly before or after it."""
    return (now - stamped + ROOM_S / 2) % ROOM_S - ROOM_S / 2


class Handler(BaseHTTPRequestHandler):
    """Streams an answer at an even pace, however long a token took to be sent."""

    protocol_version = "HTTP/1.1"
    rate = 100.0
    seconds = 10.0

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""

    def do_POST(self) -> None:
        request = Request(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._say(request, {"role": "assistant"})
        if request.wants_title:
            self._say(request, {"content": TITLE})
        else:
            self._stream(request)
        self._send(chat_format.chunk(request.model, {}, "stop", Usage(1, 1)) + chat_format.STREAM_END)
        self.wfile.write(b"0\r\n\r\n")

    def _stream(self, request: Request) -> None:
        began = time.time()
        for number in range(1, int(self.seconds * self.rate) + 1):
            time.sleep(max(0.0, began + number / self.rate - time.time()))
            end = " " if number % PARAGRAPH_TOKENS else "\n\n"
            self._say(request, {"content": stamp(time.time()) + end})

    def _say(self, request: Request, delta: dict[str, str]) -> None:
        self._send(chat_format.chunk(request.model, delta))

    def _send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked went away: the measuring is over."""


def main() -> None:
    """Serve until stdin ends."""
    Handler.rate, Handler.seconds = float(sys.argv[1]), float(sys.argv[2])
    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
