"""The supervisor of a session: it runs a plan, so many runs at a time, and does what screens ask for."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial

import anyio
from anyio.abc import TaskGroup

from octui.client.client import AsyncOpenCodeClient
from octui.control.messages import (
    Abort,
    Acknowledge,
    Answer,
    Choices,
    Fork,
    Forked,
    Offered,
    Order,
    Reply,
    Response,
    Restart,
    Revert,
    Send,
    Settle,
    Shutdown,
    Stop,
)
from octui.errors import ConfigError, ControlError, RecordingError
from octui.fleet.pacing import Gate
from octui.fleet.run_life import RunLife
from octui.fleet.runner import Runner
from octui.fleet.serve_runner import ABORTED_BY_USER, Prompt, ServeRunner
from octui.fleet.servers import ServerPool
from octui.plan import graph, templates
from octui.plan.budget import Meter, Spent
from octui.plan.model import Plan, RunSpec
from octui.plan.names import unique_name
from octui.recording.event_log import EventLog
from octui.recording.facts import (
    SKIPPED,
    AnyFact,
    Attention,
    RunAdded,
    RunState,
    SessionEnded,
    SessionStarted,
    StateChanged,
)
from octui.recording.journal import Journal
from octui.recording.layout import SUPERVISOR_LOG
from octui.recording.status import RunStatus, SessionStatus

STOPPED_BY_USER = "stopped by you"
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
        self.runners = {run.name: self._runner(run) for run in plan.runs}
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._over: dict[str, anyio.Event] = {}
        self._stop_words: dict[str, str] = {}
        self._members = graph.members(plan.runs)
        self._needs = graph.needed(plan.runs)
        self._meter = Meter(plan.budget, "the plan's")
        self._restarting: set[str] = set()
        self._stops: Counter[str] = Counter()
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
        """Do what a screen asks for.

        Raises:
            ControlError: It cannot be done, and why.
        """
        await self._begun.wait()
        match request:
            case Shutdown():
                await self.shutdown()
            case Stop(run=only):
                names = [*self.runners] if only is None else [self._known(only).spec.name]
                self._stops.update(names)
                await self._stop(names, STOPPED_BY_USER)
            case Restart(run=name):
                await self._restart(name)
            case Reply(run=name):
                await self._talked_to(name).reply(request.request, request.reply, request.message)
            case Answer(run=name):
                await self._talked_to(name).answer(request.request, request.answers)
            case Send(run=name):
                await self._send(name, Prompt(request.text, tuple(request.files), request.model, request.agent))
            case Abort(run=name):
                await self._abort(name)
            case Revert(run=name):
                await self._revert(name, undo=request.undo)
            case Settle(run=name):
                await self._settle(name, request)
            case Acknowledge(run=name):
                self._acknowledge(name, request.reasons)
            case Fork(run=name):
                return Forked(id=request.id, run=self._fork(name, request.text))
            case Choices(run=name):
                models, agents = await self._talked_to(name).choices()
                return Offered(id=request.id, models=models, agents=agents)
        return None

    async def shutdown(self, why: str = STOPPED_BY_USER) -> None:
        """Stop all runs and let `run` come to its end."""
        self._closing = True
        await self._begun.wait()
        await self._stop(list(self.runners), why)

    async def _restart(self, name: str) -> None:
        runner = self._known(name)
        stops = self._stops[name]
        self._restarting.add(name)  # What waits for it goes on waiting.
        try:
            # Another screen may have started it anew while this one waited for its end.
            while not self._over[name].is_set():
                await self._stop([name], STOPPED_BY_USER)
            if self._closing or self._group is None:
                raise ControlError("The session is ending.")
            if self._stops[name] != stops:
                raise ControlError(f"{name} was stopped before it could start anew.")
            runner.queue()
            self._start(name)
        finally:
            self._restarting.discard(name)
            self._turn()

    def _lay_down(self, name: str, before: RunStatus, *, interrupted: bool) -> None:
        """Take a run over as it was left, over."""
        self._over[name] = anyio.Event()
        self._over[name].set()
        origin = self.runners.get(before.origin)  # It was laid down before.
        self.runners[name].take_over(before, interrupted=interrupted, origin=origin)

    async def _send(self, name: str, prompt: Prompt) -> None:
        if not prompt.text.strip():
            raise ControlError("There is nothing to send.")
        runner = self._talked_to(name)
        if await runner.send(prompt):
            if self._closing or self._group is None:
                raise ControlError("The session is ending.")
            await self._over[name].wait()
            self._start(name, runner.resume)

    async def _abort(self, name: str) -> None:
        runner = self._talked_to(name)
        if runner.is_about_to_ask:
            await self._stop([name], ABORTED_BY_USER)
        else:
            await runner.abort()

    async def _settle(self, name: str, asked: Settle) -> None:
        """Do something with what a run that is over changed in its worktree."""
        place = self._known(name).place
        await place.settle(asked.how, asked.message, anyway=asked.anyway, check=partial(self._check_rests, name))
        for each in place.names:
            self.runners[each].settled()
        self._write_outcomes()

    async def _revert(self, name: str, *, undo: bool) -> None:
        """Take back what a run changed since its last prompt, while nobody works where it does."""
        runner = self._talked_to(name)
        async with runner.place.to_itself(partial(self._check_rests, name)):
            await runner.revert(undo=undo)

    def _check_rests(self, name: str) -> None:
        """Refuse what must not be done where somebody works: the run, or one that shares its folder."""
        place = self._known(name).place
        for each in place.names:
            if not self._over[each].is_set():
                where = "worktree" if place.tree is not None else "folder"
                shared = "" if each == name else f" in the {where} of {name}"
                raise ControlError(f"{each} is at work{shared}; stop it first, or wait for its end.")

    def _acknowledge(self, name: str, reasons: Iterable[Attention]) -> None:
        runner = self._known(name)
        if any(kind.is_request for kind in reasons):
            raise ControlError(f"What {name} asks has to be answered.")
        runner.acknowledge(reasons)
        self._write_outcomes()

    def _fork(self, name: str, text: str) -> str:
        """Make a run that goes on from where one stands; give its name."""
        origin = self._talked_to(name)
        if self._closing or self._group is None:
            raise ControlError("The session is ending.")
        if not origin.session_id:
            raise ControlError(f"{name} has not begun yet.")
        spec = replace(
            origin.spec,
            name=unique_name(f"{name}-fork", set(self.runners)),
            prompt=text,
            template="",
            group="",
            needs=(),
        )
        self._journal.add_run(spec)
        self.runners[spec.name] = self._runner(spec, origin=origin.session_id)
        self._write_outcomes()
        self._write(RunAdded(at=time.time(), run=spec.name, origin=name))
        self.runners[spec.name].place.share(origin.place)
        self._start(spec.name)
        return spec.name

    def _runner(self, run: RunSpec, origin: str = "") -> RunLife:
        runner = self._new_runner(run, origin)
        if not (run.budget.is_open and self._plan.budget.is_open):
            runner.spends = lambda: self._spend(runner)
        return runner

    def _new_runner(self, run: RunSpec, origin: str) -> RunLife:
        if run.backend != "serve":
            return Runner(run, self._client, self._journal, self._write)
        if self._servers is None:
            raise ValueError("A run over a server needs servers.")
        return ServeRunner(run, self._servers, self._journal, self._write, answers=self._answers, origin=origin)

    def _talked_to(self, name: str) -> ServeRunner:
        runner = self._known(name)
        if not isinstance(runner, ServeRunner):
            raise ControlError(f"{name} runs by `opencode run`, which cannot be talked to.")
        return runner

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        if self._servers is None:
            yield
            return
        async with self._servers.serving():
            yield

    async def _stop(self, names: list[str], why: str) -> None:
        """End runs, all at once, and wait until their processes are gone; those that are over stay as they are."""
        for name in self._end(names, why):
            await self._over[name].wait()

    def _end(self, names: Iterable[str], why: str) -> list[str]:
        """Have runs end, all at once; give those that are not over yet."""
        live = [name for name in names if not self._over[name].is_set()]
        for name in live:
            self._stop_words[name] = why
            self._scopes[name].cancel()
        return live

    def _spend(self, runner: RunLife) -> None:
        """Hold a run that is at work to its budget, and all of them to the plan's."""
        name = runner.spec.name
        self._hold(runner, runner.meter, runner.spent, [name])
        if not self._plan.budget.is_open:
            totals = [self._journal.totals(each) for each in self.runners]
            spent = Spent(
                cost=sum(each.cost for each in totals),
                tokens=sum(each.tokens.total for each in totals),
                turns=sum(each.turns for each in totals),
            )
            self._hold(runner, self._meter, spent, self.runners)

    def _hold(self, runner: RunLife, meter: Meter, spent: Spent, names: Iterable[str]) -> None:
        """Say of a run that a budget is nearly spent; where it is crossed, end whatever it is the budget of."""
        for words in meter.nearly(spent):
            runner.nearly_spent(words)
        if words := meter.crossed(spent):
            if runner.has_answered:
                runner.overdrawn(words)
            self._end([name for name in names if not self.runners[name].has_answered], words)

    def _hold_to_time(self, began: float) -> None:
        """Hold the plan to its time, for as long as it is in time."""
        spent = Spent(seconds=time.monotonic() - began)
        for words in self._meter.nearly(spent):
            for name in self.runners:
                if not self._over[name].is_set():
                    self.runners[name].nearly_spent(words)
        if words := self._meter.crossed(spent):
            self._is_in_time = False
            self._end(self.runners, words)

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
            self._write_outcomes()

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
        self._write_outcomes()
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
                self._hold_to_time(began)
            if all(over.is_set() for over in self._over.values()):
                if self._closing or connections is None:
                    return
                if connections():
                    self._last_end = time.monotonic()
                elif time.monotonic() - self._last_end >= LINGER_S:
                    return
            await anyio.sleep(_LOOK_EVERY_S)

    def _known(self, name: str) -> RunLife:
        if name not in self.runners:
            raise ControlError(f"This session has no run called {name!r}.")
        return self.runners[name]

    def _write(self, fact: AnyFact) -> None:
        self._journal.fact(fact)
        if isinstance(fact, StateChanged) and fact.state not in (RunState.QUEUED, RunState.STARTING):
            self._gate.spoken()
        if self._on_fact is not None:
            self._on_fact(fact)

    def _write_outcomes(self) -> None:
        outcomes = {name: found for name, runner in self.runners.items() if (found := runner.outcome()) is not None}
        with suppress(OSError):
            self._journal.write_outcome(outcomes)
