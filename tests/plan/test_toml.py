"""A plan as TOML."""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octui.client.config import RunConfig
from octui.errors import PlanError, Problem
from octui.plan.model import Backend, Plan, RunSpec
from octui.plan.toml import load_plan, parse_plan, plan_from_json
from octui.plan.writing import plan_to_dict, plan_to_json, plan_to_toml


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("api", "worker"):
        (tmp_path / name).mkdir()
    return tmp_path


def parse(folder: Path, text: str) -> Plan:
    return parse_plan(text, folder=folder, source="p.toml")


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(PlanError) as raised:
        parse(folder, text)
    return list(raised.value.problems)


def test_a_small_plan_is_enough(folder: Path) -> None:
    (run,) = parse(folder, '[[runs]]\nworkspace = "api"\nprompt = "Go."').runs
    assert run == RunSpec(name="api", workspace=folder / "api", prompt="Go.", config=RunConfig())


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


def test_all_mistakes_are_told_at_once_each_with_its_line(folder: Path) -> None:
    found = problems(
        folder,
        """\
max_paralel = 2
max_parallel = 0

[defaults]
timeout_s = "long"
permission = { edit = "perhaps" }

[[runs]]
name = "a"
workspace = "nowhere"
prompt = '''
[defaults]
model = 3
'''

[[runs]]
name = "a"
workspace = "api"

[runs.permission.bash]
"git push *" = "forbid"
webfetch = "deny"
""",
    )
    told = {(problem.line, problem.where) for problem in found}
    assert {
        (1, "max_paralel"),
        (2, "max_parallel"),
        (5, "defaults.timeout_s"),
        (10, "runs[1].workspace"),
        (6, "runs[1].permission.edit"),
        (6, "runs[2].permission.edit"),
        (16, "runs[2].prompt"),
        (21, 'runs[2].permission.bash["git push *"]'),
    } <= told
    assert "did you mean 'max_parallel'" in found[0].message


def test_a_doubled_name_is_refused(folder: Path) -> None:
    (found,) = problems(folder, '[[runs]]\nname = "a"\nworkspace = "api"\nprompt = "p"\n' * 2)
    assert (found.where, found.line) == ("runs[2].name", 6)
    assert "taken by runs[1]" in found.message


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


def test_no_runs_at_all_is_a_mistake(folder: Path) -> None:
    (found,) = problems(folder, 'name = "x"')
    assert "[[runs]]" in found.message


def test_broken_toml_is_told_with_its_line(folder: Path) -> None:
    (found,) = problems(folder, "name = 'x'\nruns = [\n")
    assert found.line is not None


@pytest.mark.parametrize(("content", "words"), [(b"\xff\xfe", "not UTF-8"), (None, "cannot be read"), (b"", "no runs")])
def test_a_file_that_is_no_plan_is_told_so(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "p.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanError, match=words):
        load_plan(path)


def test_a_folder_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="folder, not a plan"):
        load_plan(tmp_path)


def test_marks_and_line_ends_of_other_systems_are_read(folder: Path) -> None:
    path = folder / "mine.toml"
    path.write_bytes(b'\xef\xbb\xbf[[runs]]\r\nworkspace = "api"\r\nprompt = """a\r\nb"""\r\n')
    plan = load_plan(path)
    assert (plan.name, plan.runs[0].prompt) == ("mine", "a\nb")


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
actions = st.sampled_from(["allow", "ask", "deny"])
configs = st.builds(
    RunConfig,
    model=st.none() | st.just("a/b"),
    title=st.none() | texts,
    thinking=st.booleans(),
    permission=st.dictionaries(
        st.sampled_from(["bash", "edit", "read"]), actions | st.dictionaries(texts, actions, min_size=1, max_size=3)
    ),
    mcp=st.dictionaries(texts, st.just({"type": "local", "command": ["x", "y"]}), max_size=2),
    extra_env=st.dictionaries(texts, texts, max_size=2),
    config_overrides=st.dictionaries(
        texts.filter(lambda t: t != "permission"), st.integers() | st.booleans(), max_size=2
    ),
)
specs = st.builds(
    lambda *values: values,
    st.text(string.ascii_letters, min_size=1, max_size=8),
    texts | st.just("two\nlines\n'''\"\"\" quoted \\ end"),
    configs,
    st.none() | st.floats(0.5, 100),
    st.sampled_from([None, "serve"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(specs, min_size=1, max_size=3, unique_by=lambda spec: spec[0]), st.integers(1, 9))
def test_a_plan_survives_being_written_and_read(
    tmp_path: Path, made: list[tuple[str, str, RunConfig, float | None, Backend | None]], parallel: int
) -> None:
    runs = [
        RunSpec(name=name, workspace=tmp_path, prompt=prompt, config=config, timeout_s=timeout, backend=backend)
        for name, prompt, config, timeout, backend in made
    ]
    plan = Plan(name="n", runs=tuple(runs), max_parallel=parallel)
    assert parse_plan(plan_to_toml(plan), folder=Path("/"), source="x") == plan
    assert parse_plan(plan_to_toml(plan, relative_to=tmp_path), folder=tmp_path, source="x") == plan
    assert plan_from_json(plan_to_json(plan)) == plan


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


def test_variables_of_the_command_line_win(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTUI_TEST_WORD", "x")
    path = folder / "plan.toml"
    path.write_text(TEMPLATE)
    assert load_plan(path, {"city": "Oslo", "more": "1"}).runs[0].vars == {"city": "Oslo", "more": "1"}


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


def test_what_is_empty_is_not_written() -> None:
    run = RunSpec(name="a", workspace=Path("/w"), prompt="x", config=RunConfig())
    (written,) = plan_to_dict(Plan(name="p", runs=(run,)))["runs"]
    assert "vars" not in written
    assert all(value not in ("", [], {}, None) for value in written.values())
