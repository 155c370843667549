"""Runs of a session that share a login which is due."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from tests.fleet.conftest import Fleet, MakeFleet
from tests.fleet.test_serve_runner import Serving, changes, serving
from tests.support.oauth_server import OAuthServer, write_logins

from octui.client import logins
from octui.control.messages import Stop
from octui.fleet.pacing import Gate
from octui.recording.facts import AttentionRaised, RunState, StateChanged

__all__ = ["serving"]

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

REFRESH = """
path = os.environ["XDG_DATA_HOME"] + "/opencode/auth.json"
logins = json.load(open(path))
if logins["x"]["expires"] < time.time() * 1000:
    with open(sys.argv[0] + ".refreshes", "a") as file:
        file.write("x")
    time.sleep(3)
    logins["x"].update(refresh="new", expires=time.time() * 1000 + 3.6e6)
    json.dump(logins, open(path, "w"))
answer()
"""
WHY = "waits for another run to refresh the login for x"


@pytest.fixture
def data(home: Path) -> Path:
    folder = home / ".local/share/opencode"
    write_logins(folder, "auth.json", {"x": {"type": "oauth", "access": "a", "refresh": "r", "expires": 1}})
    return folder


def reasons(fleet: Fleet, run: str) -> list[str]:
    return [fact.why for fact in fleet.facts if isinstance(fact, StateChanged) and fact.run == run and fact.why]


async def test_runs_refresh_a_shared_login_once_and_then_work_side_by_side(
    make_fleet: MakeFleet, data: Path, tmp_path: Path
) -> None:
    fleet = make_fleet(REFRESH, dict.fromkeys("abcd", "p"), gate=Gate(0.0, lambda: 1 << 40))
    await fleet.supervisor.run()
    assert {fleet.states(name)[-1] for name in "abcd"} == {"succeeded"}
    assert (tmp_path / "bin/opencode.refreshes").read_text() == "x"
    assert json.loads((data / "auth.json").read_text())["x"]["refresh"] == "new"


async def test_run_that_waits_for_a_login_says_so_and_can_be_stopped(make_fleet: MakeFleet, data: Path) -> None:
    turn = logins.try_turn(data, logins.ANY)
    assert turn is not None
    fleet = make_fleet("answer()", dict.fromkeys("ab", "p"))
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        with anyio.fail_after(30):
            while not (reasons(fleet, "a") and reasons(fleet, "b")):
                await anyio.sleep(0.02)
            await fleet.supervisor.handle(Stop(id=1, run="b"))
            turn.end()
    assert reasons(fleet, "a") == [WHY]
    assert fleet.states("a") == ["starting", "queued", "starting", "running", "succeeded"]
    assert fleet.states("b")[-1] == "stopped"


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
async def test_sessions_on_one_server_refresh_an_mcp_login_once(serving: Serving, home: Path) -> None:
    with OAuthServer(answer_after_s=3.0) as provider:
        login = provider.mcp_login(expires_in_s=-5, has_expired=True)
        write_logins(home / ".local/share/opencode", "mcp-auth.json", {"srv": login})
        prompts = dict.fromkeys("abc", "TOOL:srv_hello:{}\nSAY:ok")
        async with serving(prompts, mcp={"srv": provider.mcp_config}) as it:
            assert [await it.over(name) for name in "abc"] == [RunState.SUCCEEDED] * 3
        assert (provider.granted, provider.refused, provider.families_revoked) == (1, 0, 0)
        assert provider.tool_calls == 3
    waited = [fact for fact in changes(it) if fact.why == "waits for another run to refresh the login for srv"]
    assert {fact.state for fact in waited} == {RunState.STARTING}
    assert len(waited) == 2


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
async def test_run_says_which_mcp_login_was_revoked_and_how_to_sign_in(serving: Serving, home: Path) -> None:
    with OAuthServer() as provider:
        login = provider.mcp_login(expires_in_s=-5, has_expired=True)
        write_logins(home / ".local/share/opencode", "mcp-auth.json", {"srv": login})
        token = login["tokens"]["refreshToken"]
        provider.refresh(token)
        provider.refresh(token)  # Somebody else used it.
        async with serving({"a": "SAY:ok"}, mcp={"srv": provider.mcp_config}) as it:
            assert await it.over("a") is RunState.SUCCEEDED
    (raised,) = [fact.words for fact in it.facts if isinstance(fact, AttentionRaised)]
    assert raised == "MCP did not start: srv (it needs a login: run `opencode mcp auth srv`)"
