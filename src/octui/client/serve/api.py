"""What octui asks of a server, in words of our own: one adapter an API, `octui.client.serve.v1` that of 1.x."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from octui.client.serve.events import Answers, AnyServerEvent, FileDiff, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptOptions:
    """How a prompt is answered; None leaves the server's or the session's choice.

    Attributes:
        model: ``provider/model``.
        agent: Name of the agent.
        variant: Variant of the model.
        files: Absolute paths of files to attach.
        command: A command of opencode to run, the prompt being its arguments.
    """

    model: str | None = None
    agent: str | None = None
    variant: str | None = None
    files: Sequence[str] = ()
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An event as the server sent it.

    Attributes:
        line: The bytes, without an end of line.
        event: What octui makes of them; None for what it has no use for.
        event_id: The same where the server sends an event twice; empty where it has none.
    """

    line: bytes
    event: AnyServerEvent | None
    event_id: str = ""


class ServerApi(Protocol):
    """A server, wherever it runs.

    Every method raises `ServerError` where the server refuses, is not there or answers what octui does not understand.
    ``directory`` is the folder, on the server's machine, a session works in.
    """

    async def version(self) -> str:
        """Ask for the server's version, such as ``1.18.33``; tells at once whether it is there and lets us in."""

    async def create_session(
        self, directory: str, *, title: str | None = None, rules: Sequence[Rule] = (), agent: str | None = None
    ) -> str:
        """Begin a session; give its id."""

    async def fork_session(self, session_id: str, directory: str) -> str:
        """Begin a session that goes on from another; give its id."""

    async def last_session(self, directory: str) -> str | None:
        """Give the id of the session of a folder that was used last; None where there is none."""

    async def set_rules(self, session_id: str, directory: str, rules: Sequence[Rule]) -> None:
        """Give a session other permission rules."""

    async def prompt(self, session_id: str, directory: str, text: str, options: PromptOptions) -> None:
        """Have a prompt answered; comes back when it is taken, not when it is answered. While it works, it queues."""

    async def abort(self, session_id: str, directory: str) -> None:
        """End what the session is doing; it stays to be prompted again."""

    async def reply_permission(self, request_id: str, directory: str, reply: str, message: str = "") -> None:
        """Answer a permission with ``once``, ``always`` or ``reject``."""

    async def reply_question(self, request_id: str, directory: str, answers: Answers | None) -> None:
        """Answer questions; None dismisses them."""

    async def catch_up(self, session_id: str, directory: str, waiting: Collection[str] = ()) -> list[Received]:
        """Give how a session and its subagents stand, as the events that would bring one there.

        Args:
            session_id: The session.
            directory: Its folder.
            waiting: Requests that are held to wait for an answer; those that do not any more are told as closed.
        """

    async def diff(self, session_id: str, directory: str) -> list[FileDiff]:
        """Give what a session changed, file by file."""

    async def revert(self, session_id: str, directory: str) -> None:
        """Take back what a session changed since its last prompt of a user; again, since the one before, and so on."""

    async def unrevert(self, session_id: str, directory: str) -> None:
        """Bring back what was taken back."""

    async def models(self, directory: str) -> list[str]:
        """Give the models that can be used, as ``provider/model``."""

    async def agents(self, directory: str) -> list[str]:
        """Give the agents one can talk to."""

    async def agent_rules(self, directory: str) -> dict[str, list[Rule]]:
        """Return the permission rules of each agent in a folder, as the server made them."""

    async def failed_mcp(self, directory: str) -> dict[str, str]:
        """Give the MCP servers that did not start, and why."""

    async def share(self, session_id: str, directory: str) -> str:
        """Make a session public; give its address."""

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """Listen to everything that happens on the server, until the connection breaks or is closed.

        The iterator ends, or raises `ServerError`, when the connection breaks or nothing was heard for `SILENCE_S`.
        """

    async def close(self) -> None:
        """Let go of all connections."""


SILENCE_S = 35.0
"""A server that says nothing for so long is not heard any more: 1.18 sends a heartbeat every 10 s."""
