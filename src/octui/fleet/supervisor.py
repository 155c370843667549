"""The supervisor of a session: it runs a plan, so many runs at a time, and does what screens ask for."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from octui.client.client import AsyncOpenCodeClient
from octui.control.messages import Order, Response
from octui.errors import ConfigError, ControlError, RecordingError
from octui.fleet.orders import Orders
from octui.fleet.pacing import Gate
from octui.fleet.run_life import STOPPED_BY_USER, RunLife
from octui.fleet.runner import Runner
from octui.fleet.serve_runner import ServeRunner
from octui.fleet.servers import ServerPool
from octui.fleet.spending import Spending
from octui.plan import graph, templates
from octui.plan.model import Plan, RunSpec
from octui.recording.event_log import EventLog
from octui.recording.facts import (
    SKIPPED,
    AnyFact,
    RunAdded,
    RunState,
    SessionEnded,
    SessionStarted,
    StateChanged,
)
from octui.recording.journal import Journal
from octui.recording.layout import SUPERVISOR_LOG
from octui.recording.status import RunStatus, SessionStatus

LINGER_S = 5.0
"""How long a supervisor stays after its last run when no screen is connected."""

_LOOK_EVERY_S = 0.25
_WHAT_BECAME = {RunState.FAILED: "failed", RunState.STOPPED: "was stopped", RunState.TIMED_OUT: "timed out"}


class Supervisor:
    """Runs a plan; owns every process of its session.

    Args:
        plan: What is run.
        journal: Where it is written down.
        client: Runs opencode.
        on_fact: Is told every fact after it was written down.
        gate: Says when the next process may start.
        servers: Has the servers of runs that need one; None where there is no such run.
        answers: Whether somebody may answer what runs ask.
        before: Where the session stood when its last supervisor left: none of its runs starts by itself then, but each
            can be gone on with. None for a new session.
        anew: Which of them begin anew all the same.
        worked_s: For how many seconds the session was worked on before, of the plan's time.

    Attributes:
        runners: What runs each run, by name.
    """

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        client: AsyncOpenCodeClient,
        *,
        on_fact: Callable[[AnyFact], None] | None = None,
        gate: Gate | None = None,
        servers: ServerPool | None = None,
        answers: bool = True,
        before: SessionStatus | None = None,
        anew: Collection[str] = (),
        worked_s: float = 0.0,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._on_fact = on_fact
        self._client = client
        self._servers = servers
        self._answers = answers
        self._before = before
        self._anew = anew
        self._worked_s = worked_s
        self.runners: dict[str, RunLife] = {}
        self._spending = Spending(plan.budget, self.runners, journal.totals, self._end)
        self.runners |= {run.name: self._runner(run) for run in plan.runs}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._over: dict[str, anyio.Event] = {}
        self._stop_words: dict[str, str] = {}
        self._members = graph.members(plan.runs)
        self._needs = graph.needed(plan.runs)
        self._restarting: set[str] = set()
        self._orders = Orders(self)
        self._begun = anyio.Event()
        self._turned = anyio.Event()
        self._gate = gate or Gate()
        self._slots = anyio.CapacityLimiter(plan.max_parallel)
        self._group: TaskGroup | None = None
        self._closing = False
        self._is_in_time = (before is None or bool(anew)) and plan.budget.timeout_s is not None
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
                runs=tuple(self.runners),
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
            async with self._serving(), anyio.create_task_group() as group:
                self._group = group
                for name in self.runners:
                    if self._before is None:
                        self._start(name)
                    else:
                        self._lay_down(name, self._before.run(name), interrupted=self._before.ended is None)
                for name in self._anew:
                    self.runners[name].queue()
                    self._start(name)
                self._begun.set()
                await self._wait_until_done(connections)
                self._group = None
            for runner in self.runners.values():
                await runner.place.leave()
        except Exception:
            why = f"octui made a mistake: {SUPERVISOR_LOG} tells where"
            raise
        except BaseException:
            why = "the supervisor was ended"
            raise
        finally:
            self._begun.set()
            with suppress(RecordingError):
                self._write(SessionEnded(at=time.time(), why=why or ("stopped" if self._closing else "")))

    async def handle(self, request: Order) -> Response | None:
        """Do what a screen asks for, once the session has begun; see `octui.fleet.orders`.

        Raises:
            OctuiError: It cannot be done, and why.
        """
        await self._begun.wait()
        return await self._orders.handle(request)

    async def shutdown(self, why: str = STOPPED_BY_USER) -> None:
        """Stop all runs and let `run` come to its end."""
        self._closing = True
        await self._begun.wait()
        await self.stop(list(self.runners), why)

    # What orders are carried out with

    def known(self, name: str) -> RunLife:
        """Give what runs a run.

        Raises:
            ControlError: There is no such run.
        """
        if name not in self.runners:
            raise ControlError(f"This session has no run called {name!r}.")
        return self.runners[name]

    def is_over(self, name: str) -> bool:
        """Whether a run is at rest: nothing is done for it any more, and it does not wait for its turn either."""
        return self._over[name].is_set()

    async def wait_over(self, name: str) -> None:
        """Wait until a run is at rest."""
        await self._over[name].wait()

    def check_goes_on(self) -> None:
        """Refuse what would begin something.

        Raises:
            ControlError: The session is ending.
        """
        if self._closing or self._group is None:
            raise ControlError("The session is ending.")

    def start(self, name: str, work: Callable[[], Awaitable[None]] | None = None) -> None:
        """Have a run that is over work, when it is its turn: from its start, or as somebody asked for.

        Raises:
            ControlError: The session is ending.
        """
        self.check_goes_on()
        self._start(name, work)

    async def stop(self, names: list[str], why: str) -> None:
        """End runs, all at once, and wait until their processes are gone; those that are over stay as they are."""
        for name in self._end(names, why):
            await self._over[name].wait()

    @contextmanager
    def restarting(self, name: str) -> Iterator[None]:
        """Let what waits for a run go on waiting, though it comes to its end while the block runs."""
        self._restarting.add(name)
        try:
            yield
        finally:
            self._restarting.discard(name)
            self._turn()

    def fork(self, spec: RunSpec, origin: ServeRunner) -> None:
        """Take in a run that goes on from where another stands, and start it."""
        self._journal.add_run(spec)
        runner = self.runners[spec.name] = self._runner(spec, origin=origin.session_id)
        self.write_outcomes()
        self._write(RunAdded(at=time.time(), run=spec.name, origin=origin.spec.name))
        runner.place.share(origin.place)
        self._start(spec.name)

    def write_outcomes(self) -> None:
        """Write down what the runs that are over came to."""
        outcomes = {name: found for name, runner in self.runners.items() if (found := runner.outcome()) is not None}
        with suppress(OSError):
            self._journal.write_outcome(outcomes)

    # What it does itself

    def _lay_down(self, name: str, before: RunStatus, *, interrupted: bool) -> None:
        """Take a run over as it was left, over."""
        self._over[name] = anyio.Event()
        self._over[name].set()
        origin = self.runners.get(before.origin)  # It was laid down before.
        self.runners[name].take_over(before, interrupted=interrupted, origin=origin)

    def _runner(self, run: RunSpec, origin: str = "") -> RunLife:
        runner = self._new_runner(run, origin)
        self._spending.watch(runner)
        return runner

    def _new_runner(self, run: RunSpec, origin: str) -> RunLife:
        if run.backend != "serve":
            return Runner(run, self._client, self._journal, self._write)
        if self._servers is None:
            raise ValueError("A run over a server needs servers.")
        return ServeRunner(run, self._servers, self._journal, self._write, answers=self._answers, origin=origin)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        if self._servers is None:
            yield
            return
        async with self._servers.serving():
            yield

    def _end(self, names: Iterable[str], why: str) -> list[str]:
        """Have runs end, all at once; give those that are not over yet."""
        live = [name for name in names if not self._over[name].is_set()]
        for name in live:
            self._stop_words[name] = why
            self._scopes[name].cancel()
        return live

    def _start(self, name: str, work: Callable[[], Awaitable[None]] | None = None) -> None:
        """Have a run work, when it is its turn: from its start, or as somebody asked for."""
        assert self._group is not None
        self._over[name] = anyio.Event()
        self._scopes[name] = anyio.CancelScope()
        runner = self.runners[name]
        self._group.start_soon(self._live, runner, work, self._scopes[name], self._over[name])

    async def _live(
        self,
        runner: RunLife,
        work: Callable[[], Awaitable[None]] | None,
        scope: anyio.CancelScope,
        over: anyio.Event,
    ) -> None:
        name = runner.spec.name
        try:
            with scope:
                if work is not None:
                    await self._work(runner, work)  # Somebody waits for it now.
                elif await self._may_start(runner) and self._make_prompt(runner):
                    async with self._slots:
                        await self._work(runner, runner.run, self._admitted(runner))
            if scope.cancelled_caught and not runner.state.is_final:
                runner.stopped(self._stop_words.pop(name, STOPPED_BY_USER))
        finally:
            self._last_end = time.monotonic()
            over.set()
            self._turn()
            self.write_outcomes()

    async def _work(
        self,
        runner: RunLife,
        work: Callable[[], Awaitable[None]],
        admitted: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        """Have a run do its work where it is to be done, and check what came of it."""
        if await runner.prepare():
            async with runner.place.counted(), admitted or nullcontext():
                await work()
            await runner.check()

    async def _may_start(self, runner: RunLife) -> bool:
        """Wait for what a run needs; give whether it may start, or was skipped."""
        needs = self._needs.get(runner.spec.name, ())
        told = ""
        while waiting := [need for need in needs if need in self._restarting or not self._over[need].is_set()]:
            words = f"waits for {graph.in_words(runner.spec.needs, self._members, waiting)}"
            if words != told:
                runner.wait(words)
                told = words
            await self._turned.wait()
        failed = [self.runners[need] for need in needs if self.runners[need].state is not RunState.SUCCEEDED]
        if failed and runner.spec.on_failure == "skip":
            more = f", and {len(failed) - 1} more did not succeed" if len(failed) > 1 else ""
            runner.stopped(f"{SKIPPED}{failed[0].spec.name} {_WHAT_BECAME[failed[0].state]}{more}")
            return False
        if told:
            runner.wait("")
        return True

    def _make_prompt(self, runner: RunLife) -> bool:
        """Make a run's prompt of its template and what others came to; give whether that could be done."""
        spec = runner.spec
        if not spec.template:
            return True
        known = {
            need: [self._answer(name) for name in names] if need not in names else self._answer(need)
            for need, names in self._members.items()
            if need in spec.needs
        }
        env = {name: os.environ[name] for name in self._plan.allow_env if name in os.environ}
        try:
            prompt = templates.render(spec.template, known, spec.vars, env)
        except ConfigError as error:
            runner.failed(str(error))
            return False
        runner.spec = replace(spec, prompt=prompt)
        self._journal.replace_run(runner.spec)
        self.write_outcomes()
        return True

    def _answer(self, name: str) -> templates.Answer:
        """What a run came to, for the prompts of others."""
        runner = self.runners[name]
        outcome = runner.outcome() or {}
        log = EventLog(self._journal.stdout_path(name))
        log.refresh()
        return templates.Answer(
            name=name,
            state=str(runner.state),
            final_text=log.final_text(runner.life_offset),
            vars=runner.spec.vars,
            why=outcome.get("why") or "",
            **{key: outcome[key] for key in ("cost", "tokens", "turns") if key in outcome},
        )

    def _turn(self) -> None:
        """Let those that wait for others look again."""
        self._turned.set()
        self._turned = anyio.Event()

    def _admitted(self, runner: RunLife) -> AbstractAsyncContextManager[None]:
        """Hold a place for a process of its own; sessions on a server need none, as the server has one."""
        return self._gate.passed(runner.wait) if isinstance(runner, Runner) else nullcontext()

    async def _wait_until_done(self, connections: Callable[[], int] | None) -> None:
        began = time.monotonic() - self._worked_s
        while True:
            if self._is_in_time:
                at_work = [name for name in self.runners if not self.is_over(name)]
                self._is_in_time = not self._spending.hold_to_time(time.monotonic() - began, at_work)
            if all(over.is_set() for over in self._over.values()):
                if self._closing or connections is None:
                    return
                if connections():
                    self._last_end = time.monotonic()
                elif time.monotonic() - self._last_end >= LINGER_S:
                    return
            await anyio.sleep(_LOOK_EVERY_S)

    def _write(self, fact: AnyFact) -> None:
        self._journal.fact(fact)
        if isinstance(fact, StateChanged) and fact.state not in (RunState.QUEUED, RunState.STARTING):
            self._gate.spoken()
        if self._on_fact is not None:
            self._on_fact(fact)
