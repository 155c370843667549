"""All that it takes to resume a session that is over: its plan, and what earlier work counts for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from octui.errors import UsageError
from octui.plan.budget import Meter, Spent
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import AnyFact, RunState, SessionStarted
from octui.recording.recorded_plan import read_recorded
from octui.recording.rest import Rest, rest_of
from octui.recording.session import Session
from octui.recording.status import SessionStatus


@dataclass(frozen=True, slots=True)
class Resumption:
    """All that it takes to resume a session.

    Attributes:
        rest: What begins anew, and what stays.
        plan: The whole plan, secrets included.
        worked_s: For how many seconds runs of it were at work, or waiting for their turn, before.
    """

    rest: Rest
    plan: Plan
    worked_s: float


def check_resumable(session: Session) -> Rest:
    """Tell what begins anew, which is something.

    Raises:
        UsageError: It is no session of octui, is live, or has nothing left to do.
    """
    name = session.folder.name
    if session.is_bare:
        raise UsageError(
            f"{name} is a recording of opencode, not a session of octui; there is no plan to go on with.",
            hint="`octui replay` shows it.",
        )
    if session.is_live:
        raise UsageError(f"{name} is live.", hint=f"`octui attach {name}` shows it.")
    rest = rest_of(session)
    status = session.status
    if not rest.anew and any(status.run(run).state is not RunState.SUCCEEDED for run in rest.kept):
        raise UsageError(
            f"Only forks of {name} did not succeed, and a fork does not begin anew: it goes on with what it is asked.",
            hint=f"`octui attach {name}` shows them, to ask them more.",
        )
    if not rest.anew:
        raise UsageError(f"All runs of {name} succeeded; nothing is left to do.", hint="`octui replay` shows them.")
    return rest


def resumption(session: Session, given: Plan | None = None) -> Resumption:
    """Tell all that it takes to resume a session.

    Args:
        session: The session, read whole.
        given: The plan it was made of, as far as that has to be given again.

    Raises:
        UsageError: It cannot be resumed, has nothing left to spend, was made of another plan, or lacks a folder.
        RecordingError: Its plan cannot be run again.
    """
    rest = check_resumable(session)
    name = session.folder.name
    recorded = read_recorded(session.folder)
    _check_folders(session, [run for run in recorded.plan.runs if run.name in rest.anew])
    plan = recorded.whole(given)
    worked_s = worked(session.facts)
    if words := Meter(plan.budget, "the plan's").crossed(_spent(session, worked_s)):
        raise UsageError(
            f"{name} is not resumed: {words}.",
            hint=f"Raise the budget in the plan, and give it: `octui resume {name} --plan FILE`.",
        )
    return Resumption(rest, plan, worked_s)


def _check_folders(session: Session, runs: Sequence[RunSpec]) -> None:
    """Refuse where a run has no folder to begin anew in; those of runs that are kept may be gone.

    So may the folder a run's worktree was made of: that is there, or is restored from its repository.
    """
    for run in runs:
        is_elsewhere = run.config.attach and run.backend != "run"
        has_tree = run.worktree and session.status.run(run.name).worktree is not None
        if not is_elsewhere and not has_tree and not run.workspace.is_dir():
            words = f"{run.workspace}, in which {run.name} would begin anew, does not exist"
            raise UsageError(
                f"{session.folder.name} is not resumed: {words}.",
                hint="Make it, or bring it back.",
            )


def worked(facts: Sequence[AnyFact]) -> float:
    """For how many seconds at least one run was not over, by facts; without the time when nobody was at work."""
    status, seconds, before = SessionStatus(), 0.0, 0.0
    for fact in facts:
        if not isinstance(fact, SessionStarted) and any(not run.state.is_final for run in status.runs.values()):
            seconds += max(0.0, fact.at - before)
        status.apply(fact)
        before = fact.at
    return seconds


def _spent(session: Session, seconds: float) -> Spent:
    totals = [session.log(run).totals for run in session.run_names]
    return Spent(
        cost=sum(each.cost for each in totals),
        tokens=sum(each.tokens.total for each in totals),
        turns=sum(each.turns for each in totals),
        seconds=seconds,
    )
