"""A key that octui was given is in no screen, log, error or file of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
import tomli_w
from tests.client.conftest import StandIn
from tests.faults.test_deaths import supervised, until_state
from tests.support.faults import Fault
from tests.support.processes import wait_until
from tests.tui.driving import dashboard, on_screen, until

from octui import paths
from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import RunState
from octui.recording.session import Session
from octui.tui.launch.preview import preview_text

OCTUI = (sys.executable, "-m", "octui")
SECRET = "s3cr3t-"
KEYS: dict[str, Any] = {
    "password": f"{SECRET}password",
    "extra_env": {"MY_KEY": f"{SECRET}extra-env"},
    "mcp": {
        "remote": {
            "type": "remote",
            "url": f"https://user:{SECRET}url@host.invalid/mcp?api_key={SECRET}query",
            "headers": {"Authorization": f"Bearer {SECRET}header"},
            "enabled": False,
        },
        "local": {
            "type": "local",
            "command": ["serve", "--token", f"{SECRET}argument", f"--api-key={SECRET}joined"],
            "environment": {"API_KEY": f"{SECRET}mcp-env"},
            "enabled": False,
        },
    },
    "config_overrides": {"provider": {"x": {"options": {"apiKey": f"{SECRET}provider"}}}},
}
ENVIRONMENT = {"OPENAI_API_KEY": f"{SECRET}environment", "ANTHROPIC_API_KEY": f"{SECRET}environment-2"}


def texts_of(folder: Path) -> dict[str, str]:
    """Every file octui wrote itself."""
    return {str(path): path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()}


def tells(found: dict[str, str]) -> list[str]:
    """Which secrets stand where."""
    return [f"{where}: …{text[at : at + 30]!r}" for where, text in found.items() if (at := text.find(SECRET)) >= 0]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("code", ["answer()", "sys.exit(3)", "import nothing"])
@pytest.mark.fault(10, "keys in a headless run: output, errors, session")
def test_a_headless_run_tells_no_key(code: str, stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(tomli_w.dumps({"runs": [{"workspace": str(tmp_path), "prompt": "x", **KEYS}]}))
    command = [*OCTUI, "--debug", "--binary", str(stand_in(code)), "run", str(plan), "--headless", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert tells({"stdout": done.stdout, "stderr": done.stderr, **texts_of(paths.data_dir())}) == []
    fault.did = "masked them"


@pytest.mark.usefixtures("environment")
@pytest.mark.fault(10, "keys in a plan with mistakes, --debug")
def test_a_plan_with_mistakes_is_refused_without_its_keys(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    plan = tmp_path / "plan.toml"
    wrong = {**KEYS, "password": [f"{SECRET}list"], "permission": {"bash": "ask"}, "extra_env": {"A": [f"{SECRET}x"]}}
    plan.write_text(tomli_w.dumps({"runs": [{"workspace": str(tmp_path / "none"), "prompt": "x", **wrong}]}))
    command = [*OCTUI, "--debug", "--binary", str(stand_in("answer()")), "run", str(plan), "--headless"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert tells({"stdout": done.stdout, "stderr": done.stderr}) == []
    fault.did = "named the keys, not their values"


@pytest.mark.usefixtures("environment")
@pytest.mark.fault(10, "keys on screens, in a detached session and its logs")
def test_no_screen_shows_a_key(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    config = RunConfig(**KEYS)
    screens: dict[str, str] = {"preview": preview_text(plan_of(config, tmp_path), tmp_path)}

    async def look(session: Session) -> None:
        app = dashboard(session.folder)
        async with app.run_test(size=(160, 60)) as pilot:
            await until(pilot, lambda: "succeeded" in on_screen(app))
            await pilot.press("z")
            await until(pilot, lambda: "Started with" in on_screen(app))
            screens["zoomed"] = on_screen(app)

    with supervised(stand_in("answer()"), tmp_path, config) as session:
        until_state(session, RunState.SUCCEEDED)
        anyio.run(look, session)
    assert "••••" in screens["zoomed"]
    assert tells({**screens, **texts_of(paths.data_dir())}) == []
    fault.did = "masked them"


def plan_of(config: RunConfig, workspace: Path) -> Plan:
    return Plan(name="p", runs=(RunSpec(name="a", workspace=workspace, prompt="x", config=config),))


@pytest.mark.usefixtures("environment")
@pytest.mark.fault(10, "keys in the arguments that everybody can see")
def test_no_process_of_octui_names_a_key_in_its_arguments(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    with supervised(stand_in("time.sleep(1); answer()"), tmp_path, RunConfig(**KEYS)) as session:
        supervisor = psutil.Process(session.supervisor_pid)
        wait_until(lambda: any("bin/opencode" in " ".join(child.cmdline()) for child in supervisor.children()))
        lines = {}
        for process in [supervisor, *supervisor.children(recursive=True)]:
            with_arguments = " ".join(process.cmdline())
            lines[with_arguments[:40]] = with_arguments
        assert len(lines) >= 2
        assert tells(lines) == []
        until_state(session, RunState.SUCCEEDED)
    assert SECRET in os.environ["OPENAI_API_KEY"]
    fault.did = "gave them on stdin and in environments only"
