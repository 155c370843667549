"""Settling what a run changed in its worktree, whether its session is at work or long over."""

from __future__ import annotations

import os

from octui import paths
from octui.control.client import ControlClient, request
from octui.control.messages import Settle
from octui.errors import ControlError, WorkspaceError
from octui.recording.facts import Settled, WorktreeSettled, encode_fact
from octui.recording.layout import FACTS_FILE
from octui.recording.session import Session
from octui.recording.writer_lock import hold
from octui.workspace.settle import How, settle
from octui.workspace.worktree import Worktree


def settle_run(session: Session, run: str, how: How, message: str = "", *, anyway: bool = False) -> None:
    """Do something with what a run changed; a supervisor that is at work does it, or else it is done here.

    It waits for git, so call it in a thread.

    Args:
        session: The run's session.
        run: The run.
        how: See `octui.workspace.settle.settle`.
        message: For a commit.
        anyway: Whether to go on where files hold work of the user's that is in no commit.

    Raises:
        UncommittedWorkError: Work would be lost or overwritten.
        ConflictError: The changes do not fit.
        WorkspaceError: It cannot be done for another reason.
        ControlError: The supervisor is gone, or refuses.
    """
    if session.is_live:
        request(session.socket, Settle(id=1, run=run, how=how, message=message, anyway=anyway))
        return
    status = session.status
    made = status.run(run).worktree
    if made is None:
        raise WorkspaceError(f"{run} has no worktree.")
    try:
        lock = hold(session.folder)
    except BlockingIOError:
        raise ControlError(f"{session.folder.name} is live again.", hint="Try again.") from None
    try:
        words = settle(Worktree.told_by(made), paths.worktrees_dir(), how, message, anyway=anyway)
        at = session.ended_at or 0.0
        for each in status.runs.values():
            if each.worktree is not None and each.worktree.path == made.path:  # It, and its forks.
                write_settled(session, WorktreeSettled(at=at, run=each.name, how=Settled(how), words=words))
    finally:
        os.close(lock)


async def have_settled(session: Session, run: str, how: How, message: str = "", *, anyway: bool = False) -> None:
    """Have the supervisor that is at work on a session do it, which takes as long as git does.

    Whoever waits no more leaves it to be done all the same. Arguments and errors are those of `settle_run`.
    """
    client = await ControlClient.connect(session.socket)
    try:
        await client.settle(run, how, message, anyway=anyway)
    finally:
        await client.close()


def write_settled(session: Session, fact: WorktreeSettled) -> None:
    """Add to a session that is over what became of a worktree; whoever does holds its lock.

    Its moment should be the session's last, so that a replay is no longer for it.

    Raises:
        OSError: It cannot be written.
    """
    handle = os.open(session.folder / FACTS_FILE, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size
        is_cut = size and os.pread(handle, 1, size - 1) != b"\n"  # By the end of a supervisor that was killed.
        os.write(handle, (b"\n" if is_cut else b"") + encode_fact(fact))
    finally:
        os.close(handle)
