"""How the screens look, from recordings that never change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_dashboard, replay, steady
from tests.tui.sessions import API, GATEWAY, SIX, WORKER, record
from tests.tui.streams import at_work
from textual.pilot import Pilot

SIZES = [(80, 24), (120, 40), (200, 60)]
NAMES = ["80x24", "120x40", "200x60"]


async def settle(pilot: Pilot[Any]) -> None:
    """Let every panes' first drawing, and what it asks for, be done."""
    await steady(pilot)
    on_dashboard(pilot.app).show_all()
    await steady(pilot, looks=2)


def settle_after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press keys on a screen that is settled, and let it settle again."""

    async def press(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press(*keys)
        await steady(pilot)

    return press


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_dashboard(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    assert snap_compare(app, terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_zoom(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    assert snap_compare(app, terminal_size=size, run_before=settle_after("3", "z"))


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_replay(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = replay(record(tmp_path, [API, WORKER, GATEWAY]).folder)
    assert snap_compare(app, terminal_size=size, run_before=settle_after("5"))


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_help(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    assert snap_compare(app, terminal_size=size, run_before=settle_after("question_mark"))


def test_quit_dialog(snap_compare: Any, tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle_after("q"))


@pytest.mark.parametrize("theme", ["octui-light", "octui-contrast", "octui-ember"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    app.theme = theme
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


def test_ascii(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTUI_ASCII", "1")
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("size", SIZES, ids=NAMES)
def test_under_way(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(at_work(tmp_path).folder), terminal_size=size, run_before=settle)


def test_under_way_opened(snap_compare: Any, tmp_path: Path) -> None:
    app = dashboard(at_work(tmp_path).folder)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle_after("4", "e", "z"))


def test_under_way_ascii(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTUI_ASCII", "1")
    assert snap_compare(dashboard(at_work(tmp_path).folder), terminal_size=(120, 40), run_before=settle)
