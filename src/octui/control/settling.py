"""Settling what a run changed in its worktree, whether its session is at work or long over."""

from __future__ import annotations

from octui import paths
from octui.control.afterwards import add_fact, held
from octui.control.client import ControlClient, request
from octui.control.messages import Settle
from octui.errors import WorkspaceError
from octui.recording.facts import Settled, WorktreeSettled
from octui.recording.session import Session
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
        RecordingError: It cannot be written down.
    """
    if session.is_live:
        request(session.socket, Settle(id=1, run=run, how=how, message=message, anyway=anyway))
        return
    status = session.status
    made = status.run(run).worktree
    if made is None:
        raise WorkspaceError(f"{run} has no worktree.")
    refuse_settled(run, status.run(run).settled)
    with held(session):
        words = settle(Worktree.told_by(made), paths.worktrees_dir(), how, message, anyway=anyway)
        at = session.ended_at or 0.0
        for each in status.runs.values():
            if each.worktree is not None and each.worktree.path == made.path:  # It, and its forks.
                add_fact(session, WorktreeSettled(at=at, run=each.name, how=Settled(how), words=words))


def refuse_settled(run: str, settled: Settled | None) -> None:
    """Refuse to settle what a run changed where nothing of it is left.

    Args:
        run: The run's name.
        settled: What was done last with what it changed.

    Raises:
        WorkspaceError: Nothing was changed, or it was discarded.
    """
    if settled is Settled.EMPTY:
        raise WorkspaceError(f"{run} changed nothing, so there is nothing to settle.")
    if settled is Settled.DISCARDED:
        raise WorkspaceError(f"What {run} changed was discarded, so there is nothing to settle.")


async def have_settled(session: Session, run: str, how: How, message: str = "", *, anyway: bool = False) -> None:
    """Have the supervisor that is at work on a session do it, which takes as long as git does.

    Whoever waits no more leaves it to be done all the same. Arguments and errors are those of `settle_run`.
    """
    client = await ControlClient.connect(session.socket)
    try:
        await client.settle(run, how, message, anyway=anyway)
    finally:
        await client.close()
