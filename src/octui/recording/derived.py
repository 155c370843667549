"""States that nobody wrote down: those of a log that has no facts, and of runs whose supervisor went away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from octui.recording.event_log import EventLog
from octui.recording.facts import Attention, AttentionRaised, RunState, StateChanged
from octui.recording.status import RunStatus, SessionStatus


def derived_status(logs: Mapping[str, EventLog], moment: float | None) -> SessionStatus:
    """Tell states from events alone.

    Args:
        logs: By run.
        moment: Up to when, in seconds since the epoch; None for all there is.
    """
    status = SessionStatus()
    for name, log in logs.items():
        count = len(log) if moment is None else log.first_at_or_after(moment + 0.0005)
        whole = count == len(log)
        totals = log.totals if whole else log.totals_at(count)
        run = status.run(name)
        if count:
            run.started_at = log.time(0)
        if not whole:
            run.state = RunState.RUNNING if count else RunState.QUEUED
            continue
        at = log.time(count - 1) if count else 0.0
        if totals.last_error:
            state, why = RunState.FAILED, totals.last_error
        elif totals.finished:
            state, why = RunState.SUCCEEDED, ""
        else:
            state, why = RunState.FAILED, "the recording ends before the answer does"
        status.apply(StateChanged(at=at, run=name, state=state, why=why))
        if log.tail_incomplete:
            words = "the recording's last line is cut"
            status.apply(AttentionRaised(at=at, run=name, kind=Attention.INTERRUPTED, words=words))
        elif totals.open_step:
            words = "ended in the middle of a step; its cost is missing"
            status.apply(AttentionRaised(at=at, run=name, kind=Attention.ENDED_MID_STEP, words=words))
    return status


def as_interrupted(status: SessionStatus, runs: Iterable[str], at: float) -> SessionStatus:
    """Give where a session stands whose supervisor went away: the runs that had not ended are failed.

    Args:
        status: Where the session stood; it stays as it is.
        runs: The names of its runs.
        at: When it was last heard of, in seconds since the epoch; 0 where nothing tells.
    """
    when = f" after {datetime.fromtimestamp(at):%Y-%m-%d %H:%M:%S}" if at else ""
    found = replace(status, runs=dict(status.runs))
    for name in runs:
        run = status.runs.get(name) or RunStatus(name)
        if not run.state.is_final:
            found.runs[name] = replace(run, requests={})
            why = f"interrupted: octui's supervisor went away{when}"
            found.apply(StateChanged(at=at, run=name, state=RunState.FAILED, why=why))
    return found
