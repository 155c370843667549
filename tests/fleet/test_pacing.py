"""When the next run may start; the gate belongs to the supervisor, which runs on asyncio."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

import anyio
import pytest
from tests.fleet.conftest import MakeFleet

from octui.fleet import pacing
from octui.fleet.pacing import RUN_BYTES, Gate, available_bytes
from octui.recording.facts import RunState, StateChanged

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

LONG_S = 3600.0
PLENTY = 100 * RUN_BYTES


class Memory:
    """A machine's memory."""

    def __init__(self, free: int) -> None:
        self.free = free

    def __call__(self) -> int:
        return self.free


async def enter(gate: Gate, said: list[str], stack: AsyncExitStack) -> None:
    await stack.enter_async_context(gate.passed(said.append))


async def passes(gate: Gate, said: list[str], stack: AsyncExitStack, within_s: float = 0.05) -> bool:
    with anyio.move_on_after(within_s) as scope:
        await enter(gate, said, stack)
    return not scope.cancelled_caught


async def test_the_next_run_starts_when_the_last_has_spoken() -> None:
    gate, said = Gate(LONG_S, Memory(PLENTY)), list[str]()
    async with AsyncExitStack() as stack:
        assert await passes(gate, said, stack)
        assert not await passes(gate, said, stack)
        gate.spoken()
        assert await passes(gate, said, stack, 10)
        assert not await passes(gate, said, stack)
    assert said == []


async def test_a_silent_run_holds_the_next_up_for_a_moment_only() -> None:
    gate = Gate(0.05, Memory(PLENTY))
    async with AsyncExitStack() as stack:
        started = time.monotonic()
        for _ in range(3):
            await enter(gate, [], stack)
        assert time.monotonic() - started >= 0.1


async def test_one_that_gives_up_waiting_leaves_the_gate_to_the_next() -> None:
    gate = Gate(LONG_S, Memory(PLENTY))
    async with AsyncExitStack() as stack, anyio.create_task_group() as group:
        await enter(gate, [], stack)
        group.start_soon(passes, gate, [], stack, 0.02)
        await anyio.sleep(0.1)
        gate.spoken()
        with anyio.fail_after(10):
            await enter(gate, [], stack)


async def test_a_run_waits_for_memory_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_LOOK_EVERY_S", 0.01)
    memory, said = Memory(RUN_BYTES // 2), list[str]()
    gate = Gate(0.0, memory)
    async with AsyncExitStack() as stack:
        assert await passes(gate, said, stack), "one alone always starts"
        monkeypatch.setattr(pacing, "RAMP_S", 0.0)
        assert not await passes(gate, said, stack)
        assert said == ["waits for memory: 225 MB are free, a run takes about 450 MB"]
        memory.free = PLENTY
        assert await passes(gate, said, stack, 10)


async def test_the_end_of_the_only_run_lets_the_next_start_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_LOOK_EVERY_S", 0.01)
    gate = Gate(0.0, Memory(0))
    async with AsyncExitStack() as stack:
        async with gate.passed(lambda words: None):
            assert not await passes(gate, [], stack)
        assert await passes(gate, [], stack, 10)


async def test_what_runs_just_started_will_take_is_not_given_away_twice() -> None:
    gate, said = Gate(0.0, Memory(2 * RUN_BYTES)), list[str]()
    async with AsyncExitStack() as stack:
        assert await passes(gate, said, stack)
        assert await passes(gate, said, stack)
        assert not await passes(gate, said, stack)
    assert said == ["waits for memory: 0 MB are free, a run takes about 450 MB"]


async def test_the_machines_memory_is_what_is_looked_at() -> None:
    assert available_bytes() > 0


async def test_a_run_that_is_held_up_is_queued_and_says_why(make_fleet: MakeFleet) -> None:
    memory = Memory(RUN_BYTES)
    fleet = make_fleet("answer()", {"a": "x", "b": "x"}, gate=Gate(0.0, memory))
    await fleet.supervisor.run()
    waited = [fact for fact in fleet.facts if isinstance(fact, StateChanged) and fact.state is RunState.QUEUED]
    assert [(fact.run, fact.why[:16]) for fact in waited] == [("b", "waits for memory")]
    assert fleet.states("a")[-1] == fleet.states("b")[-1] == "succeeded"
