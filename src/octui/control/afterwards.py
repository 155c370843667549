"""Facts that come behind a session that is over: what a person did about it since.

They bear the session's last moment, so that a replay is no longer for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from octui.errors import ControlError, RecordingError
from octui.recording.facts import AnyFact, Attention, AttentionCleared, encode_fact
from octui.recording.layout import FACTS_FILE
from octui.recording.session import Session
from octui.recording.writer_lock import hold


@contextmanager
def held(session: Session) -> Iterator[None]:
    """Let nobody take a session up as long as the block runs.

    Raises:
        ControlError: Somebody has.
        RecordingError: Its folder cannot be written.
    """
    try:
        lock = hold(session.folder)
    except BlockingIOError:
        raise ControlError(f"{session.folder.name} is live again.", hint="Try again.") from None
    except OSError as error:
        raise _cannot_be_written(session, error) from error
    try:
        yield
    finally:
        os.close(lock)


def add_fact(session: Session, fact: AnyFact) -> None:
    """Write a fact behind the others; whoever does holds the session's lock.

    Raises:
        RecordingError: It cannot be written.
    """
    try:
        handle = os.open(session.folder / FACTS_FILE, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            size = os.fstat(handle).st_size
            is_cut = size and os.pread(handle, 1, size - 1) != b"\n"  # By the end of a supervisor that was killed.
            os.write(handle, (b"\n" if is_cut else b"") + encode_fact(fact))
        finally:
            os.close(handle)
    except OSError as error:
        raise _cannot_be_written(session, error) from error


def acknowledge(session: Session, run: str, reasons: Iterable[Attention]) -> None:
    """Write down that somebody has seen why a run of a session that is over wants to be looked at.

    Raises:
        ControlError: The session is live again.
        RecordingError: It cannot be written.
    """
    at = session.ended_at or 0.0
    with held(session):
        for kind in reasons:
            add_fact(session, AttentionCleared(at=at, run=run, kind=kind, seen=True))


def _cannot_be_written(session: Session, error: OSError) -> RecordingError:
    return RecordingError(f"{session.folder} cannot be written: {error.strerror or error}.")
