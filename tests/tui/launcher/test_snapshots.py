"""How the launcher looks, with an opencode that always answers the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.repository import make_repository
from tests.tui.driving import steady, until
from tests.tui.launcher.launching import LauncherApp, World, project
from textual.pilot import Pilot
from textual.widgets import Collapsible

from octui.tui.launch.form import LaunchForm
from octui.tui.launch.permissions import PatternRow, ToolRow, complete_rows
from octui.tui.launch.servers import ServerRow
from octui.tui.screens.dialogs import AskScreen
from octui.tui.screens.launcher_dialogs import ServerScreen, SheetScreen
from octui.tui.widgets.launcher.field import Field

SIZES = [(80, 24), (120, 40), (200, 60)]
NAMES = ["80x24", "120x40", "200x60"]
SMALL = [(40, 12), (60, 20)]
SMALL_NAMES = ["40x12", "60x20"]
FORM = LaunchForm(
    prompt="Explain this service and list its three riskiest functions.",
    workspaces=("services/api", "services/worker", "services/gateway"),
    model="acme/big",
    timeout="600",
    tools=complete_rows(
        [ToolRow("edit", "deny"), ToolRow("bash", "allow", (PatternRow("git push *", "deny"),))],
    ),
    servers=(ServerRow("tickets", {"type": "remote", "url": "https://t.example", "headers": {"Authorization": "x"}}),),
)


async def filled(pilot: Pilot[Any], form: LaunchForm = FORM) -> LauncherApp:
    app = pilot.app
    assert isinstance(app, LauncherApp)
    await until(pilot, lambda: app.knows_models and "inherit (" in app.words("#tools"))
    app.fill(form)
    await until(pilot, lambda: bool(app.words("#summary")) and "docs" in app.words("#servers"))
    await steady(pilot)
    return app


async def focus(pilot: Pilot[Any], selector: str) -> None:
    """Go to a field, and let the form scroll there before a key scrolls it on."""
    pilot.app.screen.query_one(selector).focus()
    await steady(pilot)


@pytest.mark.parametrize("size", [*SMALL, *SIZES], ids=[*SMALL_NAMES, *NAMES])
def test_first_run(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def found(pilot: Pilot[Any]) -> None:
        await filled(pilot, LaunchForm(workspaces=(".",), model="acme/big"))

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=found)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_filled_in(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def fill(pilot: Pilot[Any]) -> None:
        await filled(pilot)
        await focus(pilot, "#tools")
        await pilot.press("down")
        await steady(pilot)

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=fill)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_mistakes(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def spoil(pilot: Pilot[Any]) -> None:
        form = LaunchForm(workspaces=("nowhere",), model="big", agent="nobody", copies="0", retries="x")
        app = await filled(pilot, form)
        await until(pilot, lambda: all(word in app.words("#row-remarks") for word in ("model", "agent", "Copies")))
        await pilot.press("f8")
        await until(pilot, lambda: app.screen.query_one("#prompt").has_focus)
        await steady(pilot)
        assert not app.can_launch

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=spoil)


@pytest.mark.parametrize("size", [*SMALL, *SIZES[:2]], ids=[*SMALL_NAMES, *NAMES[:2]])
def test_bad_workspaces(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def spoil(pilot: Pilot[Any]) -> None:
        app = await filled(pilot, replace(FORM, workspaces=("services/api", "nowhere", "gone", "x/*", "README.md")))
        await until(pilot, lambda: "Folder not found" in app.words("#summary"))
        await pilot.press("f8", "left")
        field = next(field for field in app.screen.query(Field) if field.field == "workspaces")
        await until(pilot, lambda: "README.md" in str(field.words))
        await steady(pilot)

    base = project(home)
    (base / "README.md").touch()
    assert snap_compare(LauncherApp(base), terminal_size=size, run_before=spoil)


@pytest.mark.parametrize("size", [*SMALL, *SIZES[:2]], ids=[*SMALL_NAMES, *NAMES[:2]])
def test_quit_question(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        app = await filled(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await steady(pilot)

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=ask)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_more(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def unfold(pilot: Pilot[Any]) -> None:
        app = await filled(pilot)
        app.screen.query_one("#more", Collapsible).collapsed = False
        await steady(pilot)
        await focus(pilot, "#inherit")

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=unfold)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_preview(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        app = await filled(pilot)
        await until(pilot, lambda: app.can_launch)
        await pilot.press("f4")
        await until(pilot, lambda: isinstance(app.screen, SheetScreen))
        await steady(pilot)

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=look)


@pytest.mark.parametrize("size", SIZES[:2], ids=NAMES[:2])
def test_server(snap_compare: Any, home: Path, size: tuple[int, int]) -> None:
    async def edit(pilot: Pilot[Any]) -> None:
        app = await filled(pilot)
        await focus(pilot, "#servers")
        for key in ("end", "up", "up"):
            await pilot.press(key)
            await steady(pilot, looks=1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServerScreen))
        await steady(pilot)

    assert snap_compare(LauncherApp(project(home)), terminal_size=size, run_before=edit)


def test_no_opencode(snap_compare: Any, home: Path) -> None:
    async def missing(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, LauncherApp)
        await until(pilot, lambda: "not found" in app.words("#notice-text"))
        await steady(pilot)

    assert snap_compare(LauncherApp(project(home), World(version="")), terminal_size=(80, 24), run_before=missing)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
@pytest.mark.parametrize("wanted", [False, True], ids=["off", "on"])
def test_worktrees(snap_compare: Any, home: Path, size: tuple[int, int], wanted: bool) -> None:
    base = make_repository(project(home), {"services/api/main.py": ""})

    async def offered(pilot: Pilot[Any]) -> None:
        await filled(pilot, replace(FORM, worktree=wanted))
        await focus(pilot, "#worktree")

    assert snap_compare(LauncherApp(base), terminal_size=size, run_before=offered)
