"""A real pseudo-terminal with a program on it, and what a person would see there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pyte


class Terminal:
    """Runs a program on a terminal of its own; use it as a context manager.

    Args:
        argv: The command; its first word is a path.
        env: Added to this process's environment.
        columns: The terminal's width.
        rows: Its height.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, columns: int = 120, rows: int = 40
    ) -> None:
        self.output = b""
        """All it wrote, as it came."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}, **(env or {}))
            os.execv(argv[0], list(argv))
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._ended = False

    def read(self, seconds: float = 0.1) -> None:
        """Take in what it writes, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                return
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data
            self._stream.feed(data)

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(self._screen.display)

    def wait_for(self, words: str, timeout_s: float = 20) -> None:
        """Wait until some words stand on the screen.

        Raises:
            TimeoutError: They did not come, with the screen as it was.
        """
        until = time.monotonic() + timeout_s
        while words not in self.text:
            if time.monotonic() > until:
                raise TimeoutError(f"{words!r} did not come up; on the screen:\n{self.text}")
            self.read()

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed does: the program gets SIGHUP.

        Raises:
            TimeoutError: The program went on without its terminal.
        """
        os.close(self._master)
        self._ended = True
        self._wait()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the program a signal and wait for its end; give its wait status."""
        os.kill(self.pid, number)
        status = self._wait()
        self._close()
        return status

    def _wait(self, timeout_s: float = 20) -> int:
        """Wait for the program's end; give its wait status."""
        until = time.monotonic() + timeout_s
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise TimeoutError(f"The program went on for {timeout_s} seconds.")
            time.sleep(0.01)
        return ended[1]

    def _close(self) -> None:
        if not self._ended:
            self._ended = True
            os.close(self._master)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            with suppress(ProcessLookupError, ChildProcessError):
                self.kill()
            self._close()
