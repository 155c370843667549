"""Runs that need others, on stand-ins for opencode."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.fleet.conftest import Fleet, MakeFleet

from octui.cli.report import session_report
from octui.control.messages import Restart, Shutdown, Stop
from octui.fleet.supervisor import Supervisor
from octui.recording.facts import RunState, StateChanged
from octui.recording.journal import Journal

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

FAIL_OR_ANSWER = """
if prompt.startswith("until "):
    while not os.path.exists(prompt.removeprefix("until ")):
        time.sleep(0.02)
sys.exit(1) if prompt == "fail" else answer()
"""


async def until(fleet: Fleet, run: str, state: RunState, why: str = "") -> None:
    with anyio.fail_after(15):
        while not any(
            isinstance(fact, StateChanged) and fact.run == run and fact.state is state and fact.why.startswith(why)
            for fact in fleet.facts
        ):
            await anyio.sleep(0.02)


def whys(fleet: Fleet, run: str) -> list[str]:
    return [fact.why for fact in fleet.facts if isinstance(fact, StateChanged) and fact.run == run and fact.why]


async def test_a_run_starts_when_all_it_needs_succeeded_and_says_what_it_waits_for(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(
        FAIL_OR_ANSWER,
        {"sum": "x", "a-1": "x", "a-2": "x", "b": "x"},
        max_parallel=1,
        each={"sum": {"needs": ("a", "b")}, "a-1": {"group": "a"}, "a-2": {"group": "a"}},
    )
    await fleet.supervisor.run()
    assert whys(fleet, "sum")[0] == "waits for a (2 of 2), b"
    assert fleet.states("sum")[-3:] == ["starting", "running", "succeeded"]
    began = next(
        i
        for i, fact in enumerate(fleet.facts)
        if isinstance(fact, StateChanged) and fact.state == "starting" and fact.run == "sum"
    )
    over = [fact.run for fact in fleet.facts[:began] if isinstance(fact, StateChanged) and fact.state == "succeeded"]
    assert sorted(over) == ["a-1", "a-2", "b"]


async def test_what_needs_a_run_that_failed_is_skipped_with_all_that_needs_it(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(
        FAIL_OR_ANSWER,
        {"api": "fail", "worker": "x", "sum": "x", "last": "x"},
        each={
            "worker": {"needs": ("api",)},
            "sum": {"needs": ("worker",)},
            "last": {"needs": ("api", "sum"), "on_failure": "run"},
        },
    )
    await fleet.supervisor.run()
    status = fleet.session().status
    assert (status.run("worker").state, status.run("worker").why) == (RunState.STOPPED, "skipped: api failed")
    assert status.run("sum").why == "skipped: worker was stopped"
    assert status.run("last").state is RunState.SUCCEEDED
    assert "starting" not in fleet.states("worker")


async def test_stopping_a_run_skips_what_needs_it_and_both_can_be_started_anew(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    fleet = make_fleet(FAIL_OR_ANSWER, {"api": f"until {go}", "sum": "x"}, each={"sum": {"needs": ("api",)}})
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        await until(fleet, "api", RunState.STARTING)
        await fleet.supervisor.handle(Stop(id=1, run="api"))
        await until(fleet, "sum", RunState.STOPPED, "skipped: api was stopped")
        go.touch()
        await fleet.supervisor.handle(Restart(id=2, run="api"))
        await until(fleet, "api", RunState.SUCCEEDED)
        assert fleet.states("sum")[-1] == "stopped"
        await fleet.supervisor.handle(Restart(id=3, run="sum"))
        await until(fleet, "sum", RunState.SUCCEEDED)
        await fleet.supervisor.handle(Shutdown(id=4))


async def test_what_waits_for_a_run_goes_on_waiting_when_that_is_restarted(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    fleet = make_fleet(FAIL_OR_ANSWER, {"api": f"until {go}", "sum": "x"}, each={"sum": {"needs": ("api",)}})
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, "api", RunState.STARTING)
        await fleet.supervisor.handle(Restart(id=1, run="api"))
        assert "stopped" not in fleet.states("sum")
        go.touch()
        await until(fleet, "sum", RunState.SUCCEEDED)
    assert fleet.states("sum").count("starting") == 1


async def test_all_that_waits_is_stopped_with_the_rest(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet(
        FAIL_OR_ANSWER,
        {"api": f"until {tmp_path / 'never'}", "sum": "x"},
        each={"sum": {"needs": ("api",)}},
    )
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, "api", RunState.STARTING)
        await fleet.supervisor.handle(Stop(id=1))
    assert fleet.session().status.run("sum").why == "stopped by you"


async def test_a_prompt_is_made_of_what_others_answered_and_is_recorded(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = "{% for run in runs.a %}{{ run.name }}: {{ run.final_text }} ({{ run.turns }}){% endfor %} {{ vars.b }}"
    fleet = make_fleet(
        "answer(prompt)",
        {"a-1": "hot {{ 7 * 7 }}", "a-2": "cold", "sum": template},
        each={
            "a-1": {"group": "a"},
            "a-2": {"group": "a"},
            "sum": {"needs": ("a",), "template": template, "vars": {"b": "B"}},
        },
    )
    watched = fleet.session()
    assert watched.meta("sum").prompt == template
    await fleet.supervisor.run()
    made = "a-1: hot {{ 7 * 7 }} (1)a-2: cold (1) B"
    assert fleet.session().log("sum").final_text() == made
    assert fleet.session().meta("sum").prompt == made
    watched.refresh()
    assert watched.meta("sum").prompt == made
    assert watched.log("sum").final_text() == made


async def test_a_prompt_that_cannot_be_made_fails_its_run_and_says_why(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer(prompt)", {"a": "x"}, each={"a": {"template": "{{ 1 / vars.b }}", "vars": {"b": 0}}})
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert (run.state, run.why) == (RunState.FAILED, "The prompt could not be made: division by zero.")


async def test_a_session_that_is_taken_up_keeps_the_template_and_reads_no_answer_as_one(make_fleet: MakeFleet) -> None:
    template = "{{ runs.a.final_text }}"
    fleet = make_fleet(
        "answer(prompt)", {"a": "{{ nobody }}", "b": template}, each={"b": {"needs": ("a",), "template": template}}
    )
    await fleet.supervisor.run()
    fleet.journal.close()
    journal, plan = Journal.take_up(fleet.journal.folder)
    journal.close()
    assert [(run.prompt, run.template) for run in plan.runs] == [("{{ nobody }}", ""), ("{{ nobody }}", template)]


async def test_what_a_run_said_in_an_earlier_life_is_not_its_answer(make_fleet: MakeFleet, tmp_path: Path) -> None:
    code = f"""
