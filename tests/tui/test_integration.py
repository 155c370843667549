"""The way of a user on the real opencode: launch, watch, stop, restart, leave, replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import ScriptedModel
from textual.pilot import Pilot
from textual.widgets import TextArea

from octui import paths
from octui.client.config import RunConfig
from octui.control.spawn import start_supervisor
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import RunState
from octui.recording.session import Session, list_sessions
from octui.tui.app import OctuiApp
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.launcher import LauncherScreen
from octui.tui.screens.replay import ReplayScreen

pytestmark = [pytest.mark.asyncio, pytest.mark.integration]

POLL_S = 0.1


async def until(pilot: Pilot[int], condition: Callable[[], object], timeout_s: float = 60) -> None:
    for _ in range(int(timeout_s / POLL_S)):
        if condition():
            return
        await pilot.pause(POLL_S)
    raise TimeoutError(pilot.app.screen)


async def test_two_agents_on_a_server_are_asked_the_same_once_and_both_answer(
    scripted_model: ScriptedModel, git_workspace: Path, opencode_binary: Path
) -> None:
    config = RunConfig(config_overrides=scripted_model.config)
    spec = RunSpec(name="api", workspace=git_workspace, prompt="SAY:First.", config=config, backend="serve")
    runs = spec, replace(spec, name="web"), replace(spec, name="alone", backend="run")
    session = Session.open(start_supervisor(Plan(name="both", runs=runs), binary=opencode_binary))
    app = OctuiApp(lambda app: app.dashboard(session))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: not app.screen.view.active_runs())  # type: ignore[attr-defined]  # the dashboard
        await pilot.press("I", *"SAY:Second.", "enter")
        await until(pilot, lambda: [*map(session.final_text, ("api", "web"))] == ["Second."] * 2)
        assert session.final_text("alone") == "First."
        await app.screen.controls.shutdown()  # type: ignore[attr-defined]  # the dashboard


async def test_from_the_launcher_over_the_live_dashboard_to_the_replay(
    scripted_model: ScriptedModel, git_workspace: Path, opencode_binary: Path, home: Path
) -> None:
    model = dict(scripted_model.config)
    (git_workspace / "opencode.json").write_text(json.dumps(model))
    launcher = LauncherScreen(base=git_workspace, binary=str(opencode_binary))
    app = OctuiApp(lambda _: launcher)
    async with app.run_test(size=(120, 40)) as pilot:
        prompt = 'SAY:Looking.\nTOOL:bash:{"command":"sleep 300","description":"Wait"}'
        await until(pilot, lambda: app.screen is launcher and launcher.query(TextArea))
        launcher.query(TextArea).first().text = prompt
        await until(pilot, lambda: not launcher.query_one("#launch").disabled)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen))
        dashboard = app.screen
        assert isinstance(dashboard, DashboardScreen)
        (run,) = dashboard.session.run_names

        def state() -> RunState:
            return dashboard.session.status.run(run).state

        await until(pilot, lambda: state() is RunState.RUNNING)
        await pilot.press("s")
        await pilot.pause()
        await pilot.press("y")
        await until(pilot, lambda: state() is RunState.STOPPED)
        assert dashboard.panes[run].run_view.status.why == "stopped by you"
        await pilot.press("r", "y")
        await until(pilot, lambda: dashboard.session.status.run(run).life == 2 and state() is RunState.RUNNING)
        await pilot.press("S")
        await pilot.pause()
        await pilot.press("y")
        await until(pilot, lambda: state() is RunState.STOPPED)
        await pilot.press("R", "y")
        await until(pilot, lambda: dashboard.session.status.run(run).life == 3 and state() is RunState.RUNNING)
        await pilot.press("s", "y")
        await until(pilot, lambda: state() is RunState.STOPPED)
    (summary,) = list_sessions(paths.sessions_dir())
    recorded = Session.open(summary.path)
    replayed = OctuiApp(lambda app: app.replay(recorded))
    async with replayed.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        replay = replayed.screen
        assert isinstance(replay, ReplayScreen)
        await pilot.press("m")
        await until(pilot, lambda: replay.clock.position >= replay.clock.end, 20)
        assert replay.view.visible(run) == len(recorded.log(run))
        assert replay.view.status.run(run).state is RunState.STOPPED
        await pilot.press("0")
        await pilot.pause()
        assert replay.view.visible(run) == 0
