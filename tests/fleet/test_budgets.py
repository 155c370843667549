"""Runs that spend more than they may, on stand-ins for opencode."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.fleet.conftest import Fleet, MakeFleet

from octui.control.messages import Restart, Shutdown
from octui.plan.budget import Budget
from octui.recording.facts import Attention, AttentionCleared, AttentionRaised, RunState

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

TURNS = """
def turn(reason="tool-calls"):
    say("step_start", part={})
    say("step_finish", part={"reason": reason, "cost": 0.5, "tokens": {"total": 300, "input": 200, "output": 100}})
if prompt == "turns":
    for _ in range(2):
        turn()
    time.sleep(0.5)  # So that what was nearly spent is seen alone.
    turn()
    time.sleep(300)
elif prompt == "wait":
    say("step_start", part={}); time.sleep(300)
else:
    answer()
"""


def raised(fleet: Fleet, run: str) -> list[str]:
    return [
        fact.words
        for fact in fleet.facts
        if isinstance(fact, AttentionRaised) and fact.run == run and fact.kind is Attention.BUDGET
    ]


@pytest.mark.parametrize(
    ("budget", "nearly", "crossed"),
    [
        ({"max_cost": 1.2}, "nearly spent: $1 of $1.2", "$1.5 of $1.2"),
        ({"max_tokens": 700}, "nearly spent: 600 of 700 tokens", "900 of 700 tokens"),
        ({"max_turns": 2}, "used up: turn 2 of 2", "turn 3 of 2"),
    ],
)
async def test_a_run_that_crosses_its_budget_is_stopped_and_says_so_others_go_on(
    make_fleet: MakeFleet, budget: dict[str, Any], nearly: str, crossed: str
) -> None:
    fleet = make_fleet(TURNS, {"a": "turns", "b": "x"}, each={"a": budget})
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert (run.state, run.why) == (RunState.STOPPED, f"its budget was spent: {crossed}")
    assert raised(fleet, "a") == [f"its budget is {nearly}"]
    assert Attention.BUDGET not in run.attention
    assert fleet.session().status.run("b").state is RunState.SUCCEEDED


async def test_an_answer_that_is_whole_is_kept_though_it_went_over(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(TURNS, {"a": "x"}, max_cost=0.2)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.state is RunState.SUCCEEDED
    assert run.attention[Attention.BUDGET][0] == "its budget was spent: $0.5 of $0.2"


async def test_the_plans_budget_stops_all_that_work_or_wait_and_keeps_what_is_done(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(
        TURNS,
        {"done": "x", "a": "turns", "b": "wait", "c": "x"},
        each={"c": {"needs": ("b",)}, "a": {"needs": ("done",)}},
        budget=Budget(max_cost=1.6),
    )
    await fleet.supervisor.run()
    status = fleet.session().status
    assert status.run("done").state is RunState.SUCCEEDED
    for name in ("a", "b", "c"):
        why = "the plan's budget was spent: $2 of $1.6"
        assert (status.run(name).state, status.run(name).why) == (RunState.STOPPED, why)
    assert raised(fleet, "a") == ["the plan's budget is nearly spent: $1.5 of $1.6"]


async def test_the_plans_time_stops_all_and_is_over_then(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(TURNS, {"a": "wait", "b": "x"}, each={"b": {"needs": ("a",)}}, budget=Budget(timeout_s=1))
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        with anyio.fail_after(15):
            while {*fleet.states("a")[-1:], *fleet.states("b")[-1:]} != {"stopped"}:
                await anyio.sleep(0.05)
        assert fleet.session().status.run("a").why.startswith("the plan's budget was spent: ")
        await fleet.supervisor.handle(Restart(id=1, run="a"))
        with anyio.fail_after(15):
            while fleet.states("a")[-1:] != ["running"]:
                await anyio.sleep(0.05)
        await fleet.supervisor.handle(Shutdown(id=2))
    assert fleet.session().status.run("a").why == "stopped by you"


async def test_a_run_whose_time_is_nearly_up_asks_for_attention_until_it_is_over(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(TURNS, {"a": "wait"}, timeout_s=3.0)
    await fleet.supervisor.run()
    assert len(raised(fleet, "a")) == 1
    assert any(isinstance(fact, AttentionCleared) and fact.kind is Attention.BUDGET for fact in fleet.facts)
    assert fleet.session().status.run("a").state is RunState.TIMED_OUT


async def test_a_restarted_run_has_its_budget_anew(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(TURNS, {"a": "x"}, max_turns=1)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        with anyio.fail_after(15):
            for life in (1, 2):
                while fleet.states("a").count("succeeded") < life:
                    await anyio.sleep(0.05)
                if life == 1:
                    await fleet.supervisor.handle(Restart(id=1, run="a"))
        await fleet.supervisor.handle(Shutdown(id=2))
    assert "stopped" not in fleet.states("a")
