"""What a replay shows of a moment is what the dashboard showed when it was."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.sessions import START, line, step_finish, step_start, text, tool

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.recording import log_index
from octui.recording.facts import (
    AttemptStarted,
    Attention,
    AttentionCleared,
    AttentionRaised,
    RunState,
    SessionEnded,
    SessionStarted,
    StateChanged,
)
from octui.recording.journal import Journal
from octui.recording.session import Session
from octui.tui.glyphs import UNICODE
from octui.tui.view import RunView, SessionTotals, SessionView

RUNS = ("api", "web")

EVENTS = st.one_of(
    st.just(step_start()),
    st.builds(
        step_finish,
        tokens=st.integers(200, 90_000),
        cost=st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
        reason=st.sampled_from(["tool-calls", "stop", "length"]),
    ),
    st.builds(text, st.sampled_from(["", "Done.", "I look at the router."])),
    st.just(tool("bash", "pytest")),
    st.just({"type": "error", "error": {"name": "APIError", "data": {"message": "busy", "statusCode": 503}}}),
    st.just({"type": "from_the_future", "part": {}}),
)
FACTS = st.one_of(
    st.builds(lambda state: (StateChanged, {"state": state}), st.sampled_from(RunState)),
    st.builds(lambda attempt: (AttemptStarted, {"attempt": attempt, "of": 3, "pid": 1}), st.integers(1, 3)),
    st.builds(lambda kind: (AttentionRaised, {"kind": kind, "words": "look"}), st.sampled_from(Attention)),
    st.builds(lambda kind: (AttentionCleared, {"kind": kind}), st.sampled_from(Attention)),
)
STEPS = st.lists(st.tuples(st.sampled_from(RUNS), st.one_of(EVENTS, FACTS)), min_size=1, max_size=40)


@dataclass
class Shown:
    """All that the frames of a dashboard show of a moment."""

    runs: list[RunView]
    sums: SessionTotals
    events: list[int]


def shown(view: SessionView) -> Shown:
    runs = [view.run(name, UNICODE) for name in RUNS]
    return copy.deepcopy(Shown(runs, view.session_totals(), [view.visible(name) for name in RUNS]))


@pytest.fixture
def _checkpoints_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_index, "CHECKPOINT_EVERY", 4)


def _started(folder: Path) -> Journal:
    runs = tuple(RunSpec(name=name, workspace=folder, prompt="Go.", config=RunConfig()) for name in RUNS)
    plan = Plan(name="moments", runs=runs)
    journal = Journal.create(folder, plan, opencode_version="1.18.33", binary="opencode", octui_version="0.1.0")
    journal.fact(SessionStarted(at=START, pid=os.getpid(), socket="", octui="0.1.0", opencode="1.18.33", runs=RUNS))
    return journal


@pytest.mark.usefixtures("_checkpoints_often")
@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_every_moment_of_a_replay_equals_what_was_shown_live(steps: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as name:
        journal = _started(Path(name))
        moment = START
        view = SessionView(Session.open(journal.folder), now=lambda: moment)
        live: dict[float, Shown] = {}
        for number, (run, what) in enumerate(steps, 1):
            moment = START + number
            if isinstance(what, tuple):
                fact, values = what
                journal.fact(fact(at=moment, run=run, **values))
            else:
                journal.append_stdout(run, line(what, moment))
            view.refresh()
            live[moment] = shown(view)
        journal.fact(SessionEnded(at=moment + 1))
        journal.close()

        replay = SessionView(Session.open(journal.folder))
        for at in sorted(live, key=lambda at: (at * 7) % 5):
            replay.position = at
            assert shown(replay) == live[at]
