"""One table of a plan as runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.plan.reading import parse, problems

from octui.client.config import RunConfig
from octui.errors import PlanError
from octui.plan.model import Plan, RunSpec
from octui.plan.toml import parse_plan, plan_from_json
from octui.plan.writing import plan_to_json, plan_to_toml


def test_a_runs_own_value_wins_and_maps_merge_by_key(folder: Path) -> None:
    plan = parse(
        folder,
        """
        name = "n"
        max_parallel = 2
        [defaults]
        model = "a/b"
        timeout_s = 60
        silence_s = 5.5
        [defaults.permission]
        edit = "deny"
        bash = { "*" = "allow", "rm *" = "deny" }
        [defaults.mcp.docs]
        type = "remote"
        url = "https://x"
        [[runs]]
        name = "one"
        workspace = "api"
        prompt = "p"
        model = "c/d"
        permission = { edit = "allow", bash = { "git *" = "deny" } }
        mcp = { docs = { enabled = false } }
        [[runs]]
        name = "two"
        workspace = "worker"
        prompt = "p"
        permission = "deny"
        """,
    )
    one, two = plan.runs
    assert (plan.name, plan.max_parallel) == ("n", 2)
    assert (one.config.model, one.timeout_s, one.silence_s) == ("c/d", 60, 5.5)
    assert one.config.permission == {
        "edit": "allow",
        "bash": {"*": "allow", "rm *": "deny", "git *": "deny"},
    }
    assert one.config.mcp == {"docs": {"type": "remote", "url": "https://x", "enabled": False}}
    assert (two.config.model, two.config.permission) == ("a/b", "deny")


def test_copies_are_numbered(folder: Path) -> None:
    plan = parse(folder, '[[runs]]\nname = "x"\nworkspace = "api"\nprompt = "p"\ncopies = 3')
    assert [run.name for run in plan.runs] == ["x-1", "x-2", "x-3"]


def test_names_come_from_the_folders_and_stay_unique(folder: Path) -> None:
    text = '[[runs]]\nworkspace = "api"\nprompt = "p"\n' * 2
    assert [run.name for run in parse(folder, text).runs] == ["api", "api-2"]


def test_a_prompt_may_stand_in_a_file(folder: Path) -> None:
    (folder / "p.md").write_text("From a file.\n")
    plan = parse(folder, '[[runs]]\nworkspace = "api"\nprompt_file = "p.md"')
    assert plan.runs[0].prompt == "From a file.\n"


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "a b", "x" * 65, "-\x1b[2J"])
def test_a_name_that_could_not_name_a_file_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(PlanError, match="cannot name a run"):
        plan_from_json(
            plan_to_json(Plan(name="n", runs=(RunSpec(name=name, workspace=folder, prompt="p", config=RunConfig()),)))
        )


@pytest.mark.parametrize(
    ("line", "where", "words"),
    [
        ("copies = 0", "copies", "at least 1"),
        ("max_retries = -1", "max_retries", "at least 0"),
        ("timeout_s = 0", "timeout_s", "more than 0"),
        ('copies = "2"', "copies", "expected a whole number, got text"),
        ("files = 3", "files", "expected a list"),
        ("thinking = 'yes'", "thinking", "expected true or false"),
        ("modle = 'a/b'", "modle", "did you mean 'model'"),
        ("model = 'sonnet'", "model", "provider/model"),
        ("prompt_file = 'x'", "prompt_file", "not both"),
        ("mcp = { x = { type = 'lokal' } }", "mcp.x", "'local' or 'remote'"),
        ("fork = true", "fork", "needs a session"),
        ("backend = 'both'", "backend", "it must be 'run' or 'serve'"),
        ("attach = 'host:4096'", "attach", "begins with http"),
        ("attach = ['http://a']", "attach", "expected text, got a list"),
        ("permission = { edit = 'sometimes' }", "permission.edit", "'allow', 'deny' or 'ask'"),
        ("permission = { edit = 'ask' }\nbackend = 'run'", "permission.edit", "nobody to ask"),
    ],
)
def test_each_mistake_has_its_words(folder: Path, line: str, where: str, words: str) -> None:
    (found,) = problems(folder, f'[[runs]]\nworkspace = "api"\nprompt = "p"\n{line}')
    assert found.where.startswith(f"runs[1].{where}")
    assert words in found.message
    assert found.line == 4


def test_a_run_may_ask_unless_it_is_to_work_on_its_own(folder: Path) -> None:
    plan = parse(
        folder,
        """
        [defaults]
        workspace = "api"
        prompt = "p"
        permission = { bash = "ask" }
        [[runs]]
        name = "open"
        [[runs]]
        name = "served"
        backend = "serve"
        """,
    )
    assert [(run.name, run.backend, run.config.permission) for run in plan.runs] == [
        ("open", None, {"bash": "ask"}),
        ("served", "serve", {"bash": "ask"}),
    ]


def test_runs_take_the_servers_of_the_defaults_in_turn_and_their_own_first(folder: Path) -> None:
    plan = parse(
        folder,
        """
        [defaults]
        attach = ["http://a:1", "https://b:1"]
        workspace = "/only/there"
        prompt = "p"
        [[runs]]
        name = "x"
        copies = 3
        [[runs]]
        name = "mine"
        attach = "http://c:1"
        [[runs]]
        name = "y"
        """,
    )
    assert {run.name: run.config.attach for run in plan.runs} == {
        "x-1": "http://a:1",
        "x-2": "https://b:1",
        "x-3": "http://a:1",
        "mine": "http://c:1",
        "y": "https://b:1",
    }
    assert {run.workspace for run in plan.runs} == {Path("/only/there")}
    assert parse(folder, plan_to_toml(plan)) == plan


def test_a_list_of_servers_that_is_none_is_refused(folder: Path) -> None:
    run = '[[runs]]\nworkspace = "api"\nprompt = "p"'
    (found,) = problems(folder, f"[defaults]\nattach = []\n{run}")
    assert (found.where, found.line) == ("defaults.attach", 2)
    (found,) = problems(folder, f"[defaults]\nattach = ['http://a', 'b']\n{run}")
    assert "'b' is no server" in found.message


def test_a_folder_has_to_be_here_for_a_run_of_its_own_process(folder: Path) -> None:
    text = '[[runs]]\nworkspace = "there"\nprompt = "p"\nattach = "http://a:1"\n'
    assert parse(folder, text).runs[0].workspace == folder / "there"
    (found,) = problems(folder, f"{text}backend = 'run'")
    assert "does not exist" in found.message


def test_a_made_prompt_keeps_its_template_and_is_not_read_as_one(folder: Path) -> None:
    (run,) = parse(folder, '[[runs]]\nworkspace = "api"\nprompt = "{{ vars.a }}"\nvars = { a = 1 }').runs
    made = replace(run, prompt="{{ nobody.knows }}")
    plan = Plan(name="n", runs=(made,))
    assert plan_from_json(plan_to_json(plan)).runs == (made,)


def test_a_prompt_can_be_kept_to_the_letter(folder: Path) -> None:
    (run,) = parse(folder, '[[runs]]\nworkspace = "api"\nprompt = "Mend {{ this }}"\ntemplate = false').runs
    assert (run.prompt, run.template) == ("Mend {{ this }}", "")
    assert plan_from_json(plan_to_json(Plan(name="n", runs=(run,)))).runs == (run,)


def test_the_same_mistake_of_copies_is_told_once(folder: Path) -> None:
    assert len(problems(folder, '[[runs]]\nworkspace = "api"\nprompt = "{{ vars.a }}"\ncopies = 5')) == 1


def test_a_workspace_says_by_a_table_that_it_is_a_worktree(folder: Path) -> None:
    text = '[[runs]]\nworkspace = { path = "api", worktree = true, base = "v1" }\nprompt = "p"\n'
    (run,) = parse(folder, f'{text}setup = ["npm ci"]\ncheck = "npm test"').runs
    assert (run.workspace, run.worktree, run.base) == (folder / "api", True, "v1")
    assert (run.setup, run.check) == (("npm ci",), "npm test")


WORKTREES = """
[defaults]
workspace = { path = "api", worktree = true, base = "main" }
[[runs]]
name = "both"
workspace = "worker"
prompt = "p"
matrix = { model = ["a/b", "c/d"] }
[[runs]]
name = "each"
each = ["api", "worker"]
prompt = "p"
[[runs]]
name = "none"
workspace = { worktree = false }
prompt = "p"
"""


def test_worktrees_of_the_defaults_hold_for_folders_matrices_and_each(folder: Path) -> None:
    runs = {run.name: (run.workspace.name, run.worktree, run.base) for run in parse(folder, WORKTREES).runs}
    assert runs == {
        "both-b": ("worker", True, "main"),
        "both-d": ("worker", True, "main"),
        "each-api": ("api", True, "main"),
        "each-worker": ("worker", True, "main"),
        "none": ("api", False, ""),
    }


def test_worktrees_and_commands_survive_toml_and_json(folder: Path) -> None:
    plan = parse(folder, WORKTREES.replace("[[runs]]", 'setup = ["a", "b"]\ncheck = "c"\n[[runs]]', 1))
    assert plan.runs[0].setup == ("a", "b")
    assert parse_plan(plan_to_toml(plan, relative_to=folder), folder=folder, source="p") == plan
    assert plan_from_json(plan_to_json(plan)) == plan


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('workspace = { path = "api", base = "main" }', "it goes with worktree = true"),
        ('workspace = { path = "api", worktree = true, base = "-f" }', "'-f' is no branch"),
        ('workspace = { path = "api", worktree = "yes" }', "expected true or false"),
        ('workspace = { path = "api", tree = true }', "this key is not known"),
        ("workspace = { worktree = true }", "a run needs the folder"),
        ('workspace = "api"\nsetup = ["a", " "]', "a command is empty"),
        ('workspace = { path = "api", worktree = true }\nattach = "http://a:1"\nremote_dir = "/x"', "on this machine"),
        ('workspace = "there"\nattach = "http://a:1"\ncheck = "true"', "it runs on this machine"),
    ],
)
def test_a_worktree_that_cannot_be_had_is_refused(folder: Path, line: str, words: str) -> None:
    (found,) = problems(folder, f'[[runs]]\nprompt = "p"\n{line}')
    assert words in found.message
