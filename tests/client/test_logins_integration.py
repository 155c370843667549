"""Logins that several runs of the real opencode share, against a provider that revokes one whose token comes twice."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import ScriptedModel
from tests.support.oauth_server import OAuthServer, write_logins

from octui import AsyncOpenCodeClient, OpenCodeSession, RunConfig, RunResult
from octui.client import compat
from octui.discovery.queries import Queries

pytestmark = [
    pytest.mark.integration,
    pytest.mark.anyio,
    pytest.mark.usefixtures("opencode_binary"),
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]

GITLAB = {"npm": "gitlab-ai-provider", "models": {"m": {}}}
"""Without the provider, a login for it is an error; its login is refreshed before its models are listed."""

OTHER = {"other": {"type": "api", "key": "k"}}
CALL_MCP = "TOOL:srv_hello:{}\nSAY:ok"


@pytest.fixture
def provider() -> Iterator[OAuthServer]:
    # So slow that runs which start together are sure to refresh together, unless they take turns.
    with OAuthServer(answer_after_s=3.0) as server:
        yield server


@pytest.fixture
def data(home: Path) -> Path:
    return home / ".local/share/opencode"


@pytest.fixture
def config(scripted_model: ScriptedModel) -> RunConfig:
    return RunConfig(config_overrides=scripted_model.config)


async def at_once(*jobs: Callable[[], Awaitable[RunResult]]) -> list[RunResult]:
    results: list[RunResult] = []

    async def one(job: Callable[[], Awaitable[RunResult]]) -> None:
        results.append(await job())

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(one, job)
    return results


def refreshed_once(provider: OAuthServer) -> bool:
    return (provider.granted, provider.refused, provider.families_revoked) == (1, 0, 0)


def tools(results: list[RunResult]) -> list[str]:
    return [call["state"].get("output", "") for result in results for call in result.tool_calls]


async def test_provider_login_is_refreshed_once_by_runs_and_a_list_of_models(
    provider: OAuthServer, home: Path, data: Path, config: RunConfig, git_workspace: Path, opencode_binary: Path
) -> None:
    user_config = home / ".config/opencode/opencode.json"
    user_config.parent.mkdir()
    user_config.write_text(json.dumps({"provider": {"gitlab": GITLAB}}))
    auth = write_logins(data, "auth.json", {"gitlab": provider.gitlab_login(expires_in_s=200), **OTHER})
    client = AsyncOpenCodeClient(startup_concurrency=0)

    async def list_models() -> RunResult:
        queries = Queries(opencode_binary, timeout_s=60)
        await anyio.to_thread.run_sync(queries.models, git_workspace)
        return await client.async_run("SAY:ok", git_workspace, run_cfg=config)

    results = await at_once(
        list_models, *[lambda: client.async_run("SAY:ok", git_workspace, run_cfg=config) for _ in range(2)]
    )
    assert [result.final_text.strip() for result in results] == ["ok"] * 3
    assert refreshed_once(provider)
    kept = json.loads(auth.read_text())
    assert provider.is_valid(kept["gitlab"]["access"])
    assert kept["other"] == OTHER["other"]


async def test_mcp_login_is_refreshed_once_by_runs_and_a_list_of_servers(
    provider: OAuthServer, data: Path, config: RunConfig, git_workspace: Path
) -> None:
    file = write_logins(data, "mcp-auth.json", {"srv": provider.mcp_login(expires_in_s=-5, has_expired=True)})
    client = AsyncOpenCodeClient(startup_concurrency=0)
    given = replace(config, mcp={"srv": provider.mcp_config})
    listed: list[str] = []

    async def list_servers() -> RunResult:
        listed.append((await client.async_command(["mcp", "list"], git_workspace, run_cfg=given)).stdout)
        return await client.async_run(CALL_MCP, git_workspace, run_cfg=given)

    async def stream() -> RunResult:
        async for _ in client.async_stream("SAY:ok", git_workspace, run_cfg=given):
            pass
        return await client.async_run(CALL_MCP, git_workspace, run_cfg=given)

    results = await at_once(list_servers, stream, lambda: client.async_run(CALL_MCP, git_workspace, run_cfg=given))
    assert tools(results) == ["hello from MCP"] * 3
    assert "connected" in listed[0]
    assert refreshed_once(provider)
    assert provider.is_valid(json.loads(file.read_text())["srv"]["tokens"]["accessToken"])


async def test_mcp_login_is_refreshed_once_by_sessions_and_a_run(
    provider: OAuthServer, data: Path, config: RunConfig, git_workspace: Path
) -> None:
    write_logins(data, "mcp-auth.json", {"srv": provider.mcp_login(expires_in_s=-5, has_expired=True)})
    client = AsyncOpenCodeClient(startup_concurrency=0)
    given = replace(config, mcp={"srv": provider.mcp_config})

    async def talk() -> RunResult:
        async with OpenCodeSession(client, git_workspace, run_cfg=given) as session:
            return await session.send(CALL_MCP)

    results = await at_once(talk, talk, lambda: client.async_run(CALL_MCP, git_workspace, run_cfg=given))
    assert tools(results) == ["hello from MCP"] * 3
    assert refreshed_once(provider)


async def test_isolated_run_is_signed_in_to_mcp_servers(
    provider: OAuthServer, data: Path, config: RunConfig, git_workspace: Path
) -> None:
    write_logins(data, "mcp-auth.json", {"srv": provider.mcp_login(expires_in_s=3600)})
    given = replace(config, mcp={"srv": provider.mcp_config})
    result = await AsyncOpenCodeClient().async_run(CALL_MCP, git_workspace, run_cfg=given)
    assert tools([result]) == ["hello from MCP"]
    assert provider.refreshes == []


async def test_revoked_mcp_login_is_told_with_the_command_that_signs_in(
    provider: OAuthServer, data: Path, config: RunConfig, git_workspace: Path
) -> None:
    login = provider.mcp_login(expires_in_s=-5, has_expired=True)
    write_logins(data, "mcp-auth.json", {"srv": login})
    for _ in range(2):
        provider.refresh(login["tokens"]["refreshToken"])
    given = replace(config, mcp={"srv": provider.mcp_config})
    listed = await AsyncOpenCodeClient().async_command(["mcp", "list"], git_workspace, run_cfg=given)
    assert compat.failed_mcp_servers(listed.stdout) == {"srv": "it needs a login: run `opencode mcp auth srv`"}


@pytest.mark.parametrize("name", ["auth.json", "mcp-auth.json"])
async def test_tokens_that_a_tool_writes_by_renaming_a_file_are_not_lost_with_the_run(
    provider: OAuthServer, data: Path, config: RunConfig, git_workspace: Path, name: str
) -> None:
    entry: dict[str, Any] = provider.gitlab_login(expires_in_s=3600)
    key = "gitlab"
    if name == "mcp-auth.json":
        key, entry = "srv", provider.mcp_login(expires_in_s=3600)
    file = write_logins(data, name, {key: entry, **OTHER})
    later = json.dumps(entry).replace("refresh-", "rotated-").replace('"expires": 1', '"expires": 2')
    later = later.replace('"expiresAt": 1', '"expiresAt": 2')
    (git_workspace / "new.json").write_text(json.dumps({key: json.loads(later)}))
    command = f"cp new.json $XDG_DATA_HOME/opencode/new; mv $XDG_DATA_HOME/opencode/new $XDG_DATA_HOME/opencode/{name}"
    prompt = f"TOOL:bash:{json.dumps({'command': command, 'description': 'x'})}\nSAY:ok"
    providers = {**config.config_overrides["provider"], "gitlab": GITLAB}
    given = replace(config, config_overrides={**config.config_overrides, "provider": providers})
    await AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=given)
    assert json.loads(file.read_text()) == {key: json.loads(later), **OTHER}
