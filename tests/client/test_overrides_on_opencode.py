"""Overrides against everything more specific in opencode's configuration, on the real opencode.

One project has an agent for each place that can give an agent permissions of its own; each agent is tried as the one
that runs, and as a subagent. The places say the opposite of the override.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import ScriptedModel
from tests.support.repository import make_repository
from tests.support.talking import Recorder

from octui import AsyncOpenCodeClient, ConfigError, OpenCodeSession, RunConfig
from octui.client import compat
from octui.client.overrides import check_overrides
from octui.client.permissions import decide, override_rules, undone
from octui.client.serve.api import PromptOptions
from octui.client.serve.conversation import Conversation, open_session
from octui.client.serve.events import Permission, PermissionAsked
from octui.client.serve.feed import EventFeed, listening
from octui.client.serve.server import ServerLaunch, running
from octui.client.serve.shares import server_config
from octui.client.serve.v1 import V1Api

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture
def anyio_backend() -> str:
    """What opencode decides has nothing to do with the event loop."""
    return "asyncio"


OPPOSITE = {"allow": "deny", "deny": "allow", "ask": "allow"}
PLACES = (
    "none",
    "agent-permission",
    "agent-pattern",
    "agent-tools",
    "mode",
    "folder",
    "markdown",
    "markdown-plural",
    "markdown-mode",
    "global",
    "variable-file",
    "variable-folder",
)


def markdown(path: Path, front: Mapping[str, Any]) -> None:
    """YAML reads JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{json.dumps({'description': 'x', **front})}\n---\nWork.\n", "utf-8")


