"""One session on a server, from prompt to prompt: what is sent, what comes back, and what it waits for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import anyio
import msgspec
from msgspec import structs

from octui.client.config import RunConfig, model_of
from octui.client.overrides import broken_override
from octui.client.permissions import override_rules, session_rules, undoes_a_denial, undone
from octui.client.serve.api import PromptOptions, Received, ServerApi
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    Answers,
    AnyServerEvent,
    MessageChanged,
    PartChanged,
    Permission,
    PermissionAsked,
    Question,
    QuestionAsked,
    RequestClosed,
    Rule,
    SessionFailed,
)
from octui.client.serve.feed import EventFeed
from octui.client.serve.lines import RunLines
from octui.errors import ConfigError, ServerError

Request = Permission | Question

HEARD_WITHIN_S = 5.0
"""A prompt is not kept for longer by one before it of which nothing is heard."""

TAKEN_WITHIN_S = 30.0
"""A prompt that the server has taken, but of which nothing is heard for so long, is asked after, and so is a turn."""

UNANSWERED = "not answered"
"""How a request was answered that waited when its turn ended."""

TOLD_AGAIN_MS = 5000
STACK_TRACE = b"\\n    at "


class ConversationSink(Protocol):
    """Where a session's output goes while it happens; called in order, and must not wait."""

    def received(self, line: bytes) -> None:
        """The server sent this, byte for byte, without an end of line."""

    def printed(self, line: bytes) -> None:
        """``opencode run`` would have printed this line; it has its end."""

    def happened(self, event: AnyServerEvent) -> None:
        """What was received says this; told after its line was."""

    def connection(self, trouble: str) -> None:
        """The server is not heard, and why; empty when it is again."""


