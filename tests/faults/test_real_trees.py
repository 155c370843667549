"""On the real opencode: whatever it starts (commands in sessions of their own, MCP servers) is gone with its run."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from tests.conftest import ROOT, ScriptedModel
from tests.support.faults import MARK as FAULT_MARK
from tests.support.faults import Fault
from tests.support.processes import processes_marked

from octui import AsyncOpenCodeClient, OpenCodeTimeoutError, RunConfig
from octui.client.process import MARK

pytestmark = [pytest.mark.anyio, pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]

SERVER = [sys.executable, str(ROOT / "examples" / "clock_server.py")]


@pytest.fixture
def config(scripted_model: ScriptedModel) -> RunConfig:
    return RunConfig(
        config_overrides=scripted_model.config, mcp={"clock": {"type": "local", "command": SERVER, "enabled": True}}
    )


def waits(command: str) -> str:
    return f"TOOL:bash:{json.dumps({'command': command, 'description': 'Wait'})}"


async def until_two_sleep(fault: Fault) -> None:
    """Wait for the agent's command; by then the MCP server is there too."""
    while fault.left().count("sleep") < 2:
        await anyio.sleep(0.1)
    lines = [" ".join(process.cmdline()) for process in processes_marked(FAULT_MARK, fault.mark)]
    assert any("clock_server" in line for line in lines)
    assert all(MARK in process.environ() for process in processes_marked(FAULT_MARK, fault.mark))


@pytest.mark.fault(1, "cancel: setsid command and MCP server (real opencode)")
async def test_commands_and_servers_of_a_cancelled_run_are_gone(
    config: RunConfig, git_workspace: Path, fault: Fault
) -> None:
    prompt = waits("setsid sleep 300 & sleep 300")
    with anyio.fail_after(90):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=config))
            await until_two_sleep(fault)
            group.cancel_scope.cancel()
    assert fault.left() == []
    fault.did = "ended commands, servers and opencode"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.fault(1, "timeout of a command that ignores TERM (real opencode)")
async def test_a_command_that_ignores_term_is_gone_after_a_timeout(
    config: RunConfig, git_workspace: Path, fault: Fault
) -> None:
    prompt = waits("trap '' TERM INT HUP; sleep 300 & sleep 300; wait")
    with pytest.raises(OpenCodeTimeoutError):
        await AsyncOpenCodeClient().async_run(
            prompt, git_workspace, run_cfg=replace(config, mcp={}), timeout_s=10, grace_s=1
        )
    assert fault.left() == []
    fault.did = "ended commands and opencode: TERM, grace, KILL"


@pytest.mark.parametrize("anyio_backend", ["trio"])
@pytest.mark.fault(1, "break out of a stream (real opencode)")
async def test_leaving_a_stream_ends_the_agent_and_its_command(
    config: RunConfig, git_workspace: Path, fault: Fault
) -> None:
    stream = AsyncOpenCodeClient().async_stream(waits("sleep 300 & sleep 300"), git_workspace, run_cfg=config)
    with anyio.fail_after(90):
        async for _ in stream:
            break
        await until_two_sleep(fault)
        await stream.aclose()
    assert fault.left() == []
    fault.did = "ended commands, servers and opencode"
