"""Looking at the machine's processes from a test."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import psutil


def processes_marked(name: str, value: str) -> list[psutil.Process]:
    """The living processes whose environment has the variable ``name`` with this value."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(name) == value and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0, *, what: str = "") -> None:
    """Wait until something outside of this process is so; for what no event tells.

    Raises:
        TimeoutError: It was not so within ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what or "the condition did not come true in time")
        time.sleep(0.05)
