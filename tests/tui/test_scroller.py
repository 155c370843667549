from __future__ import annotations

from typing import cast

import pytest

from octui.tui.document import RunDocument
from octui.tui.render.lines import Line
from octui.tui.scroller import Scroller


class Paper:
    """A document whose item ``n`` has ``heights[n]`` lines."""

    def __init__(self, *heights: int) -> None:
        self.heights = list(heights)

    @property
    def last(self) -> int:
        return len(self.heights) - 1

    def lines(self, item: int, width: int) -> list[Line]:
        return [[(f"{item}.{at}", "text")] for at in range(self.heights[item])]


def scroller(*heights: int, height: int = 4) -> tuple[Scroller, Paper]:
    paper = Paper(*heights)
    made = Scroller(cast(RunDocument, paper))
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
