"""Sessions that are resumed: what did not succeed begins anew, and nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.client.conftest import StandIn, stand_in
from tests.fleet.conftest import MakeFleet, make_fleet
from tests.recording.conftest import answer, line

from octui.client.client import AsyncOpenCodeClient
from octui.client.config import RunConfig
from octui.client.sinks import AttemptEnd, RunSink
from octui.errors import OctuiError, RecordingError, UsageError
from octui.fleet.main import SupervisedSession, resume_headless, run_headless
from octui.fleet.pacing import Gate
from octui.fleet.supervisor import Supervisor
from octui.plan.budget import Budget
from octui.plan.model import Plan, RunSpec
from octui.plan.source import PlanSource
from octui.plan.toml import load_plan
from octui.recording.facts import AnyFact, AttemptStarted, RunState, SessionEnded, SessionStarted, StateChanged
from octui.recording.journal import Journal
from octui.recording.resuming import resumption
from octui.recording.session import Session

__all__ = ["make_fleet", "stand_in"]

ANSWERS_OR_FAILS = """
with open(os.environ["ASKED"], "a") as file:
    file.write(prompt + "\\n")
sys.exit(1) if prompt == "b" and not os.path.exists(os.environ["ASKED"] + ".go") else answer("Heard: " + prompt)
"""


class Instant:
    """Takes the place of opencode: answers at once, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def execute(self, prompt: str, *_: Any, sink: RunSink, **__: Any) -> AttemptEnd:
        self.asked.append(prompt)
        await sink.attempt_started(1, 0, Path("/nowhere"))
        await sink.stdout(answer(1, f"Answer to {prompt}"))
        end = AttemptEnd(exit_code=0, stderr="", has_spoken=True)
        await sink.attempt_ended(1, end, None)
        return end


LEFT = st.sampled_from([None, *RunState])


def write_before(journal: Journal, left: list[RunState | None], *, ended: bool) -> None:
    """What an earlier supervisor left of runs; None never was heard of."""
    names = tuple(f"r{number}" for number in range(len(left)))
    journal.fact(SessionStarted(at=1, pid=1, socket="", octui="0", opencode="1", runs=names))
    for name, state in zip(names, left, strict=True):
        if state not in (None, RunState.QUEUED):
            journal.fact(AttemptStarted(at=2, run=name, attempt=1, of=1, pid=0))
            journal.append_stdout(name, answer(2, f"Kept {name}") if state is RunState.SUCCEEDED else line("x", 2))
        if state is not None:
            journal.fact(StateChanged(at=3, run=name, state=state))
    if ended:
        journal.fact(SessionEnded(at=4))


