"""The examples do what they say, run as a user runs them, and so does what the README shows."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ScriptedModel
from tests.support.processes import wait_until
from tests.support.repository import make_repository
from tests.workspace.conftest import commit_all, in_git

import octui
from octui import AsyncOpenCodeClient, OpenCodeError, OpenCodeSession, RunConfig, RunResult, paths
from octui.demo import stories
from octui.demo.model_server import ModelServer, provider_config
from octui.demo.repository import lay_out
from octui.demo.script import Failure, Request, Script, ToolCall, Turn
from octui.recording.facts import RunState
from octui.recording.session import Session, list_sessions

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
WORDS: dict[str, list[str]] = {
    "one_shot.py": [],
    "stream.py": [],
    "parallel.py": [],
    "weather.py": ["Oslo", "--folder"],
    "session.py": [],
}
"""The examples, and the words each takes before its folder."""

SUMMARY = "Compare the weather in these cities"


def run(name: str, *words: str, cwd: Path, timeout_s: float = 60, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run an example to its end."""
    command = [sys.executable, str(EXAMPLES / name), *words]
    return subprocess.run(command, cwd=cwd, input=typed, capture_output=True, text=True, timeout=timeout_s)


@contextmanager
def model_of(workspace: Path, *scripts: Script) -> Iterator[ModelServer]:
    """A scripted model that the workspace's own configuration of opencode chooses."""
    with ModelServer(scripts) as server:
        (workspace / "opencode.json").write_text(json.dumps(provider_config(server.base_url)))
        yield server


def says(marker: str, text: str) -> Script:
    return Script(marker, [Turn(text=text)])


