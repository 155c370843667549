"""The table of runs as lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from octui.recording.comparing import Figures
from octui.recording.facts import RunState
from octui.tui.comparison import head_line, layout, run_line
from octui.tui.glyphs import ASCII, UNICODE
from octui.tui.render.lines import plain, width_of

RUN = Figures(
    run="limits-sonnet",
    group="limits",
    model="anthropic/claude-sonnet-4-5",
    state=RunState.SUCCEEDED,
    seconds=3_700,
    turns=12,
    tokens=1_228_400,
    cost=12.5,
    is_incomplete=False,
    files=3,
    added=12_000,
    removed=9_999,
    check=127,
    has_check=True,
    is_checking=False,
    settled=None,
)


@pytest.mark.parametrize("width", [79, 119, 199])
@pytest.mark.parametrize("column", ["run", "outcome", "time", "turns", "tokens", "cost", "files", "removed", "check"])
def test_head_and_lines_have_the_same_width_and_columns_never_touch(width: int, column: str) -> None:
    runs = [RUN, replace(RUN, run="x" * 80, model="m" * 80, state=RunState.TIMED_OUT)]
    table = layout(runs, width)
    head = head_line(table, column, UNICODE, descending=False)
    lines = [run_line(each, table, UNICODE, "1") for each in runs]
    assert {width_of(line) for line in (head, *lines)} == {sum(cells for _, _, cells in table.columns)}
    assert width_of(head) <= width
    assert len(plain(head).split()) == len(table.columns)
    assert "…" not in plain(head)
    assert len(plain(lines[0]).replace("✓ ", "").replace("✗ ", "").split()) == len(table.columns) + 1


def test_large_figures_are_shortened_and_a_long_name_keeps_its_end() -> None:
    line = plain(run_line(replace(RUN, run="the-limits-sonnet"), layout([RUN], 78), UNICODE))
    for words in ("…", "-sonnet", "1:01:40", "1.2M", "$12.50", "+12k", "−9999", "✗ 127"):
        assert words in line


@pytest.mark.parametrize("column", ["cost", "model"])
def test_no_column_is_narrower_than_its_head_however_short_what_stands_in_it(column: str) -> None:
    table = layout([replace(RUN, model="lab/m1")], 119)
    head = plain(head_line(table, column, UNICODE, descending=True))
    assert ("model↓ " if column == "model" else "model ") in head


def test_in_little_room_short_figures_leave_the_name_what_they_do_not_need() -> None:
    short = replace(RUN, run="limits-sonnet-again", seconds=71, tokens=900, cost=0.18, added=8, removed=4, check=0)
    assert "limits-sonnet-again" in plain(run_line(short, layout([short], 79), UNICODE))


def test_an_arrow_shows_what_is_sorted_by_and_which_way() -> None:
    table = layout([RUN], 119)
    assert "cost↑" in plain(head_line(table, "cost", UNICODE, descending=False))
    assert "files↓" in plain(head_line(table, "files", UNICODE, descending=True))


def test_without_worktrees_and_checks_there_are_no_columns_of_them() -> None:
    run = replace(RUN, files=None, added=None, removed=None, check=None, has_check=False, model="")
    assert layout([run], 119).ids == ["run", "outcome", "time", "turns", "tokens", "cost"]


def test_a_column_is_found_by_where_it_stands() -> None:
    table = layout([RUN], 119)
    head = plain(head_line(table, "run", UNICODE, descending=False))
    assert table.column_at(head.index("cost")) == "cost"
    assert table.column_at(0) == "run"
    assert table.column_at(500) == ""


def test_hostile_names_are_clean_and_ascii_stays_ascii() -> None:
    run = replace(RUN, run="a\x1b[31m\nb", model="p/\x1b[2Jm", check=0)
    table = layout([run], 119)
    line = plain(run_line(run, table, ASCII)) + plain(head_line(table, "removed", ASCII, descending=True))
    assert line.isascii()
    assert line.isprintable()
