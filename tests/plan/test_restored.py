"""Recorded plans that are made whole again."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import tomli_w

from octui.client.config import RunConfig
from octui.plan.budget import Budget
from octui.plan.model import Plan, RunSpec
from octui.plan.restored import differences, masks, restored, with_password
from octui.plan.secrets import masked_plan
from octui.plan.toml import plan_from_json

SECRET = RunConfig(model="a/b", extra_env={"title": "sesame-open"}, mcp={"x": {"type": "local", "command": ["x"]}})


def run(folder: Path, name: str, **more: Any) -> RunSpec:
    return RunSpec(**{"name": name, "workspace": folder, "prompt": "Do it.", "config": SECRET, **more})


def recorded(plan: Plan) -> Plan:
    """The plan as ``session.toml`` gives it back."""
    return plan_from_json(msgspec.json.encode(tomllib.loads(tomli_w.dumps(masked_plan(plan)))))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    template = "{{ vars.x }} {{ runs.a.final_text }}"
    made = run(tmp_path, "b", prompt=template, template=template, needs=("a",), vars={"x": "y"})
    return Plan(name="p", runs=(run(tmp_path, "a", backend="serve"), made), max_parallel=2)


def test_secrets_come_back_and_prompts_that_were_made_stay(plan: Plan) -> None:
    a, b = plan.runs
    before = recorded(replace(plan, name="renamed", runs=(a, replace(b, prompt="y hot", backend="serve"))))
    given = replace(plan, max_parallel=9, budget=Budget(max_cost=3))
    assert masks(before)
    assert list(differences(before, given, {})) == []
    whole = restored(before, given, {})
    assert not masks(whole)
    assert (whole.name, whole.max_parallel, whole.budget.max_cost) == ("renamed", 9, 3)
    assert whole.runs == (a, replace(b, prompt="y hot", backend="serve"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "Do more."}, "a has another prompt"),
        ({"config": RunConfig(model="a/c", extra_env={"title": "x"})}, "a has another model, mcp"),
        ({"backend": "run"}, "a has another backend"),
        ({"name": "c"}, "there is no run a; the run c is new"),
        ({"workspace": Path("/")}, "a has another workspace"),
    ],
)
def test_what_is_otherwise_is_named_without_telling_secrets(plan: Plan, change: Mapping[str, Any], words: str) -> None:
    a, b = plan.runs
    given = replace(plan, runs=(replace(a, **change), b))
    assert "; ".join(differences(recorded(plan), given, {})) == words


def test_another_secret_is_no_difference(plan: Plan) -> None:
    a, b = plan.runs
    other = replace(a, config=replace(SECRET, extra_env={"title": "sesame-shut"}))
    given = replace(plan, runs=(other, b))
    assert list(differences(recorded(plan), given, {})) == []
    assert restored(recorded(plan), given, {}).runs[0] == other


def test_a_prompt_to_the_letter_is_another_than_a_template(plan: Plan) -> None:
    a, b = plan.runs
    given = replace(plan, runs=(a, replace(b, template="")))
    assert list(differences(recorded(plan), given, {})) == ["b has another template"]


def test_a_fork_has_the_secrets_of_the_run_it_goes_on_from(plan: Plan) -> None:
    a, b = plan.runs
    fork = replace(a, name="a-fork", prompt="And then?")
    before = recorded(replace(plan, runs=(a, replace(b, backend="serve"), fork)))
    forks = {"a-fork": "a"}
    assert list(differences(before, plan, forks)) == []
    assert restored(before, plan, forks).runs[2] == fork


def test_the_password_of_a_server_can_be_given_alone(plan: Plan, tmp_path: Path) -> None:
    config = RunConfig(attach="http://a:1", password="sesame-open")
    before = recorded(Plan(name="p", runs=(run(tmp_path, "a", config=config),)))
    assert masks(before)
    whole = with_password(before, "sesame-open")
    assert not masks(whole)
    assert whole.runs[0].config.password == "sesame-open"
    assert masks(with_password(recorded(plan), "x"))


def test_what_is_masked_is_named_by_its_key_and_its_runs(tmp_path: Path) -> None:
    server = {"type": "remote", "url": "https://x.example", "headers": {"Authorization": "Bearer sesame"}}
    one = RunConfig(extra_env={"TOKEN": "sesame"}, mcp={"docs": server})
    more = [run(tmp_path, f"r{number}", config=RunConfig(extra_env={"TOKEN": "sesame"})) for number in range(6)]
    assert sorted(masks(recorded(Plan(name="p", runs=(run(tmp_path, "a", config=one), *more))))) == [
        "extra_env.TOKEN of a, r0, r1, r2, and 3 more",
        "mcp.docs.headers.Authorization of a",
    ]
    assert masks(Plan(name="p", runs=(run(tmp_path, "a", prompt="Say ••••.", config=RunConfig()),))) == []
