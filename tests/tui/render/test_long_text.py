from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.tui.render import long_text
from octui.tui.render.lines import Line, plain, wrap_text
from octui.tui.render.long_text import PART, LongPart, LongText, body, is_long, preview
from octui.tui.text import clean

SAID = st.lists(st.sampled_from(["a", "word ", "\n", "\n\n", "é", "中", "\x1b[1mb\x1b[0m", "\t"]), max_size=400)


def shown(lines: list[Line]) -> str:
    return "\n".join(plain(line) for line in lines)


@given(pieces=SAID, part=st.integers(64, 200))
def test_the_parts_of_a_text_are_all_of_it_and_none_twice(pieces: list[str], part: int) -> None:
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_text, "PART", part)
        whole = LongText(text, 40, "output")
        parts = [each for each in whole.parts() if isinstance(each, LongPart)]
        assert "".join(each.source for each in parts) == text


def test_long_lines_look_as_those_of_a_short_text_do() -> None:
    text = "".join(f"{number}: the quick \x1b[31mbrown\x1b[0m fox\n" for number in range(4_000)).rstrip("\n")
    assert is_long(text)
    lines = [line for part in body(text, 20, "output", indent="  ") for line in part]
    assert lines == wrap_text(text, 20, "output", indent="  ")


def test_a_text_without_any_end_of_a_line_is_cut_and_loses_nothing() -> None:
    text = "x" * 50_000
    lines = [line for part in body(text, 70, "output") for line in part]
    assert "".join(plain(line) for line in lines) == text


def test_an_escape_sequence_on_the_edge_of_two_parts_is_taken_out_all_the_same() -> None:
    text = "x" * (PART - 2) + "\x1b[31m" + "y" * 2 * PART
    lines = [line for part in body(text, 70, "output") for line in part]
    assert "".join(plain(line) for line in lines) == clean(text)


def test_what_is_not_looked_at_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[int] = []

    def count(text: str) -> str:
        cleaned.append(len(text))
        return clean(text)

    monkeypatch.setattr(long_text, "clean", count)
    text = "a line of an output\n" * 250_000
    parts = body(text, 70, "output")
    assert cleaned == []
    assert plain(parts[300][0]).strip() == "a line of an output"
    assert len(parts[300]) > 100
    assert sum(cleaned) <= 2 * PART


def test_a_role_may_depend_on_the_line() -> None:
    text = "+new\n-old\n" * 2_000
    whole = LongText(text, 70, lambda row: "added" if row.startswith("+") else "removed")
    assert whole.rows(0)[:2] == [[("+new", "added")], [("-old", "removed")]]


def test_a_preview_says_how_much_there_is() -> None:
    lines = preview("a line\n" * 150_000, 40, "output", indent="  ", limit=3)
    assert shown(lines).split("\n") == ["  a line", "  a line", "  a line", "  … 1.1 MB in all"]
