"""The strip panes are drawn with says the same to a terminal as Textual's own, in fewer bytes."""

from __future__ import annotations

import io
from typing import Any

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from octui.tui.lean_strip import LeanStrip

COLORS = st.sampled_from([None, "#102030", "#aabbcc", "red"])
FLAGS = st.sampled_from([None, True])
STYLES = st.builds(Style, color=COLORS, bgcolor=COLORS, bold=FLAGS, italic=FLAGS, underline=FLAGS, strike=FLAGS)
SEGMENTS = st.lists(
    st.builds(Segment, st.text("ab é", min_size=1, max_size=4), st.one_of(st.none(), STYLES)), max_size=6
)


def console(color_system: Any = "truecolor") -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system=color_system)


def seen(output: str) -> list[pyte.screens.Char]:
    screen = pyte.Screen(40, 1)
    pyte.Stream(screen).feed(output + "end")
    return [screen.buffer[0][x] for x in range(40)]


def width(segments: list[Segment]) -> int:
    return sum(len(segment.text) for segment in segments)


@given(SEGMENTS, st.sampled_from(["truecolor", "256"]))
def test_a_terminal_shows_it_as_it_shows_textuals_own(segments: list[Segment], colors: str) -> None:
    lean = LeanStrip(segments, width(segments)).render(console(colors))
    assert seen(lean) == seen(Strip(segments).render(console(colors)))


def test_what_does_not_change_from_segment_to_segment_is_not_sent_again() -> None:
    one, other = Style(color="#102030", bgcolor="#000000"), Style(color="#aabbcc", bgcolor="#000000")
    sent = LeanStrip([Segment("a", one), Segment("b", one), Segment("c", other)], 3).render(console())
    assert sent == "\x1b[0;38;2;16;32;48;48;2;0;0;0mab\x1b[38;2;170;187;204mc\x1b[0m"


@given(SEGMENTS, st.integers(0, 30), st.integers(0, 30))
def test_it_is_cut_as_textuals_own_is(segments: list[Segment], start: int, end: int) -> None:
    length = width(segments)
    lean, own = LeanStrip(segments, length), Strip(segments, length)
    assert lean.crop(start, end) == own.crop(start, end)
    cuts = sorted({min(start, length), length})
    assert lean.divide(cuts) == own.divide(cuts)


def test_a_strip_that_nothing_lies_over_is_not_cut() -> None:
    strip = LeanStrip([Segment("abc")], 3)
    assert strip.divide([3])[0] is strip
