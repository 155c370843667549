"""Mistakes of a plan: all of them at once, and none that is only another's consequence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.plan.reading import problems

from octui.errors import PlanError
from octui.plan.model import RunSpec
from octui.plan.places import Place
from octui.plan.toml import parse_plan


def test_what_runs_are_to_one_another_is_told_beside_what_each_gets_wrong(folder: Path) -> None:
    found = problems(
        folder,
        """\
max_parallel = "two"

[[runs]]
name = "a"
workspace = "nowhere"
prompt = "{{ runs.nobody.final_text }} {{ vars.town }}"
needs = ["b"]

[[runs]]
name = "b"
workspace = "api"
needs = ["a", "c", "nobody-else"]
timeout_s = 0
model = "sonnet"

[[runs]]
name = "c"
workspace = "api"
prompt = "{% for %}"
matrix = { city = ["Oslo"], copies = [1] }

[[runs]]
name = "c"
workspace = "api"
prompt = "{{ runs.b.txt }}"
group = "a"
""",
    )
    assert [(problem.line, problem.where) for problem in found] == [
        (1, "max_parallel"),
        (5, "runs[1].workspace"),
        (6, "runs[1].prompt"),
        (6, "runs[1].prompt"),
        (7, "runs[1].needs"),
        (9, "runs[2].prompt"),
        (12, "runs[2].needs"),
        (13, "runs[2].timeout_s"),
        (14, "runs[2].model"),
        (19, "runs[3].prompt"),
        (20, "runs[3].matrix.copies"),
        (23, "runs[4].name"),
        (25, "runs[4].prompt"),
        (26, "runs[4].group"),
    ]


def test_each_wrong_entry_of_a_map_or_a_list_is_told(folder: Path) -> None:
    found = problems(
        folder,
        """\
