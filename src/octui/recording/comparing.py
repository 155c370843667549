"""The runs of a session side by side: what each came to, in figures that can be sorted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from octui.client.result import Totals
from octui.recording.facts import RunState, Settled
from octui.recording.run_meta import RunMeta
from octui.recording.session import Session
from octui.recording.status import RunStatus

_OUTCOMES = (
    RunState.SUCCEEDED,
    RunState.RUNNING,
    RunState.STARTING,
    RunState.RETRYING,
    RunState.QUEUED,
    RunState.TIMED_OUT,
    RunState.STOPPED,
    RunState.FAILED,
)
"""From the best to the worst."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to, or has come to by now.

    Attributes:
        run: Its name.
        group: The name it shares with others; empty for none.
        model: ``provider/model``; empty where opencode chose.
        state: See `RunState`.
        seconds: How long it took; None before it began.
        turns: How many answers of the model began.
        tokens: All kinds of them.
        cost: In US dollars.
        is_incomplete: Whether steps are missing from tokens and cost.
        files: How many files it changed in its worktree; None for a run that has none, as for the next two.
        added: Lines added.
        removed: Lines removed.
        check: The exit code of its check; None where there was none, or it was ended.
        has_check: Whether a check is asked for.
        is_checking: Whether it is under way.
        settled: What was done with its changes; None where nothing was.
    """

    run: str
    group: str
    model: str
    state: RunState
    seconds: float | None
    turns: int
    tokens: int
    cost: float
    is_incomplete: bool
    files: int | None
    added: int | None
    removed: int | None
    check: int | None
    has_check: bool
    is_checking: bool
    settled: Settled | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table.

    Attributes:
        id: What it is called, also on the command line.
        key: What it is sorted by; None stands last in either direction.
    """

    id: str
    key: Callable[[Figures], float | str | None]


COLUMNS = (
    Column("run", lambda each: ""),  # All alike, so that they stay in the plan's order.
    Column("model", lambda each: each.model or None),
    Column("outcome", lambda each: _OUTCOMES.index(each.state)),
    Column("time", lambda each: each.seconds),
    Column("turns", lambda each: each.turns),
    Column("tokens", lambda each: each.tokens),
    Column("cost", lambda each: each.cost),
    Column("files", lambda each: each.files),
    Column("added", lambda each: each.added),
    Column("removed", lambda each: each.removed),
    Column("check", lambda each: each.check),
)


def figures_of(name: str, meta: RunMeta, status: RunStatus, totals: Totals, now: float) -> Figures:
    """Put together what a run came to.

    Args:
        name: The run's name.
        meta: What it was asked.
        status: Where it stands.
        totals: The fold of its events.
        now: Seconds since the epoch; until then counts the time of one that is at work.
    """
    has_tree, changes = status.worktree is not None, status.changes
    return Figures(
        run=name,
        group=meta.group,
        model=meta.model,
        state=status.state,
        seconds=status.elapsed(now),
        turns=totals.turns,
        tokens=totals.tokens.total,
        cost=totals.cost,
        is_incomplete=totals.lacks_steps(is_over=status.state.is_final),
        files=changes.files if changes else 0 if has_tree else None,
        added=changes.added if changes else 0 if has_tree else None,
        removed=changes.removed if changes else 0 if has_tree else None,
        check=status.checked.exit_code if status.checked else None,
        has_check=bool(meta.check),
        is_checking=bool(status.checking),
        settled=status.settled,
    )


def compare_runs(session: Session, now: float) -> list[Figures]:
    """Put the runs of a session side by side, in the plan's order.

    Args:
        session: The session.
        now: See `figures_of`.
    """
    status = session.status
    return [
        figures_of(name, session.meta(name), status.run(name), session.log(name).totals, now)
        for name in session.run_names
    ]


def ordered(runs: Iterable[Figures], column: str, *, descending: bool = False) -> list[Figures]:
    """Sort runs by a column; those alike stay in the order they are in, those without a figure stand last."""
    key = next(each.key for each in COLUMNS if each.id == column)
    known: list[Figures] = []
    unknown: list[Figures] = []
    for each in runs:
        (unknown if key(each) is None else known).append(each)
    if column == "run":
        return known[::-1] if descending else known
    return [*sorted(known, key=key, reverse=descending), *unknown]  # type: ignore[arg-type]  # a column has figures of one kind