def test_every_example_is_run_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*WORDS, "clock_server.py"}


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_one_shot_prints_the_answer_of_a_read_only_agent_that_has_an_mcp_server(
    git_workspace: Path, integration_timeout_s: float
) -> None:
    script = Script("What time is it?", [Turn(calls=(ToolCall("demo_now", {}),)), Turn(text="It is late.")])
    with model_of(git_workspace, script) as model:
        server = f"{sys.executable} {EXAMPLES / 'clock_server.py'}"
        words = [str(git_workspace), "What time is it?", "--mcp", server]
        done = run("one_shot.py", *words, cwd=EXAMPLES, timeout_s=integration_timeout_s)
    assert (done.returncode, done.stdout) == (0, "It is late.\n"), done.stderr
    assert re.fullmatch(r"called demo_now\n2 turns, \d+ tokens, \$\d\.\d{4}\n", done.stderr)
    first, second = model.requests
    offered = {tool["function"]["name"] for tool in first.body["tools"]}
    assert "demo_now" in offered
    assert not offered & {"bash", "edit", "write"}
    assert datetime.fromisoformat(second.tool_results[0]).tzinfo is not None


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_stream_prints_events_of_the_model_asked_for(
    scripted_model: ScriptedModel, git_workspace: Path, home: Path, integration_timeout_s: float
) -> None:
    """Here the provider stands in the user's own configuration, and ``--model`` chooses it."""
    own = home / ".config" / "opencode" / "opencode.json"
    own.parent.mkdir()
    own.write_text(json.dumps({"provider": scripted_model.config["provider"]}))
    done = run("stream.py", "--model", "scripted/m1", cwd=git_workspace, timeout_s=integration_timeout_s)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["step_start", "text", "step_finish"]
    assert [request.model for request in scripted_model.server.requests] == ["m1"]


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_parallel_prints_answers_in_the_order_asked_for_and_a_failure_beside_them(
    tmp_path: Path, integration_timeout_s: float
) -> None:
    services = ["services/api", "services/worker"]
    repository = make_repository(tmp_path / "monorepo", {f"{name}/README.md": name for name in services})
    scripts = [says(f"Explain {name} in", f"About {name}.") for name in services]
    with model_of(repository, *scripts) as model:
        done = run("parallel.py", *services, "services/none", cwd=repository, timeout_s=integration_timeout_s)
    headed = re.findall(r"== (\S+) \(\$\d\.\d{4}\)\n(.+)\n", done.stdout)
    assert headed == [(name, f"About {name}.") for name in services], done.stderr
    assert done.returncode == 1
    assert re.fullmatch(r"services/none: The workspace .* does not exist\.\n", done.stderr)
    for name in services:
        (request,) = (each for each in model.requests if f"Explain {name} " in each.prompt)
        assert f"{repository}/{name}" in request.system


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_weather_gives_every_answer_to_the_summary_and_goes_on_without_a_city_that_fails(
    git_workspace: Path, integration_timeout_s: float
) -> None:
    answers = {"Oslo": "Snow, -3 °C, calm.", "Lima": "Fog, 18 °C, calm."}
    scripts = [says(f"weather in {city} now", answer) for city, answer in answers.items()]
    refused = Script("weather in Nairobi now", [Turn(failure=Failure(401, "no key"))])
    with model_of(git_workspace, says(SUMMARY, "Oslo is the coldest."), refused, *scripts) as model:
        done = run("weather.py", *answers, "Nairobi", cwd=git_workspace, timeout_s=integration_timeout_s)
    *found, blank, summary = done.stdout.splitlines()
    assert (done.returncode, blank, summary) == (1, "", "Oslo is the coldest.")
    assert re.fullmatch(r"Nairobi: opencode ended with exit code 1: .*no key.*\n", done.stderr)
    assert sorted(found) == sorted(f"{city}: {answer}" for city, answer in answers.items())
    assert model.requests[-1].prompt.splitlines()[1:] == [f"{city}: {answer}" for city, answer in answers.items()]


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_weather_ends_a_city_whose_time_is_up(git_workspace: Path, integration_timeout_s: float) -> None:
    with model_of(git_workspace, Script("weather in Oslo now", [Turn(stall_s=600)])):
        words = ["Oslo", "--sequential", "--city-timeout", "1"]
        done = run("weather.py", *words, cwd=git_workspace, timeout_s=integration_timeout_s)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Oslo: opencode was ended after 1 s\..*\nThere is nothing to compare\.\n", done.stderr)


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_the_weather_plan_asks_ten_cities_and_gives_what_they_found_to_one_summary(
    git_workspace: Path, integration_timeout_s: float
) -> None:
    text = (EXAMPLES / "weather.toml").read_text()
    plan = git_workspace / "weather.toml"
    plan.write_text(text.replace("[defaults]\n", '[defaults]\nbackend = "serve"\n'))
    cities = tomllib.loads(text)["runs"][0]["matrix"]["city"]
    answers = {city: f"Sun in {city}, {{{{ vars.unit }}}}." for city in cities if city != "Nairobi"}
    scripts = [says(f"weather in {city} now", answer) for city, answer in answers.items()]
    refused = Script("weather in Nairobi now", [Turn(failure=Failure(401, "no key"))])
    command = [sys.executable, "-m", "octui", "run", str(plan), "--headless", "--json", "--var", "unit=°F"]
    with model_of(git_workspace, says(SUMMARY, "All is well."), refused, *scripts) as model:
        done = subprocess.run(
            command, cwd=git_workspace, capture_output=True, text=True, timeout=2 * integration_timeout_s
        )
    runs = {each["name"]: each for each in json.loads(done.stdout)["runs"]}
    assert done.returncode == 1, done.stderr
    assert (len(runs), runs["summary"]["final_text"]) == (11, "All is well.")
    assert [name for name, each in runs.items() if each["state"] != "succeeded"] == ["city-Nairobi"]
    asked = [request for request in model.requests if not request.wants_title]
    (summary,) = (request for request in asked if SUMMARY in request.prompt)
    assert summary is asked[-1]
    assert summary.prompt.strip().splitlines()[1:] == [f"{city}: {answer}" for city, answer in answers.items()]
    for city in cities:
        assert any(
            f"weather in {city} now. Answer in one line: sky, temperature in °F" in each.prompt for each in asked
        )


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_the_compare_plan_lets_three_models_mend_one_repository_and_its_table_tells_whose_work_is_good(
    tmp_path: Path, integration_timeout_s: float
) -> None:
    repository = tmp_path / "tally"
    lay_out(repository)
    text = (EXAMPLES / "compare.toml").read_text()
    listed = ", ".join(f'"scripted/{name}"' for name in stories.RIVALS)
    text = re.sub(r"model = \[.*\]", f"model = [{listed}]", text)
    plan = repository / "compare.toml"
    plan.write_text(text.replace("[defaults]\n", '[defaults]\nbackend = "serve"\n'))
    with ModelServer([Script(name, stories.rival(name)) for name in stories.RIVALS]) as server:
        config = provider_config(server.base_url)
        models = config["provider"]["scripted"]["models"]
        models |= dict.fromkeys(stories.RIVALS, models["m1"])
        config["$schema"] = "https://opencode.ai/config.json"  # opencode would write it into the file otherwise.
        (repository / "opencode.json").write_text(json.dumps(config))
        commit_all(repository)
        command = [sys.executable, "-m", "octui"]
        done = subprocess.run(
            [*command, "run", str(plan), "--headless"],
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=integration_timeout_s,
        )
    assert done.returncode == 0, done.stderr
    assert in_git(repository, "status", "--porcelain") == ""
    told = subprocess.run(
        [*command, "compare", "--sort", "added", "--reverse", "--json"], capture_output=True, text=True, check=True
    )
    runs = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(each["run"], each["check_exit_code"], each["files"], each["added"], each["removed"]) for each in runs] == [
        ("mend-careful", 0, 2, 9, 2),
        ("mend-quick", 0, 1, 2, 2),
        ("mend-careless", 1, 1, 1, 1),
    ]
    assert [each["turns"] for each in runs] == [6, 4, 3]
    branches = in_git(repository, "branch", "--list", "octui/*", "--format=%(refname:short)").split()
    assert branches == sorted(each["branch"] for each in runs)


