"""From a configuration to words and variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from octui import RunConfig
from octui.client.command import build_command, flag_words


def test_the_prompt_is_no_argument_and_events_come_as_json() -> None:
    assert build_command(RunConfig()).arguments == ["run", "--format", "json"]


def test_every_field_becomes_its_flag() -> None:
    config = RunConfig(
        agent="plan",
        model="a/b",
        files=["x.md", Path("y.md")],
        title="-t",
        command="review",
        continue_session=True,
        session_id="ses_1",
        fork=True,
        share=True,
        attach="http://h:1",
        remote_dir="/r",
        port=7,
        variant="high",
        thinking=True,
        print_logs=True,
        log_level="DEBUG",
    )
    assert build_command(config).arguments[3:] == [
        "--agent=plan",
        "--model=a/b",
        "--file=x.md",
        "--file=y.md",
        "--title=-t",
        "--command=review",
        "--continue",
        "--session=ses_1",
        "--fork",
        "--share",
        "--dir=/r",
        "--port=7",
        "--variant=high",
        "--thinking",
        "--print-logs",
        "--log-level=DEBUG",
        "--attach=http://h:1",
    ]


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("auto", True, ["--auto"]),
        ("auto", False, []),
        ("auto", None, []),
        ("dir", "/x y", ["--dir=/x y"]),
        ("n", 3, ["-n", "3"]),
        ("v", True, ["-v"]),
        ("file", ["a", "b"], ["--file=a", "--file=b"]),
        ("zero", 0, ["--zero=0"]),
        ("empty", "", ["--empty="]),
    ],
)
def test_any_other_flag_is_passed_by_its_kind(flag: str, value: Any, words: list[str]) -> None:
    assert flag_words(flag, value) == words
    assert build_command(RunConfig(cli_kwargs={flag: value})).arguments[3:] == words


def test_a_password_goes_into_the_environment_and_never_into_the_arguments() -> None:
    command = build_command(RunConfig(attach="http://h:1", password="hunter22"))
    assert command.variables["OPENCODE_SERVER_PASSWORD"] == "hunter22"
    assert "hunter22" not in " ".join(command.arguments)


def test_the_configuration_goes_in_as_json() -> None:
    command = build_command(RunConfig(permission={"bash": "deny"}))
    assert json.loads(command.variables["OPENCODE_CONFIG_CONTENT"]) == {"permission": {"bash": "deny"}}


def test_autoupdate_is_off_unless_it_is_wanted() -> None:
    assert build_command(RunConfig()).variables["OPENCODE_DISABLE_AUTOUPDATE"] == "1"
    assert "OPENCODE_DISABLE_AUTOUPDATE" not in build_command(RunConfig(disable_autoupdate=False)).variables


def test_extra_variables_win() -> None:
    assert build_command(RunConfig(extra_env={"OPENCODE_DISABLE_AUTOUPDATE": "0"})).variables == {
        "OPENCODE_DISABLE_AUTOUPDATE": "0"
    }


def test_opencode_2_runs_on_its_own_and_attaches_by_another_name() -> None:
    assert "--standalone" in build_command(RunConfig(), version="2.0.1").arguments
    words = build_command(RunConfig(attach="http://h:1"), version="2.0.1").arguments
    assert "--server=http://h:1" in words
    assert "--standalone" not in words  # Both together are refused.
    assert "--standalone" not in build_command(RunConfig(), version="1.18.33").arguments
