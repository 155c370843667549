"""Messages: where they stand, how long, and that each can be read whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_dashboard, on_screen, replay, until
from tests.tui.sessions import SIX, record
from tests.tui.talking import served
from textual.screen import Screen
from textual.widgets._toast import Toast

from octui.tui.messages import Notice
from octui.tui.render.lines import plain, width_of
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.compare import CompareScreen
from octui.tui.screens.text_screen import TextScreen
from octui.tui.widgets import message_line
from octui.tui.widgets.message_line import MessageLine, message_lines
from octui.tui.widgets.pane import Pane
from octui.tui.widgets.prompt_line import PromptLine
from octui.tui.widgets.search_line import SearchLine

SIZES = [(40, 12), (60, 20), (80, 24), (120, 40), (200, 60)]
LONG = "api runs by `opencode run`, which cannot be talked to; choose the serve backend. " * 12


def line_of(screen: Screen[object]) -> MessageLine:
    return screen.query_one(MessageLine)


@pytest.mark.asyncio
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("words", ["Sent to api.", LONG], ids=["short", "long"])
async def test_a_message_covers_no_pane_and_no_line_that_is_typed_into(
    tmp_path: Path, size: tuple[int, int], words: str
) -> None:
    app = dashboard(served(tmp_path, [], SIX).folder)
    async with app.run_test(size=size, notifications=True) as pilot:
        for key, typed in (("tab", Pane), ("i", PromptLine), ("escape", Pane), ("slash", SearchLine)):
            await pilot.press(key)
            app.notify(words, markup=False)
            await until(pilot, lambda: app.screen.query(MessageLine) and line_of(app.screen).notices)
            await until(pilot, lambda: line_of(app.screen).region.height > 0)
            await pilot.pause()
            told = line_of(app.screen).region
            assert told.height <= size[1] // 3
            for widget in (*app.screen.query(Pane), *app.screen.query(typed)):
                if widget.display:
                    assert not told.overlaps(widget.region), (key, widget)
            assert not app.screen.query(Toast)
            line_of(app.screen).clear()
            await pilot.pause()


@pytest.mark.asyncio
@pytest.mark.parametrize(("key", "screen"), [("d", ChangesScreen), ("C", CompareScreen), ("question_mark", TextScreen)])
async def test_a_message_stays_on_its_screen_and_covers_nothing_there(
    tmp_path: Path, key: str, screen: type[Screen[object]]
) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.notify("Told on the dashboard.", severity="error", markup=False)
        await until(pilot, lambda: "Told on the dashboard." in on_screen(app))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, screen))
        assert not app.screen.query(MessageLine)
        app.notify("Told here.", markup=False)
        await until(pilot, lambda: "Told here." in on_screen(app))
        await pilot.pause()
        told = line_of(app.screen).region
        for widget in app.screen.query("CompareTable, FileList, Sheet"):
            assert not told.overlaps(widget.region)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is on_dashboard(app))
        assert "Told here." not in on_screen(app)


@pytest.mark.asyncio
async def test_a_message_goes_at_the_next_key(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.notify("Sent to api.", timeout=1000, markup=False)
        await until(pilot, lambda: "Sent to api." in on_screen(app))
        await pilot.press("tab")
        await until(pilot, lambda: "Sent to api." not in on_screen(app))
        assert "q quit" in on_screen(app)


@pytest.mark.asyncio
async def test_a_message_goes_by_itself(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.notify("Sent to api.", timeout=0.05, markup=False)
        await until(pilot, lambda: app.messages and app.screen.query(MessageLine))
        await until(pilot, lambda: "Sent to api." not in on_screen(app) and "q quit" in on_screen(app))


@pytest.mark.asyncio
async def test_an_error_outlasts_keys_that_were_already_on_their_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_line, "READABLE_S", 1e6)
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.notify("It was refused.", severity="error", timeout=1000, markup=False)
        await until(pilot, lambda: "It was refused." in on_screen(app))
        await pilot.press("tab", "tab")
        assert line_of(app.screen).notices
        app.notify("Sent to api.", timeout=1000, markup=False)
        await until(pilot, lambda: "Sent to api." in on_screen(app))
        assert "It was refused." in on_screen(app), "what comes right behind it stands below it"
        monkeypatch.setattr(message_line, "READABLE_S", 0.0)
        await pilot.press("tab")
        await until(pilot, lambda: "It was refused." not in on_screen(app))


@pytest.mark.asyncio
async def test_the_replay_keeps_its_bar(tmp_path: Path) -> None:
    app = replay(record(tmp_path, SIX).folder)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "? help" in on_screen(app))
        bar = on_screen(app).split("\n")[-2]
        app.notify("Copied.", markup=False)
        await until(pilot, lambda: "Copied." in on_screen(app).split("\n")[-1])
        assert on_screen(app).split("\n")[-2] == bar


@pytest.mark.asyncio
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_long_message_is_read_whole_in_the_list_of_messages(tmp_path: Path, size: tuple[int, int]) -> None:
    app = dashboard(served(tmp_path, []).folder)
    words = f"{LONG} Its last word is here: enough."
    async with app.run_test(size=size, notifications=True) as pilot:
        app.notify(words, severity="warning", markup=False)
        await until(pilot, lambda: "api runs by" in on_screen(app).split("\n", 6)[-1])
        rows = " ".join("\n".join(on_screen(app).split("\n")[-size[1] // 3 :]).split())
        assert "enough." in rows or "ctrl+l shows all" in rows
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await pilot.press("end")
        await until(pilot, lambda: "enough." in on_screen(app))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
@pytest.mark.parametrize("most", [1, 2, 4, 13])
def test_a_message_is_never_cut_silently(width: int, most: int) -> None:
    for words in ("Sent.", LONG, "漢" * 200):
        lines = message_lines([Notice(words, "error", 4.0, 0.0)], width, most, "ctrl+l")
        shown = " ".join(plain(line).strip() for line in lines)
        assert len(lines) <= most
        assert all(width_of(line) <= width for line in lines)
        is_whole = shown.replace(" ", "") == words.replace(" ", "")
        assert is_whole or "ctrl+l" in shown
