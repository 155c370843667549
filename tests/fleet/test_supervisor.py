"""The supervisor, on stand-ins for opencode; it is a process of its own, and runs on asyncio."""

from __future__ import annotations

import tomllib
from pathlib import Path

import anyio
import anyio.lowlevel
import psutil
import pytest
from tests.fleet.conftest import Fleet, MakeFleet

from octui.client.config import RunConfig
from octui.control.messages import Restart, Shutdown, Stop
from octui.errors import ControlError, RecordingError
from octui.recording.facts import AttemptEnded, AttemptStarted, Attention, AttentionRaised, RunState
from octui.recording.journal import Journal
from octui.recording.log_index import Lines

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

CRASH_ONCE = """
mark = sys.argv[0] + ".tried"
if not os.path.exists(mark):
    open(mark, "w").close()
    print("Failed query: \\n CREATE TABLE `workspace`", file=sys.stderr)
    sys.exit(1)
answer()
"""
WAIT = 'say("step_start", part={}); time.sleep(300)'


async def until(fleet: Fleet, run: str, state: RunState) -> None:
    with anyio.fail_after(15):
        while str(state) not in fleet.states(run)[-1:]:
            await anyio.sleep(0.02)


async def test_runs_go_from_queued_to_succeeded_and_everything_is_recorded(make_fleet: MakeFleet) -> None:
    fleet = make_fleet('print("err", file=sys.stderr); answer(prompt)', {"a": "one", "b": "two"})
    await fleet.supervisor.run()
    session = fleet.session()
    assert not session.interrupted
    for name, prompt in (("a", "one"), ("b", "two")):
        assert fleet.states(name) == ["starting", "running", "succeeded"]
        assert session.status.run(name).state is RunState.SUCCEEDED
        assert session.log(name).final_text() == prompt
        assert session.stderr(name) == "err\n"
    runs = tomllib.loads((fleet.journal.folder / "session.toml").read_text())["runs"]
    assert [run["outcome"]["state"] for run in runs] == ["succeeded", "succeeded"]
    assert runs[0]["outcome"]["cost"] == 0.5


async def test_permissions_in_force_are_recorded_when_a_run_starts(make_fleet: MakeFleet, tmp_path: Path) -> None:
    (tmp_path / "opencode.json").write_text('{"permission": {"edit": "ask"}}')
    fleet = make_fleet("answer()", {"a": "x"}, config=RunConfig(permission={"bash": "deny"}))
    await fleet.supervisor.run()
    found = fleet.session().status.run("a").permissions
    assert found is not None
    assert found.agent == "build"
    assert [str(rule) for rule in found.rules] == [
        "edit = ask (opencode.json: permission.edit)",
        "bash = deny (override)",
    ]


