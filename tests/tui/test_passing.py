from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.client.events import EVENT_TYPES
from octui.tui import passing as passing_module
from octui.tui.passing import FILTERS, OTHER, Passing

KINDS = (*EVENT_TYPES, "diagnostic", "of_tomorrow")


def passing(kinds: list[str]) -> tuple[Passing, list[int]]:
    asked: list[int] = []

    def give(first: int, last: int) -> Iterable[str]:
        asked.extend(range(first, last))
        return kinds[first:last]

    return Passing(give), asked


def shows(kind: str, hidden: frozenset[str]) -> bool:
    return kind != EVENT_TYPES[0] and (kind if kind in FILTERS else OTHER) not in hidden


@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=40),
    hidden=st.frozensets(st.sampled_from(FILTERS)),
    chunk=st.integers(1, 9),
)
def test_walking_passes_over_what_the_filter_hides_and_what_shows_nothing(
    kinds: list[str], hidden: frozenset[str], chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passing_module, "CHUNK", chunk)
        made, _ = passing(kinds)
        made.hidden = hidden
        solid = [index for index, kind in enumerate(kinds) if shows(kind, hidden)]
        for at in range(len(kinds) + 1):
            assert made.after(at, len(kinds)) == next((index for index in solid if index >= at), None)
        for at in range(-1, len(kinds)):
            assert made.before(at) == next((index for index in reversed(solid) if index <= at), None)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_hidden_by_its_kind_and_those_of_unknown_kinds_together(kind: str) -> None:
    made, _ = passing([kind])
    assert not made.is_hidden(0)
    made.hidden = frozenset(FILTERS)
    assert made.is_hidden(0) == (kind != EVENT_TYPES[0])
    made.hidden = frozenset({OTHER})
    assert made.is_hidden(0) == (kind == "of_tomorrow")


def test_an_event_that_turned_out_empty_is_passed_over() -> None:
    made, _ = passing(["text"] * 3)
    made.has_nothing(1)
    assert (made.after(1, 3), made.before(1)) == (2, 0)


def test_each_event_is_asked_for_once_and_none_that_is_not_walked_over() -> None:
    made, asked = passing(["step_start"] * 9_999 + ["text"])
    for _ in range(3):
        assert made.after(0, 10_000) == 9_999
    assert asked == list(range(10_000))
    made, asked = passing(["text"] * 1_000_000)
    assert made.before(999_999) == 999_999
    assert len(asked) <= passing_module.CHUNK


def test_events_of_a_log_that_was_replaced_are_asked_for_again() -> None:
    kinds = ["step_start", "text"]
    made, _ = passing(kinds)
    assert made.after(0, 2) == 1
    kinds.reverse()
    made.forget()
    assert made.after(0, 2) == 0
