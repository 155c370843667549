"""A run that a server tells of: what is heard of it is written down, and what it asks waits for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import anyio

from octui.client.result import Totals
from octui.client.serve.conversation import Conversation, in_words
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    Answers,
    AnyServerEvent,
    PermissionAsked,
    Question,
    QuestionAsked,
    RequestClosed,
)
from octui.errors import ControlError, OctuiError, RecordingError
from octui.fleet.run_life import RunLife
from octui.plan.model import RunSpec
from octui.recording.facts import AnyFact, Attention, RequestAnswered, RequestAsked
from octui.recording.journal import Journal

SPOKEN_OF_ATTEMPT = 2
"""From this attempt on, a provider that is asked again is a reason to look."""


class HeardRun(RunLife):
    """A run with a conversation, of which it is the sink.

    Args:
        spec: The run.
        journal: Where its output goes.
        write: Writes down a fact.
    """

    def __init__(self, spec: RunSpec, journal: Journal, write: Callable[[AnyFact], None]) -> None:
        self._conversation: Conversation | None = None
        self._asked = anyio.Event()
        super().__init__(spec, journal, write)

    def _begin_turn(self) -> None:
        self._turn_totals = Totals()
        self._unwritten: RecordingError | None = None
        self._cannot_write = anyio.Event()

    # What it asks

    async def reply(self, request: str, reply: str, message: str) -> None:
        """Answer a permission with ``once``, ``always`` or ``reject``.

        Raises:
            OctuiError: It does not wait for that, or the server does not take it.
        """
        await self._waiting_for(request, is_question=False).reply(request, reply, message)

    async def answer(self, request: str, answers: Answers | None) -> None:
        """Answer questions; None dismisses them.

        Raises:
            OctuiError: It does not wait for that, or the server does not take it.
        """
        await self._waiting_for(request, is_question=True).answer(request, answers)

    def _waiting_for(self, request: str, *, is_question: bool) -> Conversation:
        found = self._conversation.waiting.get(request) if self._conversation is not None else None
        if self._conversation is None or found is None:
            raise ControlError("That was answered already.")
        if isinstance(found, Question) is not is_question:
            raise ControlError("That is another kind of request.")
        return self._conversation

    async def _reject_all(self, talk: Conversation) -> None:
        """Reject what it asks, as nobody is there to be asked; and say so."""
        while True:
            await self._asked.wait()
            self._asked = anyio.Event()
            for request in [*talk.waiting.values()]:
                with suppress(OctuiError):
                    if isinstance(request, Question):
                        await talk.answer(request.id, None)
                    else:
                        await talk.reply(request.id, "reject")
                self._raise(self._watch.rejected([in_words(request)]))

    def _show_waiting(self) -> None:
        """Say what it waits for, the oldest of each kind."""
        waiting = self._conversation.waiting.values() if self._conversation is not None else ()
        for kind, is_question in ((Attention.PERMISSION_ASKED, False), (Attention.QUESTION_ASKED, True)):
            words = next((in_words(each) for each in waiting if isinstance(each, Question) is is_question), "")
            if not words:
                self._clear(kind)
            elif self._attention.get(kind) != words:
                self._raise([(kind, words)])

    def _wait_no_more(self) -> None:
        for kind in (Attention.PERMISSION_ASKED, Attention.QUESTION_ASKED, Attention.CONNECTION_LOST):
            self._clear(kind)

    # The conversation's sink

    def received(self, line: bytes) -> None:
        """Record what the server sent, before anything is made of it."""
        self._recording(lambda: self._journal.append_stream(self.spec.name, line))

    def printed(self, line: bytes) -> None:
        """Record what ``opencode run`` would have printed of it."""

        def record() -> None:
            lines = self._journal.append_stdout(self.spec.name, line)
            self._take(lines)
            self._turn_totals.feed_lines(*lines)

        self._recording(record)

    def happened(self, event: AnyServerEvent) -> None:
        """Write down what a person has to know of."""
        self._recording(lambda: self._note(event))

    def connection(self, trouble: str) -> None:
        """Say that the server is not heard, or is again."""
        if trouble and not self.state.is_final:
            self._recording(
                lambda: self._raise([(Attention.CONNECTION_LOST, f"{trouble.rstrip('.')}; octui tries again")])
            )
        elif not trouble:
            self._recording(lambda: self._clear(Attention.CONNECTION_LOST))

    def _note(self, event: AnyServerEvent) -> None:
        match event:
            case PermissionAsked(request=permission):
                self._write(RequestAsked(at=time.time(), run=self.spec.name, permission=permission))
                self._show_waiting()
                self._asked.set()
            case QuestionAsked(request=question):
                self._write(RequestAsked(at=time.time(), run=self.spec.name, question=question))
                self._show_waiting()
                self._asked.set()
            case RequestClosed(request_id=request, answer=answer):
                self._write(RequestAnswered(at=time.time(), run=self.spec.name, request_id=request, answer=answer))
                self._show_waiting()
            case ActivityChanged(activity=Activity.RETRYING) if event.attempt >= SPOKEN_OF_ATTEMPT:
                self._raise(self._watch.provider_fails(event.why, event.attempt))
                return
            case ActivityChanged():
                return
        self._break_silence()

    def _recording(self, act: Callable[[], None]) -> None:
        """Do what may fail to be written; the run ends by it, but not the stream that others hear, too."""
        if self._unwritten is None:
            try:
                act()
            except RecordingError as error:
                self._unwritten = error
                self._cannot_write.set()
