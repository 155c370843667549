"""What the terminal says once the screen was left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_screen, replay, until
from tests.tui.sessions import API, GATEWAY, record

from octui.recording.session import Session
from octui.tui import app as entry
from octui.tui.app import OctuiApp
from octui.tui.screens.dialogs import AskScreen
from octui.tui.way_back import way_back


@pytest.fixture
def sessions(own_home: Path) -> Path:
    return own_home / "data" / "sessions"


def test_live_session_is_attached_or_stopped(sessions: Path) -> None:
    journal = record(sessions, [API, GATEWAY], live=True)
    name = journal.folder.name
    first, *commands = way_back(Session.open(journal.folder)).split("\n")
    assert first.startswith(f"Session {name} has ")
    assert commands == [f"  octui attach {name}", f"  octui stop {name}"]


def test_ended_session_is_replayed(sessions: Path) -> None:
    folder = record(sessions, [API]).folder
    lines = way_back(Session.open(folder)).split("\n")
    assert lines[:2] == [f"Session {folder.name} has ended.", f"  octui replay {folder.name}"]


def test_session_that_was_just_stopped_is_not_attached_again(sessions: Path) -> None:
    journal = record(sessions, [API], live=True)
    words = way_back(Session.open(journal.folder), stopped=True)
    assert words == f"Session {journal.folder.name} has ended.\n  octui replay {journal.folder.name}"


def test_recording_elsewhere_is_named_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "my recordings"
    folder.mkdir()
    session = record(folder, [API]).folder
    assert f"  octui replay '{session}'" in way_back(Session.open(session))


def test_deleted_session_leads_nowhere(tmp_path: Path) -> None:
    folder = record(tmp_path, [API]).folder
    session = Session.open(folder)
    folder.rename(tmp_path / "moved")
    assert "moved" in way_back(session)
    for path in sorted((tmp_path / "moved").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (tmp_path / "moved").rmdir()
    assert way_back(session) == ""


@pytest.mark.asyncio
@pytest.mark.parametrize("key", ["q", "ctrl+q"])
@pytest.mark.parametrize("screen", [dashboard, replay])
async def test_leaving_a_screen_names_the_way_back(
    sessions: Path, screen: Callable[[Path], OctuiApp], key: str
) -> None:
    folder = record(sessions, [API]).folder
    app = screen(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.parting_words() == ""
        await pilot.press(key)
    assert f"octui replay {folder.name}" in app.parting_words()


@pytest.mark.asyncio
async def test_leaving_runs_at_work_names_attach(sessions: Path) -> None:
    folder = record(sessions, [API, GATEWAY], live=True).folder
    app = dashboard(folder)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert "octui attach" in on_screen(app)
        await pilot.press("k")
    assert f"octui attach {folder.name}" in app.parting_words()


def test_way_back_is_printed_after_the_screen_is_gone(
    sessions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = record(sessions, [API]).folder

    def run(app: OctuiApp, **_: Any) -> int:
        app._left = app._first(app)
        assert capsys.readouterr().out == ""
        return 0

    monkeypatch.setattr(OctuiApp, "run", run)
    assert entry.run_dashboard(folder) == 0
    assert f"octui replay {folder.name}" in capsys.readouterr().out
