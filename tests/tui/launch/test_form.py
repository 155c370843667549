from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octui.client.config import RunConfig
from octui.discovery.folders import FolderFault
from octui.plan.model import Plan
from octui.tui.launch.form import MAX_AGENTS, LaunchForm, check_form, form_from_plan
from octui.tui.launch.permissions import ToolRow, complete_rows
from octui.tui.launch.servers import ServerRow

FORM = LaunchForm(prompt="Explain.\n", workspaces=("a", "b"))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("a", "b", "many"):
        (tmp_path / name).mkdir()
    (tmp_path / "a file").touch()
    return tmp_path


def plan_of(form: LaunchForm, base: Path) -> Plan:
    checked = check_form(form, base)
    assert checked.problems == {}
    assert checked.plan is not None
    return checked.plan


def test_a_form_becomes_a_plan_with_every_field(base: Path) -> None:
    form = replace(
        FORM,
        model=" p/m ",
        agent="plan",
        variant="high",
        title="Look",
        copies="2",
        at_once="3",
        timeout="1.5",
        retries="0",
        silence="9",
        files="'a file'",
        instructions="docs/*.md",
        thinking=True,
        isolate=False,
        inherit=True,
        tools=complete_rows([ToolRow("edit", "deny")]),
        servers=(ServerRow("s", {"type": "remote", "url": "https://s"}),),
    )
    plan = plan_of(form, base)
    assert plan.name == "Look"
    assert plan.max_parallel == 3
    assert [run.workspace for run in plan.runs] == [base / "a", base / "a", base / "b", base / "b"]
    assert len({run.name for run in plan.runs}) == 4
    run = plan.runs[0]
    assert run.backend == "serve"
    assert (run.prompt, run.timeout_s, run.max_retries, run.silence_s, run.isolate_db) == (
        "Explain.\n",
        1.5,
        0,
        9,
        False,
    )
    assert run.config == RunConfig(
        model="p/m",
        agent="plan",
        variant="high",
        title="Look",
        files=(str(base / "a file"),),
        instructions=("docs/*.md",),
        thinking=True,
        inherit_user_config=True,
        permission={"edit": "deny"},
        mcp={"s": {"type": "remote", "url": "https://s"}},
    )


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"prompt": " \n"}, "prompt", "Enter a prompt"),
        ({"workspaces": ()}, "workspaces", "Add a folder"),
        ({"workspaces": ("a", "nowhere")}, "workspaces", "`nowhere`"),
        ({"model": "gpt"}, "model", "provider/model"),
        ({"model": "gpt/"}, "model", "provider/model"),
        ({"copies": "0"}, "copies", "from 1"),
        ({"copies": "²"}, "copies", "whole number"),
        ({"at_once": "many"}, "at_once", "whole number"),
        ({"timeout": "-1"}, "timeout", "nothing for no limit"),
        ({"timeout": "nan"}, "timeout", "seconds"),
        ({"retries": "-1"}, "retries", "from 0"),
        ({"silence": ""}, "silence", "seconds"),
        ({"files": "nowhere"}, "files", "`nowhere`"),
        ({"files": "'a"}, "files", "quote"),
        ({"files": "a\\"}, "files", "backslash"),
        ({"instructions": '"'}, "instructions", "quote"),
        ({"tools": complete_rows([ToolRow("bsh", "deny")])}, "", ""),
        ({"tools": complete_rows([ToolRow("bash", "ask")])}, "", ""),
        ({"tools": complete_rows([ToolRow("bash", "ask")]), "backend": "run"}, "tools", "Nobody is there"),
        ({"base": RunConfig(cli_kwargs={"x": 1})}, "backend", "`cli_kwargs`: these are flags"),
        ({"base": RunConfig(cli_kwargs={"x": 1}), "backend": "run"}, "", ""),
        ({"servers": (ServerRow("s", {"type": "local", "command": []}),)}, "server:s", "command"),
        ({"servers": (ServerRow("s", {"type": "local", "command": [""]}),)}, "server:s", "command"),
        ({"servers": (ServerRow("s", {"type": "local", "command": []}, choice=False),)}, "config", "command"),
    ],
)
def test_each_mistake_is_told_at_its_field_and_nothing_can_start(
    base: Path, change: dict[str, Any], field: str, words: str
) -> None:
    checked = check_form(replace(FORM, **change), base)
    assert list(checked.problems) == ([field] if field else [])
    assert (checked.plan is None) == bool(field)
    assert words in "".join(checked.problems.values())


