"""A real pseudo-terminal with a program on it, looked at from outside: when do which bytes come out of it?

Reading goes on in a thread of its own, so that the program never waits for the one who measures, but where the link is
made slow on purpose.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

KEPT_BYTES = 1 << 20
READ_BYTES = 1 << 16
SLOW_READ_BYTES = 1 << 11
LAST_READ_S = 2.0
"""How long what a program printed last may take to be read, at most."""

SETTLED_S = 0.5
SETTLED_SHARE = 0.05


class Terminal:
    """Runs a program; use it as a context manager.

    Args:
        argv: The command; its first word is a path.
        env: Its whole environment.
        columns: The terminal's width.
        rows: Its height.
        bytes_per_s: How fast the terminal takes what is written; None for as fast as it comes.
        listen: Is told every chunk, and when it came (`time.time`).
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        columns: int = 200,
        rows: int = 60,
        bytes_per_s: float | None = None,
        listen: Callable[[bytes, float], None] | None = None,
    ) -> None:
        self.bytes = 0
        self.found: re.Match[bytes]
        self._bytes_per_s = bytes_per_s
        self._listen = listen
        self._news = threading.Condition()
        self._recent = b""
        self._marked = self._heard = self.started = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(argv[0], list(argv), {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        self.process = psutil.Process(self.pid)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._reader.join(LAST_READ_S)
        if not self._reader.is_alive():  # Its number would be that of the next terminal, read by both.
            os.close(self._master)

    def press(self, keys: bytes) -> None:
        """Type; what is waited for next counts from here on."""
        self.mark()
        os.write(self._master, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Give it another size, and tell the program."""
        self.mark()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def mark(self) -> None:
        """Forget what came before."""
        with self._news:
            self._recent = b""
            self._marked = time.perf_counter()

    def wait_for(self, pattern: bytes, timeout_s: float = 30) -> float:
        """Wait until something matches in what came since the last mark; give the seconds since then.

        What matched is `found` afterwards.

        Raises:
            TimeoutError: It did not come.
        """
        found = re.compile(pattern, re.DOTALL)
        with self._news:
            while (match := found.search(self._recent)) is None:
                left = self._marked + timeout_s - time.perf_counter()
                if left <= 0:
                    raise TimeoutError(f"{pattern!r} did not come; the last that did: {self._recent[-300:]!r}")
                self._news.wait(left)
            self.found = match
            return time.perf_counter() - self._marked

    def settle(self) -> float:
        """Wait until the program does nothing any more; give the seconds from its start until then."""
        while True:
            before, at = self.cpu_s(), time.perf_counter()
            time.sleep(SETTLED_S)
            if self.cpu_s() - before < SETTLED_SHARE * SETTLED_S:
                return at - self.started

    def silent(self) -> float:
        """Wait until nothing more comes out of it; give the seconds from the last mark to the last that came."""
        while time.perf_counter() - max(self._heard, self._marked) < SETTLED_S:
            time.sleep(SETTLED_S / 10)
        return self._heard - self._marked

    def cpu_s(self) -> float:
        """Processor time it has used, in seconds."""
        return cpu_s(self.process)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, SLOW_READ_BYTES if self._bytes_per_s else READ_BYTES)
            except OSError:
                return
            if self._bytes_per_s:
                time.sleep(len(data) / self._bytes_per_s)
            if self._listen is not None:
                self._listen(data, time.time())
            with self._news:
                self.bytes += len(data)
                self._heard = time.perf_counter()
                self._recent = (self._recent + data)[-KEPT_BYTES:]
                self._news.notify_all()


def cpu_s(process: psutil.Process) -> float:
    """Processor time a process has used, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def memory_mb(process: psutil.Process) -> tuple[float, float]:
    """Resident memory of a process in MB, now and at its peak (Linux)."""
    with Path(f"/proc/{process.pid}/status").open() as file:
        kilobytes = {
            key: int(value.split()[0])
            for key, _, value in (line.partition(":") for line in file)
            if key in ("VmRSS", "VmHWM")
        }
    return kilobytes["VmRSS"] / 1000, kilobytes["VmHWM"] / 1000
