"""One run as several."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.errors import PlanError, Problem
from octui.plan.matrix import combinations, labels
from octui.plan.model import Plan
from octui.plan.toml import parse_plan, plan_from_json
from octui.plan.writing import plan_to_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("services/api", "services/worker", "services/.git", "other/api"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "services" / "README.md").touch()
    return tmp_path


def parse(folder: Path, text: str) -> Plan:
    return parse_plan(f'[[runs]]\nprompt = "p"\n{text}', folder=folder, source="p.toml")


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(PlanError) as raised:
        parse(folder, text)
    return list(raised.value.problems)


def test_every_combination_is_told_from_the_others_by_what_differs() -> None:
    found = combinations({"city": ["New York", "São Paulo"], "model": ["a/b"], "hot": [True, False]})
    assert [name for name, _ in found] == ["New-York-true", "New-York-false", "Sao-Paulo-true", "Sao-Paulo-false"]
    assert found[1][1] == {"city": "New York", "model": "a/b", "hot": False}
    assert [name for name, _ in combinations({"model": ["a/b"]})] == ["b"]


def test_a_label_is_as_short_as_tells_the_values_apart() -> None:
    assert labels(["x/opus", "x/haiku"]) == ["opus", "haiku"]
    assert labels(["x/opus", "y/opus"]) == ["x-opus", "y-opus"]
    assert labels(["東京", "!"]) == ["東京", "2"]


def test_a_matrix_makes_a_run_a_combination_with_keys_and_variables_set(folder: Path) -> None:
    text = 'name = "w"\nworkspace = "services"\nmatrix = { city = ["Oslo", "Lima"], model = ["a/b", "c/d"] }'
    plan = parse(folder, text)
    assert [run.name for run in plan.runs] == ["w-Oslo-b", "w-Oslo-d", "w-Lima-b", "w-Lima-d"]
    assert {run.group for run in plan.runs} == {"w"}
    assert [run.config.model for run in plan.runs] == ["a/b", "c/d"] * 2
    assert plan.runs[3].vars == {"city": "Lima", "model": "c/d"}
    assert plan_from_json(plan_to_json(plan)) == plan


def test_each_makes_a_run_a_folder(folder: Path) -> None:
    plan = parse(folder, 'name = "look"\neach = "services/*"')
    assert [(run.name, run.workspace, run.group) for run in plan.runs] == [
        ("look-api", folder / "services/api", "look"),
        ("look-worker", folder / "services/worker", "look"),
    ]
    assert plan.runs[0].vars == {"folder": "api"}


def test_folders_of_the_same_name_have_runs_of_other_names_and_a_run_without_name_is_called_as_its_folder(
    folder: Path,
) -> None:
    plan = parse(folder, f'each = ["services/*", "{folder}/other/*"]')
    assert len({run.name for run in plan.runs}) == 3
    assert not any(run.group for run in plan.runs)
    assert [run.name for run in parse(folder, 'each = "services/*"').runs] == ["api", "worker"]


def test_folders_combinations_and_copies_multiply_and_names_stay_unique(folder: Path) -> None:
    text = 'name = "x"\neach = "services/*"\nmatrix = { city = ["é", "e", "E!"] }\ncopies = 2'
    plan = parse(folder, text)
    names = [run.name for run in plan.runs]
    assert len(set(names)) == len(names) == 12
    assert {run.group for run in plan.runs} == {"x"}


def test_long_values_are_cut_to_what_can_name_a_file(folder: Path) -> None:
    long = "y" * 100
    plan = parse(folder, f'name = "x"\nworkspace = "services"\nmatrix = {{ a = ["{long}1", "{long}2"] }}')
    names = [run.name for run in plan.runs]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 64


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("matrix = { city = [] }", "matrix.city", "at least one value"),
        ("matrix = { city = [[1]] }", "matrix.city[1]", "expected"),
        ('matrix = { timeout_s = ["long"] }', "matrix.timeout_s", "a number"),
        ('matrix = { name = ["a"] }', "matrix.name", "cannot be one of a matrix"),
        ('matrix = { model = ["a"] }', "model", "provider/model"),
        (f"matrix = {{ a = {[*range(30)]}, b = {[*range(30)]} }}", "matrix", "900 runs"),
    ],
)
def test_a_matrix_that_makes_no_sense_is_refused_once_with_its_place(
    folder: Path, text: str, where: str, words: str
) -> None:
    (found,) = problems(folder, f'workspace = "services"\n{text}')
    assert found.where == f"runs[1].{where}"
    assert words in found.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('each = "nowhere/*"', "no folder matches 'nowhere/*'"),
        ('each = "services/**x"', "no pattern"),
        ("each = []", "at least one folder"),
        ('each = "services/*"\nworkspace = "services"', "takes the place of workspace"),
    ],
)
def test_folders_that_are_not_there_are_refused(folder: Path, text: str, words: str) -> None:
    (found,) = problems(folder, text)
    assert found.where == "runs[1].each"
    assert words in found.message
