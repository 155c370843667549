"""Whatever opencode prints, and however much of it: every byte is there, memory is flat, nobody waits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import anyio
import psutil
import pytest
from tests.client.conftest import StandIn
from tests.fleet.conftest import MakeFleet
from tests.support import misbehaving
from tests.support.faults import FULL, Fault

from octui import AsyncOpenCodeClient

pytestmark = pytest.mark.anyio

EVENTS = 1_000_000 if FULL else 30_000
LINE_BYTES = 100_000_000 if FULL else 5_000_000
STDERR_BYTES = 1_000_000_000 if FULL else 20_000_000
RUNS = 40 if FULL else 12
LIMIT_S = 300
MEMORY_BYTES = 20_000_000
"""How much a stream may grow, however many events it gives."""


@pytest.mark.fault(5, "1,000,000 events")
async def test_a_stream_gives_every_event_and_keeps_none(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.floods(EVENTS)))
    process = psutil.Process()
    seen, before, most = 0, 0, 0
    with anyio.fail_after(LIMIT_S):
        async for event in client.async_stream("x", tmp_path):
            assert event["timestamp"] == seen
            seen += 1
            if seen == 5_000:
                before = process.memory_info().rss
            elif seen % 5_000 == 0:
                most = max(most, process.memory_info().rss)
    assert most - before < MEMORY_BYTES
    fault.lost = EVENTS - seen
    fault.did = "gave each, in order; memory stayed flat"


@pytest.mark.fault(5, "a consumer that is slow")
async def test_a_slow_consumer_slows_opencode_down_and_memory_does_not_grow(
    stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.floods(60_000, size=1000)))
    process = psutil.Process()
    before, seen = process.memory_info().rss, 0
    with anyio.fail_after(LIMIT_S):
        async for _ in client.async_stream("x", tmp_path):
            seen += 1
            if seen % 3_000 == 0:
                await anyio.sleep(0.1)
                assert process.memory_info().rss - before < MEMORY_BYTES
    fault.lost = 60_000 - seen
    fault.did = "waited with it (back-pressure)"


@pytest.mark.fault(5, "a line of 100 MB")
async def test_a_line_of_any_length_comes_whole(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.prints_a_line_of(LINE_BYTES) + "answer()"))
    with anyio.fail_after(LIMIT_S):
        lengths = [len(event["part"].get("text", "")) async for event in client.async_stream("x", tmp_path)]
    assert len(lengths) == 4
    fault.lost = LINE_BYTES - lengths[0]
    fault.did = "gave it as one event"


@pytest.mark.fault(5, "1 GB of stderr")
async def test_a_flood_of_stderr_fills_no_pipe_and_no_memory(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.floods_stderr(STDERR_BYTES)))
    before = psutil.Process().memory_info().rss
    with anyio.fail_after(LIMIT_S):
        result = await client.async_run("x", tmp_path)
    assert result.final_text == "Done."
    assert result.stderr.endswith("the end of it")
    assert psutil.Process().memory_info().rss - before < MEMORY_BYTES
    fault.did = "put it into a file, kept its end"


GARBAGE = {
    "broken UTF-8": b'{"type":"text","timestamp":1,"part":{"text":"\xff\xfe\xc3("}}\n',
    "binary noise": bytes(range(256)) * 40 + b"\n",
    "no newline at all": b"x" * 100_000,
    "half a line at the end": b'{"type":"text","timestamp":1,"part":{"text":"hal',
    "empty lines": b"\n\n\r\n \n\n",
    "JSON that is no object": b'[1]\nnull\n"text"\n3\n{"type":3}\n{}\n',
    "JSON nested 100,000 deep": b"[" * 100_000 + b"\n" + b'{"type":"text","part":' * 100_000 + b"\n",
}


@pytest.mark.parametrize(
    "printed", [pytest.param(data, marks=pytest.mark.fault(5, words), id=words) for words, data in GARBAGE.items()]
)
async def test_garbage_comes_as_diagnostics_and_the_answer_after_it_comes_too(
    printed: bytes, stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    before = "answer(); sys.stdout.flush()\n"
    client = AsyncOpenCodeClient(stand_in(before + misbehaving.prints(printed)))
    events = [event async for event in client.async_stream("x", tmp_path)]
    assert [event["type"] for event in events[:3]] == ["step_start", "text", "step_finish"]
    lines = [line for line in printed.split(b"\n") if line.strip()]
    fault.lost = len(lines) - (len(events) - 3)
    answers = ["Done."]
    for event, line in zip(events[3:], lines, strict=True):
        readable = line.decode("utf-8", "replace")
        if event.get("type") == "diagnostic":
            assert event["raw"] == readable
        elif event.get("type") == "text":
            assert f'"text":"{event["part"]["text"]}"' in readable
            answers.append(event["part"]["text"])
    result = await client.async_run("x", tmp_path)
    assert (result.final_text, len(result.events)) == ("\n".join(answers), len(events))
    fault.did = "gave each line, as a diagnostic where it is none"


@pytest.mark.fault(5, "stdout closed long before the exit")
async def test_a_pipe_that_is_closed_early_is_no_end(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    result = await AsyncOpenCodeClient(stand_in(misbehaving.CLOSES_STDOUT)).async_run("x", tmp_path)
    assert (result.exit_code, result.final_text) == (0, "Done.")
    fault.did = "waited for the exit"


@pytest.mark.fault(5, "40 runs at once")
async def test_forty_runs_at_once_all_come_to_their_end(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.floods(2_000) + "answer(prompt)"), startup_concurrency=0)
    answers: set[str] = set()

    async def one(prompt: str) -> None:
        result = await client.async_run(prompt, tmp_path)
        fault.lost += 2_003 - len(result.events)
        answers.add(result.final_text)

    with anyio.fail_after(LIMIT_S):
        async with anyio.create_task_group() as group:
            for number in range(RUNS):
                group.start_soon(one, f"prompt {number}")
    assert len(answers) == RUNS
    fault.did = "ran all of them"


@pytest.mark.fault(5, "a flood while another run is to be cancelled")
async def test_a_flood_keeps_no_cancel_waiting(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.floods(10**9)))
    with anyio.fail_after(LIMIT_S):
        with anyio.move_on_after(2):
            async for _ in client.async_stream("x", tmp_path, grace_s=0.5):
                pass
        with anyio.move_on_after(2):
            await client.async_run("x", tmp_path, grace_s=0.5)
    fault.did = "ended both at once"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.fault(5, "a flood into a recording")
async def test_every_byte_of_a_flood_is_recorded(make_fleet: MakeFleet, tmp_path: Path, fault: Fault) -> None:
    fleet = make_fleet(misbehaving.floods(EVENTS) + misbehaving.prints(b"\xff\x00 half"), {"a": "x", "b": "x"})
    printed = (await anyio.run_process([tmp_path / "bin" / "opencode"], input=b"")).stdout
    with anyio.fail_after(LIMIT_S):
        await fleet.supervisor.run()
    for run in ("a", "b"):
        recorded = fleet.journal.stdout_path(run).read_bytes()
        fault.lost += len(printed) - len(recorded)
        assert hashlib.sha256(recorded).digest() == hashlib.sha256(printed).digest()
    fault.did = "recorded it byte for byte"
