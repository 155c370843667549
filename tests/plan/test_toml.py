"""A plan as TOML."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.plan.reading import parse, problems

from octui.client.config import RunConfig
from octui.errors import PlanError
from octui.plan.model import Backend, Plan, RunSpec
from octui.plan.toml import load_plan, parse_plan, plan_from_json
from octui.plan.writing import plan_to_dict, plan_to_json, plan_to_toml


def test_a_small_plan_is_enough(folder: Path) -> None:
    (run,) = parse(folder, '[[runs]]\nworkspace = "api"\nprompt = "Go."').runs
    assert run == RunSpec(name="api", workspace=folder / "api", prompt="Go.", config=RunConfig())


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


def test_no_runs_at_all_is_a_mistake(folder: Path) -> None:
    (found,) = problems(folder, 'name = "x"')
    assert "[[runs]]" in found.message


def test_json_that_is_no_table_is_no_plan() -> None:
    with pytest.raises(PlanError) as raised:
        plan_from_json(b"[]")
    assert [problem.message for problem in raised.value.problems] == ["this must be a table."]


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


def test_variables_of_the_command_line_win(folder: Path) -> None:
    path = folder / "plan.toml"
    path.write_text('vars = { city = "Lima" }\n[[runs]]\nworkspace = "api"\nprompt = "{{ vars.city }} {{ vars.more }}"')
    assert load_plan(path, {"city": "Oslo", "more": "1"}).runs[0].vars == {"city": "Oslo", "more": "1"}


def test_what_is_empty_is_not_written() -> None:
    run = RunSpec(name="a", workspace=Path("/w"), prompt="x", config=RunConfig())
    (written,) = plan_to_dict(Plan(name="p", runs=(run,)))["runs"]
    assert "vars" not in written
    assert all(value not in ("", [], {}, None) for value in written.values())
