"""What the runs of a plan are to one another."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plan.reading import parse, problems

from octui.plan.toml import plan_from_json
from octui.plan.writing import plan_to_json, plan_to_toml


def test_a_doubled_name_is_refused(folder: Path) -> None:
    (found,) = problems(folder, '[[runs]]\nname = "a"\nworkspace = "api"\nprompt = "p"\n' * 2)
    assert (found.where, found.line) == ("runs[2].name", 6)
    assert "taken by runs[1]" in found.message


@pytest.mark.parametrize(("first", "second"), [("api", "API"), ("caf\u00e9", "cafe\u0301"), ("Straße", "STRASSE")])
def test_names_that_a_file_system_takes_for_one_are_refused(folder: Path, first: str, second: str) -> None:
    runs = (f'[[runs]]\nname = "{name}"\nworkspace = "api"\nprompt = "p"\n' for name in (first, second))
    (found,) = problems(folder, "".join(runs))
    assert (found.where, found.line) == ("runs[2].name", 6)
    assert "would be one file" in found.message


NEEDS = """
[[runs]]
name = "api"
workspace = "api"
prompt = "p"
copies = 2
[[runs]]
name = "sum"
workspace = "worker"
prompt = "p"
needs = ["api"]
on_failure = "run"
"""


def test_a_run_may_need_others_and_all_copies_by_their_name(folder: Path) -> None:
    plan = parse(folder, NEEDS)
    assert [(run.name, run.group, run.needs, run.on_failure) for run in plan.runs] == [
        ("api-1", "api", (), "skip"),
        ("api-2", "api", (), "skip"),
        ("sum", "", ("api",), "run"),
    ]
    assert parse(folder, plan_to_toml(plan)) == plan_from_json(plan_to_json(plan)) == plan


def test_needs_that_are_not_there_are_refused_where_they_stand(folder: Path) -> None:
    (found,) = problems(folder, NEEDS.replace('["api"]', '["apis"]'))
    assert (found.line, found.where) == (11, "runs[2].needs")
    assert found.message == "there is no run called 'apis'; did you mean 'api'?"


def test_a_run_that_could_not_be_read_still_is_there_to_be_needed(folder: Path) -> None:
    (found,) = problems(folder, NEEDS.replace('workspace = "api"', 'workspace = "nowhere"'))
    assert found.where == "runs[1].workspace"


def test_circles_are_refused_and_spelled_out(folder: Path) -> None:
    (found,) = problems(folder, NEEDS.replace("copies = 2", 'needs = ["sum"]'))
    assert (found.line, found.where) == (6, "runs[1].needs")
    assert "api → sum → api" in found.message


def test_a_group_must_not_be_taken_for_a_run(folder: Path) -> None:
    text = NEEDS.replace("copies = 2", 'group = "sum"')
    found = problems(folder, text)
    assert [(problem.where, problem.message) for problem in found] == [
        ("runs[1].group", "'sum' is the name of runs[2].")
    ]


def test_runs_may_be_grouped_by_hand(folder: Path) -> None:
    plan = parse(folder, NEEDS.replace("copies = 2", 'group = "services"').replace('["api"]', '["services"]'))
    assert plan.runs[1].needs == ("services",)


TEMPLATE = """
allow_env = ["OCTUI_TEST_WORD"]
[vars]
city = "Lima"
[[runs]]
name = "api"
workspace = "api"
prompt = "Look at {{ vars.city }}, {{ env.OCTUI_TEST_WORD }}."
[[runs]]
name = "sum"
workspace = "worker"
vars = { city = "Rome" }
prompt = "Sum up: {{ runs.api.final_text }}"
"""


def test_a_prompt_with_marks_is_a_template_and_needs_what_it_quotes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTUI_TEST_WORD", "x")
    plan = parse(folder, TEMPLATE)
    api, last = plan.runs
    assert (plan.allow_env, api.vars, last.vars) == (("OCTUI_TEST_WORD",), {"city": "Lima"}, {"city": "Rome"})
    assert last.template == last.prompt == "Sum up: {{ runs.api.final_text }}"
    assert last.needs == ("api",)
    assert parse(folder, plan_to_toml(plan)) == plan_from_json(plan_to_json(plan)) == plan


def test_what_a_template_gets_wrong_is_told_with_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTUI_TEST_WORD", raising=False)
    text = TEMPLATE.replace("runs.api.", "runs.apis.").replace('city = "Lima"', "")
    found = problems(folder, text)
    assert [(problem.line, problem.where) for problem in found] == [
        (8, "runs[1].prompt"),
        (8, "runs[1].prompt"),
        (13, "runs[2].prompt"),
    ]
    assert "OCTUI_TEST_WORD is not set" in found[1].message
