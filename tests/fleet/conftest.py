"""Sessions run by stand-ins for opencode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.client.conftest import StandIn, stand_in

from octui.client.client import AsyncOpenCodeClient
from octui.client.config import RunConfig
from octui.fleet.pacing import Gate
from octui.fleet.supervisor import Supervisor
from octui.plan.budget import Budget
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import AnyFact, StateChanged
from octui.recording.journal import Journal
from octui.recording.session import Session

__all__ = ["stand_in"]


@dataclass
class Fleet:
    """A supervisor over stand-ins, and what it wrote down."""

    supervisor: Supervisor
    journal: Journal
    facts: list[AnyFact] = field(default_factory=list)

    def states(self, run: str) -> list[str]:
        return [str(fact.state) for fact in self.facts if isinstance(fact, StateChanged) and fact.run == run]

    def session(self) -> Session:
        return Session.open(self.journal.folder)


MakeFleet = Callable[..., Fleet]


@pytest.fixture
def make_fleet(stand_in: StandIn, tmp_path: Path) -> MakeFleet:
    """Make a fleet of runs by name and prompt, whose opencode is a stand-in with the given code."""

    def make(
        code: str,
        prompts: dict[str, str],
        *,
        max_parallel: int = 4,
        config: RunConfig | None = None,
        gate: Gate | None = None,
        each: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        budget: Budget | None = None,
        **spec: Any,
    ) -> Fleet:
        runs = tuple(
            RunSpec(
                name=name,
                prompt=prompt,
                config=config or RunConfig(),
                **{"workspace": tmp_path, **spec, **each.get(name, {})},
            )
            for name, prompt in prompts.items()
        )
        plan = Plan(name="test", runs=runs, max_parallel=max_parallel, budget=budget or Budget())
        journal = Journal.create(
            tmp_path / "sessions", plan, opencode_version="1.18.33", binary="x", octui_version="0.1.0"
        )
        facts: list[AnyFact] = []
        client = AsyncOpenCodeClient(stand_in(code), startup_concurrency=0)
        supervisor = Supervisor(plan, journal, client, on_fact=facts.append, gate=gate)
        supervisor.started(socket="", octui="0.1.0", opencode="1.18.33")
        return Fleet(supervisor, journal, facts)

    return make
