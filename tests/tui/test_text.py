from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from octui.tui.text import (
    MAX_COMBINING_MARKS,
    clean,
    clean_line,
    cut,
    cut_middle,
    cut_path,
    cut_start,
    pad,
    without,
    wrap,
)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;aGk=\x07after a clipboard write", "after a clipboard write"),
        ("\x1b]2;a title\x1b\\after a title", "after a title"),
        ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred in C1", "red in C1"),
        ("\x1bPdevice\x1b\\control", "control"),
        ("a lone \x1b", "a lone ␛"),
        ("bell \x07 and null \x00", "bell ␇ and null ␀"),
        ("delete \x7f", "delete ␡"),
        ("next line \x85 end", "next line \n end"),
        ("right \u202eto left", "right to left"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("no\u00a0break", "no break"),
        ("half a pair \ud800", "half a pair �"),
        ("private \ue000", "private �"),
        ("windows\r\nline", "windows\nline"),
        ("progress\rbar", "progress\nbar"),
    ],
)
def test_what_steers_a_terminal_never_stays_in_clean_text(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_a_tower_of_combining_marks_is_cut_to_a_few() -> None:
    assert clean("e" + "\u0301" * 500) == "e" + "\u0301" * MAX_COMBINING_MARKS


def test_tabs_become_spaces_up_to_the_next_stop() -> None:
    assert clean("a\tb") == "a   b"


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    text = "naïve 한국어 日本 עברית 🙂"
    assert clean(text) == text


def test_a_clean_line_has_no_newline() -> None:
    assert clean_line("one\n  two\r\nthree") == "one two three"


@given(st.text())
def test_clean_text_is_printable_whatever_comes(text: str) -> None:
    shown = clean(text)
    assert all(row.isprintable() for row in shown.split("\n"))
    assert "\n" not in clean_line(text)


@given(st.text(), st.integers(2, 40))
def test_wrapped_pieces_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    line = clean_line(text)
    pieces = list(wrap(line, width))
    assert all(cell_len(line[start:end]) <= width for start, end in pieces)
    kept = "".join(line[start:end] for start, end in pieces)
    assert kept.replace(" ", "") == line.replace(" ", "")


def test_lines_break_at_spaces_and_long_words_where_they_must() -> None:
    line = "a sentence of words"
    assert [line[s:e] for s, e in wrap(line, 10)] == ["a sentence", "of words"]
    word = "x" * 25
    assert [word[s:e] for s, e in wrap(word, 10)] == ["x" * 10, "x" * 10, "x" * 5]


def test_wide_letters_take_two_cells() -> None:
    line = "한국어텍스트"
    assert [line[s:e] for s, e in wrap(line, 6)] == ["한국어", "텍스트"]


@given(st.text(), st.integers(1, 30))
def test_cut_text_never_takes_more_cells_than_it_may(text: str, width: int) -> None:
    line = clean_line(text)
    assert cell_len(cut(line, width)) <= width
    assert cell_len(cut_start(line, width)) <= width
    assert cell_len(pad(line, width)) == width


def test_a_path_is_cut_from_its_start() -> None:
    assert cut_start("services/api/router.py", 12) == "…i/router.py"


@given(st.text(max_size=60).map(clean_line), st.integers(1, 50))
def test_whatever_is_shortened_fits_and_stays_as_it_is_where_it_does(text: str, width: int) -> None:
    for shorten in (cut, cut_middle, cut_path):
        shown = shorten(text, width)
        assert cell_len(shown) <= width
        assert shown == text or cell_len(text) > width


@pytest.mark.parametrize(
    ("path", "width", "shown"),
    [
        ("src/billing/limits.py", 21, "src/billing/limits.py"),
        ("src/billing/limits.py", 16, "…lling/limits.py"),
        ("src/billing/limits.py", 10, "…limits.py"),
        ("src/billing/limits.py", 9, "limits.py"),
        ("src/billing/test_limits_of_customers.py", 18, "test_limits_…rs.py"),
        ("src/订单/支付服务.py", 13, "…/支付服务.py"),
    ],
)
def test_a_path_keeps_the_name_of_its_file(path: str, width: int, shown: str) -> None:
    assert cut_path(path, width) == shown


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("The provider refuses: You exceeded your quota.", "The provider refuses"),
        ("the provider refuses (APIError: You exceeded your quota.)", "the provider refuses"),
        ("the provider fails (You exceeded your quota.); attempt 2", "the provider fails attempt 2"),
        ("APIError: You exceeded your quota.", ""),
        ("exit code 1", "exit code 1"),
    ],
)
def test_what_is_said_elsewhere_is_left_out(words: str, left: str) -> None:
    assert without(words, ["You exceeded your quota.", "APIError: You exceeded your quota.", "code"]) == left
