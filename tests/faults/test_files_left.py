"""On the real opencode: no run leaves a file outside its session, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import psutil
import pytest
from tests.conftest import ScriptedModel
from tests.faults.conftest import run_folders
from tests.support.faults import FULL, Fault
from tests.support.leftovers import left_in
from tests.support.processes import wait_until

from octui import AsyncOpenCodeClient, RunConfig
from octui.client.session import OpenCodeSession
from octui.discovery.queries import Queries
from octui.errors import OctuiError

pytestmark = [pytest.mark.anyio, pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]

GROUP = 12
RUNS = 20 if FULL else 2
CALLS_A_TOOL = 'TOOL:bash:{"command":"echo hi","description":"Greet"}'
WAITS = 'TOOL:bash:{"command":"sleep 300","description":"Wait"}'


@pytest.fixture
def anyio_backend() -> str:
    """What is left on disk does not depend on the event loop."""
    return "asyncio"


@pytest.fixture
def config(scripted_model: ScriptedModel) -> RunConfig:
    return RunConfig(config_overrides=scripted_model.config)


def files_below(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*") if not path.is_dir()}


@contextmanager
def leaving_no_file(home: Path, temporary: Path, workspace: Path, *expected: str) -> Iterator[None]:
    """Check that the block adds no file to the home and the temporary folder, and only expected ones to a workspace."""
    before = files_below(home, temporary, workspace)
    yield
    wait_until(lambda: not left_in(temporary), 15)
    added = files_below(home, temporary, workspace) - before
    assert {str(path.relative_to(workspace)) if workspace in path.parents else str(path) for path in added} == set(
        expected
    )


def libraries(temporary: Path) -> list[Path]:
    """What opencode has unpacked; it has when it works."""
    return [path for folder in run_folders(temporary) for path in folder.glob(".*-00000000.*")]


@pytest.mark.fault(GROUP, f"{RUNS} runs, a session and a query, one after another (real opencode)")
async def test_runs_leave_no_file_outside_their_sessions(
    config: RunConfig, git_workspace: Path, home: Path, temporary: Path, opencode_binary: Path, fault: Fault
) -> None:
    unpacked = 0
    # opencode keeps the project's id in its repository, to know it again.
    with leaving_no_file(home, temporary, git_workspace, ".git/opencode"):
        for _ in range(RUNS):
            async for _ in AsyncOpenCodeClient().async_stream(CALLS_A_TOOL, git_workspace, run_cfg=config):
                unpacked = max(unpacked, len(libraries(temporary)))
        async with OpenCodeSession(AsyncOpenCodeClient(), git_workspace, run_cfg=config) as session:
            await session.send(CALLS_A_TOOL)
            unpacked += len(libraries(temporary))
        queries = Queries(opencode_binary)
        await anyio.to_thread.run_sync(lambda: queries.agents(git_workspace, inherit=False))
    assert unpacked == 2, "nothing was unpacked: this test shows nothing"
    fault.did = "libraries went with the runs' folders"


@pytest.mark.fault(GROUP, "kill -9 of a program, its run's library unpacked (real opencode)")
def test_killed_program_leaves_no_file(
    config: RunConfig, git_workspace: Path, home: Path, temporary: Path, fault: Fault
) -> None:
    code = f"""
import anyio
from octui import AsyncOpenCodeClient, RunConfig
config = RunConfig(config_overrides={config.config_overrides!r})
anyio.run(lambda: AsyncOpenCodeClient().async_run({WAITS!r}, {str(git_workspace)!r}, run_cfg=config))
"""
    with leaving_no_file(home, temporary, git_workspace, ".git/opencode"):
        with subprocess.Popen([sys.executable, "-c", code]) as program:
            wait_until(lambda: "sleep" in fault.left(), 60)
            assert libraries(temporary)
            program.send_signal(signal.SIGKILL)
        wait_until(lambda: not fault.left())
    fault.did = "its guardian removed the folder"


@pytest.mark.fault(GROUP, "kill -9 of a server, its library unpacked (real opencode)")
async def test_killed_server_leaves_no_file(
    config: RunConfig, git_workspace: Path, home: Path, temporary: Path, fault: Fault
) -> None:
    with leaving_no_file(home, temporary, git_workspace, ".git/opencode"), pytest.raises(OctuiError):
        async with OpenCodeSession(AsyncOpenCodeClient(), git_workspace, run_cfg=config) as session:
            await session.send(CALLS_A_TOOL)
            assert libraries(temporary)
            for process in psutil.Process().children(recursive=True):
                if "serve" in process.cmdline():
                    os.kill(process.pid, signal.SIGKILL)
            await session.send(CALLS_A_TOOL)
    fault.did = "the library went with the server's folder"
