"""Sessions whose runs are over a server, with a supervisor in the test's own process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from octui.client.client import AsyncOpenCodeClient
from octui.fleet.pacing import Gate
from octui.fleet.serve_runner import ServeRunner
from octui.fleet.servers import ServerPool
from octui.fleet.supervisor import Supervisor
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import AnyFact, Attention, AttentionRaised, RunState
from octui.recording.journal import Journal
from octui.recording.layout import stream_path
from octui.recording.session import Session
from octui.recording.status import RunStatus


@dataclass
class Served:
    """A session whose runs are over a server, and what was written down of it."""

    supervisor: Supervisor
    journal: Journal
    facts: list[AnyFact] = field(default_factory=list)

    def runner(self, name: str) -> ServeRunner:
        runner = self.supervisor.runners[name]
        assert isinstance(runner, ServeRunner)
        return runner

    def session(self) -> Session:
        return Session.open(self.journal.folder)

    def status(self, name: str) -> RunStatus:
        """Where a run stands, as a screen reads it."""
        return self.session().status.run(name)

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.stdout_path(name).read_bytes().splitlines()]

    def stream(self, name: str) -> bytes:
        path = stream_path(self.journal.folder, name)
        return path.read_bytes() if path.exists() else b""

    def texts(self, name: str) -> list[str]:
        return [str(line["part"]["text"]) for line in self.lines(name) if line["type"] == "text"]

    def raised(self, kind: Attention) -> list[str]:
        """The words with which a person was called to look for a reason."""
        return [fact.words for fact in self.facts if isinstance(fact, AttentionRaised) and fact.kind is kind]

    async def until(self, true: Callable[[], object]) -> None:
        with anyio.fail_after(60):
            while not true():
                await anyio.sleep(0.05)

    async def waits(self, name: str) -> str:
        """Wait until a run asks something; give the request's id."""
        await self.until(lambda: self.status(name).requests)
        return next(iter(self.status(name).requests))

    async def over(self, name: str) -> RunState:
        await self.until(lambda: self.supervisor.runners[name].state.is_final)
        return self.supervisor.runners[name].state


@asynccontextmanager
async def served(
    sessions_dir: Path, runs: tuple[RunSpec, ...], *, binary: Path, version: str, gate: Gate | None = None
) -> AsyncIterator[Served]:
    """Supervise runs over servers for as long as the block runs, with a screen connected."""
    plan = Plan(name="served", runs=runs, max_parallel=len(runs))
    journal = Journal.create(sessions_dir, plan, opencode_version=version, binary=str(binary), octui_version="0.1.0")
    facts: list[AnyFact] = []
    gate = gate or Gate(every_s=0)
    supervisor = Supervisor(
        plan,
        journal,
        AsyncOpenCodeClient(binary),
        on_fact=facts.append,
        gate=gate,
        servers=ServerPool(binary, version, journal.server_folder, runs, gate=gate),
    )
    supervisor.started(socket="", octui="0.1.0", opencode=version)
    connected = 1
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: supervisor.run(connections=lambda: connected))
        try:
            yield Served(supervisor, journal, facts)
        finally:
            connected = 0
            with anyio.CancelScope(shield=True):
                await supervisor.shutdown()
    journal.close()