class HoldsSome(ModelServer):
    """Lets some cities wait for ever, until it is told to answer."""

    def __init__(self, scripts: Sequence[Script], held: Sequence[str]) -> None:
        super().__init__(scripts)
        self.held = held

    def answer(self, request: Request) -> Turn:
        turn = super().answer(request)
        return replace(turn, stall_s=600) if any(city in request.prompt for city in self.held) else turn

    def asked(self, city: str) -> int:
        return sum(f"weather in {city} now" in request.prompt for request in self.requests)


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
@pytest.mark.parametrize(("backend", "count"), [("run", 2), ("serve", 10)])
def test_killed_in_the_middle_the_weather_plan_is_resumed_and_no_city_that_succeeded_is_asked_twice(
    backend: str, count: int, git_workspace: Path, integration_timeout_s: float
) -> None:
    """All ten over a server; a process each takes long to start, so there they are fewer."""
    text = (EXAMPLES / "weather.toml").read_text()
    cities = tomllib.loads(text)["runs"][0]["matrix"]["city"][-count:]
    text = re.sub(r"city = \[.*\]", f"city = {json.dumps(cities)}", text)
    plan = git_workspace / "weather.toml"
    plan.write_text(text.replace("[defaults]\n", f'[defaults]\nbackend = "{backend}"\n'))
    held = cities[1::3]
    good = len(cities) - len(held)
    answers = {city: f"Sun in {city}, {{{{ vars.unit }}}}." for city in cities}
    scripts = [says(f"weather in {city} now", answer) for city, answer in answers.items()]
    octui_command = [sys.executable, "-m", "octui"]
    model = HoldsSome([says(SUMMARY, "All is well."), *scripts], held)
    with model:
        (git_workspace / "opencode.json").write_text(json.dumps(provider_config(model.base_url)))
        command = [*octui_command, "run", str(plan), "--headless", "--var", "unit=°F"]
        with subprocess.Popen(command, cwd=git_workspace, stderr=subprocess.DEVNULL) as killed:

            def in_the_middle() -> bool:
                states = [state for found in list_sessions(paths.sessions_dir()) for state in states_of(found.path)]
                return states.count("succeeded") == good and all(model.asked(city) for city in held)

            wait_until(in_the_middle, integration_timeout_s)
            killed.kill()
        (summary,) = list_sessions(paths.sessions_dir())
        assert (summary.interrupted, summary.counts[RunState.SUCCEEDED]) == (True, good)
        done = {path.name: path.read_bytes() for path in summary.path.glob("*.jsonl") if path.name != "facts.jsonl"}
        facts = (summary.path / "facts.jsonl").read_bytes()
        before = {city: model.asked(city) for city in cities}
        model.held = []
        resumed = subprocess.run(
            [*octui_command, "resume", "last", "--headless", "--json"],
            cwd=git_workspace,
            capture_output=True,
            text=True,
            timeout=integration_timeout_s,
        )
    runs = {each["name"]: each for each in json.loads(resumed.stdout)["runs"]}
    assert resumed.returncode == 0, resumed.stderr
    assert [each["state"] for each in runs.values()] == ["succeeded"] * (count + 1)
    assert {city: model.asked(city) - before[city] for city in cities} == {city: int(city in held) for city in cities}
    assert all("in °F" in request.prompt for request in model.requests if "now. Answer in" in request.prompt)
    (asked,) = (request for request in model.requests if SUMMARY in request.prompt)
    assert asked.prompt.strip().splitlines()[1:] == [f"{city}: {answer}" for city, answer in answers.items()]
    assert (summary.path / "facts.jsonl").read_bytes().startswith(facts)
    for name, log in done.items():
        now = (summary.path / name).read_bytes()
        begins_anew = name == "summary.jsonl" or any(city.replace(" ", "-") in name for city in held)
        assert now.startswith(log) if begins_anew else now == log, name


