"""How long a run over a server may work, on a stand-in for the server."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from tests.support.fake_server import FakeServer

from octui.client.client import AsyncOpenCodeClient
from octui.client.config import RunConfig
from octui.control.messages import Reply
from octui.fleet.pacing import Gate
from octui.fleet.servers import ServerPool
from octui.fleet.supervisor import Supervisor
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import RunState
from octui.recording.journal import Journal

LIMIT_S = 1.0


@pytest.mark.asyncio
async def test_time_spent_waiting_for_an_answer_does_not_count(tmp_path: Path) -> None:
    with FakeServer() as server:

        def work(session: str, text: str) -> None:
            server.take(session, text)
            if text == "asks":
                server.ask_permission(session, "per_1", "ls")

        server.on_prompt = work
        config = RunConfig(attach=server.url)
        runs = tuple(
            RunSpec(name=name, workspace=tmp_path, prompt=name, config=config, backend="serve", timeout_s=LIMIT_S)
            for name in ("asks", "works")
        )
        plan = Plan(name="limits", runs=runs)
        journal = Journal.create(tmp_path / "s", plan, opencode_version="1.18.33", binary="x", octui_version="0.1.0")
        servers = ServerPool(tmp_path / "none", "1.18.33", journal.server_folder, runs)
        client = AsyncOpenCodeClient(tmp_path / "none")
        supervisor = Supervisor(plan, journal, client, gate=Gate(every_s=0), servers=servers)
        supervisor.started(socket="", octui="0.1.0", opencode="1.18.33")
        asks, works = supervisor.runners["asks"], supervisor.runners["works"]
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(supervisor.run)
                while "per_1" not in server.requests or works.state is not RunState.TIMED_OUT:
                    await anyio.sleep(0.05)
                await anyio.sleep(2 * LIMIT_S)
                assert not asks.state.is_final
                await supervisor.handle(Reply(id=1, run="asks", request="per_1", reply="once"))
                while not asks.state.is_final:
                    await anyio.sleep(0.05)
        assert asks.state is RunState.TIMED_OUT
        aborted = [path for method, path, _ in server.asked if path.endswith("/abort")]
        assert len(aborted) == 2
