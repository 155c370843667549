from __future__ import annotations

import pytest

from octui.tui.render.lines import plain, wrap_text
from octui.tui.render.long_text import Block, body
from octui.tui.scroller import Scroller


class Paper:
    """A document whose item ``n`` has ``heights[n]`` lines."""

    def __init__(self, *heights: int) -> None:
        self.heights = list(heights)

    @property
    def last(self) -> int:
        return len(self.heights) - 1

    def block(self, item: int, width: int) -> Block:
        return [[[(f"{item}.{at}", "text")] for at in range(self.heights[item])]]

    def beside(self, item: int, step: int) -> int | None:
        return item + step if 0 <= item + step <= self.last else None


def scroller(*heights: int, height: int = 4) -> tuple[Scroller, Paper]:
    paper = Paper(*heights)
    made = Scroller(paper)
    made.resize(20, height)
    return made, paper


def seen(made: Scroller) -> list[str]:
    return [row.line[0][0] for row in made.rows()]


def test_it_follows_the_tail() -> None:
    made, paper = scroller(1, 2, 3)
    assert seen(made) == ["1.1", "2.0", "2.1", "2.2"]
    paper.heights.append(1)
    made.grew(1)
    assert seen(made) == ["2.0", "2.1", "2.2", "3.0"]


def test_a_short_document_starts_at_the_top() -> None:
    assert seen(scroller(1, 0, 1)[0]) == ["0.0", "2.0"]


def test_scrolled_up_it_stays_where_it_is_and_counts_what_comes() -> None:
    made, paper = scroller(1, 2, 3)
    made.scroll(-1)
    before = seen(made)
    paper.heights += [2, 2]
    made.grew(2)
    assert seen(made) == before == ["1.0", "1.1", "2.0", "2.1"]
    assert (made.following, made.unseen) == (False, 2)


def test_scrolling_to_the_end_follows_again() -> None:
    made, _ = scroller(1, 2, 3, 4)
    made.scroll(-5)
    made.scroll(50)
    assert seen(made)[-1] == "3.3"
    assert made.following
    assert made.unseen == 0


@pytest.mark.parametrize("lines", range(1, 12))
def test_up_and_down_by_as_many_lines_comes_back(lines: int) -> None:
    made, _ = scroller(3, 1, 0, 5, 2, 4, 6)
    made.home()
    made.scroll(4)
    before = seen(made)
    made.scroll(lines)
    after = seen(made)
    if not made.following:
        made.scroll(-lines)
        assert seen(made) == before
    else:
        assert after[-1] == "6.5"


def test_it_never_scrolls_above_the_start() -> None:
    made, _ = scroller(3, 3, 3)
    made.scroll(-100)
    assert seen(made)[0] == "0.0"


def test_the_cursor_passes_over_items_with_nothing_to_show() -> None:
    made, _ = scroller(1, 0, 1, 0, 1, height=10)
    made.move_cursor(-1)
    assert made.cursor == 4
    made.move_cursor(-1)
    assert made.cursor == 2
    made.move_cursor(-1)
    made.move_cursor(-1)
    assert made.cursor == 0


def test_an_item_out_of_sight_is_brought_into_it() -> None:
    made, _ = scroller(*[2] * 50, height=9)
    made.show(10)
    assert "10.0" in seen(made)
    assert not made.following


def test_a_step_back_in_a_replay_goes_to_the_tail_of_what_is_left() -> None:
    made, paper = scroller(1, 2, 3, 4)
    made.scroll(-3)
    made.cursor = 3
    del paper.heights[2:]
    made.grew(-2)
    assert seen(made) == ["0.0", "1.0", "1.1"]
    assert made.cursor == 1


def test_an_empty_document_shows_nothing() -> None:
    made, _ = scroller(0, 0)
    made.scroll(-1)
    made.scroll(1)
    made.move_cursor(1)
    assert seen(made) == []


class Book:
    """One item of a very long text and one of a short one."""

    last = 1

    def __init__(self) -> None:
        self.text = "".join(f"<{number}> {'word ' * (number % 40)}\n" for number in range(20_000))

    def block(self, item: int, width: int) -> Block:
        return [wrap_text("short", width, "text")] if item else [[[("head", "text")]], *body(self.text, width, "text")]

    def beside(self, item: int, step: int) -> int | None:
        return item + step if 0 <= item + step <= self.last else None


def top(made: Scroller) -> str:
    return plain(made.rows()[0].line)


@pytest.mark.parametrize("widths", [(60,), (20,), (40, 12, 79), (13, 200)])
def test_the_text_on_top_stays_there_while_the_window_changes_its_width(widths: tuple[int, ...]) -> None:
    made = Scroller(Book())
    made.resize(80, 20)
    made.home()
    made.scroll(5_000)
    before = top(made)
    for width in widths:
        made.resize(width, 20)
        assert top(made) in before or before in top(made)
    made.resize(80, 20)
    assert top(made) == before


def test_a_very_long_text_is_scrolled_line_by_line_across_its_parts() -> None:
    made = Scroller(Book())
    made.resize(300, 10)
    made.home()
    for number in range(1, 200):
        made.scroll(1)
        if number > 1:
            assert top(made).startswith(f"<{number - 1}>")
    made.scroll(-199)
    assert top(made) == "head"


def test_the_scroll_mark_shows_how_far_into_a_long_text_one_is() -> None:
    made = Scroller(Book())
    made.resize(80, 20)
    made.home()
    assert made.progress()[0] == 0
    made.show(0, len(made.document.block(0, 80)) // 2)
    made.rows()
    start, end = made.progress()
    assert 0.2 < start <= end < 0.3
