"""What holds on every screen and dialog: help, keys in sight, a way out that asks."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_dashboard, on_screen, replay, until
from tests.tui.sessions import API, BILLING, GATEWAY, SIX, WORKER, record
from tests.tui.talking import ONE, PUSH, TWO, Controls, in_charge, served, write_changes
from textual.screen import Screen
from textual.widgets import Input, TextArea

from octui.tui import screens
from octui.tui.app import OctuiApp
from octui.tui.keys import DASHBOARD_COMMANDS, Command
from octui.tui.screens.answers import AnswerScreen
from octui.tui.screens.base import OctuiScreen
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.compare import CompareScreen
from octui.tui.screens.controlled import ControlledScreen
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.dialogs import AskScreen, Choice, FilterScreen, LineScreen, PickScreen
from octui.tui.screens.events import EventsScreen
from octui.tui.screens.launcher import LauncherScreen
from octui.tui.screens.launcher_dialogs import AskLineScreen, ServerScreen, SheetScreen
from octui.tui.screens.panes import PanesScreen
from octui.tui.screens.replay import ReplayScreen
from octui.tui.screens.sheets import messages_screen
from octui.tui.screens.talk import TalkScreen
from octui.tui.screens.text_screen import TextScreen
from octui.tui.screens.waiting import WaitingScreen
from octui.tui.widgets.bars import KeysLine

pytestmark = pytest.mark.asyncio
SIZES = [(40, 12), (60, 20), (80, 24), (120, 40)]
WITHOUT_INSTANCES = {OctuiScreen, PanesScreen, EventsScreen, ControlledScreen, WaitingScreen, TalkScreen}

CHOICES = [Choice("no", "no, leave it", "n"), Choice("yes", "do it", "y")]
LONG_TEXT = "Its prompt runs again from the start, on the files as they are now: changes may be made twice."


def _answers(app: OctuiApp) -> Screen[Any]:
    below = on_dashboard(app)
    return AnswerScreen(below, below.pending()[0], app.palette, app.glyphs)


OPENED: dict[type[Screen[Any]], Callable[[OctuiApp], Screen[Any] | None]] = {
    DashboardScreen: lambda app: None,
    AskScreen: lambda app: AskScreen("Restart api?", LONG_TEXT, CHOICES, "no"),
    PickScreen: lambda app: PickScreen("Theme", [("a", "a theme"), ("b", "another")]),
    FilterScreen: lambda app: FilterScreen([("text", "Answers"), ("error", "Errors")], frozenset()),
    LineScreen: lambda app: LineScreen("Go to", "1:30", lambda text: "That is no time."),
    TextScreen: lambda app: messages_screen([], app.palette),
    AnswerScreen: _answers,
    LauncherScreen: lambda app: LauncherScreen(binary="/nowhere/opencode"),
    AskLineScreen: lambda app: AskLineScreen("Open plan", "A plan.", lambda text: ""),
    ServerScreen: lambda app: ServerScreen("local", None, frozenset()),
    SheetScreen: lambda app: SheetScreen("A plan", "its text"),
}
"""Screens by what pushes each over a dashboard; those that a key opens are opened by it."""
BY_KEY: dict[type[Screen[Any]], str] = {ChangesScreen: "d", CompareScreen: "C"}


async def _open(app: OctuiApp, pilot: Any, kind: type[Screen[Any]]) -> None:
    if kind in BY_KEY:
        await pilot.press(BY_KEY[kind])
    elif (screen := OPENED[kind](app)) is not None:
        app.push_screen(screen)
    await until(pilot, lambda: isinstance(app.screen, kind))


async def test_every_screen_is_known_here() -> None:
    found: set[type] = set()
    for module in pkgutil.iter_modules(screens.__path__):
        members = vars(importlib.import_module(f"{screens.__name__}.{module.name}")).values()
        found |= {each for each in members if isinstance(each, type) and issubclass(each, Screen)}
    own = {kind for kind in found if kind.__module__.startswith(screens.__name__)}
    assert own - WITHOUT_INSTANCES == {*OPENED, *BY_KEY, ReplayScreen}


@pytest.mark.parametrize("kind", [*OPENED, *BY_KEY], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("key", ["f1", "question_mark"])
async def test_help_opens_and_closes(tmp_path: Path, kind: type[Screen[Any]], key: str) -> None:
    folder = served(tmp_path, [("api", PUSH)]).folder
    write_changes(folder, "api")
    app = dashboard(folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await _open(app, pilot, kind)
        below = app.screen
        await pilot.pause()
        if key == "question_mark" and isinstance(app.focused, Input | TextArea):
            await pilot.press(key)
            assert app.screen is below, "it is typed"
            return
        await pilot.press(key)
        await until(pilot, lambda: app.screen is not below)
        await until(pilot, lambda: "Keys" in on_screen(app))
        if isinstance(app.screen, TextScreen):
            await pilot.press(key)
            await until(pilot, lambda: app.screen is below)


@pytest.mark.parametrize("key", ["f1", "question_mark"])
async def test_help_opens_in_a_replay(tmp_path: Path, key: str) -> None:
    app = replay(record(tmp_path, SIX).folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: "Play, or pause." in on_screen(app))


async def test_help_of_a_screen_tells_each_of_its_keys(tmp_path: Path) -> None:
    folder = served(tmp_path, []).folder
    write_changes(folder, "api")
    app = dashboard(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ChangesScreen) and "? help" in on_screen(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Keys" in on_screen(app))
        told = " ".join(on_screen(app).split())
        for words in ("j Next file.", "PgDn space Page down.", "u Take back.", "esc q d D Back."):
            assert words in told
        await pilot.press("escape", "escape", "C")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "? help" in on_screen(app))
        await pilot.press("f1")
        await until(pilot, lambda: "Mark the run, to see two against each other." in on_screen(app))


async def test_help_can_have_another_key_everywhere(tmp_path: Path, own_home: Path) -> None:
    file = own_home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[keys]\n"app.help" = "f11"')
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and "f11 help" in on_screen(app))
        await pilot.press("f1")
        assert isinstance(app.screen, CompareScreen)
        await pilot.press("f11")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))


# Keys in sight


def words_on(app: OctuiApp) -> str:
    """What is on the screen, as if no line of a dialog had to be broken."""
    return " ".join(on_screen(app).translate(dict.fromkeys(map(ord, "▌│┃━┛┓"), " ")).split())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "kind", [AskScreen, PickScreen, FilterScreen, LineScreen, TextScreen], ids=lambda k: k.__name__
)
async def test_a_dialog_shows_its_keys_at_every_size(
    tmp_path: Path, size: tuple[int, int], kind: type[Screen[Any]]
) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=size) as pilot:
        await _open(app, pilot, kind)
        await until(pilot, lambda: "esc" in on_screen(app))
        hint = app.screen.query_one(".hint").region
        assert hint.bottom <= size[1]
        assert hint.height >= 1
        if kind is AskScreen:
            for words in ("changes may be made twice" if size[0] > 60 else "twice.", "no, leave it", "do it"):
                assert words in on_screen(app)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("request_of", [PUSH, ONE, TWO], ids=["permission", "question", "questions"])
async def test_a_request_shows_its_keys_at_every_size(tmp_path: Path, size: tuple[int, int], request_of: Any) -> None:
    app = dashboard(served(tmp_path, [("api", request_of)]).folder)
    async with app.run_test(size=size) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen))
        last = "m reject and say why" if request_of is PUSH else "d dismiss"
        await until(pilot, lambda: last in words_on(app) and "esc later" in words_on(app))
        asks = "git push origin main" if request_of is PUSH else "1 " if request_of is TWO else "PostgreSQL"
        assert asks in on_screen(app)


@pytest.mark.parametrize("width", [40, 50, 60, 80, 120, 200])
async def test_the_footer_tells_who_waits_first(tmp_path: Path, width: int) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)], (API, GATEWAY, WORKER)).folder)
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: on_screen(app).split("\n")[-1].startswith(" a answer  "))
        last = on_screen(app).split("\n")[-1]
        assert "? help" in last
        assert "q quit" in last
        if width >= 60:
            assert "! next alert" in last


async def test_the_footer_leaves_out_what_is_of_no_use(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [GATEWAY, BILLING], live=True).folder)
    async with app.run_test(size=(300, 24)) as pilot:
        await until(pilot, lambda: "q quit" in on_screen(app))
        last = on_screen(app).split("\n")[-1]
        for words in ("a answer", "s stop", "x abort", "v seen"):
            assert words not in last
        await pilot.press("2")
        await until(pilot, lambda: on_screen(app).split("\n")[-1].startswith(" ! next alert  v seen  "))


# Nothing that costs or destroys without a question

HARMLESS = ("choices", "acknowledge")


class AllControls(Controls):
    """Notes commands that the other stand-in does not know, too."""

    async def restart(self, run: str) -> None:
        await self._take("restart", run)

    async def stop(self, run: str | None) -> None:
        await self._take("stop", run)

    async def shutdown(self) -> None:
        await self._take("shutdown")


@pytest.mark.parametrize("command", DASHBOARD_COMMANDS, ids=lambda command: command.id)
@pytest.mark.parametrize("run", [1, 2], ids=["running", "over"])
async def test_no_key_acts_without_a_question(tmp_path: Path, command: Command, run: int) -> None:
    folder = served(tmp_path, [], (API, BILLING)).folder
    write_changes(folder, "api")
    app = dashboard(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        in_charge(app)
        controls = AllControls()
        on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
        for key in command.keys.split(","):
            await pilot.press(str(run), key)
            await pilot.pause()
            assert app._exit is False
            await pilot.press("enter")
            await pilot.pause()
            assert not [asked for asked in controls.asked if asked[0] not in HARMLESS]
            break


@pytest.mark.parametrize("open_with", ["", "d", "C"], ids=["dashboard", "changes", "compare"])
async def test_quitting_asks_wherever_one_is_while_agents_are_at_work(tmp_path: Path, open_with: str) -> None:
    folder = served(tmp_path, []).folder
    write_changes(folder, "api")
    app = dashboard(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        if open_with:
            await pilot.press(open_with)
            await until(pilot, lambda: app.screen is not on_dashboard(app))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "1 run is still at work." in on_screen(app)
        await pilot.press("s")
        assert app._exit is False


async def test_d_shows_changes_and_goes_back(tmp_path: Path) -> None:
    folder = served(tmp_path, [], (GATEWAY,)).folder
    write_changes(folder, "gateway")
    app = dashboard(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        for key in ("d", "D"):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, ChangesScreen))
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, DashboardScreen))


async def test_a_key_that_its_command_can_spare_can_be_given_to_another(tmp_path: Path, own_home: Path) -> None:
    file = own_home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[keys]\n"app.quit" = "q,d"')
    app = dashboard(served(tmp_path, [], (GATEWAY,)).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert not app.messages
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ChangesScreen))
        await pilot.press("escape", "d")
        await until(pilot, lambda: app._exit)


async def test_the_line_of_keys_runs_what_is_clicked(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: " a answer" in on_screen(app).split("\n")[-1])
        await pilot.click(KeysLine, offset=(2, 0))
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen))


async def test_ctrl_c_says_which_key_quits(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Press q to quit." in on_screen(app))


async def test_a_new_session_is_begun_from_the_dashboard(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, LauncherScreen))
