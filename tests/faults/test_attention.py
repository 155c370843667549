"""What opencode itself is silent about is told, and a stop from a screen ends all there is."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.client.conftest import StandIn
from tests.faults.test_deaths import supervised, until_state
from tests.fleet.conftest import MakeFleet
from tests.support import misbehaving
from tests.support.faults import Fault
from tests.support.processes import wait_until

from octui.client.client import AsyncOpenCodeClient
from octui.control.client import request
from octui.control.messages import Shutdown, Stop
from octui.recording.facts import Attention, AttentionRaised, RunState

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.mark.fault(4, "finished, but does not exit; in a session")
async def test_a_run_that_does_not_exit_is_green_and_says_so(
    make_fleet: MakeFleet, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = AsyncOpenCodeClient.execute.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "exit_grace_s", 0.3)
    fleet = make_fleet(misbehaving.LINGERS, {"a": "x"})
    with anyio.fail_after(30):
        await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.state is RunState.SUCCEEDED
    assert "did not exit" in run.attention[Attention.DID_NOT_EXIT][0]
    fault.did = "succeeded after a grace, with attention"


@pytest.mark.fault(4, "starts but says nothing; in a session")
async def test_a_run_that_says_nothing_asks_for_attention_and_goes_on(make_fleet: MakeFleet, fault: Fault) -> None:
    fleet = make_fleet(misbehaving.MUTE, {"a": "x"}, silence_s=0.3)
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        with anyio.fail_after(30):
            while not any(isinstance(fact, AttentionRaised) for fact in fleet.facts):
                await anyio.sleep(0.05)
        run = fleet.session().status.run("a")
        assert run.state.is_active
        assert "nothing was heard" in run.attention[Attention.SILENT][0]
        await fleet.supervisor.handle(Shutdown(id=1))
    fault.did = "raised attention, left the choice to the user"


@pytest.mark.fault(4, "says nothing, startup_timeout_s is set; in a session")
async def test_a_start_up_that_says_nothing_is_tried_again_and_told(make_fleet: MakeFleet, fault: Fault) -> None:
    fleet = make_fleet(misbehaving.MUTE, {"a": "x"}, startup_timeout_s=0.5, max_retries=1)
    with anyio.fail_after(30):
        await fleet.supervisor.run()
    assert fleet.states("a") == ["starting", "retrying", "starting", "timed_out"]
    run = fleet.session().status.run("a")
    assert (run.attempt, run.why) == (2, "it said nothing within 0.5 s")
    fault.did = "tried again, then gave up with the reason"


@pytest.mark.fault(6, "the database crash three times; in a session")
async def test_every_attempts_stderr_is_kept_and_shown(
    make_fleet: MakeFleet, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.fleet.runner.RETRY_DELAY_S", 0.01)
    fleet = make_fleet(misbehaving.crashes(3) + "answer()", {"a": "x"}, max_retries=3)
    await fleet.supervisor.run()
    session = fleet.session()
    assert (session.status.run("a").state, session.status.run("a").attempt) == (RunState.SUCCEEDED, 4)
    for attempt in (1, 2, 3):
        text = session.stderr("a", attempt)
        assert text.rstrip().endswith(f"( {attempt}")
        fault.lost += text.count("CREATE TABLE") - 1
    fault.did = "kept each attempt's stderr"


@pytest.mark.fault(1, "stop from the dashboard; tree ignores TERM, INT")
def test_a_stop_from_a_screen_ends_the_whole_tree(
    anyio_backend: str, stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    with supervised(stand_in(misbehaving.STUBBORN), tmp_path) as session:
        wait_until(lambda: "sleep" in fault.left())
        request(session.socket, Stop(id=1, run="a"))
        until_state(session, RunState.STOPPED)
        assert "sleep" not in fault.left()
        fault.lost = 4 - len(session.log("a"))
    fault.did = "ended the whole tree: TERM, grace, KILL"
