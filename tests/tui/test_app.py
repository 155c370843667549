from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_screen, until
from tests.tui.sessions import API, GATEWAY, record

from octui.errors import RecordingError
from octui.tui import app as entry
from octui.tui.app import OctuiApp
from octui.tui.messages import Launched
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.replay import ReplayScreen


@pytest.mark.parametrize("run", [entry.run_dashboard, entry.run_replay])
def test_what_is_no_recording_is_refused_before_the_terminal_changes(
    tmp_path: Path, run: Callable[[Path], int], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RecordingError):
        run(tmp_path / "nothing")
    assert capfd.readouterr().err == ""


@pytest.mark.asyncio
async def test_what_the_launcher_started_is_shown(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path / "a", [API], name="first").folder)
    async with app.run_test(size=(120, 40)) as pilot:
        app.post_message(Launched(record(tmp_path / "b", [GATEWAY], live=True, name="second").folder))
        await until(pilot, lambda: "second" in on_screen(app) and "gateway" in on_screen(app))


@pytest.mark.asyncio
async def test_a_launched_session_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API]).folder)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.post_message(Launched(tmp_path / "nothing"))
        await until(pilot, lambda: "nothing" in on_screen(app))
        assert isinstance(app.screen, DashboardScreen)


@pytest.mark.asyncio
async def test_another_session_can_be_opened_live_ones_to_watch_and_old_ones_to_replay(
    tmp_path: Path, own_home: Path
) -> None:
    record(own_home / "data" / "sessions", [GATEWAY], name="older")
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "older" in on_screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReplayScreen))


@pytest.mark.asyncio
async def test_where_there_are_no_sessions_the_list_says_so(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "There are no sessions yet." in on_screen(app))


def test_a_theme_that_is_gone_falls_back_to_the_default(own_home: Path) -> None:
    settings = own_home / "config" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('theme = "gone"\n')
    assert OctuiApp(lambda app: app.dashboard(None)).theme == "octui-dark"  # type: ignore[arg-type]  # it is not called


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('theme = "gone"', "There is no theme 'gone'"),
        ("theme = 3", "settings.toml: Expected `str`, got `int`"),
        ("theme =", "settings.toml cannot be read"),
        ('[keys]\n"pane.zom" = "x"', "No command is called 'pane.zom'."),
    ],
)
async def test_a_setting_that_cannot_be_used_is_told_and_the_screen_comes_up(
    settings: str, told: str, tmp_path: Path, own_home: Path
) -> None:
    file = own_home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text(settings)
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: any(told in notice.words for notice in app.messages))
        assert isinstance(app.screen, DashboardScreen)


@pytest.mark.asyncio
async def test_a_key_of_the_users_own_works(tmp_path: Path, own_home: Path) -> None:
    file = own_home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[keys]\n"search.open" = "f11"')
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash")
        assert not app.screen.query_one("#search-line").display
        await pilot.press("f11")
        assert app.screen.query_one("#search-line").display
