"""Whatever of octui dies, and however: the agents end with their supervisor, and live on without their screen."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w
from tests.client.conftest import StandIn
from tests.conftest import ScriptedModel
from tests.support import misbehaving
from tests.support.faults import MARK, Fault
from tests.support.processes import processes_marked, wait_until
from tests.support.terminal import Terminal

from octui import paths
from octui.cli.main import main
from octui.client.config import RunConfig
from octui.control.client import request
from octui.control.messages import Shutdown
from octui.control.spawn import start_supervisor
from octui.errors import ControlError
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import RunState
from octui.recording.session import Session
from octui.workspace.worktree import branch_name

WAITS = 'TOOL:bash:{"command":"setsid sleep 300 & sleep 300","description":"Wait"}'
OCTUI = (sys.executable, "-m", "octui")
IGNORING_SIGHUP = ("/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh")
GONE_S = 4.0
"""Two seconds are promised; a busy machine gets a little more."""


def replays(folder: Path, run: str, at_least: int) -> Session:
    """Open a session as a replay does, and look that its run has so many events."""
    session = Session.open(folder)
    assert len(session.log(run)) >= at_least
    return session


def check_interrupted(folder: Path, run: str, at_least: int) -> None:
    session = replays(folder, run, at_least)
    assert session.interrupted
    assert "interrupted" in session.status.run(run).why


@contextmanager
def supervised(binary: Path, workspace: Path, config: RunConfig | None = None, prompt: str = "x") -> Iterator[Session]:
    """A detached session of one run, ended whatever becomes of the test."""
    spec = RunSpec(name="a", workspace=workspace, prompt=prompt, config=config or RunConfig(), backend="run")
    session = Session.open(start_supervisor(Plan(name="test", runs=(spec,)), binary=binary))
    try:
        yield session
    finally:
        with suppress(ControlError):
            request(session.socket, Shutdown(id=1))
        wait_until(lambda: not session.is_live, 15)


def until_state(session: Session, state: RunState) -> None:
    def reached() -> bool:
        session.refresh()
        return session.status.run("a").state is state

    wait_until(reached, 60)


@pytest.mark.integration
@pytest.mark.fault(3, "kill -9 of the supervisor (real opencode)")
def test_a_killed_supervisor_leaves_nothing_but_a_session_that_replays(
    scripted_model: ScriptedModel, opencode_binary: Path, git_workspace: Path, fault: Fault
) -> None:
    config = RunConfig(config_overrides=scripted_model.config)
    with supervised(opencode_binary, git_workspace, config, WAITS) as session:
        wait_until(lambda: fault.left().count("sleep") == 2, 60)
        assert session.supervisor_pid is not None
        os.kill(session.supervisor_pid, signal.SIGKILL)
        wait_until(lambda: not fault.left(), GONE_S)
    check_interrupted(session.folder, "a", 1)
    fault.did = "ended all; the session says so and replays"


@pytest.mark.integration
@pytest.mark.fault(3, "kill -9 of a headless run (real opencode)")
def test_a_killed_headless_run_leaves_nothing_but_a_session_that_replays(
    scripted_model: ScriptedModel, opencode_binary: Path, git_workspace: Path, tmp_path: Path, fault: Fault
) -> None:
    plan = tmp_path / "plan.toml"
    run = {"name": "a", "workspace": str(git_workspace), "prompt": WAITS, "config_overrides": scripted_model.config}
    plan.write_text(tomli_w.dumps({"runs": [run]}))
    with subprocess.Popen([*OCTUI, "run", str(plan), "--headless"], stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: fault.left().count("sleep") == 2, 60)
        process.kill()
    wait_until(lambda: not fault.left(), GONE_S)
    (folder,) = paths.sessions_dir().iterdir()
    check_interrupted(folder, "a", 1)
    fault.did = "ended all; the session says so and replays"


@pytest.mark.parametrize("key", ["setup", "check"])
@pytest.mark.fault(3, "kill -9 of a headless run while a command of its worktree works")
def test_a_killed_headless_run_leaves_a_worktree_that_is_listed_and_nothing_at_work_in_it(
    key: str, stand_in: StandIn, git_workspace: Path, tmp_path: Path, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "echo half > done; setsid sleep 300 & sleep 300"
    run: dict[str, Any] = {"name": "a", "prompt": "x", "workspace": {"path": str(git_workspace), "worktree": True}}
    run[key] = [command] if key == "setup" else command
    plan = tmp_path / "plan.toml"
    plan.write_text(tomli_w.dumps({"runs": [run]}))
    words = [*OCTUI, "--binary", str(stand_in("answer()")), "run", str(plan), "--headless"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: fault.left().count("sleep") == 2, 20)
        process.kill()
    wait_until(lambda: not fault.left(), GONE_S)
    (folder,) = paths.sessions_dir().iterdir()
    assert main(["sessions"]) == 0
    assert f"{branch_name(folder.name, 'a')}  1 file not committed" in capsys.readouterr().out
    assert main(["sessions", "prune", "--keep-days", "0", "--yes"]) == 0
    assert (paths.worktrees_dir() / folder.name / "a" / "done").read_text() == "half\n"
    fault.did = "ended all; the worktree is listed, and stays as it holds work"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.fault(3, "SIGTERM or SIGINT to a headless run")
def test_a_signal_ends_a_headless_run_in_order(
    number: signal.Signals, stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    binary = stand_in(misbehaving.LEAVES_A_SESSION + 'say("step_start", part={}); time.sleep(300)')
    command = [*OCTUI, "--binary", str(binary), "run", "-w", str(tmp_path), "x", "--headless"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: "sleep" in fault.left(), 20)
        process.send_signal(number)
        assert process.stderr is not None
        assert f"stopped by {number.name}" in process.stderr.read()
    assert process.returncode != 0
    (folder,) = paths.sessions_dir().iterdir()
    (run,) = (session := Session.open(folder)).run_names
    assert not session.interrupted
    assert session.status.run(run).state is RunState.STOPPED
    fault.did = "stopped in order, told by which signal"


@pytest.mark.parametrize("death", ["SIGKILL", "SIGHUP", "hang up", "hang up, ignored"])
@pytest.mark.fault(3, "the dashboard: kill -9, SIGHUP, closed terminal")
def test_agents_work_on_without_their_dashboard_and_attach_shows_them_again(
    death: str, stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    code = 'answer("before the death"); say("step_start", part={}); time.sleep(5); answer("after the death")'
    with supervised(stand_in(code), tmp_path) as session:
        attach = [*OCTUI, "attach", session.folder.name]
        with Terminal([*IGNORING_SIGHUP, *attach] if "ignored" in death else attach) as terminal:
            terminal.wait_for("before the death")
            if "hang up" in death:
                terminal.hang_up()
            else:
                terminal.kill(signal.Signals[death])
        assert session.is_live
        with Terminal(attach) as terminal:
            terminal.wait_for("before the death")
            terminal.wait_for("after the death")
            terminal.press(b"q")
        until_state(session, RunState.SUCCEEDED)
        fault.lost = 7 - len(replays(session.folder, "a", 0).log("a"))
    fault.did = "supervisor worked on, attach came back to it"


@pytest.mark.fault(3, "the screen's connection is lost")
def test_a_screen_that_loses_its_connection_costs_nothing(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    with supervised(stand_in("time.sleep(1); answer()"), tmp_path) as session:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(session.socket)
            connection.sendall(b'{"request":"hel')
        until_state(session, RunState.SUCCEEDED)
    fault.did = "supervisor worked on"


@pytest.mark.fault(3, "the machine restarts")
def test_after_a_restart_of_the_machine_sessions_say_so_and_stale_sockets_go(
    stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    """What a restart leaves on disk is what the death of every process at once leaves."""
    with supervised(stand_in(misbehaving.STUBBORN), tmp_path) as session:
        wait_until(lambda: "sleep" in fault.left())
        wait_until(lambda: len(Session.open(session.folder).log("a")) >= 4)
        supervisor = psutil.Process(session.supervisor_pid)
        for process in [*supervisor.children(recursive=True), supervisor, *processes_marked(MARK, fault.mark)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        stale = Path(session.socket)
        wait_until(lambda: not session.is_live)
        assert stale.exists()
    check_interrupted(session.folder, "a", 4)
    with supervised(stand_in("answer()"), tmp_path) as later:
        assert not stale.exists()
        until_state(later, RunState.SUCCEEDED)
    fault.did = "session says so; stale socket and folders swept"
