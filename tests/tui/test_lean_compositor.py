"""What is sent of frames leaves the screen as whole frames would, in fewer bytes."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from tests.tui.driving import dashboard, on_dashboard, on_screen, steady, until
from tests.tui.sessions import NOW, SIX, line, record, text
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate, LayoutUpdate
from textual._context import visible_screen_stack
from textual.strip import Strip

from octui.recording.journal import Journal
from octui.tui.app import OctuiApp
from octui.tui.lean_compositor import LeanCompositor, LeanUpdate, Shown
from octui.tui.lean_strip import LeanStrip
from octui.tui.widgets.pane import Pane

WIDTH = 8
SIZE = (120, 40)
FLAGS = st.sampled_from([None, True])
STYLES = st.builds(Style, color=st.sampled_from(["#102030", "#aabbcc"]), bgcolor=st.just("#000000"), bold=FLAGS)


@st.composite
def strips(draw: st.DrawFn) -> Strip:
    """A strip of some segments, with wide characters or without, octui's own or Textual's."""
    segments: list[Segment] = []
    room = WIDTH
    while room > 0:
        drawn = draw(st.text("ab 漢", min_size=1, max_size=3))
        part = Strip([Segment(drawn)]).crop(0, room).text
        segments.append(Segment(part, draw(STYLES)))
        room -= Strip([segments[-1]]).cell_length
    kind: type[Strip] = draw(st.sampled_from([LeanStrip, Strip]))
    return kind(segments, WIDTH)


FRAMES = st.lists(st.lists(strips(), min_size=2, max_size=2), min_size=1, max_size=4)


def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")


def parts(frame: list[Strip]) -> tuple[list[dict[int, Strip | None]], list[tuple[int, int, int]], list[list[int]]]:
    """A row with two strips, and what else an update is made of."""
    return [{0: frame[0], WIDTH: frame[1]}], [(0, 0, 2 * WIDTH)], [[WIDTH, 2 * WIDTH]]


def cells(terminal: pyte.Screen) -> list[list[pyte.screens.Char]]:
    return [[terminal.buffer[y][x] for x in range(terminal.columns)] for y in range(terminal.lines)]


@given(FRAMES)
def test_a_terminal_shows_frame_after_frame_as_it_shows_textuals_own(frames: list[list[Strip]]) -> None:
    shown: Shown = {}
    lean, own = (pyte.Screen(2 * WIDTH, 1) for _ in range(2))
    for frame in frames:
        pyte.Stream(lean).feed(LeanUpdate(*parts(frame), shown).render_segments(console()))
        pyte.Stream(own).feed(ChopsUpdate(*parts(frame)).render_segments(console()))
        assert cells(lean) == cells(own)


def test_what_stands_on_the_screen_already_is_not_sent_again() -> None:
    shown: Shown = {}
    one, other = Style(color="#102030", bgcolor="#000000"), Style(color="#aabbcc", bgcolor="#000000")

    def send(word: str) -> str:
        left = LeanStrip([Segment("| ", one), Segment(word, other), Segment(" |", one)], WIDTH)
        return LeanUpdate(*parts([left, LeanStrip([Segment("same " * 2, one)], WIDTH)]), shown).render_segments(
            console()
        )

    assert "same" in send("abcd")
    assert send("efgh") == "\x1b[1;3H\x1b[0;38;2;170;187;204;48;2;0;0;0mefgh\x1b[0m"
    assert send("efgh") == "\x1b[0m"


def test_a_strip_of_wide_characters_is_sent_as_a_whole() -> None:
    shown: Shown = {}

    def send(word: str) -> str:
        strip = LeanStrip([Segment("| "), Segment(word), Segment(" |")], WIDTH)
        return LeanUpdate(*parts([strip, strip]), shown).render_segments(console())

    send("漢字")
    assert "| abcd |" in send("abcd")
    assert "| 漢字 |" in send("漢字")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pyte.Screen:
    """A terminal that is sent what the application would send to its own."""
    screen = pyte.Screen(*SIZE)
    stream = pyte.Stream(screen)

    def display(app: OctuiApp, _: object, update: Any) -> None:
        if isinstance(update, CompositorUpdate):
            stream.feed(update.render_segments(app.console))

    monkeypatch.setattr(OctuiApp, "_display", display)
    return screen


@pytest.mark.asyncio
async def test_the_terminal_shows_what_is_drawn_through_news_toasts_and_dialogs(
    tmp_path: Path, terminal: pyte.Screen
) -> None:
    journal = record(tmp_path, SIX, live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        for step in _news(app, journal):
            for key in step:
                await pilot.press(key)
            await pilot.pause(0.1)
            await until(pilot, lambda: _is_shown(app, terminal))


def _news(app: OctuiApp, journal: Journal) -> Iterator[list[str]]:
    """Do one thing after the other to the application; give the keys to press after each."""
    screen = on_dashboard(app)
    names = list(screen.panes)
    for number, keys in enumerate(([], ["tab"], ["tab", "z"], ["z"], ["question_mark"], [], ["escape"], ["up"])):
        for name in names[number % 2 :: 2]:
            journal.append_stdout(name, line(text(f"news {number} of {name}, 漢字 {'and ' * number}"), NOW))
        if number % 3 == 0:
            screen.notify(f"toast {number}", timeout=0.3)
        yield [*keys]


def _is_shown(app: OctuiApp, terminal: pyte.Screen) -> bool:
    seen = "\n".join(row.rstrip() for row in terminal.display)
    return seen == "\n".join(row.rstrip() for row in on_screen(app).split("\n"))


WHAT_MAY_HAPPEN = (
    *("tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home", "end", "enter", "z", "1", "6"),
    *("question_mark", "ctrl+p", "t", "slash", "escape", "escape", "escape", "news", "news", "news", "toast", "resize"),
)
SIZES = (SIZE, (80, 24), (60, 12), (30, 8))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.asyncio
async def test_whatever_happens_the_terminal_shows_what_drawing_all_anew_would(
    tmp_path: Path, terminal: pyte.Screen, seed: int
) -> None:
    chance = random.Random(seed)
    journal = record(tmp_path, SIX, live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "explain services" in on_screen(app))
        for number in range(15):
            done = chance.choices(WHAT_MAY_HAPPEN, k=chance.randint(1, 6))
            for what in done:
                if what == "news":
                    for name in chance.sample(sorted(on_dashboard(app).panes), 3):
                        words = chance.choice(["short", "漢字 and more", "e\u0301 and\u200d on", "long " * 40])
                        journal.append_stdout(name, line(text(f"{number}: {words}"), NOW))
                elif what == "toast":
                    app.notify(f"toast {number}", timeout=0.2)
                elif what == "resize":
                    columns, rows = chance.choice(SIZES)
                    terminal.resize(rows, columns)
                    await pilot.resize_terminal(columns, rows)
                else:
                    await pilot.press(what)
            await pilot.pause(0.1)
            await until(pilot, lambda: cells(terminal) == cells(_drawn_anew(app)))


def _drawn_anew(app: OctuiApp) -> pyte.Screen:
    """The screen as Textual's own compositor draws all of it, whatever stands on the terminal."""
    visible_screen_stack.set(app._background_screens)
    with patch.object(LeanCompositor, "_get_renders", Compositor._get_renders):
        strips = app.screen._compositor.render_strips()
    screen = pyte.Screen(*app.size)
    update = LayoutUpdate([[strip] for strip in strips], app.size.region)
    pyte.Stream(screen).feed(update.render_segments(app.console))
    return screen


@pytest.mark.asyncio
async def test_a_pane_in_which_nothing_changed_is_not_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: pyte.Screen
) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "explain services" in on_screen(app))
        await steady(pilot)
        drawn: set[str] = set()
        draw = Pane.render_lines

        def note(pane: Pane, crop: Any) -> list[Strip]:
            drawn.add(pane.run_name)
            return draw(pane, crop)

        monkeypatch.setattr(Pane, "render_lines", note)
        names = list(on_dashboard(app).panes)
        on_dashboard(app).panes[names[1]].redraw()
        await until(pilot, lambda: drawn)
        await pilot.pause(0.2)
        assert drawn == {names[1]}
