from __future__ import annotations

import pytest

from octui.tui import format as fmt


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "--:--"), (0, "00:00"), (133.9, "02:13"), (3733, "1:02:13"), (-5, "00:00")]
)
def test_clocks_show_hours_only_where_there_are_some(seconds: float | None, shown: str) -> None:
    assert fmt.clock(seconds) == shown


@pytest.mark.parametrize(
    ("ms", "shown"), [(12, "12ms"), (4200, "4.2s"), (99_960, "01:39"), (125_000, "02:05"), (3_733_000, "1:02:13")]
)
def test_short_durations_keep_two_or_three_figures_and_long_ones_are_clocks(ms: float, shown: str) -> None:
    assert fmt.duration(ms) == shown


@pytest.mark.parametrize(("count", "shown"), [(940, "940"), (41_234, "41.2k"), (999_990, "1.0M"), (1_300_000, "1.3M")])
def test_token_counts_are_short(count: int, shown: str) -> None:
    assert fmt.tokens(count) == shown


def test_a_cost_with_missing_steps_is_marked_as_a_lower_bound() -> None:
    assert fmt.cost(0.12, incomplete=True) == "≥$0.12"
    assert fmt.cost(0.0012) == "$0.0012"
    assert fmt.cost(0) == "$0.00"


def test_one_thing_has_no_plural() -> None:
    assert (fmt.plural(1, "step"), fmt.plural(0, "step")) == ("1 step", "0 steps")
