"""Where a diff that is shown comes from: opencode's own of a run, a run's worktree, or the worktrees of two runs.

What git or a file is waited for is in `load`, which belongs in a thread (`in_thread`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from octui.client.serve.events import FileDiff
from octui.errors import OctuiError, WorkspaceError
from octui.recording.layout import diff_path
from octui.recording.session import Session
from octui.recording.status import RunStatus
from octui.recording.worktree_diffs import file_diffs
from octui.tui.text import clean_line
from octui.workspace.changes import compare, compare_with
from octui.workspace.worktree import Worktree

Heed = Callable[[], None]
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs.

    Attributes:
        files: The files, each with its diff where there is one.
        note: What there is to know about them, in some words; clean.
    """

    files: tuple[FileDiff, ...] = ()
    note: str = ""


class Source(Protocol):
    """Gives what is shown.

    Attributes:
        title: What it is of; clean.
        empty: What to say where nothing differs, in a sentence.
        sides: What the two sides are called, where they are shown side by side; clean.
    """

    title: str
    empty: str
    sides: tuple[str, str] | None

    def mark(self) -> object:
        """Something else whenever it may be worth loading again; cheap."""

    def load(self, heed: Heed) -> Changes:
        """Find out what differs.

        Args:
            heed: Is called again and again meanwhile; what it raises ends it.
        """


class ToldByOpencode:
    """What a server told of the changes of a run, after each of its turns."""

    sides: tuple[str, str] | None = None
    empty = "What a run over a server changes is listed here after each of its turns."

    def __init__(self, session: Session, run: str) -> None:
        self._session = session
        self._run = run
        self.title = clean_line(run)

    def mark(self) -> object:
        """When it was written, and how long it is."""
        try:
            found = diff_path(self._session.folder, self._run).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def load(self, heed: Heed) -> Changes:
        """Read it."""
        return Changes(self._session.diffs(self._run))


class InWorktree:
    """What a run changed in its worktree, against its base; once that is gone, its branch, or what was recorded."""

    sides: tuple[str, str] | None = None
    empty = "What the run changes in its worktree is listed here."

    def __init__(self, session: Session, run: str) -> None:
        self._session = session
        self._run = run
        self.title = clean_line(run)

    def mark(self) -> object:
        """How much the supervisor counted, and what was done with it."""
        status = self._session.status_now(self._run)
        return status.worktree, status.changes, status.settled

    def load(self, heed: Heed) -> Changes:
        """Ask git, or read what was recorded."""
        try:
            with compare(_tree_of(self._session.status_now(self._run)), heed) as found:
                return Changes(tuple(file_diffs(found)))
        except (OctuiError, OSError) as error:
            recorded = self._session.diffs(self._run)
            if recorded:
                return Changes(recorded, "as recorded: worktree and branch are gone")
            return Changes((), clean_line(str(error)))


class BetweenRuns:
    """What leads from what one run made to what another made of the same."""

    def __init__(self, session: Session, old: str, new: str) -> None:
        self._session = session
        self._runs = old, new
        self.sides: tuple[str, str] | None = (clean_line(old), clean_line(new))
        self.title = f"{clean_line(old)} → {clean_line(new)}"
        self.empty = "Both runs left the same files behind."

    def mark(self) -> object:
        """How much the supervisor counted of either."""
        return [(status.worktree, status.changes, status.settled) for status in map(self._status, self._runs)]

    def load(self, heed: Heed) -> Changes:
        """Ask git."""
        try:
            old, new = (_tree_of(self._status(run)) for run in self._runs)
            with compare_with(old, new, heed) as found:
                return Changes(tuple(file_diffs(found)))
        except (OctuiError, OSError) as error:
            return Changes((), clean_line(f"They cannot be compared: {error}"))

    def _status(self, run: str) -> RunStatus:
        return self._session.status_now(run)


class LeftError(Exception):
    """Nobody waits for it any more."""


async def in_thread(work: Callable[[Heed], Given]) -> Given:
    """Do something that is waited for in a thread; it is ended where the waiting is cancelled.

    Args:
        work: Is given what it has to call again and again.
    """
    left = threading.Event()

    def heed() -> None:
        if left.is_set():
            raise LeftError

    try:
        return await asyncio.to_thread(work, heed)
    finally:
        left.set()


def _tree_of(status: RunStatus) -> Worktree:
    if status.worktree is None:
        raise WorkspaceError(f"{status.name} has no worktree.")
    return Worktree.told_by(status.worktree)
