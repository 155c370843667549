"""The client on the real opencode, against the scripted model."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import ScriptedModel

from octui import AsyncOpenCodeClient, RunConfig, RunResult
from octui.client import client as client_module

pytestmark = [pytest.mark.anyio, pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture
def config(scripted_model: ScriptedModel) -> RunConfig:
    return RunConfig(config_overrides=scripted_model.config)


def tool(name: str, **arguments: Any) -> str:
    return f"TOOL:{name}:{json.dumps(arguments)}"


async def gather(count: int, run: Any) -> list[RunResult]:
    results: list[RunResult] = []

    async def one() -> None:
        results.append(await run())

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return results


async def test_a_run_calls_real_tools_and_gives_its_answer(config: RunConfig, git_workspace: Path) -> None:
    prompt = "\n".join([tool("bash", command="echo hi > made.txt", description="Write"), "SAY:All done."])
    result = await AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=config, timeout_s=100)
    assert (git_workspace / "made.txt").read_text() == "hi\n"
    assert result.final_text.strip() == "All done."
    assert [call["tool"] for call in result.tool_calls] == ["bash"]
    assert result.turns == 2
    assert result.token_usage.total > 0
    assert result.total_cost > 0
    assert result.session_id.startswith("ses_")


@on_asyncio
async def test_half_an_emoji_loses_no_answer(config: RunConfig, git_workspace: Path) -> None:
    said = r'SAY:"Three pass \ud83d and none fails."'
    result = await AsyncOpenCodeClient().async_run(said, git_workspace, run_cfg=config, timeout_s=100)
    assert result.final_text.strip() == "Three pass \ufffd and none fails."
    assert [event["type"] for event in result.events] == ["step_start", "text", "step_finish"]


@on_asyncio
async def test_the_prompt_reaches_the_model_to_the_letter(
    config: RunConfig, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    prompt = "-dash \"double\" 'single' `tick` $HOME \\n\nsecond line\ttab é 你好\n" + "long " * 80_000 + "end"
    await AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=config, timeout_s=100)
    assert prompt in scripted_model.server.requests[0].prompt


@on_asyncio
async def test_four_runs_on_one_fresh_database_all_succeed_by_trying_again(
    config: RunConfig, git_workspace: Path, home: Path
) -> None:
    client = AsyncOpenCodeClient(isolate_db=False, startup_concurrency=0)
    results = await gather(4, lambda: client.async_run("SAY:ok", git_workspace, run_cfg=config, timeout_s=110))
    assert [result.final_text.strip() for result in results] == ["ok"] * 4
    assert (home / ".local/share/opencode/opencode.db").exists()


@on_asyncio
async def test_a_poisoned_global_configuration_does_not_leak_in_and_providers_do(
    scripted_model: ScriptedModel, git_workspace: Path, home: Path
) -> None:
    provider = {"provider": scripted_model.config["provider"]}
    poison = {
        "permission": {"bash": "deny"},
        "instructions": [str(home / "poison.md")],
        "mcp": {"poison": {"type": "local", "command": ["/nope/poison"]}},
        "agent": {"build": {"prompt": "POISONED"}},
    }
    (home / "poison.md").write_text("POISONED")
    for folder in (home / ".config" / "opencode", home / ".opencode"):
        (folder / "agent").mkdir(parents=True)
        (folder / "opencode.json").write_text(json.dumps({**poison, **provider}))
        (folder / "AGENTS.md").write_text("POISONED")
        (folder / "agent" / "spy.md").write_text("---\ndescription: POISONED\nmode: subagent\n---\nPOISONED")
    (home / ".claude").mkdir()
    (home / ".claude" / "CLAUDE.md").write_text("POISONED")
    config = RunConfig(model=scripted_model.config["model"])
    prompt = tool("bash", command="echo allowed", description="Try")
    result = await AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=config, timeout_s=100)
    assert result.tool_calls[0]["state"]["output"] == "allowed\n"
    assert "POISONED" not in json.dumps([request.body for request in scripted_model.server.requests])


@on_asyncio
async def test_overrides_really_deny_a_tool_and_a_pattern(
    config: RunConfig, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    (git_workspace / "build").mkdir()
    rules = RunConfig(
        config_overrides=config.config_overrides,
        permission={"bash": {"*": "allow", "rm *": "deny"}, "webfetch": "deny"},
    )
    prompt = "\n".join(
        [
            tool("bash", command="rm -r build", description="Delete"),
            tool("webfetch", url="http://127.0.0.1:9/", format="text"),
            tool("bash", command="echo still", description="Echo"),
        ]
    )
    result = await AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=rules, timeout_s=100)
    denied, absent, allowed = result.tool_calls
    assert denied["state"]["status"] == "error"
    assert "prevents you" in denied["state"]["error"]
    assert (git_workspace / "build").is_dir()
    assert absent["tool"] == "invalid"
    assert allowed["state"]["output"] == "still\n"
    offered = {each["function"]["name"] for each in scripted_model.server.requests[0].body["tools"]}
    assert "webfetch" not in offered
    assert "bash" in offered


@on_asyncio
async def test_another_command_runs_in_the_surroundings_of_a_run(
    config: RunConfig, git_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "GRACE_S", 1.0)
    with_mcp = replace(config, mcp={"bad": {"type": "local", "command": ["/nope/server"]}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = await AsyncOpenCodeClient().async_command(["mcp", "list"], git_workspace, run_cfg=with_mcp)
    assert result.exit_code == 0
    assert "bad" in result.stdout