def test_all_mistakes_are_told_at_once_and_the_summary_counts_them(base: Path) -> None:
    checked = check_form(LaunchForm(copies="x", model="x"), base)
    assert set(checked.problems) == {"prompt", "workspaces", "copies", "model"}
    assert checked.summary == "Enter a prompt. (and 3 more errors)"


def test_every_bad_workspace_is_named_with_what_is_wrong_with_it(base: Path) -> None:
    (base / "README.md").touch()
    workspaces = ("a", "nowhere", "README.md", "x/*", "gone", "READ*")
    checked = check_form(replace(FORM, workspaces=workspaces), base)
    assert checked.problems["workspaces"] == (
        "Folder not found: `nowhere`, `gone`. Not a folder: `README.md`. No folder matches: `x/*`, `READ*`."
    )
    assert checked.folder_faults == {
        "nowhere": FolderFault.NOT_FOUND,
        "README.md": FolderFault.NOT_A_FOLDER,
        "x/*": FolderFault.NO_MATCH,
        "gone": FolderFault.NOT_FOUND,
        "READ*": FolderFault.NO_MATCH,
    }


def test_every_bad_file_is_named_with_what_is_wrong_with_it(base: Path) -> None:
    (base / "here.md").touch()
    checked = check_form(replace(FORM, files="nowhere here.md a gone"), base)
    assert checked.problems["files"] == "File not found: `nowhere`, `gone`. Not a file: `a`."


def test_every_folder_without_a_repository_is_named(base: Path) -> None:
    checked = check_form(replace(FORM, workspaces=("a", "b"), worktree=True), base)
    assert checked.problems["worktree"] == "Not inside a git repository: `a`, `b`. A worktree needs one."


def test_a_folder_named_twice_is_worked_in_once(base: Path) -> None:
    plan = plan_of(replace(FORM, workspaces=("a", "./a", "?")), base)
    assert [run.workspace.name for run in plan.runs] == ["a", "b"]


def test_more_agents_than_a_screen_can_bear_are_refused(base: Path) -> None:
    for number in range(10):
        (base / "many" / str(number)).mkdir()
    checked = check_form(replace(FORM, workspaces=("many/*",), copies="64"), base)
    assert f"{MAX_AGENTS} are the most" in checked.problems["copies"]


def test_models_and_agents_that_opencode_does_not_list_are_doubted_but_not_refused(base: Path) -> None:
    form = replace(FORM, model="p/new", agent="new")
    checked = check_form(form, base, models=["p/m"], agents=["build"])
    assert set(checked.warnings) == {"model", "agent"}
    assert checked.plan is not None
    assert not check_form(form, base).warnings


def test_a_tool_opencode_does_not_know_is_doubted(base: Path) -> None:
    checked = check_form(replace(FORM, tools=complete_rows([ToolRow("bsh", "deny")])), base)
    assert any("bash" in words for words in checked.warnings.values())


def test_the_summary_says_how_many_run_and_how_many_at_once(base: Path) -> None:
    assert check_form(replace(FORM, workspaces=("a",)), base).summary == "Will run 1 agent"
    assert check_form(FORM, base).summary == "Will run 2 agents"
    assert check_form(replace(FORM, at_once="1"), base).summary == "Will run 2 agents, 1 at once"


