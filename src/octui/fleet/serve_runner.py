"""A run over a server: a session that is asked one thing after another, and asks back."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio

from octui.client import logins
from octui.client.limits import Limits
from octui.client.permissions import override_rules
from octui.client.serve.conversation import Conversation, open_session, options_of
from octui.client.sinks import AttemptEnd
from octui.errors import ControlError, OctuiError, RecordingError
from octui.fleet.heard_run import HeardRun
from octui.fleet.outcome import Outcome, judge
from octui.fleet.run_life import LOOK_EVERY_S, RunLife
from octui.fleet.servers import Hosted, ServerPool
from octui.plan.model import RunSpec
from octui.recording.facts import AnyFact, RunState, SessionOpened
from octui.recording.journal import Journal
from octui.recording.status import RunStatus

SETTLE_S = 0.2
"""What ends a turn is followed by some more about it: parts that were cut short, and totals."""

ABORT_S = 5.0
"""How long a server may take to end a turn; its own end takes the turn with it."""

ABORTED_BY_USER = "the turn was aborted by you"


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to ask; empty ``model`` and ``agent`` leave those in force."""

    text: str
    files: tuple[str, ...] = ()
    model: str = ""
    agent: str = ""


class ServeRunner(HeardRun):
    """Runs one run of a plan as a session on a server.

    Args:
        spec: The run.
        servers: Has its server.
        journal: Where its output goes.
        write: Writes down a fact.
        answers: Whether somebody may answer what it asks; otherwise it is rejected at once.
        origin: The session it goes on from, as a fork of it; empty to begin a new one.
    """

    def __init__(
        self,
        spec: RunSpec,
        servers: ServerPool,
        journal: Journal,
        write: Callable[[AnyFact], None],
        *,
        answers: bool = True,
        origin: str = "",
    ) -> None:
        self.session_id = ""
        self._servers = servers
        self._answers = answers
        self._origin = origin
        self._config = spec.config
        self._hosted: Hosted | None = None
        self._prompts: deque[Prompt] = deque()
        self._is_resuming = False
        self._asking = anyio.Lock()
        self._login_turn = logins.Turn()
        super().__init__(spec, journal, write)

    def _begin(self) -> None:
        super()._begin()
        self._begin_turn()

    def _begin_turn(self) -> None:
        super()._begin_turn()
        self._is_time_up = False
        self._is_asked = False
        self._is_answered = False

    @property
    def server_pid(self) -> int:
        """The process of its server; 0 where it has none of ours."""
        return self._hosted.pid if self._hosted is not None else 0

    @property
    def directory(self) -> str:
        """The folder it works in, on its server's machine."""
        return self.spec.config.remote_dir or str(self.place.folder)

    def queue(self) -> None:
        """Be one of those that wait, to begin anew in a session of its own."""
        if self._conversation is not None:
            self._conversation.close()
        self._conversation = self._hosted = None
        self.session_id = self._origin = ""
        self._config = self.spec.config
        self._prompts.clear()
        super().queue()

    def take_over(self, before: RunStatus, *, interrupted: bool, origin: RunLife | None = None) -> None:
        """Be as an earlier supervisor left it; its session is still in the data home of its server."""
        self.session_id = before.session_id
        super().take_over(before, interrupted=interrupted, origin=origin)
        self._wait_no_more()

    async def run(self) -> None:
        """Live one life, from the run's own prompt on; what was asked before it had begun comes next."""
        self._is_resuming = False
        self._prompts.appendleft(self._first_prompt())
        await super().run()

    async def resume(self) -> None:
        """Go on with what was asked after it was over, in the session and the life it has.

        Raises:
            RecordingError: Facts cannot be written any more.
        """
        self._is_resuming = True
        await self._to_its_end()

    # What a user may do

    async def send(self, prompt: Prompt) -> bool:
        """Ask something more; give whether the run has to be resumed for it.

        Raises:
            OctuiError: The server does not take it.
        """
        if self.state.is_final:
            self._prompts.append(prompt)
            self._is_asked = False
            self.life = max(1, self.life)
            for kind in [*self._attention]:
                self._clear(kind)
            if self._hosted is not None and not self._hosted.gone.is_set():
                self._enter(RunState.RUNNING)
            else:
                self._enter(RunState.STARTING, "its server starts")
            return True
        if self._conversation is None or self._prompts:
            self._prompts.append(prompt)  # What was asked before comes first.
        else:
            await self._ask(self._conversation, prompt)
        return False

    @property
    def is_about_to_ask(self) -> bool:
        """Whether it has something to ask, and waits for a server that it can be asked of."""
        return self.state in (RunState.STARTING, RunState.RUNNING) and not self._is_asked

    async def abort(self) -> None:
        """End the turn; the run stays. One that has not begun (`is_about_to_ask`) ends where its work is cancelled.

        Raises:
            OctuiError: There is none, or the server does not.
        """
        if self.state.is_final or self._conversation is None or not self._is_asked:
            raise ControlError(f"{self.spec.name} is not at work.")
        await self._conversation.abort()

    async def revert(self, *, undo: bool) -> None:
        """Take back what was changed since the last prompt, or bring it back.

        Raises:
            OctuiError: It is at work, or the server does not.
        """
        if not self.state.is_final or not self.session_id:
            raise ControlError(f"{self.spec.name} is at work; abort it first.")
        async with self._servers.borrowed(self.spec, Path(self.directory)) as hosted:
            await (hosted.api.unrevert if undo else hosted.api.revert)(self.session_id, self.directory)
            await self._write_diff(hosted)
        async with self.place.counted():
            pass

    async def choices(self) -> tuple[list[str], list[str]]:
        """Give the models and agents it can have.

        Raises:
            OctuiError: The server does not tell.
        """
        async with self._servers.borrowed(self.spec, Path(self.directory)) as hosted:
            return await hosted.api.models(self.directory), await hosted.api.agents(self.directory)

    # One turn

    async def _to_its_end(self) -> None:
        """Come to a final state, and then see what was changed: the server takes its time to tell."""
        await super()._to_its_end()
        if self._hosted is not None and not self._hosted.gone.is_set():
            await self._write_diff(self._hosted)

    async def _live(self) -> Outcome:
        self._begin_turn()
        async with self._servers.borrowed(self.spec, Path(self.directory), self.wait) as hosted:
            if self.state is RunState.QUEUED:
                self._enter(RunState.STARTING)  # Its server was held up.
            talk = await self._join(hosted)
            async with self._login_refreshed_alone(hosted), self._aborted_where_left(talk, hosted):
                while self._prompts:
                    await self._ask(talk, self._prompts.popleft())
                    self._is_asked = True
                    if self._is_resuming and self.state is RunState.STARTING:
                        self._enter(RunState.RUNNING)  # It has spoken before.
                await self._until_over(talk, hosted)
                if hosted.gone.is_set():
                    talk.give_up(hosted.why)
            if hosted.gone.is_set():
                return Outcome(RunState.FAILED, f"{hosted.why}; what it had said is kept, and it can be asked to go on")
            await anyio.sleep(SETTLE_S)
        if self._unwritten is not None:
            raise self._unwritten
        return self._judge(talk)

    @asynccontextmanager
    async def _login_refreshed_alone(self, hosted: Hosted) -> AsyncIterator[None]:
        """Begin the block when no other run refreshes a login that this one needs."""
        folder = logins.real_folder(os.environ)
        if not hosted.url and logins.due_logins(folder):
            use = logins.use_of(self._config, self.place.folder)
            self._login_turn = await logins.take_turn(folder, use, self._wait_for_login)
        try:
            yield
        finally:
            self._login_turn.end()

    def _wait_for_login(self, why: str) -> None:
        if self.state is RunState.STARTING:
            self._enter(RunState.STARTING, why)

    def printed(self, line: bytes) -> None:
        """Record a line, and let others refresh logins: what it needs is refreshed."""
        self._login_turn.printed(line)
        super().printed(line)

    def _first_prompt(self) -> Prompt:
        files = tuple(str(file) for file in self.spec.config.files)
        return Prompt(self.spec.prompt, files)

    async def _join(self, hosted: Hosted) -> Conversation:
        """Have the run's session on a server: the one it has, or a new one."""
        if self._conversation is not None and self._hosted is hosted:
            return self._conversation
        self._conversation = None  # It was on a server that is gone.
        await hosted.feed.wait_connected()
        for words in hosted.warnings:
            self.warned(words)
        is_new = not self.session_id
        if is_new:
            self.session_id = await self._open(hosted)
        talk = Conversation(
            hosted.api, hosted.feed, self.session_id, self.directory, self, override_rules(self.spec.config)
        )
        if self._origin or not is_new:
            await talk.take_up()
        if is_new:
            self._write_attempt(1, 1, hosted.pid)
            self._write(
                SessionOpened(
                    at=time.time(),
                    run=self.spec.name,
                    session_id=self.session_id,
                    directory=self.directory,
                    url=hosted.url,
                )
            )
        else:
            talk.lines.print_every_prompt()
        self._conversation, self._hosted = talk, hosted
        return talk

    async def _open(self, hosted: Hosted) -> str:
        config = self.spec.config
        if self._origin:
            config = replace(config, session_id=self._origin, fork=True)
        return await open_session(hosted.api, self.directory, config)

    async def _ask(self, talk: Conversation, prompt: Prompt) -> None:
        self._config = replace(
            self._config, model=prompt.model or self._config.model, agent=prompt.agent or self._config.agent
        )
        files = [str(self.place.folder / file) for file in prompt.files]
        async with self._asking:  # What was said first is asked first, however long the server takes over it.
            await talk.send(prompt.text, options_of(self._config, files))
        self._config = replace(self._config, command=None)  # It was for the first prompt.

    @asynccontextmanager
    async def _aborted_where_left(self, talk: Conversation, hosted: Hosted) -> AsyncIterator[None]:
        """End the turn on the server where the block is left before it is over."""
        try:
            yield
        finally:
            if not (self._is_answered or talk.is_over):
                with anyio.move_on_after(ABORT_S, shield=True), suppress(OctuiError):
                    await talk.abort()
                    await anyio.sleep(SETTLE_S)
                    await self._write_diff(hosted)

    async def _until_over(self, talk: Conversation, hosted: Hosted) -> None:
        """Wait until everything is answered, its time is up, or it cannot go on."""
        self._watch.heard(time.monotonic())  # Nobody expected a word of it before it was asked.
        async with anyio.create_task_group() as group:

            async def answered() -> None:
                await talk.wait_over()
                self._is_answered = True  # What begins after that is another's: it must not be aborted with this.

            async def first(wait: Callable[[], Awaitable[object]]) -> None:
                await wait()
                group.cancel_scope.cancel()

            group.start_soon(self._look, talk)
            group.start_soon(self._check_mcp, hosted)
            if not self._answers:
                group.start_soon(self._reject_all, talk)
            for wait in (answered, hosted.gone.wait, self._cannot_write.wait, lambda: self._time_up(talk)):
                group.start_soon(first, wait)

    async def _time_up(self, talk: Conversation) -> None:
        """Wait until it has worked for as long as it may; while it waits for a person, its time stands still."""
        if self.spec.timeout_s is None:
            await anyio.sleep_forever()
            return
        limit_s = left_s = self.spec.timeout_s
        before = time.monotonic()
        while left_s > 0:
            await anyio.sleep(min(LOOK_EVERY_S, left_s))
            now = time.monotonic()
            left_s -= 0 if talk.waiting else now - before
            before = now
            self._recording(partial(self._spend_time, limit_s - left_s))
        self._is_time_up = True

    async def _look(self, talk: Conversation) -> None:
        """Look again and again whether it is silent without waiting for a person."""
        while True:
            await anyio.sleep(LOOK_EVERY_S)
            if talk.waiting:
                self._watch.heard(time.monotonic())
            else:
                self._raise(self._watch.silence(time.monotonic(), ""))

    async def _check_mcp(self, hosted: Hosted) -> None:
        with suppress(OctuiError):
            self._raise(self._watch.mcp_failed(await hosted.api.failed_mcp(self.directory)))

    async def _write_diff(self, hosted: Hosted) -> None:
        if self.place.tree is not None:
            return  # git tells more: what commands changed, too.
        with suppress(OctuiError, OSError):
            self._journal.write_diff(self.spec.name, await hosted.api.diff(self.session_id, self.directory))

    def _judge(self, talk: Conversation) -> Outcome:
        totals = self._turn_totals
        if self._is_time_up:
            return Outcome(RunState.TIMED_OUT, f"its time was up after {self.spec.timeout_s:g} s of work")
        if talk.aborted:
            return Outcome(RunState.STOPPED, ABORTED_BY_USER)
        if talk.rejected and self._answers and totals.last_reason == "tool-calls" and not totals.last_error:
            return Outcome(RunState.STOPPED, f"you rejected {talk.rejected[-1]}")
        return judge(totals, AttemptEnd(exit_code=0, stderr="", has_spoken=True), Limits(timeout_s=self.spec.timeout_s))

    def stopped(self, why: str) -> None:
        """Say that it was ended because somebody asked for it; what it was yet to be asked is asked no more."""
        self._prompts.clear()
        super().stopped(why)

    def _finish(self, outcome: Outcome) -> None:
        """Be over, and wait for nothing any more: neither for an answer nor for its server."""
        with suppress(RecordingError):
            if self._conversation is not None:
                self._conversation.close_requests()
            self._wait_no_more()
        super()._finish(outcome)
