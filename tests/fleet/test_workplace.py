"""Runs in worktrees of their own: made, set up, counted, checked, settled."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from tests.fleet.conftest import Fleet, MakeFleet
from tests.support.repository import make_repository

from octui import paths
from octui.client.process import is_alive
from octui.control.messages import Acknowledge, Restart, Settle, Stop
from octui.errors import ControlError, UncommittedWorkError
from octui.recording.facts import (
    Attention,
    AttentionCleared,
    AttentionRaised,
    ChangesCounted,
    Checking,
    RunState,
    SettingUp,
    Settled,
    SetUp,
    StateChanged,
    WorktreeMade,
)
from octui.recording.journal import Journal
from octui.recording.layout import check_path, setup_path
from octui.workspace.worktree import branch_name

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

WRITE = 'open("greeter.py", "w").write(prompt); answer()'
WAIT = 'say("step_start", part={}); open("greeter.py", "w").write(prompt); time.sleep(300)'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"greeter.py": "print(1)\n", "api/main.py": "print(2)\n"})


async def until(fleet: Fleet, kind: type, **fields: object) -> None:
    with anyio.fail_after(20):
        while not any(
            isinstance(fact, kind) and all(getattr(fact, key) == value for key, value in fields.items())
            for fact in fleet.facts
        ):
            await anyio.sleep(0.02)


def outcome(fleet: Fleet, run: str) -> dict[str, Any]:
    runs = tomllib.loads((fleet.journal.folder / "session.toml").read_text())["runs"]
    return next(each["outcome"] for each in runs if each["name"] == run)


async def test_runs_of_one_repository_work_beside_each_other(make_fleet: MakeFleet, workspace: Path) -> None:
    fleet = make_fleet(WRITE, {"a": "one\n", "b": "two\ntwo\n"}, workspace=workspace, worktree=True)
    await fleet.supervisor.run()
    for name, text, added in (("a", "one\n", 1), ("b", "two\ntwo\n", 2)):
        run = fleet.session().status.run(name)
        assert run.state is RunState.SUCCEEDED
        assert run.worktree is not None
        assert run.worktree.branch == branch_name(fleet.journal.folder.name, name)
        assert (Path(run.worktree.folder) / "greeter.py").read_text() == text
        assert run.changes is not None
        assert (run.changes.files, run.changes.added, run.changes.removed) == (1, added, 1)
        (diff,) = fleet.session().diffs(name)
        assert (diff.file, diff.additions, diff.deletions) == ("greeter.py", added, 1)
        assert diff.patch.endswith(f"-print(1)\n+{text.split()[0]}\n{'+two' + chr(10) if added == 2 else ''}")
        assert (outcome(fleet, name)["files_changed"], outcome(fleet, name)["branch"]) == (1, run.worktree.branch)
    assert (workspace / "greeter.py").read_text() == "print(1)\n"


async def test_a_run_of_a_folder_works_in_that_folder_of_its_worktree(make_fleet: MakeFleet, workspace: Path) -> None:
    fleet = make_fleet('open("here", "w"); answer()', {"a": "x"}, workspace=workspace / "api", worktree=True)
    await fleet.supervisor.run()
    made = fleet.session().status.run("a").worktree
    assert made is not None
    assert sorted(path.name for path in (Path(made.path) / "api").iterdir()) == ["here", "main.py"]


async def test_a_worktree_in_which_nothing_was_done_is_removed_at_the_end(
    make_fleet: MakeFleet, workspace: Path
) -> None:
    fleet = make_fleet("answer()", {"a": "x"}, workspace=workspace, worktree=True)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert (run.state, run.settled, run.has_worktree) == (RunState.SUCCEEDED, Settled.EMPTY, False)
    assert not [*paths.worktrees_dir().glob("[!.]*")]


async def test_a_worktree_that_cannot_be_made_fails_the_run_and_says_why(make_fleet: MakeFleet, tmp_path: Path) -> None:
    fleet = make_fleet("answer()", {"a": "x"}, workspace=tmp_path, worktree=True)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.state is RunState.FAILED
    assert "is in no git repository" in run.why


async def test_what_comes_first_is_run_there_and_recorded_as_it_is(make_fleet: MakeFleet, workspace: Path) -> None:
    setup = ("printf 'a\\377\\n' >&2; echo b", "pwd > where")
    fleet = make_fleet('answer(open("where").read())', {"a": "x"}, workspace=workspace, worktree=True, setup=setup)
    await fleet.supervisor.run()
    made = fleet.session().status.run("a").worktree
    assert made is not None
    assert fleet.session().log("a").final_text().strip() == made.folder
    assert setup_path(fleet.journal.folder, "a").read_bytes() == b"a\xff\nb\n"
    told = [fact for fact in fleet.facts if isinstance(fact, SettingUp | SetUp)]
    assert [(type(fact), fact.number, fact.of) for fact in told] == [
        (SettingUp, 1, 2),
        (SetUp, 1, 2),
        (SettingUp, 2, 2),
        (SetUp, 2, 2),
    ]


async def test_what_comes_first_and_fails_fails_the_run_with_its_last_words(make_fleet: MakeFleet) -> None:
    setup = ("echo one; echo two; echo three; echo four >&2; exit 3", "touch never")
    fleet = make_fleet("answer()", {"a": "x"}, setup=setup)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert (run.state, run.attempt, run.is_set_up) == (RunState.FAILED, 0, False)
    assert run.why.endswith("failed with exit code 3: two; three; four")
    assert run.setting_up is None


async def test_the_reasons_of_commands_name_the_cause_without_colours(make_fleet: MakeFleet) -> None:
    printed = r"printf '\033[31mnowhere-tool: command not found\033[0m\nmake: *** [all] Error 127\n' >&2; exit 2"
    fleet = make_fleet("answer()", {"a": "x", "b": "x"}, each={"a": {"setup": (printed,)}, "b": {"check": printed}})
    await fleet.supervisor.run()
    status = fleet.session().status
    assert status.run("a").why.endswith("failed with exit code 2: nowhere-tool: command not found")
    words = status.run("b").attention[Attention.CHECK_FAILED][0]
    assert words == "its check failed with exit code 2: nowhere-tool: command not found"


async def test_what_comes_first_is_ended_with_all_it_started_when_the_run_is_stopped(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    code = f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(300)"
    one = f"{sys.executable} -c {shlex.quote(code)}"
    fleet = make_fleet("answer()", {"a": "x"}, setup=(f"setsid {one} & {one}",))
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        with anyio.fail_after(20):
            while not pids.exists() or len(pids.read_text().splitlines()) < 2:
                await anyio.sleep(0.02)
        left = pids.read_text().split()
        await fleet.supervisor.handle(Stop(id=1, run="a"))
    assert not [process for process in psutil.process_iter() if str(process.pid) in left and is_alive(process)]
    assert fleet.states("a") == ["starting", "stopped"]


@pytest.mark.parametrize("key", ["setup", "check"])
async def test_a_command_that_takes_too_long_is_ended(make_fleet: MakeFleet, key: str) -> None:
    commands: dict[str, Any] = {"setup": ("sleep 300",)} if key == "setup" else {"check": "sleep 300"}
    fleet = make_fleet("answer()", {"a": "x"}, timeout_s=3.0, **commands)
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    if key == "setup":
        assert (run.state, run.why) == (RunState.TIMED_OUT, "its set-up (sleep 300) took more than 3 s")
    else:
        assert run.checked is not None
        assert run.checked.exit_code is None
        assert run.attention[Attention.CHECK_FAILED][0] == "its check took too long"


@pytest.mark.parametrize(("code", "state"), [("answer()", "succeeded"), ("sys.exit(1)", "failed")])
async def test_a_check_is_run_when_the_run_is_over_however_that_was(
    make_fleet: MakeFleet, code: str, state: str
) -> None:
    fleet = make_fleet(code, {"a": "x"}, check="echo checked; exit 4")
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.checked is not None
    assert (str(run.state), run.checked.exit_code, run.checking) == (state, 4, "")
    assert run.attention[Attention.CHECK_FAILED][0] == "its check failed with exit code 4: checked"
    assert check_path(fleet.journal.folder, "a").read_text() == "checked\n"
    assert outcome(fleet, "a")["check_exit_code"] == 4


async def test_a_check_that_failed_and_was_seen_is_no_reason_to_look_any_more(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer()", {"a": "x"}, check="exit 4")
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        await until(fleet, AttentionRaised, run="a")
        with pytest.raises(ControlError, match="What a asks has to be answered"):
            await fleet.supervisor.handle(Acknowledge(id=1, run="a", reasons=[Attention.QUESTION_ASKED]))
        await fleet.supervisor.handle(Acknowledge(id=2, run="a", reasons=[Attention.SILENT]))
        assert outcome(fleet, "a")["attention"] == ["its check failed with exit code 4"]
        await fleet.supervisor.handle(Acknowledge(id=3, run="a", reasons=[Attention.CHECK_FAILED]))
        assert "attention" not in outcome(fleet, "a")
        assert not fleet.session().status.run("a").attention
        await fleet.supervisor.shutdown()
    assert [fact.seen for fact in fleet.facts if isinstance(fact, AttentionCleared)] == [True]


async def test_a_check_that_is_good_is_no_reason_to_look(make_fleet: MakeFleet, workspace: Path) -> None:
    fleet = make_fleet(WRITE, {"a": "new"}, workspace=workspace, worktree=True, check="grep -q new greeter.py")
    await fleet.supervisor.run()
    run = fleet.session().status.run("a")
    assert run.checked is not None
    assert (run.checked.exit_code, run.attention) == (0, {})


async def test_a_run_that_is_stopped_is_counted_but_not_checked(make_fleet: MakeFleet, workspace: Path) -> None:
    fleet = make_fleet(WAIT, {"a": "x\n"}, workspace=workspace, worktree=True, check="true")
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, StateChanged, state=RunState.RUNNING)
        await fleet.supervisor.handle(Stop(id=1, run="a"))
    run = fleet.session().status.run("a")
    assert run.changes is not None
    assert (run.state, run.changes.files, run.checked) == (RunState.STOPPED, 1, None)


async def test_changes_are_counted_while_a_run_works(
    make_fleet: MakeFleet, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.fleet.workplace.COUNT_EVERY_S", 0.1)
    fleet = make_fleet(WAIT, {"a": "x\n"}, workspace=workspace, worktree=True)
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        await until(fleet, ChangesCounted, files=1, added=1, removed=1)
        await fleet.supervisor.handle(Stop(id=1, run="a"))


async def test_a_restart_goes_on_in_its_worktree_and_is_not_set_up_again(
    make_fleet: MakeFleet, workspace: Path
) -> None:
    code = 'open("greeter.py", "a").write("more\\n"); answer()'
    fleet = make_fleet(code, {"a": "x"}, workspace=workspace, worktree=True, setup=("echo set up",), check="true")
    screens = 1
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: screens))
        await until(fleet, Checking)
        await fleet.supervisor.handle(Restart(id=1, run="a"))
        await until(fleet, ChangesCounted, added=2)
        await fleet.supervisor.shutdown()
    run = fleet.session().status.run("a")
    assert run.worktree is not None
    assert (Path(run.worktree.path) / "greeter.py").read_text() == "print(1)\nmore\nmore\n"
    assert setup_path(fleet.journal.folder, "a").read_text() == "set up\n"
    assert sum(isinstance(fact, WorktreeMade) for fact in fleet.facts) == 1


async def test_what_was_changed_is_settled_once_the_run_is_over(make_fleet: MakeFleet, workspace: Path) -> None:
    fleet = make_fleet(WRITE, {"a": "x\n"}, workspace=workspace, worktree=True, check="exit 1")
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fleet.supervisor.run(connections=lambda: 1))
        await until(fleet, StateChanged, state=RunState.STARTING)
        with pytest.raises(ControlError, match="a is at work"):
            await fleet.supervisor.handle(Settle(id=1, run="a", how="applied"))
        await until(fleet, ChangesCounted)
        while not fleet.supervisor._over["a"].is_set():
            await anyio.sleep(0.02)
        (workspace / "greeter.py").write_text("mine\n")
        with pytest.raises(UncommittedWorkError):
            await fleet.supervisor.handle(Settle(id=2, run="a", how="applied"))
        assert Attention.CHECK_FAILED in fleet.session().status.run("a").attention
        (workspace / "greeter.py").write_text("print(1)\n")
        await fleet.supervisor.handle(Settle(id=3, run="a", how="applied"))
        assert (workspace / "greeter.py").read_text() == "x\n"
        assert fleet.session().status.run("a").settled is Settled.APPLIED
        assert not fleet.session().status.run("a").attention
        await fleet.supervisor.handle(Settle(id=4, run="a", how="discarded"))
        assert not [*paths.worktrees_dir().glob("[!.]*")]
        fleet.facts.clear()
        await fleet.supervisor.handle(Restart(id=5, run="a"))
        await until(fleet, WorktreeMade)
        await fleet.supervisor.shutdown()
    run = fleet.session().status.run("a")
    assert run.settled is not Settled.DISCARDED, "it was made anew"


async def test_a_session_that_is_taken_up_knows_its_worktrees(
    make_fleet: MakeFleet, workspace: Path, tmp_path: Path
) -> None:
    fleet = make_fleet(WRITE, {"a": "x\n", "b": "print(1)\n"}, workspace=workspace, worktree=True, setup=("true",))
    await fleet.supervisor.run()
    fleet.journal.close()
    before = fleet.session().status
    journal, plan = Journal.take_up(fleet.journal.folder)
    again = type(fleet.supervisor)(plan, journal, fleet.supervisor._client, on_fact=fleet.facts.append, before=before)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: again.run(connections=lambda: 1))
        with anyio.fail_after(20):
            while len(again._over) < 2:
                await anyio.sleep(0.02)
        made = [fact for fact in fleet.facts if isinstance(fact, WorktreeMade)]
        fleet.facts.clear()
        await again.handle(Restart(id=1, run="a"))
        await again.handle(Restart(id=2, run="b"))
        await until(fleet, StateChanged, run="a", state=RunState.SUCCEEDED)
        await until(fleet, StateChanged, run="b", state=RunState.SUCCEEDED)
        await again.shutdown()
    assert [fact.run for fact in fleet.facts if isinstance(fact, WorktreeMade)] == ["b"], "that of b had been removed"
    assert [fact.run for fact in fleet.facts if isinstance(fact, SettingUp)] == ["b"]
    assert {fact.path for fact in made} == {
        fact.path for fact in made if Path(fact.path).parent == Path(made[0].path).parent
    }


async def test_a_hook_whose_variables_name_another_repository_does_not_mislead_commands(
    make_fleet: MakeFleet, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    fleet = make_fleet(WRITE, {"a": "x"}, workspace=workspace, worktree=True, check="git rev-parse --show-toplevel")
    await fleet.supervisor.run()
    made = fleet.session().status.run("a").worktree
    assert made is not None
    assert check_path(fleet.journal.folder, "a").read_text() == f"{made.path}\n"


async def test_a_secret_in_a_command_is_masked_where_it_is_told(make_fleet: MakeFleet) -> None:
    fleet = make_fleet("answer()", {"a": "x"}, setup=("echo ?api_key=very-secret-thing > out",), check="true")
    await fleet.supervisor.run()
    facts = (fleet.journal.folder / "facts.jsonl").read_text()
    assert "very-secret-thing" not in facts
    assert fleet.session().status.run("a").state is RunState.SUCCEEDED
