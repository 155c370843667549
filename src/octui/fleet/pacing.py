"""When the next run may start: not all at once, and not without memory for it.

Measured with ``benchmarks/startup.py --pace``, eight real runs on two processors: all at once, the first answer came
after 18.2 s and the last after 20.9 s; one a second, after 6.1 s and 20.4 s, with a fifth less memory at the peak. With
private data homes nothing else has to wait for anything. A server takes what a run of its own does, and passes the gate
once; its sessions need not.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import psutil

START_S = 2.0
"""How much of one processor's time goes by, at most, between two starts: on two processors, one start a second."""

RUN_BYTES = 450_000_000
"""What a run of opencode 1.18 takes at its start: eight held 3.25 GB that they shared with nobody."""

RAMP_S = 4.0
"""How long after its start a run has not yet taken all its memory."""

_LOOK_EVERY_S = 0.5


def available_bytes() -> int:
    """How much memory new processes can have without swapping, in bytes."""
    return int(psutil.virtual_memory().available)


class Gate:
    """Lets runs and servers start one after another: the next when the last has said its first word, or after a moment.

    While there is no memory for one more, it waits for a run to end; one alone always starts.

    Args:
        every_s: Seconds after which the next may start though the last is silent; by default as measured.
        available: Tells how many bytes of memory are to be had.
    """

    def __init__(self, every_s: float | None = None, available: Callable[[], int] = available_bytes) -> None:
        self._every_s = START_S / (os.cpu_count() or 1) if every_s is None else every_s
        self._available = available
        self._turn = anyio.Lock()
        self._spoken = anyio.Event()
        self._next_start = 0.0
        self._starts: list[float] = []
        self._inside = 0

    def spoken(self) -> None:
        """Hear that the run that started last is at work, or over."""
        self._spoken.set()

    @asynccontextmanager
    async def passed(self, wait: Callable[[str], None]) -> AsyncIterator[None]:
        """Hold a place inside for as long as the block runs; it begins when the run may start.

        Args:
            wait: Is told, once, why it takes longer than usual.
        """
        async with self._turn:
            with anyio.move_on_after(max(0.0, self._next_start - time.monotonic())):
                await self._spoken.wait()
            await self._wait_for_memory(wait)
            self._spoken = anyio.Event()
            self._next_start = time.monotonic() + self._every_s
            self._starts.append(time.monotonic())
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def _wait_for_memory(self, wait: Callable[[str], None]) -> None:
        told = False
        while self._inside and (free := self._free_bytes()) < RUN_BYTES:
            if not told:
                told = True
                needs = f"a run takes about {RUN_BYTES / 1e6:.0f} MB"
                wait(f"waits for memory: {max(0, free) / 1e6:.0f} MB are free, {needs}")
            await anyio.sleep(_LOOK_EVERY_S)

    def _free_bytes(self) -> int:
        """What is to be had when those that have just started have taken theirs."""
        self._starts = [start for start in self._starts if time.monotonic() - start < RAMP_S]
        return self._available() - len(self._starts) * RUN_BYTES
