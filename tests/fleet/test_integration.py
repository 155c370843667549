"""Sessions on the real opencode: headless, detached, stopped, restarted, and killed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import tomli_w
from tests.conftest import ScriptedModel
from tests.support.processes import processes_marked
from tests.support.shared_server import SharedServer

from octui.client.config import RunConfig
from octui.fleet.main import run_headless
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import AnyFact, AttemptEnded, Attention, RunState
from octui.recording.session import Session

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]

TEST_MARK = "OCTUI_TEST_MARK"


@contextmanager
def marked(folder: Path) -> Iterator[None]:
    """Mark everything started in the block, to see that nothing of it is left."""
    os.environ[TEST_MARK] = str(folder)
    try:
        yield
    finally:
        del os.environ[TEST_MARK]


def left(folder: Path) -> list[str]:
    names = []
    for process in processes_marked(TEST_MARK, str(folder)):
        with suppress(psutil.NoSuchProcess):
            names.append(process.name())
    return names


def test_a_plan_of_four_isolated_runs_at_once_ends_headless_with_four_succeeded(
    scripted_model: ScriptedModel, git_workspace: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    run = {"workspace": str(git_workspace), "prompt": 'TOOL:bash:{"command":"echo hi","description":"x"}\nSAY:Hello.'}
    defaults = {"config_overrides": scripted_model.config, "permission": {"bash": {"*": "allow", "rm *": "deny"}}}
    plan.write_text(tomli_w.dumps({"max_parallel": 4, "defaults": defaults, "runs": [{**run, "copies": 4}]}))
    command = [sys.executable, "-m", "octui", "run", str(plan), "--headless", "--json"]
    with marked(tmp_path):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"]
    assert [run["state"] for run in report["runs"]] == ["succeeded"] * 4
    assert {run["final_text"].strip() for run in report["runs"]} == {"Hello."}
    assert len({run["session_id"] for run in report["runs"]}) == 4
    assert left(tmp_path) == []


def test_a_database_that_is_locked_at_start_up_is_tried_again(
    scripted_model: ScriptedModel, git_workspace: Path, home: Path
) -> None:
    database = home / ".local/share/opencode/opencode.db"
    database.parent.mkdir()
    lock = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")

    def look(fact: AnyFact) -> None:
        if isinstance(fact, AttemptEnded) and fact.retry_in_s is not None:
            lock.rollback()

    config = RunConfig(config_overrides=scripted_model.config)
    spec = RunSpec(name="a", workspace=git_workspace, prompt="SAY:ok", config=config, isolate_db=False)
    session = Session.open(run_headless(Plan(name="locked", runs=(spec,)), on_fact=look))
    run = session.status.run("a")
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 2)
    assert "database is locked" in session.stderr("a", 1)


def test_headless_rejects_what_it_is_asked_and_says_so(shared_server: SharedServer, git_workspace: Path) -> None:
    config = RunConfig(**shared_server.place, permission={"bash": "ask"})
    spec = RunSpec(
        name="a",
        workspace=git_workspace,
        prompt='TOOL:bash:{"command":"echo hi","description":"x"}',
        config=config,
        backend="serve",
    )
    plan = Plan(name="headless", runs=(spec,))
    run = Session.open(run_headless(plan)).status.run("a")
    assert run.state is RunState.FAILED
    assert "nobody could be asked: bash: echo hi" in run.attention[Attention.PERMISSION_REJECTED][0]