[vars]
a = [1]
b = {}
[[runs]]
workspace = "api"
prompt = "p"
files = [1, "x", 2]
permission = { bash = 3, edit = "perhaps", read = { "a" = "no", "b" = "never" } }
cli_kwargs = { format = "json", help = true }
config_overrides = { permission = { bash = "no", edit = "never" } }
""",
    )
    assert [(problem.line, problem.where) for problem in found] == [
        (2, "vars.a"),
        (3, "vars.b"),
        (7, "runs[1].files[1]"),
        (7, "runs[1].files[3]"),
        (8, "runs[1].permission.bash"),
        (8, "runs[1].permission.edit"),
        (8, "runs[1].permission.read.a"),
        (8, "runs[1].permission.read.b"),
        (9, "runs[1].cli_kwargs.format"),
        (9, "runs[1].cli_kwargs.help"),
        (10, "runs[1].config_overrides.permission.bash"),
        (10, "runs[1].config_overrides.permission.edit"),
    ]


OTHER = '[[runs]]\nname = "other"\nworkspace = "worker"\n'
RUN = '[[runs]]\nname = "x"\nworkspace = "api"\n'


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('X promt = "p"', "runs[1].promt"),
        ("X prompt = 3", "runs[1].prompt"),
        ('X prompt = "p"\nfork = true\nsession_id = 3', "runs[1].session_id"),
        ('X prompt = "p"\nattach = 3\npassword = "x"\nbackend = "serve"', "runs[1].attach"),
        ('X prompt = "{{ vars.a }} {{ vars.b }}"\nmatrix = { a = [[1]], b = [2] }', "runs[1].matrix.a[1]"),
        ('X matrix = { prompt = ["p", 3] }', "runs[1].matrix.prompt"),
        ('[[runs]]\nworkspace = 3\nprompt = "p"', "runs[1].workspace"),
        ('[[runs]]\nworkspace = { path = 3 }\nprompt = "p"', "runs[1].workspace.path"),
        ('[[runs]]\nworkspace = { path = "api", worktre = 1, base = "v" }\nprompt = "p"', "runs[1].workspace.worktre"),
        ('[[runs]]\nworkspace = "/there"\nprompt = "p"\nattach = 3', "runs[1].attach"),
        ('[[runs]]\neach = 3\nprompt = "{{ vars.folder }}"', "runs[1].each"),
        ('[[runs]]\neach = "nowhere/*"\nprompt = "{{ vars.folder }}"', "runs[1].each"),
        ('[defaults]\nprompt = 3\n[[runs]]\nworkspace = "api"', "defaults.prompt"),
        ('defaults = 3\n[[runs]]\nname = "x"', "defaults"),
        ("runs = [3]", "runs[1]"),
        ("runs = 3", "runs"),
        ('[[run]]\nname = "x"', "run"),
        ('[vars]\ncity = [1]\nX prompt = "{{ vars.city }}"', "vars.city"),
        ('[variables]\ncity = "Oslo"\nX prompt = "{{ vars.city }}"', "variables"),
        ('allow_env = "HOME"\nX prompt = "{{ env.HOME }}"', "allow_env"),
        ('Y needs = ["z"]\n[[runs]]\nnmae = "z"\nworkspace = "api"\nprompt = "p"', "runs[2].nmae"),
        ('Y needs = ["all"]\nX prompt = "p"\ngruop = "all"', "runs[2].gruop"),
        ('Y needs = ["x-2"]\nX prompt = "p"\ncopies = "2"', "runs[2].copies"),
        ('Y needs = ["x-b"]\nX prompt = "p"\nmatrix = { a = ["b"], c = [] }', "runs[2].matrix.c"),
        ('Y needs = ["api"]\n[[runs]]\nprompt = "p"\neach = "apis/*"', "runs[2].each"),
        ('Z{{ runs["x-b"].final_text }}\'\nX prompt = "p"\nmatrix = { a = ["b"], c = [] }', "runs[2].matrix.c"),
    ],
)
def test_what_is_only_a_consequence_of_a_mistake_is_not_told(folder: Path, text: str, where: str) -> None:
    text = text.replace("X ", RUN).replace("Y ", f'{OTHER}prompt = "p"\n').replace("Z", f"{OTHER}prompt = '")
    assert [problem.where for problem in problems(folder, text)] == [where]


def test_a_key_that_gives_no_name_hides_none(folder: Path) -> None:
    text = f'{OTHER}prompt = "{{{{ vars.z }}}}"\nneeds = ["z"]\n{RUN}prompt = "p"\nmodle = "z"\ntools = {{ z = 3 }}'
    assert {problem.where for problem in problems(folder, text)} == {
        "runs[1].prompt",
        "runs[1].needs",
        "runs[2].modle",
        "runs[2].tools.z",
    }


def test_what_one_mistake_hides_is_not_taken_for_hidden_elsewhere(folder: Path) -> None:
    text = f'{OTHER}prompt = "{{{{ vars.b }}}}"\nneeds = ["y-1"]\n{RUN}prompt = "p"\ncopies = 0\nvars = {{ a = [] }}'
    assert {problem.where for problem in problems(folder, text)} == {
        "runs[1].prompt",
        "runs[1].needs",
        "runs[2].copies",
        "runs[2].vars.a",
    }


def test_a_run_is_refused_for_more_than_its_text_beside_the_others(folder: Path) -> None:
    def no_worktree(run: RunSpec) -> Iterator[tuple[Place, str]]:
        if run.worktree:
            yield ("workspace", "worktree"), f"none can be made of {run.workspace.name}."

    text = '[[runs]]\nworkspace = { path = "%s", worktree = true }\n'
    with pytest.raises(PlanError) as raised:
        parse_plan(text % "api" + text % "nowhere", folder=folder, source="p.toml", refuse=no_worktree)
    assert [(problem.line, problem.where) for problem in raised.value.problems] == [
        (1, "runs[1].prompt"),
        (2, "runs[1].workspace.worktree"),
        (3, "runs[2].prompt"),
        (4, "runs[2].workspace"),
    ]


def test_a_name_that_only_numbered_or_combined_runs_have_is_no_run_where_their_group_has_another(folder: Path) -> None:
    (found,) = problems(folder, f'{RUN}prompt = "p"\ncopies = 2\ngroup = "g"\n{OTHER}prompt = "p"\nneeds = ["x"]')
    assert (found.where, found.message) == ("runs[2].needs", "there is no run called 'x'.")
