"""What runs may spend."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.errors import PlanError
from octui.plan.budget import Budget, Meter, Spent
from octui.plan.toml import parse_plan, plan_from_json
from octui.plan.writing import plan_to_json

TEXT = """
[budget]
max_cost = 5
timeout_s = 60
[[runs]]
workspace = "."
prompt = "p"
max_cost = 0.5
max_tokens = 1000
max_turns = 3
timeout_s = 9
"""


@pytest.mark.parametrize(
    ("tokens", "words"),
    [(799, []), (800, ["nearly spent: 800 of 1,000"]), (1000, ["used up: 1,000 of 1,000"]), (1001, [])],
)
def test_nothing_that_is_used_up_or_crossed_is_called_nearly_spent(tokens: int, words: list[str]) -> None:
    meter = Meter(Budget(max_tokens=1000), "its")
    assert list(meter.nearly(Spent(tokens=tokens))) == [f"its budget is {each} tokens" for each in words]


def test_nothing_is_said_below_four_fifths_and_each_thing_once_above() -> None:
    meter = Meter(Budget(max_cost=1.0, max_tokens=1000), "its")
    assert not list(meter.nearly(Spent(cost=0.79, tokens=799)))
    assert list(meter.nearly(Spent(cost=0.8, tokens=799))) == ["its budget is nearly spent: $0.8 of $1"]
    assert list(meter.nearly(Spent(cost=0.9, tokens=900))) == ["its budget is nearly spent: 900 of 1,000 tokens"]
    assert not list(meter.nearly(Spent(cost=1.9, tokens=1900)))


@pytest.mark.parametrize(
    ("budget", "within", "over", "words"),
    [
        (Budget(max_cost=1.0), Spent(cost=1.0), Spent(cost=1.25), "$1.25 of $1"),
        (Budget(max_tokens=10), Spent(tokens=10), Spent(tokens=1100), "1,100 of 10 tokens"),
        (Budget(max_turns=2), Spent(turns=2), Spent(turns=3), "turn 3 of 2"),
        (Budget(timeout_s=60), Spent(seconds=60), Spent(seconds=61), "61 of 60 s"),
    ],
)
def test_a_budget_is_crossed_by_more_than_it(budget: Budget, within: Spent, over: Spent, words: str) -> None:
    meter = Meter(budget, "the plan's")
    assert meter.crossed(within) == ""
    assert meter.crossed(over) == f"the plan's budget was spent: {words}"


def test_without_a_budget_all_may_be_spent() -> None:
    assert Budget().is_open
    assert not Meter(Budget(), "its").crossed(Spent(cost=1e9, tokens=10**9, turns=10**9, seconds=1e9))


def test_budgets_stand_in_a_plan(tmp_path: Path) -> None:
    plan = parse_plan(TEXT, folder=tmp_path, source="p.toml")
    assert plan.budget == Budget(max_cost=5, timeout_s=60)
    assert plan.runs[0].budget == Budget(max_cost=0.5, max_tokens=1000, max_turns=3, timeout_s=9)
    assert plan_from_json(plan_to_json(plan)) == plan


def test_a_budget_that_allows_nothing_or_is_unknown_is_refused_with_its_place(tmp_path: Path) -> None:
    text = TEXT.replace("max_cost = 5", "max_coast = 5").replace("timeout_s = 60", "timeout_s = 0")
    text = text.replace("max_turns = 3", "max_turns = 0").replace("1000", "1.5")
    with pytest.raises(PlanError) as raised:
        parse_plan(text, folder=tmp_path, source="p.toml")
    assert [(problem.line, problem.where) for problem in raised.value.problems] == [
        (3, "budget.max_coast"),
        (4, "budget.timeout_s"),
        (9, "runs[1].max_tokens"),
        (10, "runs[1].max_turns"),
    ]
