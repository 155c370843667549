"""However a run of the client comes to its end, nothing of it is left, and nothing of what it printed is lost."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.client.conftest import StandIn
from tests.faults.conftest import run_folders
from tests.support import misbehaving
from tests.support.faults import Fault
from tests.support.processes import wait_until

from octui import AsyncOpenCodeClient, OpenCodeProcessError, OpenCodeTimeoutError
from octui.client.client import OpenCodeWarning

pytestmark = pytest.mark.anyio

PROMPT = "x"
GRACE_S = 0.5
LIMIT_S = 30
PRINTED = 4
"""How many events `misbehaving.STUBBORN` prints."""


async def seen(client: AsyncOpenCodeClient, folder: Path, **how: Any) -> list[str]:
    """The types of all events of a stream."""
    return [event["type"] async for event in client.async_stream(PROMPT, folder, grace_s=GRACE_S, **how)]


async def by_timeout(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    with pytest.raises(OpenCodeTimeoutError) as raised:
        await client.async_run(PROMPT, folder, timeout_s=1.5, grace_s=GRACE_S)
    fault.lost = PRINTED - len(raised.value.events)


async def by_timeout_of_a_stream(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    events = []
    with pytest.raises(OpenCodeTimeoutError):
        async for event in client.async_stream(PROMPT, folder, timeout_s=1.5, grace_s=GRACE_S):
            events.append(event)
    fault.lost = PRINTED - len(events)


async def by_cancel(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: client.async_run(PROMPT, folder, grace_s=GRACE_S))
        await until_two_live(fault)
        group.cancel_scope.cancel()


async def by_cancel_of_a_stream(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(seen, client, folder)
        await until_two_live(fault)
        group.cancel_scope.cancel()


async def by_break(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    stream = client.async_stream(PROMPT, folder, grace_s=GRACE_S)
    async for _ in stream:
        break
    await until_two_live(fault)
    await stream.aclose()


async def by_oblivion(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    async for _ in client.async_stream(PROMPT, folder, grace_s=GRACE_S):
        break
    gc.collect()
    with anyio.fail_after(10):
        while fault.left():
            await anyio.sleep(0.05)


async def by_error(client: AsyncOpenCodeClient, folder: Path, fault: Fault) -> None:
    stream = client.async_stream(PROMPT, folder, grace_s=GRACE_S)
    with pytest.raises(ZeroDivisionError):
        try:
            async for _ in stream:
                raise ZeroDivisionError
        finally:
            await stream.aclose()


async def until_two_live(fault: Fault) -> None:
    """Wait for the stand-in and the child in a session of its own."""
    while len(fault.left()) < 2 or "sleep" not in fault.left():
        await anyio.sleep(0.05)


ENDINGS = {
    by_timeout: "timeout",
    by_timeout_of_a_stream: "timeout of a stream",
    by_cancel: "cancel",
    by_cancel_of_a_stream: "cancel of a stream",
    by_break: "break out of a stream",
    by_oblivion: "a stream that is forgotten",
    by_error: "exception in the consumer",
}


@pytest.mark.parametrize(
    "ending",
    [pytest.param(by, marks=pytest.mark.fault(1, f"{words}; tree ignores TERM, INT")) for by, words in ENDINGS.items()],
)
async def test_a_tree_that_ignores_signals_and_left_its_group_is_gone(
    ending: Callable[[AsyncOpenCodeClient, Path, Fault], Awaitable[None]],
    stand_in: StandIn,
    tmp_path: Path,
    temporary: Path,
    fault: Fault,
) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.STUBBORN))
    with anyio.fail_after(LIMIT_S):
        await ending(client, tmp_path, fault)
    assert fault.left() == []
    with anyio.fail_after(5):  # Of a stream that is forgotten nobody waits for the end.
        while run_folders(temporary):
            await anyio.sleep(0.05)
    fault.did = "ended the whole tree: TERM, grace, KILL"


@pytest.mark.fault(2, "a grandchild holds stdout and stderr open")
async def test_the_result_comes_at_once_though_a_grandchild_holds_the_pipes(
    stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.LEAVES_A_SESSION + 'answer("all of it")'))
    with anyio.fail_after(LIMIT_S):
        result = await client.async_run(PROMPT, tmp_path)
        assert len(await seen(client, tmp_path)) == 3
    assert result.final_text == "all of it"
    fault.did = "gave the result, ended the grandchild"


@pytest.mark.fault(2, "stdin of the program stays open")
async def test_stdin_of_the_run_ends_though_ours_stays_open(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in("answer(sys.stdin.read() or 'ended')"))
    with anyio.fail_after(LIMIT_S):
        assert (await client.async_run(PROMPT, tmp_path)).final_text == "ended"
    fault.did = "gave the prompt on a stdin that ends"


@pytest.mark.fault(2, "a prompt of 4 MB")
async def test_a_prompt_longer_than_any_argument_arrives(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in("answer(str(len(prompt)))"))
    result = await client.async_run("long" * 1_000_000, tmp_path)
    fault.lost = 4_000_000 - int(result.final_text)
    fault.did = "gave it on stdin, to the letter"


@pytest.mark.fault(4, "finished, but does not exit")
async def test_a_run_that_finished_but_does_not_exit_succeeded(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.LINGERS))
    with anyio.fail_after(LIMIT_S):
        with pytest.warns(OpenCodeWarning, match="did not exit"):
            result = await client.async_run(PROMPT, tmp_path, exit_grace_s=0.3)
        with pytest.warns(OpenCodeWarning, match="did not exit"):
            fault.lost = 3 - len(await seen(client, tmp_path, exit_grace_s=0.3))
    assert (result.exit_code, result.final_text) == (0, "All of it.")
    fault.did = "ended it after a grace; succeeded, with a warning"


async def test_an_answer_that_goes_on_within_the_grace_is_not_cut(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(
        stand_in('answer(); time.sleep(0.3); say("step_start", part={}); time.sleep(1); answer("More.")')
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = await client.async_run(PROMPT, tmp_path, exit_grace_s=0.8)
    assert result.final_text == "More."


async def test_a_slow_consumer_is_not_taken_for_a_run_that_does_not_exit(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(stand_in("answer()"))
    seen = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async for _ in client.async_stream(PROMPT, tmp_path, exit_grace_s=0.1, timeout_s=1):
            seen += 1
            await anyio.sleep(0.5)
    assert seen == 3


@pytest.mark.fault(4, "starts but says nothing, startup_timeout_s is set")
async def test_a_start_up_that_says_nothing_is_tried_again(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    code = """
if not os.path.exists(sys.argv[0] + ".tried"):
    open(sys.argv[0] + ".tried", "w").close()
    time.sleep(300)
