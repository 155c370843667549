"""Waiting for the agents of a supervisor that was killed: its guardian ends them, which takes it a moment."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil

from octui.errors import RecordingError
from octui.recording.facts import AnyFact, AttemptStarted, SessionStarted

PATIENCE_S = 15.0
"""The guardian gives up after ten seconds."""

_LOOK_EVERY_S = 0.1
_CLOCKS_DIFFER_S = 2.0


def wait_until_gone(facts: Sequence[AnyFact], patience_s: float = PATIENCE_S) -> None:
    """Wait until none of the processes is left that a session's last supervisor started: two would do the same work.

    Args:
        facts: The facts of the session.
        patience_s: How long to wait at most, in seconds.

    Raises:
        RecordingError: One is still there.
    """
    started: dict[int, float] = {}
    for fact in facts:
        if isinstance(fact, SessionStarted):
            started = {}
        elif isinstance(fact, AttemptStarted) and fact.pid:
            started[fact.pid] = fact.at
    stop = time.monotonic() + patience_s
    while left := [pid for pid, at in started.items() if _is_there(pid, at)]:
        if time.monotonic() >= stop:
            raise RecordingError(
                f"An agent of this session is still at work (process {left[0]}).", hint="End it, and try again."
            )
        time.sleep(_LOOK_EVERY_S)


def _is_there(pid: int, at: float) -> bool:
    """Whether a process that was there at a moment still is, and not another one that was given its number."""
    try:
        process = psutil.Process(pid)
        return process.create_time() <= at + _CLOCKS_DIFFER_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