@pytest.mark.parametrize(
    "change", [{}, {"copies": "3"}, {"timeout": "600", "model": "p/m"}, {"title": "Look at it"}, {"backend": "run"}]
)
def test_a_form_comes_back_from_its_plan(base: Path, change: dict[str, Any]) -> None:
    form = replace(FORM, **change)
    plan = plan_of(form, base)
    back = form_from_plan(plan, base)
    assert back is not None
    assert replace(back, base=RunConfig()) == form
    assert plan_of(back, base).runs == plan.runs


def test_a_plan_that_leaves_the_backend_open_is_one_of_agents_that_talk(base: Path) -> None:
    plan = plan_of(FORM, base)
    back = form_from_plan(replace(plan, runs=tuple(replace(run, backend=None) for run in plan.runs)), base)
    assert back is not None
    assert back.backend == "serve"


def test_an_opencode_that_cannot_be_talked_to_is_told_at_the_choice(base: Path) -> None:
    assert "opencode 2.0.0" in check_form(FORM, base, version="2.0.0").problems["backend"]
    assert check_form(replace(FORM, backend="run"), base, version="2.0.0").plan is not None


def test_what_the_form_has_no_field_for_is_kept(base: Path) -> None:
    plan = plan_of(replace(FORM, base=RunConfig(tools={"x*": False}, extra_env={"A": "b"})), base)
    back = form_from_plan(plan, base)
    assert back is not None
    assert plan_of(back, base).runs[0].config.extra_env == {"A": "b"}


def test_a_plan_whose_runs_differ_or_have_names_of_their_own_fits_no_form(base: Path) -> None:
    plan = plan_of(FORM, base)
    first, second = plan.runs
    for other in (
        (first, replace(second, prompt="Else.")),
        (first, replace(second, name="mine")),
        (first, second, replace(second, name="b-2")),
        (first, replace(second, config=RunConfig(model="p/m"))),
        (),
    ):
        assert form_from_plan(replace(plan, runs=other), base) is None


def test_worktrees_are_offered_in_a_repository_and_asked_for_in_the_plan(base: Path) -> None:
    assert not check_form(FORM, base).offers_worktrees
    (base / "a" / ".git").mkdir()
    assert check_form(FORM, base).offers_worktrees
    form = replace(FORM, workspaces=("a",), worktree=True, worktree_base=" main ")
    (run,) = plan_of(form, base).runs
    assert (run.worktree, run.base) == (True, "main")
    (run,) = plan_of(replace(form, worktree=False), base).runs
    assert (run.worktree, run.base) == (False, "")


def test_a_plan_with_worktrees_comes_back_as_the_form_it_was(base: Path) -> None:
    (base / "a" / ".git").mkdir()
    form = replace(FORM, workspaces=("a",), worktree=True, worktree_base="main")
    found = form_from_plan(plan_of(form, base), base)
    assert found is not None
    assert (found.worktree, found.worktree_base) == (True, "main")


def test_several_agents_in_one_repository_are_warned_of_unless_each_has_a_worktree(base: Path) -> None:
    (base / ".git").mkdir()
    words = "2 agents work in the same repository, and may trample each other's changes."
    assert check_form(FORM, base).warnings["worktree"] == words
    assert "4 agents" in check_form(replace(FORM, copies="2"), base).warnings["worktree"]
    assert "worktree" not in check_form(replace(FORM, worktree=True), base).warnings
    assert "worktree" not in check_form(replace(FORM, workspaces=("a",)), base).warnings


def test_agents_in_repositories_of_their_own_are_not_warned_of(base: Path) -> None:
    for name in ("a", "b"):
        (base / name / ".git").mkdir()
    assert "worktree" not in check_form(FORM, base).warnings


def test_a_folder_in_no_repository_can_have_no_worktree(base: Path) -> None:
    (base / "a" / ".git").mkdir()
    problems = check_form(replace(FORM, worktree=True, worktree_base="--all now"), base).problems
    assert problems["worktree"] == "Not inside a git repository: `b`. A worktree needs one."
    assert problems["worktree_base"] == "Begin at a branch, a tag or a commit."