class Conversation:
    """Talks in one session.

    Args:
        api: The server.
        feed: Its events.
        session_id: The session.
        directory: The folder it works in, on the server's machine.
        sink: Gets what happens.
        rules: The overrides that hold in it: a request that ``always`` would answer for what they deny, too, can be
            allowed once only, as opencode puts what is always allowed behind all rules.

    Attributes:
        waiting: What waits for an answer, by id, the oldest first.
        lines: What has a line in the log already.
        aborted: Whether its last turn was ended by a user.
        rejected: What was rejected since the last prompt, in words, with no message that lets the model go on.
    """

    def __init__(
        self,
        api: ServerApi,
        feed: EventFeed,
        session_id: str,
        directory: str,
        sink: ConversationSink,
        rules: Sequence[Rule] = (),
    ) -> None:
        self.session_id = session_id
        self.directory = directory
        self.waiting: dict[str, Request] = {}
        self.lines = RunLines(session_id)
        self.aborted = False
        self.rejected: list[str] = []
        self._api = api
        self._feed = feed
        self._sink = sink
        self._rules = rules
        self._once_only: set[str] = set()
        self._is_busy = False
        self._has_begun = False
        self._failed = False
        self._failed_ms = 0
        self._heard = 0
        self._held: list[Received] | None = None
        self._unheard = 0  # Prompts that the server has taken, or is about to, and of which it has told nothing yet.
        self._sending = anyio.Lock()
        self._prompt_heard = anyio.Event()
        self._without_parts: set[str] = set()
        self._over = anyio.Event()
        self._over.set()
        feed.subscribe(session_id, directory, self)

    @property
    def is_over(self) -> bool:
        """Whether everything that was asked is answered, or was given up."""
        return self._over.is_set()

    async def send(self, text: str, options: PromptOptions) -> None:
        """Ask something; while it works, it comes next.

        Raises:
            ServerError: The server does not take it.
        """
        async with self._sending:
            await self._feed.wait_connected()
            await self._wait_until_heard()
            await self._send(text, options)

    async def _wait_until_heard(self) -> None:
        """Wait until the server has told of the prompts before: 1.18 takes them in any order."""
        with anyio.move_on_after(HEARD_WITHIN_S):
            while self._unheard and not self._over.is_set():
                self._prompt_heard = anyio.Event()
                await self._prompt_heard.wait()

    async def _send(self, text: str, options: PromptOptions) -> None:
        if self._over.is_set():
            self._has_begun = self._failed = self.aborted = False
            self.rejected.clear()
            self._reopen()
        self._unheard += 1
        try:
            await self._api.prompt(self.session_id, self.directory, text, options)
        except BaseException:
            self._unheard = max(0, self._unheard - 1)
            if not self._is_busy and not self._unheard:
                self._over.set()
            raise

    async def take_up(self) -> None:
        """Go on with a session that has a history: what it holds already makes no lines.

        Raises:
            ServerError: The server does not tell.
        """
        self._held = []
        try:
            for what in await self._api.catch_up(self.session_id, self.directory):
                if what.event is not None:
                    self.lines.pass_over(what.event)
        finally:
            held, self._held = self._held, None
        for what in held:
            self.received(what)

    async def wait_over(self) -> None:
        """Wait until everything that was asked is answered, or was given up.

        While the server cannot be heard this goes on waiting; whoever knows that it is gone for good says so with
        `give_up`.
        """
        while not self._over.is_set():
            heard = self._heard
            with anyio.move_on_after(TAKEN_WITHIN_S):
                await self._over.wait()
            is_quiet = not self._is_busy or (self._heard == heard and not self.waiting)
            if not self._over.is_set() and is_quiet and self._feed.is_connected:
                await self._ask_after()

    async def abort(self) -> None:
        """End what it is doing.

        Raises:
            ServerError: The server does not.
        """
        if not self._over.is_set():
            self.aborted = True  # Where it had not begun yet, the server says nothing of it.
        await self._api.abort(self.session_id, self.directory)

    async def reply(self, request_id: str, reply: str, message: str = "") -> None:
        """Answer a permission with ``once``, ``always`` or ``reject``; a message lets the model go on then.

        Raises:
            ServerError: The server does not take it: it was answered elsewhere, perhaps.
        """
        request = self.waiting.get(request_id)
        if reply == "always" and request_id in self._once_only:
            reply = "once"
        await self._api.reply_permission(request_id, self.directory, reply, message)
        if reply == "reject" and not message and isinstance(request, Permission):
            self.rejected.append(in_words(request))

    async def answer(self, request_id: str, answers: Answers | None) -> None:
        """Answer questions; None dismisses them.

        Raises:
            ServerError: The server does not take it: it was answered elsewhere, perhaps.
        """
        request = self.waiting.get(request_id)
        await self._api.reply_question(request_id, self.directory, answers)
        if answers is None and isinstance(request, Question):
            self.rejected.append(in_words(request))

    def close_requests(self) -> None:
        """Let nothing wait for an answer any more."""
        self._close_requests(int(time.time() * 1000))

    def close(self) -> None:
        """Hear of it no more."""
        self._feed.unsubscribe(self.session_id)

    # What the feed tells

    def received(self, what: Received) -> None:
        """Record it, and take it into account."""
        event = what.event
        if self._held is not None:
            self._held.append(what)
            return
        if event is None or self._is_old(what, event):
            return
        if isinstance(event, PermissionAsked) and undoes_a_denial(self._rules, event.request):
            self._once_only.add(event.request.id)
            event = structs.replace(event, request=structs.replace(event.request, always=()))
        self._heard += 1
        self._sink.received(what.line)
        self._hear_prompt(event)
        for line in self.lines.feed(event):
            self._sink.printed(line)
        self._take(event)
        self._sink.happened(event)

    def connection_lost(self, why: str) -> None:
        """Say so."""
        self._sink.connection(why)

    def connection_back(self) -> None:
        """Say so."""
        self._sink.connection("")

    def give_up(self, why: str) -> None:
        """End what is under way: nothing more will be heard of it. It has an error in the log then, as from a run."""
        if self._over.is_set():
            return
        error = msgspec.json.encode({"name": "ServerError", "data": {"message": why}})
        event = SessionFailed(session_id=self.session_id, at_ms=int(time.time() * 1000), error=error)
        for line in (*self.lines.rest(event.at_ms), *self.lines.feed(event)):
            self._sink.printed(line)
        self._sink.happened(event)
        self._failed = True
        self._is_busy = False
        self._unheard = 0
        self._close_requests(event.at_ms)
        self._over.set()

    def _is_old(self, what: Received, event: AnyServerEvent) -> bool:
        """Whether it says again what is known, as what is fetched after a lost connection may."""
        match event:
            case PermissionAsked() | QuestionAsked():
                return event.request.id in self.waiting
            case SessionFailed() if event.session_id == self.session_id:
                return (self._failed and not self._is_busy) or self._is_told_again(event)
        return not what.event_id and self.lines.is_known(event)

    def _is_told_again(self, event: SessionFailed) -> bool:
        """1.18 tells a mistake in a prompt twice, the second time with a stack trace; the next turn may have begun."""
        return STACK_TRACE in event.error and event.at_ms - self._failed_ms < TOLD_AGAIN_MS

    def _take(self, event: AnyServerEvent) -> None:
        match event:
            case PermissionAsked() | QuestionAsked():
                self.waiting[event.request.id] = event.request
            case RequestClosed():
                self.waiting.pop(event.request_id, None)
        if event.session_id != self.session_id:
            return
        match event:
            case ActivityChanged(activity=Activity.IDLE):
                self._is_busy = False
                self._close_requests(event.at_ms)
                if self._has_begun and not self._unheard:
                    self._over.set()
            case ActivityChanged():
                self._is_busy = self._has_begun = True
                self._reopen()
            case SessionFailed():
                self._failed = True
                self._failed_ms = event.at_ms
                self.aborted = self.aborted or event.aborted
                if self._unheard and not event.aborted:
                    self._unheard = 0  # It refused the prompt; it never began to work on it.
                    if not self._is_busy:
                        self._over.set()

    def _close_requests(self, at_ms: int) -> None:
        """What waits when the turn ends will not be answered any more; 1.18 does not say so where it is aborted."""
        for request_id in [*self.waiting]:
            del self.waiting[request_id]
            self._sink.happened(
                RequestClosed(session_id=self.session_id, at_ms=at_ms, request_id=request_id, answer=UNANSWERED)
            )

    def _hear_prompt(self, event: AnyServerEvent) -> None:
        """See whether the server has put a prompt into the session: ours, or that of another who uses it.

        A message is there before its parts: in the first second of a folder, the next one's parts may come before them.
        """
        if event.session_id != self.session_id:
            return
        if isinstance(event, MessageChanged) and event.role == "user" and not self.lines.is_known(event):
            self._has_begun = True
            self._without_parts.add(event.message_id)
        elif isinstance(event, PartChanged) and event.message_id in self._without_parts:
            self._without_parts.discard(event.message_id)
            self._unheard = max(0, self._unheard - 1)
            self._prompt_heard.set()

    def _reopen(self) -> None:
        if self._over.is_set():
            self._over = anyio.Event()

    async def _ask_after(self) -> None:
        """Look whether it works at all: an event that would have said so may be lost, or the prompt itself is."""
        try:
            for what in await self._api.catch_up(self.session_id, self.directory, [*self.waiting]):
                self.received(what)
        except ServerError as error:
            if not error.is_gone:
                self.give_up(error.message)
            return
        if not self._is_busy and not self._over.is_set():
            self.give_up("The opencode server has taken a prompt and does nothing about it.")


