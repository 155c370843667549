"""What is left to do of a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.recording.conftest import CAPTURES, answer
from tests.recording.test_session import begin

from octui.client.config import RunConfig
from octui.errors import UsageError
from octui.plan.budget import Budget
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import AnyFact, RunAdded, RunState, SessionEnded, SessionStarted, StateChanged
from octui.recording.journal import Journal
from octui.recording.rest import Rest, rest_of
from octui.recording.resuming import check_resumable, resumption, worked
from octui.recording.session import Session, summarize


def state(at: float, run: str, now: RunState) -> StateChanged:
    return StateChanged(at=at, run=run, state=now)


def started(at: float) -> SessionStarted:
    return SessionStarted(at=at, pid=1, socket="", octui="0", opencode="1", runs=("api", "worker"))


def test_what_did_not_succeed_begins_anew_and_forks_are_kept(journal: Journal) -> None:
    begin(journal)
    journal.fact(state(101, "api", RunState.SUCCEEDED))
    journal.fact(RunAdded(at=102, run="api-fork", origin="api"))
    journal.add_run(RunSpec(name="api-fork", workspace=Path("/"), prompt="x", config=RunConfig()))
    journal.write_outcome({})
    journal.fact(state(103, "api-fork", RunState.FAILED))
    journal.close()
    assert rest_of(Session.open(journal.folder)) == Rest(("worker",), ("api", "api-fork"))


def test_where_only_forks_did_not_succeed_the_list_offers_nothing_and_resuming_says_what_to_do(
    journal: Journal,
) -> None:
    begin(journal)
    for run in ("api", "worker"):
        journal.fact(state(101, run, RunState.SUCCEEDED))
    journal.add_run(RunSpec(name="api-fork", workspace=Path("/"), prompt="x", config=RunConfig()))
    journal.write_outcome({})
    journal.fact(RunAdded(at=102, run="api-fork", origin="api"))
    journal.fact(state(103, "api-fork", RunState.FAILED))
    journal.close()
    session = Session.open(journal.folder)
    summary = summarize(session)
    assert (summary.unfinished, summary.resumable) == (1, 0)
    with pytest.raises(UsageError, match=r"Only forks .* did not succeed.*`octui attach"):
        check_resumable(session)


def test_what_cannot_be_resumed_says_so(journal: Journal) -> None:
    begin(journal, pid=os.getpid())
    name = journal.folder.name
    with pytest.raises(UsageError, match=f"is live. `octui attach {name}`"):
        check_resumable(Session.open(journal.folder))
    assert rest_of(Session.open(journal.folder)).anew == ()
    for run in ("api", "worker"):
        journal.fact(state(101, run, RunState.SUCCEEDED))
    journal.close()
    with pytest.raises(UsageError, match="nothing is left to do"):
        check_resumable(Session.open(journal.folder))
    with pytest.raises(UsageError, match="recording of opencode"):
        check_resumable(Session.open(CAPTURES / "text.jsonl"))


def test_a_session_whose_budget_is_spent_is_not_resumed(tmp_path: Path) -> None:
    spec = RunSpec(name="api", workspace=tmp_path, prompt="x", config=RunConfig())
    plan = Plan(name="p", runs=(spec,), budget=Budget(max_cost=0.4))
    journal = Journal.create(tmp_path / "s", plan, opencode_version="1", binary="x", octui_version="0")
    journal.fact(started(1))
    journal.append_stdout("api", answer(2))
    journal.fact(state(3, "api", RunState.STOPPED))
    journal.close()
    session = Session.open(journal.folder)
    with pytest.raises(UsageError, match=r"the plan's budget was spent: \$0\.5 of \$0\.4\. Raise"):
        resumption(session)
    more = Plan(name="p", runs=(spec,), budget=Budget(max_cost=0.6))
    found = resumption(session, more)
    assert (found.rest.anew, found.plan.budget.max_cost) == (("api",), 0.6)


def test_time_counts_while_a_run_was_not_over_and_somebody_was_at_work() -> None:
    facts: list[AnyFact] = [
        started(10),
        state(12, "api", RunState.RUNNING),
        state(15, "api", RunState.SUCCEEDED),
        state(17, "worker", RunState.SUCCEEDED),
        SessionEnded(at=60),
        started(100),
        state(130, "api", RunState.RUNNING),
        state(131, "api", RunState.RUNNING),
        started(500),
        state(500, "api", RunState.FAILED),
        SessionEnded(at=520),
    ]
    assert worked(facts) == 8