async def test_no_more_runs_work_at_a_time_than_the_plan_allows(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer()", {str(n): "x" for n in range(5)}, max_parallel=2)
    await fleet.supervisor.run()
    alive = most = 0
    for fact in fleet.facts:
        alive += isinstance(fact, AttemptStarted) - isinstance(fact, AttemptEnded)
        most = max(most, alive)
    assert most == 2
    assert all(fleet.states(str(n))[-1] == "succeeded" for n in range(5))


async def test_a_startup_crash_is_tried_again_and_both_attempts_are_kept(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(CRASH_ONCE, {"a": "x"})
    await fleet.supervisor.run()
    assert fleet.states("a") == ["starting", "retrying", "starting", "running", "succeeded"]
    run = fleet.session().status.run("a")
    assert (run.attempt, run.attempts_allowed) == (2, 3)
    assert "CREATE TABLE" in fleet.session().stderr("a", 1)


async def test_a_failure_says_why(make_fleet: MakeFleet) -> None:
    fleet = make_fleet('print("Error: no such session", file=sys.stderr); sys.exit(1)', {"a": "x"})
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert (run.state, run.why) == (RunState.FAILED, "exit code 1: Error: no such session")


async def test_a_run_is_ended_when_its_time_is_up(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(WAIT, {"a": "x"}, timeout_s=1.0)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.state is RunState.TIMED_OUT
    assert Attention.ENDED_MID_STEP in run.attention


async def test_a_live_run_and_a_queued_one_are_stopped_and_the_others_go_on(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(
        'time.sleep(300) if prompt == "wait" else answer()', {"a": "wait", "b": "x", "c": "y"}, max_parallel=1
    )
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, "a", RunState.STARTING)
        await fleet.supervisor.handle(Stop(id=1, run="b"))
        assert fleet.states("b") == ["stopped"]
        with anyio.fail_after(10):
            while not any(isinstance(fact, AttemptStarted) for fact in fleet.facts):
                await anyio.sleep(0.02)
        await fleet.supervisor.handle(Stop(id=2, run="a"))
        assert fleet.states("a")[-1] == "stopped"
        pid = next(fact.pid for fact in fleet.facts if isinstance(fact, AttemptStarted))
        assert not psutil.pid_exists(pid)
    assert fleet.states("c")[-1] == "succeeded"
    assert fleet.session().status.run("a").why == "stopped by you"


async def test_a_run_that_is_over_and_one_that_is_alive_start_anew(make_fleet: MakeFleet) -> None:
    fleet = make_fleet('answer() if prompt == "x" else time.sleep(300)', {"a": "x", "b": "wait"})
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, "a", RunState.SUCCEEDED)
        await fleet.supervisor.handle(Restart(id=1, run="a"))
        await fleet.supervisor.handle(Restart(id=2, run="b"))
        with anyio.fail_after(15):
            while fleet.states("a").count("succeeded") < 2 or fleet.states("b").count("starting") < 2:
                await anyio.sleep(0.02)
        await fleet.supervisor.handle(Shutdown(id=3))
    session = fleet.session()
    assert session.status.run("a").life == 2
    assert len(session.log("a")) == 6
    assert session.status.run("b").state is RunState.STOPPED
    assert session.status.ended is not None


async def test_what_is_not_there_cannot_be_stopped(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer()", {"a": "x"})
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        with pytest.raises(ControlError, match="no run called 'z'"):
            await fleet.supervisor.handle(Stop(id=1, run="z"))


async def test_it_stays_while_a_screen_is_connected(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octui.fleet.supervisor.LINGER_S", 0.0)
    fleet = make_fleet("answer()", {"a": "x"})
    connected = 1
    async with anyio.create_task_group() as group:

        async def run() -> None:
            await fleet.supervisor.run(connections=lambda: connected)
            assert not connected

        group.start_soon(run)
        await until(fleet, "a", RunState.SUCCEEDED)
        await anyio.sleep(0.6)
        assert fleet.session().status.ended is None
        connected = 0
    assert fleet.session().status.ended is not None


async def test_silence_asks_for_attention_and_is_taken_back(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("time.sleep(1.6); answer()", {"a": "x"}, silence_s=0.5)
    await fleet.supervisor.run()
    kinds = [(type(fact).__name__, fact.kind) for fact in fleet.facts if hasattr(fact, "kind")]
    assert kinds == [("AttentionRaised", Attention.SILENT), ("AttentionCleared", Attention.SILENT)]


async def test_a_rejected_permission_is_told_while_the_run_goes_on(make_fleet: MakeFleet) -> None:
    code = 'print("! permission requested: bash (ls); auto-rejecting", file=sys.stderr); time.sleep(1.2); answer()'
    fleet = make_fleet(code, {"a": "x"})
    await fleet.supervisor.run()
    raised = next(
        n for n, fact in enumerate(fleet.facts) if getattr(fact, "kind", None) is Attention.PERMISSION_REJECTED
    )
    ended = next(n for n, fact in enumerate(fleet.facts) if isinstance(fact, AttemptEnded))
    assert raised < ended


async def test_warnings_about_the_configuration_are_told(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer()", {"a": "x"}, config=RunConfig(permission={"webfech": "deny"}))
    await fleet.supervisor.run()
    words, _ = fleet.session().status.run("a").attention[Attention.CONFIG_LEFT_OUT]
    assert "webfetch" in words


async def test_a_workspace_that_went_away_fails_its_run_only(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet("answer()", {"a": "x"}, max_parallel=1)
    object.__setattr__(fleet.supervisor.runners["a"].spec, "workspace", tmp_path / "gone")
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.state is RunState.FAILED
    assert "does not exist" in run.why


async def test_a_run_that_cannot_be_recorded_is_ended_and_what_was_recorded_stays(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    code = f"""
answer("first")
while not os.path.exists({str(go)!r}):
    time.sleep(0.02)
say("text", part={{"text": "second"}})
time.sleep(300)
"""
    fleet = make_fleet(code, {"a": "x"})
    write = Journal.append_stdout

    def full(journal: Journal, run: str, data: bytes) -> Lines:
        if b"second" in data:
            raise RecordingError("The recording cannot be written: No space left on device.")
        if b"step_finish" in data:
            go.touch()
        return write(journal, run, data)

    monkeypatch.setattr(Journal, "append_stdout", full)
    await fleet.supervisor.run()
    session = fleet.session()
    assert session.status.run("a").state is RunState.FAILED
    assert "No space left" in session.status.run("a").why
    assert session.log("a").final_text() == "first"
    pid = next(fact.pid for fact in fleet.facts if isinstance(fact, AttemptStarted))
    assert not psutil.pid_exists(pid)


async def test_two_screens_that_restart_a_run_at_once_leave_one_life_of_it(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(WAIT, {"a": "x"})
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, "a", RunState.RUNNING)
        async with anyio.create_task_group() as screens:
            screens.start_soon(fleet.supervisor.handle, Restart(id=1, run="a"))
            screens.start_soon(fleet.supervisor.handle, Restart(id=2, run="a"))
        await until(fleet, "a", RunState.RUNNING)
        pids = [fact.pid for fact in fleet.facts if isinstance(fact, AttemptStarted)]
        assert sum(psutil.pid_exists(pid) for pid in pids) == 1
        await fleet.supervisor.handle(Shutdown(id=3))


async def test_a_run_does_not_start_anew_in_a_session_that_ends_meanwhile(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(WAIT, {"a": "x"})
    refused: list[str] = []

    async def restart() -> None:
        with pytest.raises(ControlError, match="is ending") as raised:
            await fleet.supervisor.handle(Restart(id=1, run="a"))
        refused.append(raised.value.message)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(fleet.supervisor.run)
            await until(fleet, "a", RunState.RUNNING)
            group.start_soon(restart)
            await anyio.lowlevel.checkpoint()
            await fleet.supervisor.handle(Shutdown(id=2))
    assert refused
    assert fleet.states("a") == ["starting", "running", "stopped"]


async def test_what_an_earlier_life_was_reproached_with_does_not_come_back(make_fleet: MakeFleet) -> None:
    code = """
mark = sys.argv[0] + ".tried"
if not os.path.exists(mark):
    open(mark, "w").close()
    print("! permission requested: bash (ls); auto-rejecting", file=sys.stderr)
    sys.exit()
print("harmless", file=sys.stderr)
time.sleep(1.2)
answer()
"""
    fleet = make_fleet(code, {"a": "x"})
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        await until(fleet, "a", RunState.FAILED)
        assert Attention.PERMISSION_REJECTED in fleet.session().status.run("a").attention
        await fleet.supervisor.handle(Restart(id=1, run="a"))
        await until(fleet, "a", RunState.SUCCEEDED)
        assert fleet.session().status.run("a").attention == {}
        await fleet.supervisor.handle(Shutdown(id=2))


async def test_a_run_that_is_over_is_not_reproached_with_silence(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("time.sleep(300)", {"a": "x"}, silence_s=0.2)
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        with anyio.fail_after(15):
            while not any(isinstance(fact, AttentionRaised) for fact in fleet.facts):
                await anyio.sleep(0.02)
        await fleet.supervisor.handle(Shutdown(id=1))
    assert fleet.session().status.run("a").attention == {}


async def test_a_restart_that_is_stopped_while_it_waits_tells_nothing_of_the_life_before(make_fleet: MakeFleet) -> None:
    fleet = make_fleet('answer() if prompt == "x" else time.sleep(300)', {"a": "x", "b": "wait"}, max_parallel=1)
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, "b", RunState.STARTING)
        await fleet.supervisor.handle(Restart(id=1, run="a"))
        await fleet.supervisor.handle(Stop(id=2, run="a"))
        await fleet.supervisor.handle(Shutdown(id=3))
    outcome = tomllib.loads((fleet.journal.folder / "session.toml").read_text())["runs"][0]["outcome"]
    assert (outcome["state"], outcome["attempts"], outcome["duration_s"]) == ("stopped", 0, 0.0)
    assert "exit_code" not in outcome


@pytest.mark.parametrize("where", ["mcp", "config_overrides"])
async def test_a_run_that_ends_first_is_still_told_which_server_did_not_start(
    make_fleet: MakeFleet, where: str
) -> None:
    server = {"docs": {"type": "local", "command": ["/nope"]}}
    config = RunConfig(mcp=server) if where == "mcp" else RunConfig(config_overrides={"mcp": server})
    code = """
if sys.argv[1:] == ["mcp", "list"]:
    time.sleep(1)
    print("●  ✗ docs failed\\n│      ENOENT")
else:
    answer()
"""
    fleet = make_fleet(code, {"a": "x"}, config=config)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.state is RunState.SUCCEEDED
    assert "docs (ENOENT)" in run.attention[Attention.MCP_NOT_STARTED][0]


async def test_what_is_asked_for_before_the_runs_have_begun_waits_for_that(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(WAIT, {"a": "x"})
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.handle, Stop(id=1))
        await anyio.lowlevel.checkpoint()
        group.start_soon(fleet.supervisor.run)
    assert fleet.states("a")[-1] == "stopped"


async def test_a_run_that_is_stopped_while_it_ends_to_start_anew_stays_stopped(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(WAIT, {"a": "x"})
    refused: list[str] = []

    async def restart() -> None:
        try:
            await fleet.supervisor.handle(Restart(id=1, run="a"))
        except ControlError as error:
            refused.append(str(error))

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        await until(fleet, "a", RunState.RUNNING)
        async with anyio.create_task_group() as screen:
            screen.start_soon(restart)
            await anyio.lowlevel.checkpoint()
            screen.start_soon(fleet.supervisor.handle, Stop(id=2, run="a"))
        await fleet.supervisor.shutdown()
    assert refused == ["a was stopped before it could start anew."]
    assert fleet.states("a") == ["starting", "running", "stopped"]
