"""Which backend a run takes, and what that cannot do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from octui.client.config import RunConfig
from octui.errors import PlanError
from octui.plan.backends import asks, choose_backends
from octui.plan.model import Backend, Plan, RunSpec

ASKING = RunConfig(permission={"edit": "allow", "bash": {"*": "allow", "git push *": "ask"}})


def plan_of(*runs: tuple[RunConfig, Backend | None], workspace: Path = Path("/")) -> Plan:
    specs = [
        RunSpec(name=f"r{number}", workspace=workspace, prompt="p", config=config, backend=backend)
        for number, (config, backend) in enumerate(runs)
    ]
    return Plan(name="n", runs=tuple(specs))


def refusals(config: RunConfig, backend: Backend, *, version: str = "", workspace: Path = Path("/")) -> list[str]:
    plan = plan_of((config, backend), workspace=workspace)
    with pytest.raises(PlanError) as raised:
        choose_backends(plan, "run", version=version)
    return [f"{problem.where}: {problem.message}" for problem in raised.value.problems]


@pytest.mark.parametrize("default", ["run", "serve"])
def test_what_is_left_open_takes_the_default_and_what_is_chosen_stays(default: Backend) -> None:
    plan = plan_of((RunConfig(), None), (RunConfig(), "run"), (RunConfig(), "serve"))
    assert [run.backend for run in choose_backends(plan, default).runs] == [default, "run", "serve"]


def test_choosing_twice_changes_nothing() -> None:
    plan = choose_backends(plan_of((ASKING, None)), "serve")
    assert choose_backends(plan, "run") == plan


def test_an_opencode_that_cannot_be_talked_to_runs_by_itself_unless_that_was_asked_for() -> None:
    (run,) = choose_backends(plan_of((RunConfig(), None)), "serve", version="2.0.0").runs
    assert run.backend == "run"
    (words,) = refusals(RunConfig(), "serve", version="2.0.0")
    assert words.startswith("runs[1].backend: octui cannot talk to a server of opencode 2.0.0")


def test_flags_of_opencode_run_say_by_themselves_which_backend_they_are_for() -> None:
    plan = plan_of((RunConfig(cli_kwargs={"x": True}), None), (RunConfig(), None))
    assert [run.backend for run in choose_backends(plan, "serve").runs] == ["run", "serve"]


@pytest.mark.parametrize(
    ("config", "backend", "where", "words"),
    [
        (ASKING, "run", 'runs[1].permission.bash["git push *"]', "backend = 'serve'"),
        (RunConfig(permission="ask"), "run", "runs[1].permission", "nobody to ask"),
        (
            RunConfig(config_overrides={"permission": {"bash": "ask"}}),
            "run",
            "runs[1].config_overrides.permission.bash",
            "nobody",
        ),
        (RunConfig(cli_kwargs={"x": True}), "serve", "runs[1].cli_kwargs", "backend = 'run'"),
        (RunConfig(attach="http://h", permission={"bash": "deny"}), "run", "runs[1].permission", "does not reach"),
        (RunConfig(attach="http://h", tools={"x": False}), "run", "runs[1].tools", "does not reach"),
        (RunConfig(attach="http://h", mcp={"x": {"enabled": False}}), "run", "runs[1].mcp", "does not reach"),
        (RunConfig(attach="http://h", mcp={"x": {"enabled": False}}), "serve", "runs[1].mcp", "runs already"),
        (RunConfig(attach="http://h", extra_env={"A": "b"}), "serve", "runs[1].extra_env", "runs already"),
        (RunConfig(attach="http://h", port=1), "serve", "runs[1].port", "runs already"),
        (RunConfig(password="x"), "serve", "runs[1].password", "goes with attach"),
        (RunConfig(remote_dir="/x"), "serve", "runs[1].remote_dir", "goes with attach"),
    ],
)
def test_what_a_backend_cannot_do_is_refused_with_its_place(
    config: RunConfig, backend: Backend, where: str, words: str
) -> None:
    (told,) = refusals(config, backend)
    assert told.startswith(f"{where}: ")
    assert words in told


@pytest.mark.parametrize(
    ("config", "backend"),
    [
        (ASKING, "serve"),
        (RunConfig(share=True, title="t", files=["a"], print_logs=True, log_level="INFO", thinking=True), "serve"),
        (RunConfig(attach="http://h", password="x", remote_dir="/x", agent="plan", tools={"x": False}), "serve"),
        (RunConfig(cli_kwargs={"x": True}, attach="http://h", password="x"), "run"),
        (RunConfig(command="init", tools={"x": False}), "serve"),
    ],
)
def test_what_a_backend_can_do_is_left_alone(config: RunConfig, backend: Backend) -> None:
    assert choose_backends(plan_of((config, backend)), "run").runs[0].config == config


def test_everything_is_refused_at_once() -> None:
    config = replace(ASKING, cli_kwargs={"x": 1}, password="x")
    assert [each.partition(":")[0] for each in refusals(config, "serve")] == ["runs[1].cli_kwargs", "runs[1].password"]


def test_a_folder_that_is_only_on_the_servers_machine_needs_a_session_there(tmp_path: Path) -> None:
    attached = RunConfig(attach="http://h")
    elsewhere = tmp_path / "elsewhere"
    assert choose_backends(plan_of((attached, None), workspace=elsewhere), "serve").runs[0].backend == "serve"
    (words,) = refusals(attached, "run", workspace=elsewhere)
    assert words.startswith(f"runs[1].workspace: {elsewhere} does not exist")


def test_a_configuration_asks_wherever_the_word_stands() -> None:
    assert asks(ASKING)
    assert asks(RunConfig(permission="ask"))
    assert asks(RunConfig(config_overrides={"permission": {"edit": "ask"}}))
    assert not asks(RunConfig(permission={"ask": "deny"}))


@pytest.mark.parametrize("backend", ["run", "serve"])
def test_override_that_something_undoes_is_refused_with_its_file_and_key(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed = tmp_path / "managed/opencode.json"
    managed.parent.mkdir()
    managed.write_text('{"mode": {"plan": {"permission": {"bash": "allow"}}}, "mcp": {"x": {"enabled": true}}}')
    monkeypatch.setenv("OPENCODE_TEST_MANAGED_CONFIG_DIR", str(managed.parent))
    config = RunConfig(permission={"edit": "deny"})
    choose_backends(plan_of((config, backend), workspace=tmp_path), "run")
    (words,) = refusals(RunConfig(permission={"bash": "deny"}), backend, workspace=tmp_path)
    assert words.startswith("runs[1].permission: ")
    assert f"agent 'plan': mode.plan.permission.bash = allow in {managed}" in words
    (words,) = refusals(RunConfig(mcp={"x": {"enabled": False}}), backend, workspace=tmp_path)
    assert words.startswith(f"runs[1].mcp: The override of MCP server 'x' cannot hold: mcp.x in {managed}")