def configuration(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def project(folder: Path, home: Path, theirs: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a repository whose agents, each named for a place, have the permission ``theirs`` for bash from there."""
    make_repository(folder, {"README.md": "x"})
    own = {"permission": {"bash": theirs}}
    patterns = {"permission": {"bash": {"*": "ask", "touch *": theirs}}}
    tools = {"tools": {"bash": theirs == "allow"}}
    described = {"description": "x"}
    configuration(
        folder / "opencode.json",
        {
            **patterns,
            "agent": {"none": described, "agent-permission": own, "agent-pattern": patterns, "agent-tools": tools},
            "mode": {"mode": own},
        },
    )
    configuration(folder / ".opencode/opencode.json", {"agent": {"folder": own}})
    markdown(folder / ".opencode/agent/markdown.md", {"mode": "all", **own})
    markdown(folder / ".opencode/agents/markdown-plural.md", {"mode": "subagent", **tools})
    markdown(folder / ".opencode/mode/markdown-mode.md", patterns)
    configuration(home / ".config/opencode/opencode.json", {"agent": {"global": own}})
    configuration(home / "named.json", {"agent": {"variable-file": own}})
    configuration(home / "extra/opencode.json", {"agent": {"variable-folder": own}})
    monkeypatch.setenv("OPENCODE_CONFIG", str(home / "named.json"))
    monkeypatch.setenv("OPENCODE_CONFIG_DIR", str(home / "extra"))
    monkeypatch.setenv("OPENCODE_PERMISSION", json.dumps(own["permission"]))
    return folder


@dataclass(frozen=True)
class Place:
    config: RunConfig
    folder: Path
    api: V1Api
    feed: EventFeed

    async def talk(self, agent: str) -> tuple[Conversation, Recorder]:
        seen = Recorder()
        config = replace(self.config, agent=agent)
        session = await open_session(self.api, str(self.folder), config)
        rules = override_rules(self.config)
        return Conversation(self.api, self.feed, session, str(self.folder), seen, rules), seen


@asynccontextmanager
async def served(binary: Path, config: RunConfig, folder: Path) -> AsyncIterator[Place]:
    named, _ = check_overrides(config, folder)
    async with running(ServerLaunch(binary=binary, config=server_config(config), named=named)) as server:
        api = V1Api(server.url, server.password)
        try:
            async with listening(api) as feed:
                await feed.wait_connected()
                yield Place(config, folder, api, feed)
        finally:
            await api.close()


def bash(command: str) -> str:
    return f"TOOL:bash:{json.dumps({'command': command, 'description': 'x'})}"


def task(agent: str, prompt: str) -> str:
    arguments = {"description": "x", "subagent_type": agent, "prompt": prompt}
    return f"TOOL:task:{json.dumps(arguments)}\nSAY:Done."


@pytest.mark.parametrize("action", ["allow", "deny", "ask"])
async def test_override_holds_on_a_server_whatever_gives_agents_their_own(
    action: str,
    opencode_binary: Path,
    scripted_model: ScriptedModel,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = project(tmp_path / "p", home, OPPOSITE[action], monkeypatch)
    config = RunConfig(permission={"bash": action}, config_overrides=scripted_model.config, inherit_user_config=True)
    outcomes: dict[str, str] = {}

    async def attempt(place: Place, agent: str, *, below: bool) -> None:
        name = f"{'below' if below else 'main'}-{agent}"
        prompt = bash(f"touch made-{name}")
        talk, seen = await place.talk("build" if below else agent)
        await talk.send(task(agent, prompt) if below else prompt, PromptOptions(agent="build" if below else agent))
        over = anyio.Event()
        with anyio.fail_after(100):
            async with anyio.create_task_group() as group:

                async def allow() -> None:
                    await seen.wait_for(lambda: bool(talk.waiting) or over.is_set(), 100)
                    for request in [*talk.waiting]:
                        outcomes[name] = "asked"
                        await talk.reply(request, "once")

                group.start_soon(allow)
                await talk.wait_over()
                over.set()
                group.cancel_scope.cancel()
        made = (folder / f"made-{name}").exists()
        outcomes[name] = f"{outcomes.get(name, '')} {'ran' if made else 'denied'}".strip()

    async with served(opencode_binary, config, folder) as place:
        for agent in PLACES:
            async with anyio.create_task_group() as group:
                if agent != "markdown-plural":  # It is nothing but a subagent.
                    group.start_soon(partial(attempt, place, agent, below=False))
                group.start_soon(partial(attempt, place, agent, below=True))
    expected = {"allow": "ran", "deny": "denied", "ask": "asked ran"}[action]
    assert outcomes == dict.fromkeys(outcomes, expected)
    assert len(outcomes) == 2 * len(PLACES) - 1


@pytest.mark.parametrize("action", ["allow", "deny"])
async def test_override_is_the_last_rule_of_every_agent_of_opencode_run(
    action: str,
    opencode_binary: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = project(tmp_path / "p", home, OPPOSITE[action], monkeypatch)
    config = RunConfig(permission={"bash": action, "task": action}, inherit_user_config=True)
    told = await AsyncOpenCodeClient(opencode_binary).async_command(["agent", "list"], folder, run_cfg=config)
    agents = {name: rules for name, _, rules in compat.parse_agents(told.stdout)}
    assert agents.keys() >= {*PLACES, "build", "plan", "general", "explore"}
    assert {name: undone(override_rules(config), rules) for name, rules in agents.items()} == dict.fromkeys(agents)
    assert {decide(rules, "bash", "touch x") for rules in agents.values()} == {action}


@pytest.mark.parametrize("below", [False, True], ids=["main", "subagent"])
@pytest.mark.parametrize("action", ["allow", "deny"])
async def test_override_holds_for_opencode_run(
    action: str,
    below: bool,
    opencode_binary: Path,
    scripted_model: ScriptedModel,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = project(tmp_path / "p", home, OPPOSITE[action], monkeypatch)
    config = RunConfig(
        agent="build" if below else "markdown-mode",
        tools={"bash": action == "allow"},
        config_overrides=scripted_model.config,
    )
    prompt = bash("touch made")
    await AsyncOpenCodeClient(opencode_binary).async_run(
        task("markdown", prompt) if below else prompt, folder, run_cfg=config
    )
    assert (folder / "made").exists() is (action == "allow")


async def test_denied_with_an_exception_is_the_same_for_subagents(
    opencode_binary: Path, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    permission = {"bash": {"*": "deny", "touch *": "allow"}}
    config = RunConfig(permission=permission, config_overrides=scripted_model.config)
    async with served(opencode_binary, config, git_workspace) as place:
        talk, _ = await place.talk("build")
        for prompt in (bash("touch main"), bash("mkdir no"), task("general", bash("touch below"))):
            await talk.send(prompt, PromptOptions())
            with anyio.fail_after(100):
                await talk.wait_over()
        await talk.send(task("general", bash("mkdir no")), PromptOptions())
        with anyio.fail_after(100):
            await talk.wait_over()
    made = {path.name for path in git_workspace.iterdir()}
    assert made >= {"main", "below"}
    assert "no" not in made


async def test_request_of_a_subagents_subagent_waits_and_does_not_hinder_a_stop(
    opencode_binary: Path, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    permission = {"bash": "ask", "task": "allow"}
    config = RunConfig(permission=permission, config_overrides={**scripted_model.config, "subagent_depth": 2})
    async with served(opencode_binary, config, git_workspace) as place:
        talk, seen = await place.talk("build")
        prompt = task("general", task("general", bash("touch deep")))
        await talk.send(prompt, PromptOptions())
        await seen.wait_for(lambda: bool(talk.waiting))
        (asked,) = [event for event in seen.events if isinstance(event, PermissionAsked)]
        told = [each.event for each in await place.api.catch_up(talk.session_id, talk.directory)]
        again = [event.request.id for event in told if isinstance(event, PermissionAsked)]
        assert again == [asked.request.id]
        await talk.reply(asked.request.id, "once")
        with anyio.fail_after(100):
            await talk.wait_over()
        assert (git_workspace / "deep").exists()
        await talk.send(task("general", task("general", bash("touch deeper"))), PromptOptions())
        await seen.wait_for(lambda: bool(talk.waiting))
        await talk.abort()
        with anyio.fail_after(60):
            await talk.wait_over()
        assert not talk.waiting
        assert not (git_workspace / "deeper").exists()


async def test_what_is_always_allowed_does_not_undo_a_denial(
    opencode_binary: Path, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    permission = {"bash": {"*": "ask", "touch secret*": "deny"}}
    config = RunConfig(permission=permission, config_overrides=scripted_model.config)
    async with served(opencode_binary, config, git_workspace) as place:
        talk, seen = await place.talk("build")
        await talk.send(f"{bash('touch open')}\n{bash('touch secret')}", PromptOptions())
        await seen.wait_for(lambda: bool(talk.waiting))
        (request,) = talk.waiting.values()
        assert isinstance(request, Permission)
        assert request.always == ()
        await talk.reply(request.id, "always")
        with anyio.fail_after(60):
            await talk.wait_over()
    assert (git_workspace / "open").exists()
    assert not (git_workspace / "secret").exists()


async def test_session_whose_stored_rules_undo_an_override_is_continued_by_a_server_only(
    opencode_binary: Path, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    client = AsyncOpenCodeClient(opencode_binary, isolate_db=False)
    config = RunConfig(config_overrides=scripted_model.config)
    allowing = RunConfig(permission={"bash": {"*": "allow"}})
    async with OpenCodeSession(client, git_workspace, run_cfg=config) as session:
        await session.send(bash("touch first"), run_cfg=allowing)
    denying = replace(config, permission={"bash": "deny"}, session_id=session.session_id)
    for again in (denying, replace(denying, session_id=None, continue_session=True)):
        with pytest.raises(ConfigError, match=r'own that undoes an override: bash "\*" = allow'):
            await client.async_run(bash("touch second"), git_workspace, run_cfg=again)
    async with OpenCodeSession(client, git_workspace, run_cfg=denying) as session:
        await session.send(bash("touch second"))
    assert (git_workspace / "first").exists()
    assert not (git_workspace / "second").exists()


PLUGIN = """
export const Undo = async () => ({
  config: async (config) => {
    config.agent = { ...config.agent, sly: { description: "x", mode: "all", permission: { bash: "allow" } } }
  },
})
"""


async def test_plugin_that_undoes_an_override_is_refused_before_the_prompt_is_sent(
    opencode_binary: Path, scripted_model: ScriptedModel, git_workspace: Path
) -> None:
    plugin = git_workspace / ".opencode/plugin/undo.ts"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN, "utf-8")
    config = RunConfig(permission={"bash": "deny"}, config_overrides=scripted_model.config)
    client = AsyncOpenCodeClient(opencode_binary)
    with pytest.raises(ConfigError, match=r"'sly': opencode has bash .* = allow after it"):
        await client.async_run(bash("touch made"), git_workspace, run_cfg=config)
    with pytest.raises(ConfigError, match=r"'sly': opencode has bash .* = allow after it"):
        async with OpenCodeSession(client, git_workspace, run_cfg=config):
            pass
    assert not scripted_model.server.requests
    plain = replace(config, permission={})
    await client.async_run(bash("touch made"), git_workspace, run_cfg=plain)
    assert (git_workspace / "made").exists()


async def test_administrators_file_that_undoes_an_override_is_refused_by_name(
    opencode_binary: Path, tmp_path: Path, git_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed = tmp_path / "managed/opencode.json"
    configuration(managed, {"agent": {"build": {"permission": {"bash": "allow"}}}})
    monkeypatch.setenv("OPENCODE_TEST_MANAGED_CONFIG_DIR", str(managed.parent))
    config = RunConfig(permission={"bash": "deny"})
    words = f"agent 'build': agent.build.permission.bash = allow in {managed}"
    with pytest.raises(ConfigError, match=words):
        await AsyncOpenCodeClient(opencode_binary).async_run("x", git_workspace, run_cfg=config)
    with pytest.raises(ConfigError, match=words):
        async with OpenCodeSession(AsyncOpenCodeClient(opencode_binary), git_workspace, run_cfg=config):
            pass
