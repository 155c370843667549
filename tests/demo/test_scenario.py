from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from octui.demo.repository import FILES
from octui.demo.scenario import AGENTS, RELEASER, Agent, prepare, scripts
from octui.demo.script import Request, Script, Turn

HEADLESS, ASKING = ("bash", "edit"), ("bash", "edit", "question")


def request(prompt: str, *said: tuple[str, str], tools: tuple[str, ...] = ASKING) -> Request:
    messages = [{"role": role, "content": text} for role, text in (("user", prompt), *said)]
    return Request({"messages": messages, "tools": [{"function": {"name": name}} for name in tools]})


def story(script: Script, *results: str, tools: tuple[str, ...] = ASKING) -> list[Turn]:
    """All turns of a script after tools have said something."""
    assert callable(script.turns)
    return list(script.turns(request(script.marker, *(("tool", result) for result in results), tools=tools)))


def stories(folder: Path) -> list[tuple[Agent, Script]]:
    return list(zip(AGENTS, scripts(folder), strict=False))


def test_every_agent_has_a_script_that_its_prompt_alone_chooses(tmp_path: Path) -> None:
    for agent, script in stories(tmp_path):
        assert [other.name for other in AGENTS if script.marker in other.prompt] == [agent.name]


@pytest.mark.parametrize("tools", [HEADLESS, ASKING], ids=["headless", "asking"])
def test_tool_calls_stay_in_the_workspace_of_their_agent(tmp_path: Path, tools: tuple[str, ...]) -> None:
    for agent, script in stories(tmp_path):
        calls = [call for turn in story(script, tools=tools) for call in turn.calls]
        paths = [Path(call.arguments["filePath"]) for call in calls if "filePath" in call.arguments]
        assert paths
        assert all(path.is_relative_to(tmp_path / agent.name) for path in paths)
        written = [Path(call.arguments["filePath"]) for call in calls if call.name == "write"]
        assert all(str(path.relative_to(tmp_path / agent.name)) in FILES for path in paths if path not in written)


def test_the_story_is_told_in_half_a_minute_to_a_minute(tmp_path: Path) -> None:
    for _, script in stories(tmp_path):
        seconds = sum(turn.pace_s * len(turn.text_pieces()) for turn in story(script))
        assert 20 <= seconds <= 60


def test_nobody_is_asked_a_question_where_opencode_offers_none(tmp_path: Path) -> None:
    asked = {
        tools: [agent.name for agent, script in stories(tmp_path) for turn in story(script, tools=tools) if asks(turn)]
        for tools in (HEADLESS, ASKING)
    }
    assert asked == {HEADLESS: [], ASKING: ["reviewer"]}


def asks(turn: Turn) -> bool:
    return any(call.name == "question" for call in turn.calls)


@pytest.mark.parametrize(
    ("answer", "held", "left_out"),
    [
        ("Lost cents, Negative weights", ["loses cents", "below zero"], ["No people"]),
        ("Nobody to pay, praise the tests", ["No people", "> praise the tests"], ["loses cents", "below zero"]),
        ("Unanswered", ["loses cents", "No people", "below zero"], ["As you wrote"]),
    ],
)
def test_the_review_holds_what_the_user_chose(
    tmp_path: Path, answer: str, held: list[str], left_out: list[str]
) -> None:
    script = stories(tmp_path)[1][1]
    question = next(turn for turn in story(script) if asks(turn)).calls[0].arguments["questions"][0]["question"]
    told = f'User has answered your questions: "{question}"="{answer}". You can now continue.'
    turns = story(script, told)
    written = next(call.arguments["content"] for turn in turns for call in turn.calls if call.name == "write")
    assert [words for words in (*held, *left_out) if words in written] == held
    assert ("Serious" in turns[-1].text) == ("loses cents" in held)


def test_the_release_is_published_only_if_the_push_was(tmp_path: Path) -> None:
    script = stories(tmp_path)[2][1]
    assert "is published" in story(script, " * [new tag]         v1.4.0 -> v1.4.0")[-1].text
    for refused in ("The user rejected permission to use this specific tool call.", "fatal: no route to host"):
        assert "not published" in story(script, refused)[-1].text


def test_every_agent_answers_word_by_word_what_it_is_asked_later(tmp_path: Path) -> None:
    for _, script in stories(tmp_path):
        turns = [("assistant", turn.text) for turn in story(script)]
        later = script.answer(request(script.marker, *turns, ("user", "and now?")))
        assert len(later.text_pieces()) > 30
        assert not later.calls


def test_whoever_was_made_to_forget_its_prompt_answers_as_well(tmp_path: Path) -> None:
    asked = request("Once more, please.")
    script = next(script for script in scripts(tmp_path) if script.is_for(asked))
    assert "took back" in script.answer(asked).text


def plan_of(folder: Path, *, asks: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    plan = tomllib.loads(prepare(folder, "http://127.0.0.1:1/v1", asks=asks).read_text())
    return plan["defaults"], {run["name"]: run for run in plan["runs"]}


@pytest.mark.parametrize(
    ("asking", "backend", "action"), [(True, "serve", "ask"), (False, "run", "deny")], ids=["asking", "headless"]
)
def test_the_plan_stands_beside_the_workspaces_and_lets_nobody_push_unasked(
    tmp_path: Path, asking: bool, backend: str, action: str
) -> None:
    defaults, runs = plan_of(tmp_path / "demo", asks=asking)
    assert defaults["backend"] == backend
    assert all((tmp_path / "demo" / run["workspace"] / ".git").is_dir() for run in runs.values())
    assert runs[RELEASER.name]["permission"]["bash"]["git push *"] == action
    provider = defaults["config_overrides"]["provider"]["scripted"]
    assert provider["options"]["baseURL"] == "http://127.0.0.1:1/v1"


def test_whoever_is_asked_may_take_their_time(tmp_path: Path) -> None:
    assert "timeout_s" not in plan_of(tmp_path / "a", asks=True)[0]
    assert "timeout_s" in plan_of(tmp_path / "b", asks=False)[0]