answer("at last")
"""
    client = AsyncOpenCodeClient(stand_in(code))
    with anyio.fail_after(LIMIT_S):
        result = await client.async_run(PROMPT, tmp_path, startup_timeout_s=1.5, retry_delay_s=0.01, grace_s=GRACE_S)
    assert result.final_text == "at last"
    fault.did = "ended it and tried again"


@pytest.mark.fault(4, "never says anything, startup_timeout_s is set")
async def test_start_ups_that_say_nothing_come_to_an_end(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.MUTE))
    with anyio.fail_after(LIMIT_S), pytest.raises(OpenCodeTimeoutError, match="said nothing within") as raised:
        await client.async_run(
            PROMPT, tmp_path, startup_timeout_s=0.5, max_retries=1, retry_delay_s=0.01, grace_s=GRACE_S
        )
    assert raised.value.timeout_s == 0.5
    fault.did = "gave up after max_retries, with the reason"


@pytest.mark.fault(6, "the database crash three times, then success")
async def test_three_crashes_at_start_up_and_then_success(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.crashes(3) + "answer()"))
    result = await client.async_run(PROMPT, tmp_path, max_retries=3, retry_delay_s=0.01)
    assert result.final_text == "Done."
    assert len(await seen(client, tmp_path)) == 3
    fault.did = "tried four times"


@pytest.mark.fault(6, "the database crash more often than max_retries")
async def test_crashes_without_end_are_told(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    client = AsyncOpenCodeClient(stand_in(misbehaving.crashes(9)))
    with pytest.raises(OpenCodeProcessError, match="CREATE TABLE") as raised:
        await client.async_run(PROMPT, tmp_path, max_retries=1, retry_delay_s=0.01)
    assert "CREATE TABLE" in raised.value.stderr
    fault.did = "gave up after max_retries, with stderr"


@pytest.mark.fault(3, "kill -9 of a program that uses the library")
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
def test_a_killed_program_leaves_no_process_and_no_folder(
    anyio_backend: str, stand_in: StandIn, tmp_path: Path, temporary: Path, fault: Fault
) -> None:
    run = f"octui.AsyncOpenCodeClient({str(stand_in(misbehaving.STUBBORN))!r}).async_run"
    program = f"import anyio, octui; anyio.run({run}, 'x', {str(tmp_path)!r}, backend={anyio_backend!r})"
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        wait_until(lambda: "sleep" in fault.left())
        assert run_folders(temporary)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not fault.left(), 4, what="processes are left")
    wait_until(lambda: not run_folders(temporary), 4, what="the folder is left")
    fault.did = "its guardian ended all of it"
