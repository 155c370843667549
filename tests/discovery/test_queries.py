from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from octui.client.serve.events import Rule
from octui.discovery.queries import Agent, Effective, Queries, effective, parse_agents, parse_hidden, parse_models
from octui.errors import OpenCodeError

AGENTS = """build (primary)
  [
  {"permission": "*", "action": "allow", "pattern": "*"},
  {"permission": "read", "action": "ask", "pattern": "*.env"}
]
my reviewer (subagent)
  []
broken (all)
  [ {"permission":
"""


def stand_in(folder: Path, script: str) -> Path:
    path = folder / "opencode"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_agents_are_read_with_their_rules_and_broken_rules_lose_no_agent() -> None:
    first = Agent("build", "primary", (Rule("*", "*", "allow"), Rule("read", "*.env", "ask")))
    assert parse_agents(AGENTS) == (first, Agent("my reviewer", "subagent"), Agent("broken", "all"))


def test_an_odd_rule_loses_no_other() -> None:
    told = r"""build (primary)
  [null, {"permission": "bash", "action": "deny", "pattern": "echo \ud83d"}, {"permission": "edit"},
  {"permission": "read", "action": "ask", "pattern": "*", "since": NaN}]
"""
    assert parse_agents(told) == (
        Agent("build", "primary", (Rule("bash", "echo \ufffd", "deny"), Rule("read", "*", "ask"))),
    )


def test_models_are_the_lines_that_name_one() -> None:
    assert parse_models("a/b\n\n  openrouter/x/y \nsome notice / here\n") == ("a/b", "openrouter/x/y")


def test_the_last_rule_that_matches_wins_and_forgets_the_exceptions_before_it() -> None:
    rules = [Rule("*", "*", "allow"), Rule("read", "*.env", "ask"), Rule("re*", "*.pem", "deny")]
    assert effective(rules, "read") == Effective("allow", (("*.env", "ask"), ("*.pem", "deny")))
    assert effective([*rules, Rule("read", "*", "deny")], "read") == Effective("deny")
    assert effective([Rule("edit", "*", "deny")], "read") is None


def test_an_answer_is_asked_for_once_a_folder(tmp_path: Path) -> None:
    queries = Queries(stand_in(tmp_path, f"echo asked >> {tmp_path}/log; echo a/b"))
    assert [queries.models(tmp_path), queries.models(tmp_path)] == [("a/b",), ("a/b",)]
    assert (tmp_path / "log").read_text() == "asked\n"


def test_questions_use_a_data_home_of_their_own_that_is_gone_afterwards(tmp_path: Path, home: Path) -> None:
    auth = home / ".local/share/opencode/auth.json"
    auth.parent.mkdir(parents=True)
    auth.write_text("{}")
    script = 'echo "$XDG_DATA_HOME" > "$PWD/where"; cat "$XDG_DATA_HOME/opencode/auth.json" > "$PWD/auth"; echo a/b'
    Queries(stand_in(tmp_path, script)).models(tmp_path)
    where = Path((tmp_path / "where").read_text().strip())
    assert where != home / ".local/share"
    assert not where.exists()
    assert (tmp_path / "auth").read_text() == "{}"


def test_the_users_configuration_is_out_of_reach_unless_it_is_inherited(tmp_path: Path, home: Path) -> None:
    queries = Queries(
        stand_in(tmp_path, '[ "$1" = debug ] || echo "$XDG_CONFIG_HOME:$OPENCODE_CONFIG" >> "$PWD/seen"'),
        environ={**os.environ, "OPENCODE_CONFIG": "/mine.json"},
    )
    queries.agents(tmp_path, inherit=True)
    queries.agents(tmp_path, inherit=False)
    kept, left_out = (tmp_path / "seen").read_text().splitlines()
    assert kept == f"{home / '.config'}:/mine.json"
    assert left_out.endswith(":")
    assert str(home) not in left_out


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no such key >&2; exit 1", "exit code 1: no such key"),
        (r"printf '\033[91mError: no key\033[0m\n    at f (/x.js:1:2)\n' >&2; exit 1", "exit code 1: Error: no key.$"),
        ("sleep 60", "within 0.2 s"),
    ],
)
def test_no_answer_is_told_in_a_sentence(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(OpenCodeError, match=words):
        Queries(stand_in(tmp_path, script), timeout_s=0.2 if "sleep" in script else 30).models(tmp_path)


def test_closing_ends_what_is_being_asked_with_its_children(tmp_path: Path) -> None:
    queries = Queries(
        stand_in(tmp_path, f"sleep 300 & echo $! > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; wait")
    )
    failed: list[OpenCodeError] = []

    def ask() -> None:
        try:
            queries.models(tmp_path)
        except OpenCodeError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    queries.close()
    thread.join(10)
    assert failed
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    with pytest.raises(OpenCodeError, match="about to end"):
        queries.agents(tmp_path, inherit=False)


def test_internal_agents_are_hidden_without_debug_config(tmp_path: Path) -> None:
    script = '[ "$1" = agent ] || exit 1; for name in build title mine; do echo "$name (primary)"; echo "  []"; done'
    agents = Queries(stand_in(tmp_path, script)).agents(tmp_path, inherit=False)
    assert [(agent.name, agent.hidden) for agent in agents] == [("build", False), ("title", True), ("mine", False)]


@pytest.mark.parametrize("text", ["", "[]", '{"agent": []}', '{"agent": {"a": 3}}', '{"agent": {"a": {"hidden": 1}}}'])
def test_parse_hidden_of_unknown_shape_is_empty(text: str) -> None:
    assert parse_hidden(text) == {}


@pytest.mark.integration
def test_the_real_opencode_hides_its_internal_agents(tmp_path: Path, opencode_binary: Path) -> None:
    """As in the list of its server, which opencode's own screen offers."""
    (tmp_path / "opencode.json").write_text(
        '{"agent": {"title": {"hidden": false}, "mine": {"mode": "all", "hidden": true}, "plain": {"mode": "all"}}}'
    )
    agents = Queries(opencode_binary).agents(tmp_path, inherit=False)
    assert {agent.name for agent in agents if agent.hidden} == {"compaction", "summary", "mine"}
    assert {"build", "plan", "plain", "title"} <= {agent.name for agent in agents if not agent.hidden}


@pytest.mark.integration
def test_the_real_opencode_tells_its_agents_and_what_the_project_denies(tmp_path: Path, opencode_binary: Path) -> None:
    (tmp_path / "opencode.json").write_text('{"permission": {"bash": {"*": "allow", "git push *": "deny"}}}')
    queries = Queries(opencode_binary)
    agents = {agent.name: agent for agent in queries.agents(tmp_path, inherit=False)}
    assert {"build", "plan", "general"} <= set(agents)
    assert effective(agents["build"].rules, "bash") == Effective("allow", (("git push *", "deny"),))
    assert effective(agents["build"].rules, "external_directory") is not None
