"""One side of `client.py`, in a process of its own: takes the events of one run and tells what that cost, as JSON.

Both clients have the same names, so one code drives them. It needs nothing beyond the standard library and the package
it drives, as it runs under the peer's interpreter too. A third side is the floor: a bare loop that reads the pipe, cuts
it into lines and decodes each, with neither event loop nor supervision.

Its only argument is a JSON object with the fields of `Task`; what it prints has the fields of `client.Cost`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EARLY_EVENTS = 10_000
"""After so many events the memory of a long run is noted for the first time."""

CYCLES = "BENCHMARK_CYCLES"
"""The environment variable that tells the stand-in how often to print its lines; `client.STAND_IN` reads it."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to measure.

    Attributes:
        package: The one with an ``AsyncOpenCodeClient``; empty for the floor.
        method: ``async_stream`` or ``async_run``.
        binary: The stand-in for opencode.
        workspace: An empty folder.
        cycles: How often the stand-in prints its lines.
    """

    package: str
    method: str
    binary: str
    workspace: str
    cycles: int


class Consumer:
    """Takes events and keeps none."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.count = 0
        self.early = 0

    def took(self) -> None:
        """Count one event."""
        self.count += 1
        if self.count == EARLY_EVENTS:
            self.early = peak_bytes()

    async def consume(self) -> None:
        """Take all events of one run."""
        if not self.task.package:
            self._floor()
            return
        package = importlib.import_module(self.task.package)
        client = package.AsyncOpenCodeClient(self.task.binary, startup_delay_s=0.0)
        if self.task.method == "async_run":
            result = await client.async_run("Go.", self.task.workspace)
            self.count = len(result.events)
            return
        async for _event in client.async_stream("Go.", self.task.workspace):
            self.took()

    def _floor(self) -> None:
        kept: list[Any] = []
        for event in _bare_events(self.task.binary):
            if self.task.method == "async_run":
                kept.append(event)
            self.took()


def _bare_events(binary: str) -> Iterator[Any]:
    import msgspec

    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with subprocess.Popen([binary, "run"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        tail = b""
        while chunk := os.read(process.stdout.fileno(), 1 << 18):
            *lines, tail = (tail + chunk).split(b"\n")
            yield from map(decode, lines)


def peak_bytes() -> int:
    """The most memory this process has held; the system counts KiB, but macOS counts bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _measure(task: Task) -> dict[str, float]:
    os.environ[CYCLES] = "1"
    asyncio.run(Consumer(task).consume())
    os.environ[CYCLES] = str(task.cycles)
    consumer = Consumer(task)
    before, cpu_s, started = peak_bytes(), _cpu_s(), time.perf_counter()
    asyncio.run(consumer.consume())
    return {
        "events": consumer.count,
        "seconds": time.perf_counter() - started,
        "cpu_s": _cpu_s() - cpu_s,
        "before": before,
        "early": consumer.early or before,
        "after": peak_bytes(),
    }


if __name__ == "__main__":
    print(json.dumps(_measure(Task(**json.loads(sys.argv[1])))))
