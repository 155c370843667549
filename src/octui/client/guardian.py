"""Ends the processes of a Python program's runs when the program itself is gone, by whatever, ``kill -9`` included.

One guardian process serves one Python process. It reads lines from a pipe: ``+ MARK FOLDER`` before a run's process
is spawned, ``- MARK`` when the run is over. At the end of the pipe its parent is gone: it ends everything that bears
one of the marks left, removes their folders and the parent's other temporary entries, and leaves. Being a session of
its own, no key of the terminal reaches it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from octui import temporary
from octui.client.process import bearers_of

TERM_GRACE_S = 0.5
KILL_UNTIL_S = 10.0
LEAVE_S = 0.5
QUIET_ROUNDS = 3
"""After so many looks in a row that find nothing, nothing is left: a process may be born between two looks."""


class Guardian:
    """The parent's end: starts the guardian at the first run, and again where it was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._watched: dict[str, str] = {}
        atexit.register(self._leave)

    def watch(self, mark: str, folder: Path) -> None:
        """Have everything that bears the mark ended, and the folder removed, should this process go away.

        Must be called before the process that bears the mark is spawned.

        Raises:
            OSError: The guardian cannot be started.
        """
        with self._lock:
            self._ensure()
            self._watched[mark] = str(folder)
            self._say(f"+ {mark} {folder}")

    def release(self, mark: str) -> None:
        """Say that the run is over."""
        with self._lock:
            if self._owner == os.getpid() and self._watched.pop(mark, None) is not None:
                self._say(f"- {mark}")

    def _ensure(self) -> None:
        """Have a guardian of this very process: a forked child must not speak through its parent's pipe."""
        if self._owner == os.getpid() and self._process is not None and self._process.poll() is None:
            return
        if self._owner != os.getpid():
            self._watched.clear()
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from octui.client.guardian import guard; guard()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        for mark, folder in self._watched.items():
            self._say(f"+ {mark} {folder}")

    def _leave(self) -> None:
        """Let the guardian go when the program ends in order, so that Python warns of nothing left open."""
        if self._owner == os.getpid() and self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._process.stdin.close()
                self._process.wait(LEAVE_S)

    def _say(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(os.fsencode(f"{line}\n"))
            self._process.stdin.flush()


def _environment() -> dict[str, str]:
    """What Python needs to start as it did here, and nothing else: the user's keys are none of its business."""
    kept = ("PATH", "HOME", "TMP", "TEMP", "LANG", "LC_", "PYTHON", "LD_", "DYLD_")
    env = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    return {**env, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


guardian = Guardian()
"""The guardian of this Python process."""


def guard() -> None:
    """The guardian's whole life."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    owner = os.getppid()
    temporary.sweep_stale()
    watched: dict[str, str] = {}
    for line in map(os.fsdecode, sys.stdin.buffer):
        sign, _, rest = line.rstrip("\n").partition(" ")
        mark, _, folder = rest.partition(" ")
        if sign == "+":
            watched[mark] = folder
        else:
            watched.pop(mark, None)
    end_bearers(watched)
    for folder in watched.values():
        shutil.rmtree(folder, ignore_errors=True)
    temporary.remove_entries_of(owner)


def end_bearers(marks: Iterable[str]) -> None:
    """End every process that bears one of the marks: TERM, a short grace, then KILL until none is left."""
    marks = list(marks)
    if not marks:
        return
    started = time.monotonic()
    quiet = 0
    while quiet < QUIET_ROUNDS and time.monotonic() - started < KILL_UNTIL_S:
        left = [process for mark in marks for process in bearers_of(mark)]
        hard = time.monotonic() - started >= TERM_GRACE_S
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        quiet = 0 if left else quiet + 1
        time.sleep(0.05 if hard or not left else 0.1)
