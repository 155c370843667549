"""The sessions of a folder: listed, summed up, and found by what somebody calls one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octui import paths
from octui.errors import RecordingError
from octui.recording.facts import RunState
from octui.recording.recording_file import STDIN, STDIN_PATH
from octui.recording.rest import rest_of

if TYPE_CHECKING:
    from octui.recording.session import Session

LAST = "last"
"""What the newest session can be called, unless one has that name."""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A line of the list of sessions; ``resumable`` is how many runs would begin anew if it were resumed."""

    path: Path
    name: str
    started_at: float
    is_live: bool
    interrupted: bool
    runs: int
    counts: dict[RunState, int]
    attention: int
    resumable: int

    @property
    def unfinished(self) -> int:
        """How many runs did not succeed, or have not yet."""
        return self.runs - self.counts[RunState.SUCCEEDED]


def list_sessions(folder: Path) -> list[SessionSummary]:
    """Every session in a folder, newest first; what is no session is left out."""
    found = [summarize(session) for session in sessions_in(folder)]
    return sorted(found, key=lambda summary: (summary.started_at, summary.path.name), reverse=True)


def sessions_in(folder: Path) -> Iterator[Session]:
    """Open every session in a folder, one after another; what is no session is left out."""
    from octui.recording.session import Session  # Which gives the names of this module on to who reads sessions.

    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(RecordingError):
                if path.is_dir() and not path.name.startswith("."):
                    yield Session.open(path)


def summarize(session: Session) -> SessionSummary:
    """Give a session's line in the list."""
    status = session.status
    runs = [status.run(name) for name in session.run_names]
    counts = dict.fromkeys(RunState, 0)
    for run in runs:
        counts[run.state] += 1
    return SessionSummary(
        path=session.folder,
        name=session.name,
        started_at=session.started_at or 0.0,
        is_live=session.is_live,
        interrupted=session.interrupted,
        runs=len(runs),
        counts=counts,
        attention=sum(bool(run.attention or run.requests) for run in runs),
        resumable=len(rest_of(session).anew),
    )


def resolve_session(ref: str | None, folder: Path | None = None) -> Path:
    """Find the session somebody means.

    Args:
        ref: A path, `STDIN`, or a session's folder name, plan name or the beginning of either; `LAST` for the newest;
            None for the newest, a live one before any other.
        folder: Where sessions are; the user's by default.

    Raises:
        RecordingError: There is none, or more than one.
    """
    if ref == STDIN:
        return STDIN_PATH
    if ref is not None and ("/" in ref or Path(ref).exists()):
        return Path(ref).expanduser().absolute()
    sessions = list_sessions(folder or paths.sessions_dir())
    if not sessions:
        raise RecordingError("There are no sessions yet.", hint="Start one with `octui`, or see `octui demo`.")
    if ref is None:
        return next((summary.path for summary in sessions if summary.is_live), sessions[0].path)
    exact = [summary.path for summary in sessions if ref in (summary.path.name, summary.name)]
    if ref == LAST and not exact:
        return sessions[0].path
    begun = [s.path for s in sessions if s.path.name.startswith(ref) or s.name.startswith(ref) or ref in s.path.name]
    found = exact or begun
    if not found:
        known = [name for summary in sessions for name in (summary.path.name, summary.name)]
        near = difflib.get_close_matches(ref, known, n=1)
        hint = "`octui sessions` lists those there are."
        raise RecordingError(
            f"There is no session called {ref!r}.", hint=f"Did you mean {near[0]!r}? {hint}" if near else hint
        )
    if len(found) > 1 and not exact:
        names = ", ".join(path.name for path in found[:4])
        raise RecordingError(f"{ref!r} may mean more than one session: {names}.", hint="Write more of the name.")
    return found[0]
