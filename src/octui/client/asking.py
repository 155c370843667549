"""Whom an agent's requests are put to: functions of the program that uses a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import TypeGuard

from octui.client.serve.conversation import Conversation, Request
from octui.client.serve.events import Answers, Permission, Question
from octui.errors import ConfigError

OnPermission = Callable[[Permission], str | Awaitable[str]]
"""Gives ``once``, ``always`` or ``reject``."""

OnQuestion = Callable[[Question], Answers | Awaitable[Answers | None] | None]
"""Gives the chosen labels of each question, or words of one's own; None dismisses them."""

REPLIES = ("once", "always", "reject")


class Asking:
    """Puts requests to functions or coroutine functions.

    Args:
        on_permission: Is asked for permissions; None for nobody, so that they are rejected.
        on_question: Is asked the model's questions; None for nobody, so that they are dismissed.
    """

    def __init__(self, on_permission: OnPermission | None, on_question: OnQuestion | None) -> None:
        self._on_permission = on_permission
        self._on_question = on_question

    def has_somebody_for(self, request: Request) -> bool:
        """Whether there is somebody to ask."""
        return (self._on_question if isinstance(request, Question) else self._on_permission) is not None

    async def answer(self, talk: Conversation, request: Request) -> Callable[[], Awaitable[None]]:
        """Ask, and give what sends the answer.

        Raises:
            ConfigError: What was given is no answer.
            Exception: What the function raises.
        """
        if isinstance(request, Question):
            answers = await self._question(request)
            return lambda: talk.answer(request.id, answers)
        reply = await self._permission(request)
        return lambda: talk.reply(request.id, reply)

    async def _permission(self, request: Permission) -> str:
        if self._on_permission is None:
            return "reject"
        found = self._on_permission(request)
        reply = await found if isawaitable(found) else found
        if reply not in REPLIES:
            raise ConfigError(f"on_permission gave {reply!r}; it gives 'once', 'always' or 'reject'.")
        return reply

    async def _question(self, request: Question) -> Answers | None:
        if self._on_question is None:
            return None
        found = self._on_question(request)
        answers = await found if isawaitable(found) else found
        if answers is not None and not _are_answers(answers, len(request.questions)):
            raise ConfigError("on_question gives a list of labels for each question, or None.")
        return answers


def _are_answers(value: object, count: int) -> bool:
    return _is_list(value) and len(value) == count and all(map(_is_list, value))


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