def in_words(request: Request) -> str:
    """What is asked, in a few words: ``bash: git push``, or the question."""
    if isinstance(request, Question):
        return request.questions[0].question if request.questions else "a question"
    whole = request.metadata.get("command") or request.metadata.get("filepath") or ", ".join(request.patterns)
    return f"{request.permission}: {whole}" if whole else request.permission


def options_of(config: RunConfig, files: Sequence[str] = ()) -> PromptOptions:
    """Give what of a configuration goes with a prompt."""
    return PromptOptions(
        model=model_of(config),
        agent=config.agent,
        variant=config.variant,
        files=files,
        command=config.command,
    )


async def open_session(api: ServerApi, directory: str, config: RunConfig, *, title: str | None = None) -> str:
    """Begin a session as a configuration says, or go on with the one it names; give its id.

    Raises:
        ConfigError: A plugin undoes an override.
        ServerError: The server does not.
    """
    wanted = override_rules(config)
    if wanted and not config.attach:
        await _prove(api, directory, wanted)
    rules = wanted if config.attach else session_rules(wanted)
    known = config.session_id
    if known is None and config.continue_session:
        known = await api.last_session(directory)
        if known is None:
            raise ServerError(f"There is no session to continue in {directory}.")
    if known is None:
        return await api.create_session(directory, title=config.title or title, rules=rules)
    if config.fork:
        known = await api.fork_session(known, directory)
    if rules:
        await api.set_rules(known, directory, rules)
    return known


async def _prove(api: ServerApi, directory: str, wanted: Sequence[Rule]) -> None:
    """Refuse a folder in which a server of octui's has an agent for which an override does not hold."""
    for agent, rules in (await api.agent_rules(directory)).items():
        if rule := undone(wanted, rules):
            raise ConfigError(broken_override(rule, agent), hint="Disable the plugin, or leave the override out.")
