"""Which run waits for which."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.client.config import RunConfig
from octui.plan import graph
from octui.plan.model import RunSpec


def runs(*specs: tuple[str, str, tuple[str, ...]]) -> list[RunSpec]:
    """Runs of name, group and needs."""
    return [
        RunSpec(name=name, workspace=Path("/w"), prompt="p", config=RunConfig(), group=group, needs=needs)
        for name, group, needs in specs
    ]


def test_a_group_stands_for_all_its_runs() -> None:
    plan = runs(("a-1", "a", ()), ("a-2", "a", ()), ("b", "", ("a", "a-1")))
    assert graph.members(plan) == {"a": ("a-1", "a-2"), "a-1": ("a-1",), "a-2": ("a-2",), "b": ("b",)}
    assert graph.needed(plan)["b"] == ("a-1", "a-2")


def test_runs_start_after_those_they_need() -> None:
    plan = runs(("end", "", ("mid", "first")), ("mid", "", ("first",)), ("first", "", ()), ("alone", "", ()))
    assert [[run.name for run in wave] for wave in graph.waves(plan)] == [["first", "alone"], ["mid"], ["end"]]


def test_a_circle_is_spelled_out_once() -> None:
    plan = runs(("api", "", ("worker",)), ("worker", "", ("api",)), ("late", "", ("api",)))
    assert list(graph.cycles(plan)) == [("api", ["api", "worker", "api"])]
    with pytest.raises(ValueError, match="wait for one another"):
        graph.waves(plan)


def test_a_circle_through_a_group_names_the_group() -> None:
    plan = runs(("w-1", "w", ("sum",)), ("w-2", "w", ("sum",)), ("sum", "", ("w",)), ("self", "", ("self",)))
    assert [circle for _, circle in graph.cycles(plan)] == [["w", "sum", "w"], ["self", "self"]]


def test_two_ways_to_the_same_run_are_no_circle() -> None:
    assert not list(graph.cycles(runs(("a", "", ("b", "c")), ("b", "", ("d",)), ("c", "", ("d",)), ("d", "", ()))))


def test_a_long_chain_is_followed() -> None:
    plan = runs(*((str(number), "", (str(number + 1),)) for number in range(3000)), ("3000", "", ()))
    assert not list(graph.cycles(plan))


def test_what_is_waited_for_is_counted() -> None:
    known = graph.members(runs(("a-1", "a", ()), ("a-2", "a", ()), ("b", "", ())))
    assert graph.in_words(("a", "b"), known, ["a-2", "b"]) == "a (1 of 2), b"
    assert graph.in_words(("a", "b"), known, ["b"]) == "b"