@settings(max_examples=60)
@given(left=st.lists(LEFT, min_size=1, max_size=6), ended=st.booleans(), needs=st.booleans())
def test_whatever_succeeded_before_exactly_the_rest_begins_anew(
    left: list[RunState | None], ended: bool, needs: bool
) -> None:
    client = Instant()
    with tempfile.TemporaryDirectory() as folder:
        runs = tuple(
            RunSpec(
                name=f"r{number}",
                workspace=Path(folder),
                prompt=f"p{number}",
                config=RunConfig(),
                needs=(f"r{number - 1}",) if needs and number else (),
                backend="run",
            )
            for number in range(len(left))
        )
        first = Journal.create(
            Path(folder), Plan(name="p", runs=runs), opencode_version="1", binary="x", octui_version="0"
        )
        write_before(first, left, ended=ended)
        first.close()
        before = {run.name: first.stdout_path(run.name).read_bytes() for run in runs}
        facts = (first.folder / "facts.jsonl").read_bytes()
        rest = [run for run, state in zip(runs, left, strict=True) if state is not RunState.SUCCEEDED]
        recorded = Session.open(first.folder)
        if not rest:
            with pytest.raises(UsageError, match="nothing is left"):
                resumption(recorded)
            return
        found = resumption(recorded)
        status = recorded.status
        journal, plan = Journal.take_up(first.folder, found.plan)
        supervisor = Supervisor(
            plan,
            journal,
            cast(AsyncOpenCodeClient, client),
            gate=Gate(),
            before=status,
            anew=found.rest.anew,
        )
        supervisor.started(socket="", octui="0", opencode="1")
        anyio.run(supervisor.run)
        journal.close()
        session = Session.open(first.folder)
        assert sorted(client.asked) == sorted(run.prompt for run in rest)
        for run, state in zip(runs, left, strict=True):
            now = journal.stdout_path(run.name).read_bytes()
            assert session.status.run(run.name).state is RunState.SUCCEEDED
            assert now == before[run.name] if state is RunState.SUCCEEDED else now.startswith(before[run.name])
            was_begun = state not in (None, RunState.QUEUED, RunState.SUCCEEDED)
            assert session.status.run(run.name).life == (2 if was_begun else 1)
        assert (first.folder / "facts.jsonl").read_bytes().startswith(facts)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stand-ins were asked, a line each."""
    path = tmp_path / "asked"
    path.touch()
    monkeypatch.setenv("ASKED", str(path))
    return path


def write_plan(folder: Path, text: str = "", top: str = "") -> Path:
    file = folder / "p.toml"
    file.write_text(
        f'{top}\n[defaults]\nworkspace = "."\nbackend = "run"\n{text}\n[[runs]]\nname = "a"\nprompt = "a"\n'
        '[[runs]]\nname = "b"\nprompt = "b"\n'
        '[[runs]]\nname = "sum"\nprompt = "{{ runs.a.final_text }} {{ runs.b.final_text }} {{ vars.unit }}"\n'
    )
    return file


def test_answers_that_are_there_are_quoted_and_prompts_are_the_same(
    stand_in: StandIn, asked: Path, tmp_path: Path
) -> None:
    plan = load_plan(write_plan(tmp_path), {"unit": "°F"})
    binary = stand_in(ANSWERS_OR_FAILS)
    folder = run_headless(plan, binary=binary)
    assert sorted(asked.read_text().splitlines()) == ["a", "b"]
    assert Session.open(folder).status.run("sum").why == "skipped: b failed"
    asked.with_name("asked.go").touch()
    facts: list[AnyFact] = []
    assert resume_headless(folder, on_fact=facts.append) == folder
    assert asked.read_text().splitlines()[2:] == ["b", "Heard: a Heard: b °F"]
    assert not [fact for fact in facts if isinstance(fact, StateChanged) and fact.run == "a"]
    session = Session.open(folder)
    assert session.status.run("b").life == 2
    assert session.status.run("sum").life == 1
    with pytest.raises(UsageError, match="nothing is left to do"):
        resume_headless(folder)


def test_a_session_with_secrets_is_resumed_from_the_file_of_its_plan(
    stand_in: StandIn, asked: Path, tmp_path: Path
) -> None:
    file = write_plan(tmp_path, f'extra_env = {{ ASKED = "{asked}" }}')
    variables = {"unit": "K"}
    source = PlanSource(file=str(file), variables=variables)
    folder = run_headless(load_plan(file, variables), binary=stand_in(ANSWERS_OR_FAILS), source=source)
    asked.with_name("asked.go").touch()
    good = file.read_text()
    file.write_text(good.replace('prompt = "a"', 'prompt = "c"'))
    with pytest.raises(RecordingError, match="says something else now: a has another prompt"):
        resume_headless(folder)
    with pytest.raises(UsageError, match=r"not the plan of .*: a has another prompt"):
        resume_headless(folder, given=load_plan(file, variables))
    file.write_text(good)
    resume_headless(folder)
    assert Session.open(folder).log("sum").final_text() == "Heard: Heard: a Heard: b K"


@pytest.mark.parametrize("secret", [False, True], ids=["as recorded", "with secrets"])
def test_only_what_begins_anew_needs_its_folder(stand_in: StandIn, asked: Path, tmp_path: Path, secret: bool) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    file = tmp_path / "p.toml"
    file.write_text(
        f'[defaults]\nbackend = "run"\n{f"extra_env = {{ ASKED = {str(asked)!r} }}" if secret else ""}\n'
        '[[runs]]\nname = "a"\nworkspace = "a"\nprompt = "a"\ncheck = "true"\n'
        '[[runs]]\nname = "b"\nworkspace = "b"\nprompt = "b"\n'
    )
    folder = run_headless(load_plan(file), binary=stand_in(ANSWERS_OR_FAILS), source=PlanSource(file=str(file)))
    asked.with_name("asked.go").touch()
    (tmp_path / "a").rmdir()
    (tmp_path / "b").rename(tmp_path / "c")
    with pytest.raises(UsageError, match=r"/b, in which b would begin anew, does not exist"):
        resume_headless(folder)
    (tmp_path / "c").rename(tmp_path / "b")
    resume_headless(folder)
    assert Session.open(folder).status.run("b").state is RunState.SUCCEEDED


def test_what_was_spent_before_counts_for_the_plan(stand_in: StandIn, asked: Path, tmp_path: Path) -> None:
    """Each answer costs 0.5: those of the first life and the one after it cross the budget of 0.9 together."""
    plan = load_plan(write_plan(tmp_path, top="max_parallel = 1\n[budget]\nmax_cost = 0.9"), {"unit": "K"})
    folder = run_headless(plan, binary=stand_in(ANSWERS_OR_FAILS))
    asked.with_name("asked.go").touch()
    resume_headless(folder)
    session = Session.open(folder)
    assert session.status.run("sum").why == "the plan's budget was spent: $1 of $0.9"
    assert len(asked.read_text().splitlines()) == 3
    with pytest.raises(OctuiError, match="Raise the budget"):
        resume_headless(folder)


def test_the_time_of_a_plan_goes_on_where_it_was(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet("time.sleep(60)", {"a": "x"}, budget=Budget(timeout_s=1000))
    fleet.journal.close()
    status = fleet.session().status
    journal, plan = Journal.take_up(fleet.journal.folder)
    supervisor = Supervisor(plan, journal, fleet.supervisor._client, before=status, anew=("a",), worked_s=1001.0)
    anyio.run(supervisor.run)
    journal.close()
    assert "1001 of 1000 s" in fleet.session().status.run("a").why


def test_a_session_that_is_live_is_not_resumed(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer()", {"a": "x"})
    with pytest.raises(UsageError, match="is live"):
        SupervisedSession.resume(fleet.journal.folder, None)
    with pytest.raises(RecordingError, match="at work on this session already"):
        Journal.take_up(fleet.journal.folder)
