"""octui's side of `startup.py`, in a process of its own: runs several agents at once and tells how that went, as JSON.

Its only argument is a JSON object with the fields of `Batch`; what it prints has the fields of `startup.Outcome`. Its
environment is the one the runs are to have.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from octui import AsyncOpenCodeClient, RunConfig


@dataclass(frozen=True, slots=True)
class Batch:
    """What to run.

    Attributes:
        binary: The opencode to run.
        workspaces: One folder a run; all run at once.
        prompt: For each of them.
        config: opencode's configuration.
        startup_concurrency: As for the client.
        startup_delay_s: As for the client.
        warm: Whether one command goes ahead of the clock, as the runs of a program that has run some before find it:
            opencode asked for its version, the guardian running.
    """

    binary: str
    workspaces: list[str]
    prompt: str
    config: dict[str, Any]
    startup_concurrency: int
    startup_delay_s: float
    warm: bool


@dataclass
class Answers:
    """What the models said, and when the first of them did."""

    texts: list[str] = field(default_factory=list)
    first_s: float = 0.0

    def add(self, text: str) -> None:
        """Take one answer."""
        self.first_s = self.first_s or time.perf_counter()
        self.texts.append(text)


async def _run(batch: Batch) -> dict[str, Any]:
    client = AsyncOpenCodeClient(batch.binary, batch.startup_concurrency, batch.startup_delay_s, isolate_db=True)
    if batch.warm:
        await client.async_command(["--version"], batch.workspaces[0])
    config = RunConfig(config_overrides=batch.config)
    answers = Answers()

    async def one(workspace: str) -> None:
        async for event in client.async_stream(batch.prompt, workspace, run_cfg=config):
            if event["type"] == "text":
                answers.add(event["part"]["text"])

    own_cpu_s, runs_cpu_s = _cpu_s(resource.RUSAGE_SELF), _cpu_s(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    await asyncio.gather(*(one(workspace) for workspace in batch.workspaces))
    return {
        "seconds": time.perf_counter() - started,
        "first_answer_s": answers.first_s - started,
        "own_cpu_s": _cpu_s(resource.RUSAGE_SELF) - own_cpu_s,
        "runs_cpu_s": _cpu_s(resource.RUSAGE_CHILDREN) - runs_cpu_s,
        "answers": answers.texts,
    }


def _cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(Batch(**json.loads(sys.argv[1]))))))