mark = {str(tmp_path / "mark")!r}
if prompt == "x" and os.path.exists(mark):
    sys.exit(1)
open(mark, "w").close()
answer("Heard: " + prompt)
"""
    each = {"sum": {"needs": ("a",), "on_failure": "run", "template": "[{{ runs.a.final_text }}]"}}
    fleet = make_fleet(code, {"a": "x", "sum": "y"}, each=each)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        await until(fleet, "sum", RunState.SUCCEEDED)
        assert fleet.session().final_text("sum") == "Heard: [Heard: x]"
        fleet.facts.clear()
        await fleet.supervisor.handle(Restart(id=1, run="a"))
        await until(fleet, "a", RunState.FAILED)
        assert [run["final_text"] for run in session_report(fleet.journal.folder)["runs"]] == ["", "Heard: [Heard: x]"]
        await fleet.supervisor.handle(Restart(id=2, run="sum"))
        await until(fleet, "sum", RunState.SUCCEEDED)
        await fleet.supervisor.handle(Shutdown(id=3))
    session = fleet.session()
    assert session.final_text("sum") == "Heard: []"
    fleet.journal.close()
    journal, plan = Journal.take_up(fleet.journal.folder)
    again = Supervisor(plan, journal, fleet.supervisor._client, before=session.status)
    again.runners["a"].take_over(session.status.run("a"), interrupted=False)
    assert again._answer("a").final_text == ""
    journal.close()
