"""What screens ask of a session: its runs stopped, started anew, talked to, gone on with, settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

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
from octui.errors import ControlError
from octui.fleet.run_life import STOPPED_BY_USER
from octui.fleet.serve_runner import ABORTED_BY_USER, Prompt, ServeRunner
from octui.names import shorten
from octui.plan.names import unique_name
from octui.recording.facts import Attention

if TYPE_CHECKING:
    from octui.fleet.supervisor import Supervisor


class Orders:
    """Carries out what screens ask for; several at a time, as some take minutes.

    Args:
        supervisor: Whose runs they are about.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stops: Counter[str] = Counter()

    async def handle(self, request: Order) -> Response | None:
        """Do what a screen asks for.

        Raises:
            OctuiError: It cannot be done, and why.
        """
        match request:
            case Shutdown():
                await self._supervisor.shutdown()
            case Stop(run=only):
                await self._stop(only)
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

    async def _stop(self, only: str | None) -> None:
        names = [*self._supervisor.runners] if only is None else [self._supervisor.known(only).spec.name]
        self._stops.update(names)
        await self._supervisor.stop(names, STOPPED_BY_USER)

    async def _restart(self, name: str) -> None:
        runner = self._supervisor.known(name)
        stops = self._stops[name]
        with self._supervisor.restarting(name):
            # Another screen may have started it anew while this one waited for its end.
            while not self._supervisor.is_over(name):
                await self._supervisor.stop([name], STOPPED_BY_USER)
            self._supervisor.check_goes_on()
            if self._stops[name] != stops:
                raise ControlError(f"{name} was stopped before it could start anew.")
            runner.queue()
            self._supervisor.start(name)

    async def _send(self, name: str, prompt: Prompt) -> None:
        if not prompt.text.strip():
            raise ControlError("There is nothing to send.")
        runner = self._talked_to(name)
        if await runner.send(prompt):
            self._supervisor.check_goes_on()
            await self._supervisor.wait_over(name)
            self._supervisor.start(name, runner.resume)

    async def _abort(self, name: str) -> None:
        runner = self._talked_to(name)
        if runner.is_about_to_ask:
            await self._supervisor.stop([name], ABORTED_BY_USER)
        else:
            await runner.abort()

    async def _settle(self, name: str, asked: Settle) -> None:
        """Do something with what a run that is over changed in its worktree."""
        place = self._supervisor.known(name).place
        await place.settle(asked.how, asked.message, anyway=asked.anyway, check=partial(self._check_rests, name))
        for each in place.names:
            self._supervisor.runners[each].settled()
        self._supervisor.write_outcomes()

    async def _revert(self, name: str, *, undo: bool) -> None:
        """Take back what a run changed since its last prompt, while nobody works where it does."""
        runner = self._talked_to(name)
        async with runner.place.to_itself(partial(self._check_rests, name)):
            await runner.revert(undo=undo)

    def _check_rests(self, name: str) -> None:
        """Refuse what must not be done where somebody works: the run, or one that shares its folder."""
        place = self._supervisor.known(name).place
        for each in place.names:
            if not self._supervisor.is_over(each):
                where = "worktree" if place.tree is not None else "folder"
                shared = "" if each == name else f" in the {where} of {name}"
                raise ControlError(f"{each} is at work{shared}; stop it first, or wait for its end.")

    def _acknowledge(self, name: str, reasons: Collection[Attention]) -> None:
        runner = self._supervisor.known(name)
        if any(kind.is_request for kind in reasons):
            raise ControlError(f"What {name} asks has to be answered.")
        runner.acknowledge(reasons)
        self._supervisor.write_outcomes()

    def _fork(self, name: str, text: str) -> str:
        """Have a run that goes on from where one stands; give its name."""
        origin = self._talked_to(name)
        self._supervisor.check_goes_on()
        if not origin.session_id:
            raise ControlError(f"{name} has not begun yet.")
        unused = unique_name(f"{shorten(name, 52, 112)}-fork", set(self._supervisor.runners))
        self._supervisor.fork(replace(origin.spec, name=unused, prompt=text, template="", group="", needs=()), origin)
        return unused

    def _talked_to(self, name: str) -> ServeRunner:
        runner = self._supervisor.known(name)
        if not isinstance(runner, ServeRunner):
            raise ControlError(f"{name} runs by `opencode run`, which cannot be talked to.")
        return runner
