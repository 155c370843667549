from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from octui.tui.widgets.harmless import harmless


def test_what_steers_the_terminal_is_drawn_as_a_picture() -> None:
    shown = harmless(Strip([Segment("a\x1b[31mb\x9b\u202ec\u00a0d")]))
    assert shown.text == "a␛[31mb��c d"[: len(shown.text)]
    assert shown.text.isprintable()


def test_ordinary_text_is_drawn_as_it_is() -> None:
    text = "naïve e\u0301e\u0323\u0302 漢字 👍"
    assert harmless(Strip([Segment(text)])).text == text


def test_towers_of_combining_marks_are_cut() -> None:
    assert harmless(Strip([Segment("e" + "\u0301" * 50 + "x")])).text == "e\u0301\u0301x"