def states_of(folder: Path) -> list[str]:
    """The states of a session's runs."""
    session = Session.open(folder)
    return [str(session.status.run(name).state) for name in session.run_names]


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
def test_session_asks_whoever_sits_there_and_keeps_what_was_said(
    git_workspace: Path, integration_timeout_s: float
) -> None:
    options = [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]
    question = {"questions": [{"question": "Which?", "header": "Pick", "options": options}]}
    calls = (ToolCall("bash", {"command": "echo hi > made.txt", "description": "x"}), ToolCall("question", question))
    first = Script("Make a file", [*(Turn(calls=(call,)) for call in calls), Turn(text="It is made.")])
    second = Script("And then?", [Turn(text="That was all.", pieces=3)])
    with model_of(git_workspace, first, second) as model:
        words = [str(git_workspace), "Make a file", "And then?"]
        done = run("session.py", *words, cwd=EXAMPLES, timeout_s=integration_timeout_s, typed="y\nB\n")
    assert (done.returncode, done.stderr) == (0, "bash: echo hi > made.txt\n")
    assert done.stdout == "allow it? [y/N/a] Which? [A, B] It is made.\nThat was all.\n"
    assert (git_workspace / "made.txt").read_text() == "hi\n"
    assert '"B"' in model.requests[2].tool_results[-1]
    assert "It is made." in json.dumps(model.requests[-1].body)


