from __future__ import annotations

import math

import pytest

from octui.tui.layout import MIN_PANE, arrange, too_small


def test_one_run_has_the_screen_to_itself() -> None:
    assert arrange(1, 80, 22).columns == 1


@pytest.mark.parametrize("runs", range(2, 33))
def test_at_80_columns_runs_stand_in_a_list(runs: int) -> None:
    assert arrange(runs, 80, 22).is_list


@pytest.mark.parametrize("runs", range(1, 33))
@pytest.mark.parametrize(("width", "height"), [(120, 38), (200, 58), (300, 80)])
def test_panes_of_a_grid_are_never_smaller_than_reads_well(runs: int, width: int, height: int) -> None:
    columns = arrange(runs, width, height).columns
    if columns:
        assert width // columns >= MIN_PANE[0]
        assert height // math.ceil(runs / columns) >= MIN_PANE[1]


def test_six_runs_stand_in_two_columns_at_120_and_three_at_200() -> None:
    assert arrange(6, 120, 38).columns == 2
    assert arrange(6, 200, 58).columns == 3


def test_more_runs_than_fit_stand_in_a_list() -> None:
    assert arrange(32, 120, 38).is_list


def test_a_tiny_terminal_is_too_small() -> None:
    assert too_small(39, 24)
    assert too_small(80, 9)
    assert not too_small(40, 10)


def test_two_wide_columns_are_better_than_three_narrow_ones() -> None:
    assert arrange(6, 120, 30).columns == 2
