"""The supervisor of a session: it runs a plan, so many runs at a time, and does what screens ask for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup

from octui.client.client import AsyncOpenCodeClient
from octui.control.messages import Order, Response, Restart, Shutdown, Stop
from octui.errors import ControlError, RecordingError
from octui.fleet.pacing import Gate
from octui.fleet.runner import Runner
from octui.plan.model import Plan
from octui.recording.facts import AnyFact, RunState, SessionEnded, SessionStarted, StateChanged
from octui.recording.journal import Journal

STOPPED_BY_USER = "stopped by you"
LINGER_S = 5.0
"""How long a supervisor stays after its last run when no screen is connected."""

_LOOK_EVERY_S = 0.25


class Supervisor:
    """Runs a plan; owns every process of its session.

    Args:
        plan: What is run.
        journal: Where it is written down.
        client: Runs opencode.
        on_fact: Is told every fact after it was written down.
        gate: Says when the next run may start.
    """

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        client: AsyncOpenCodeClient,
        *,
        on_fact: Callable[[AnyFact], None] | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._on_fact = on_fact
        self._runners = {run.name: Runner(run, client, journal, self._write) for run in plan.runs}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._over: dict[str, anyio.Event] = {}
        self._stop_words: dict[str, str] = {}
        self._gate = gate or Gate()
        self._slots = anyio.CapacityLimiter(plan.max_parallel)
        self._group: TaskGroup | None = None
        self._closing = False
        self._last_end = time.monotonic()

    def started(self, *, socket: str, octui: str, opencode: str) -> None:
        """Write down that the session begins."""
        self._write(
            SessionStarted(
                at=time.time(),
                pid=os.getpid(),
                socket=socket,
                octui=octui,
                opencode=opencode,
                runs=tuple(self._runners),
            )
        )

    async def run(self, *, connections: Callable[[], int] | None = None) -> None:
        """Run the plan to its end, and write down that it ended.

        Args:
            connections: How many screens are connected: as long as there is one, and for `LINGER_S` seconds after, the
                supervisor stays, so that runs can be restarted. None leaves with the last run.
        """
        why = ""
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                for name in self._runners:
                    self._start(name)
                await self._wait_until_done(connections)
                self._group = None
        except BaseException:
            why = "the supervisor was ended"
            raise
        finally:
            with suppress(RecordingError):
                self._write(SessionEnded(at=time.time(), why=why or ("stopped" if self._closing else "")))

    async def handle(self, request: Order) -> Response | None:
        """Do what a screen asks for.

        Raises:
            ControlError: It cannot be done, and why.
        """
        match request:
            case Shutdown():
                await self.shutdown()
            case Stop(run=None):
                await self._stop(list(self._runners), STOPPED_BY_USER)
            case Stop(run=str(name)):
                self._known(name)
                await self._stop([name], STOPPED_BY_USER)
            case Restart(run=name):
                await self._restart(name)
            case _:
                raise ControlError("This run cannot be talked to.")
        return None

    async def shutdown(self, why: str = STOPPED_BY_USER) -> None:
        """Stop all runs and let `run` come to its end."""
        self._closing = True
        await self._stop(list(self._runners), why)

    async def _restart(self, name: str) -> None:
        runner = self._known(name)
        # Another screen may have started it anew while this one waited for its end.
        while not self._over[name].is_set():
            await self._stop([name], STOPPED_BY_USER)
        if self._closing or self._group is None:
            raise ControlError("The session is ending.")
        runner.queue()
        self._start(name)

    async def _stop(self, names: list[str], why: str) -> None:
        """End runs, all at once, and wait until their processes are gone; those that are over stay as they are."""
        live = [name for name in names if not self._over[name].is_set()]
        for name in live:
            self._stop_words[name] = why
            self._scopes[name].cancel()
        for name in live:
            await self._over[name].wait()

    def _start(self, name: str) -> None:
        assert self._group is not None
        self._over[name] = anyio.Event()
        self._scopes[name] = anyio.CancelScope()
        self._group.start_soon(self._live, self._runners[name], self._scopes[name], self._over[name])

    async def _live(self, runner: Runner, scope: anyio.CancelScope, over: anyio.Event) -> None:
        name = runner.spec.name
        try:
            with scope:
                async with self._slots, self._gate.passed(runner.wait):
                    await runner.run()
            if scope.cancelled_caught:
                runner.stopped(self._stop_words.pop(name, STOPPED_BY_USER))
        finally:
            self._last_end = time.monotonic()
            over.set()
            self._write_outcomes()

    async def _wait_until_done(self, connections: Callable[[], int] | None) -> None:
        while True:
            if all(over.is_set() for over in self._over.values()):
                if self._closing or connections is None:
                    return
                if connections():
                    self._last_end = time.monotonic()
                elif time.monotonic() - self._last_end >= LINGER_S:
                    return
            await anyio.sleep(_LOOK_EVERY_S)

    def _known(self, name: str) -> Runner:
        if name not in self._runners:
            raise ControlError(f"This session has no run called {name!r}.")
        return self._runners[name]

    def _write(self, fact: AnyFact) -> None:
        self._journal.fact(fact)
        if isinstance(fact, StateChanged) and fact.state not in (RunState.QUEUED, RunState.STARTING):
            self._gate.spoken()
        if self._on_fact is not None:
            self._on_fact(fact)

    def _write_outcomes(self) -> None:
        outcomes = {name: found for name, runner in self._runners.items() if (found := runner.outcome()) is not None}
        with suppress(OSError):
            self._journal.write_outcome(outcomes)