@pytest.mark.parametrize(("name", "words"), WORDS.items(), ids=WORDS)
def test_an_example_without_opencode_says_so_in_one_line(
    name: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCODE_BINARY", "/nope/opencode")
    done = run(name, *words, str(tmp_path), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r".*/nope/opencode.*\n", done.stderr)


@pytest.mark.parametrize(("name", "words"), WORDS.items(), ids=WORDS)
def test_an_example_on_a_folder_that_is_not_there_says_so_in_one_line(
    name: str, words: list[str], tmp_path: Path
) -> None:
    done = run(name, *words, str(tmp_path / "none"), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r".*The workspace .*none does not exist\.\n", done.stderr)


def calls_of(code: str) -> Iterator[tuple[Callable[..., Any], Sequence[object], Sequence[str]]]:
    """What a program calls of octui: the function, its arguments by place, and the names of the others."""
    for call in ast.walk(ast.parse(code)):
        match call:
            case ast.Call(func=ast.Name(id=name)) if name in octui.__all__:
                yield getattr(octui, name), call.args, [str(each.arg) for each in call.keywords]
            case ast.Call(func=ast.Attribute(value=ast.Name(id=("client" | "session") as kind), attr=name)):
                method = getattr(AsyncOpenCodeClient if kind == "client" else OpenCodeSession, name)
                yield method, [None, *call.args], [str(each.arg) for each in call.keywords]


def test_the_program_in_the_readme_uses_what_there_is() -> None:
    (section,) = re.findall(r"^## In your own program\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", section, re.M | re.S))
    imported = re.findall(r"^from octui import (.+)$", code, re.M)
    assert {name.strip() for line in imported for name in line.split(",")} <= set(octui.__all__)
    found = list(calls_of(code))
    called = {function.__name__ for function, _, _ in found}
    assert called == {"AsyncOpenCodeClient", "OpenCodeSession", "RunConfig", "async_run", "send"}
    for function, places, names in found:
        inspect.signature(function).bind(*places, **dict.fromkeys(names))
    read = set(re.findall(r"\bresult\.(\w+)", code))
    assert read
    assert read <= {field.name for field in fields(RunResult)}


@pytest.mark.parametrize(
    ("function", "places", "defaults"),
    [
        (
            AsyncOpenCodeClient,
            ["binary"],
            {"binary": "opencode", "startup_concurrency": 1, "startup_delay_s": 0.3, "isolate_db": True},
        ),
        (
            AsyncOpenCodeClient.async_run,
            ["self", "prompt", "workspace"],
            {"run_cfg": None, "timeout_s": None, "max_retries": 2, "retry_delay_s": 1.0},
        ),
        (
            AsyncOpenCodeClient.async_stream,
            ["self", "prompt", "workspace"],
            {"run_cfg": None},
        ),
        (
            RunConfig,
            [],
            {
                "model": None,
                "agent": None,
                "files": (),
                "attach": None,
                "title": None,
                "permission": {},
                "mcp": {},
                "tools": {},
                "instructions": (),
                "config_overrides": {},
                "disable_autoupdate": True,
                "inherit_user_config": False,
            },
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_program_for_py_opencode_wrapper_finds_its_parameters_and_defaults(
    function: Callable[..., Any], places: list[str], defaults: dict[str, Any]
) -> None:
    parameters = inspect.signature(function).parameters
    by_place = [each.name for each in parameters.values() if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert by_place[: len(places)] == places
    source = RunConfig() if function is RunConfig else None
    for name, value in defaults.items():
        assert (getattr(source, name) if source else parameters[name].default) == value, name
        assert name in parameters


def test_a_program_for_py_opencode_wrapper_finds_its_names() -> None:
    names = {"AsyncOpenCodeClient", "RunConfig", "RunResult", "TokenUsage", "OpenCodeError"}
    errors = {"OpenCodeBinaryNotFoundError", "OpenCodeProcessError", "OpenCodeTimeoutError"}
    assert names | errors <= set(octui.__all__)
    assert all(issubclass(getattr(octui, name), OpenCodeError) for name in errors)
    assert inspect.iscoroutinefunction(AsyncOpenCodeClient.async_run)
    assert inspect.isasyncgenfunction(AsyncOpenCodeClient.async_stream)
    assert {"exit_code", "final_text"} <= {field.name for field in fields(RunResult)}
