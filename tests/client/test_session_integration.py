"""A session on the real opencode, against the scripted model."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from tests.conftest import ScriptedModel
from tests.support.shared_server import SharedServer

from octui import AsyncOpenCodeClient, OpenCodeProcessError, OpenCodeSession, OpenCodeTimeoutError, RunConfig, RunResult
from octui.client.events import decode_line
from octui.client.result import Totals, final_text
from octui.client.serve.events import Permission, Question
from octui.demo.model_server import provider_config
from octui.errors import ServerError

pytestmark = [pytest.mark.anyio, pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])

QUESTION = {
    "questions": [
        {
            "question": "Which?",
            "header": "Pick",
            "options": [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}],
        }
    ]
}


@pytest.fixture
def scripted_model(shared_server: SharedServer) -> ScriptedModel:
    return ScriptedModel(shared_server.model, provider_config(shared_server.model.base_url))


@pytest.fixture
def config(shared_server: SharedServer) -> RunConfig:
    """A session on the server that tests share."""
    return RunConfig(**shared_server.place)


@pytest.fixture
def own_config(scripted_model: ScriptedModel) -> RunConfig:
    """A session on a server of its own."""
    return RunConfig(config_overrides=scripted_model.config)


def tool(name: str, **arguments: Any) -> str:
    return f"TOOL:{name}:{json.dumps(arguments)}"


def bash(command: str) -> str:
    return tool("bash", command=command, description="x")


def session_in(folder: Path, config: RunConfig, **options: Any) -> OpenCodeSession:
    return OpenCodeSession(AsyncOpenCodeClient(), folder, run_cfg=config, **{"timeout_s": 100, **options})


SCRIPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "thoughts, tools and a denied pattern": (
        "\n".join(
            [
                *(bash("echo hi"), tool("read", filePath="README.md"), bash("rm -r build")),
                *("THINK:Hm.", "USAGE:1200:80:30:900", "SAY:All done."),
            ]
        ),
        {"bash": {"*": "allow", "rm *": "deny"}},
    ),
    "a denied tool": (bash("echo hi"), {"bash": "deny", "question": "deny"}),  # `run` denies itself to ask.
    "error 401": ("FAIL:401", {}),
    "an answer that is too long": ("SAY:It is\nFINISH:length", {}),
}


def state_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    lines = [json.dumps(event).encode() for event in events]
    totals = Totals()
    for line in lines:
        totals.feed(decode_line(line))
    calls = [event["part"] for event in events if event["type"] == "tool_use"]
    return {
        "turns": totals.turns,
        "tokens": totals.tokens,
        "cost": totals.cost,
        "calls": [(call["tool"], call["state"]["status"], call["state"].get("input")) for call in calls],
        "error": totals.last_error,
        "status": totals.last_status,
        "reason": totals.last_reason,
        "open": totals.open_step,
        "text": final_text(reversed(lines)),
    }


async def events_of(work: Callable[[], Any]) -> tuple[int, list[dict[str, Any]]]:
    try:
        result: RunResult = await work()
    except OpenCodeProcessError as error:
        return error.exit_code, error.events
    return result.exit_code, result.events


@on_asyncio
@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_session_comes_to_the_same_as_a_run(
    name: str, config: RunConfig, own_config: RunConfig, git_workspace: Path
) -> None:
    prompt, permission = SCRIPTS[name]
    has = {"OPENCODE_ENABLE_QUESTION_TOOL": "1"}  # A server of ours has it; the model is told of its tools.
    alone = replace(own_config, permission=permission, thinking=True, extra_env=has)
    client = AsyncOpenCodeClient()
    run = await events_of(lambda: client.async_run(prompt, git_workspace, run_cfg=alone, timeout_s=100))
    async with session_in(git_workspace, replace(config, permission=permission, thinking=True)) as session:
        served = await events_of(lambda: session.send(prompt))
    assert served[0] == run[0]
    assert state_of(served[1]) == state_of(run[1])
    assert [event["type"] for event in served[1]] == [event["type"] for event in run[1]]


async def test_a_session_keeps_what_was_said_and_asks_back(
    config: RunConfig, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    asked: list[Permission | Question] = []

    async def on_permission(request: Permission) -> str:
        asked.append(request)
        return "once"

    def on_question(request: Question) -> list[list[str]]:
        asked.append(request)
        return [["B"]]

    config = replace(config, permission={"bash": "ask"})
    async with session_in(git_workspace, config, on_permission=on_permission, on_question=on_question) as session:
        first = await session.send("\n".join([bash("echo hi > made.txt"), tool("question", **QUESTION), "SAY:First."]))
        second = await session.send("SAY:Second.")
    assert (git_workspace / "made.txt").read_text() == "hi\n"
    assert isinstance(asked[0], Permission)
    assert asked[0].metadata["command"] == "echo hi > made.txt"
    assert isinstance(asked[1], Question)
    assert asked[1].questions[0].question == "Which?"
    assert first.final_text == "First."
    assert [call["tool"] for call in first.tool_calls] == ["bash", "question"]
    assert first.rejected == ()
    assert (second.final_text, second.turns, second.tool_calls) == ("Second.", 1, [])
    assert first.session_id == second.session_id == session.session_id
    assert any('"B"' in result for request in scripted_model.server.requests for result in request.tool_results)
    assert "First." in json.dumps(scripted_model.server.requests[-1].body)


@on_asyncio
@pytest.mark.parametrize("call", [bash("echo hi > made.txt"), tool("question", **QUESTION)], ids=["bash", "question"])
async def test_without_a_callback_a_request_is_rejected_and_the_result_says_so(
    call: str, config: RunConfig, git_workspace: Path
) -> None:
    async with session_in(git_workspace, replace(config, permission={"bash": "ask"})) as session:
        result = await session.send(f"{call}\nSAY:Not reached.")
        assert result.rejected in (("bash: echo hi > made.txt",), ("Which?",))
        assert result.final_text == ""
        assert result.tool_calls[0]["state"]["status"] == "error"
        assert not (git_workspace / "made.txt").exists()
        assert (await session.send("SAY:Still here.")).final_text == "Still here."


@on_asyncio
async def test_a_stream_gives_words_as_they_come_and_tools_while_they_run(
    config: RunConfig, git_workspace: Path
) -> None:
    prompt = "\n".join([bash("echo one; sleep 0.5; echo two"), "THINK:Well.", "SLOW:5:0.05", "SAY:a b c d e f g h"])
    async with session_in(git_workspace, config) as session:
        events = [event async for event in session.stream(prompt)]
    deltas = [event for event in events if event["type"] == "delta"]
    assert "".join(each["text"] for each in deltas if each["kind"] == "text") == "a b c d e f g h"
    assert "".join(each["text"] for each in deltas if each["kind"] == "reasoning") == "Well."
    assert len(deltas) > 3
    tools = [event for event in events if event["type"] == "tool"]
    assert {each["status"] for each in tools} == {"pending", "running"}
    assert tools[-1]["output"].startswith("one")
    whole = [event["type"] for event in events if event["type"] not in ("delta", "tool")]
    assert whole == ["step_start", "tool_use", "step_finish", "step_start", "reasoning", "text", "step_finish"]


@on_asyncio
async def test_leaving_a_stream_ends_the_turn_and_the_session_stays(
    config: RunConfig, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    async with session_in(git_workspace, config) as session:
        async with aclosing(session.stream("SLOW:500:0.1\nSAY:" + "word " * 500)) as events:
            async for event in events:
                if event["type"] == "delta":
                    break
        assert (await session.send("SAY:Here.")).final_text == "Here."


async def test_a_turn_that_takes_too_long_is_ended_and_the_session_stays(
    config: RunConfig, git_workspace: Path
) -> None:
    async with session_in(git_workspace, config) as session:
        with pytest.raises(OpenCodeTimeoutError, match="after 2 s"):
            await session.send(f"{bash('sleep 300')}\nSAY:Never.", timeout_s=2)
        assert (await session.send("SAY:Here.")).final_text == "Here."


async def test_a_cancelled_turn_is_ended_on_the_server(config: RunConfig, git_workspace: Path) -> None:
    async with session_in(git_workspace, config) as session:
        with anyio.move_on_after(2) as scope:
            await session.send("STALL:300\nSAY:Never.")
        assert scope.cancelled_caught
        assert (await session.send("SAY:Here.")).final_text == "Here."


async def test_an_aborted_turn_gives_what_there_is(config: RunConfig, git_workspace: Path) -> None:
    results: list[RunResult] = []

    async def ask(session: OpenCodeSession) -> None:
        results.append(await session.send(f"{bash('echo begun; sleep 300')}\nSAY:Never."))

    async with session_in(git_workspace, config) as session:
        async with anyio.create_task_group() as group:
            group.start_soon(ask, session)
            await anyio.sleep(2)
            await session.abort()
        assert (await session.send("SAY:Here.")).final_text == "Here."
    assert results[0].exit_code == 130
    assert results[0].final_text == ""


@on_asyncio
async def test_an_error_of_a_callback_comes_out_of_send_as_it_is(config: RunConfig, git_workspace: Path) -> None:
    def on_permission(request: Permission) -> str:
        raise LookupError(request.permission)

    async with session_in(git_workspace, replace(config, permission="ask"), on_permission=on_permission) as session:
        with pytest.raises(LookupError, match="bash"):
            await session.send(bash("echo hi"))


@on_asyncio
@pytest.mark.parametrize(
    ("changes", "words"),
    [({"model": "scripted/nope"}, "Model not found"), ({"agent": "nope"}, "Agent not found")],
    ids=["model", "agent"],
)
async def test_an_unknown_model_or_agent_ends_the_turn_with_one_error(
    changes: dict[str, Any], words: str, config: RunConfig, git_workspace: Path
) -> None:
    async with session_in(git_workspace, config) as session:
        with pytest.raises(OpenCodeProcessError, match=words) as raised:
            await session.send("SAY:Hi.", run_cfg=RunConfig(**changes))
        assert [event["type"] for event in raised.value.events] == ["error"]
        known = RunConfig(model="scripted/m1", agent="build")
        assert (await session.send("SAY:Here.", run_cfg=known)).final_text == "Here."


@on_asyncio
async def test_other_permissions_hold_from_a_prompt_on(config: RunConfig, git_workspace: Path) -> None:
    async with session_in(git_workspace, config) as session:
        before = await session.send(bash("echo hi"))
        after = await session.send(bash("echo hi"), run_cfg=RunConfig(permission={"bash": {"echo *": "deny"}}))
    assert before.tool_calls[0]["state"]["status"] == "completed"
    assert after.tool_calls[0]["state"]["status"] == "error"


@on_asyncio
async def test_a_file_is_attached(config: RunConfig, scripted_model: ScriptedModel, git_workspace: Path) -> None:
    async with session_in(git_workspace, replace(config, files=["greeter.py"])) as session:
        await session.send("SAY:Seen.")
        await session.send("SAY:Again.")
    bodies = [json.dumps(request.body) for request in scripted_model.server.requests]
    first, second = (body.count("def greet") for body in bodies if "SAY:Seen." in body)
    assert first == second > 0


@on_asyncio
async def test_a_server_that_is_killed_ends_the_turn_with_an_error(own_config: RunConfig, git_workspace: Path) -> None:
    others = psutil.Process().children()

    async def kill_soon() -> None:
        await anyio.sleep(2)
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if child not in others and "serve" in child.cmdline():
                    child.kill()

    async with session_in(git_workspace, own_config) as session:
        async with anyio.create_task_group() as group:
            group.start_soon(kill_soon)
            with pytest.raises(ServerError, match="exit code -9") as raised:
                await session.send("STALL:300\nSAY:Never.")
        with pytest.raises(ServerError, match="exit code -9"):
            await session.send("SAY:Gone.")
    assert raised.value.is_gone
