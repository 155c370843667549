"""Commands to a session's supervisor, over one connection that is held while the session is shown.

A supervisor stays while a screen is connected, so that runs that are over can be started anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from octui.errors import ControlError
from octui.recording.facts import Attention
from octui.recording.session import Session

if TYPE_CHECKING:
    from octui.control.client import ControlClient

Given = TypeVar("Given")


class SessionControls:
    """Sends commands for one session.

    Every command raises `octui.errors.ControlError` where nobody listens or the command is refused.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client: ControlClient | None = None
        self._connecting = asyncio.Lock()

    async def hold(self) -> None:
        """Connect, so that the supervisor stays; where nobody listens there is nobody to hold."""
        with suppress(ControlError):
            await self._connected()

    async def stop(self, run: str | None) -> None:
        """End a run and its process tree; None ends all."""
        await self._send(lambda client: client.stop(run))

    async def restart(self, run: str) -> None:
        """Start a run anew."""
        await self._send(lambda client: client.restart(run))

    async def reply(
        self, run: str, request: str, reply: Literal["once", "always", "reject"], message: str = ""
    ) -> None:
        """Answer a permission; a message lets the model go on after a rejection."""
        await self._send(lambda client: client.reply(run, request, reply, message))

    async def answer(self, run: str, request: str, answers: Sequence[Sequence[str]] | None) -> None:
        """Answer questions, each with labels or words of one's own; None dismisses them."""
        await self._send(lambda client: client.answer(run, request, answers))

    async def send(self, run: str, text: str, *, files: Sequence[str] = (), model: str = "", agent: str = "") -> None:
        """Ask a run something more; while it works, it comes next."""
        await self._send(lambda client: client.send(run, text, files=files, model=model, agent=agent))

    async def abort(self, run: str) -> None:
        """End what a run does now; the run stays."""
        await self._send(lambda client: client.abort(run))

    async def fork(self, run: str, text: str) -> str:
        """Make a new run that goes on from where one stands; give its name."""
        return await self._send(lambda client: client.fork(run, text))

    async def revert(self, run: str, *, undo: bool = False) -> None:
        """Take back what a run changed since its last prompt, or bring that back."""
        await self._send(lambda client: client.revert(run, undo=undo))

    async def acknowledge(self, run: str, reasons: Iterable[Attention]) -> None:
        """Say that somebody has seen why a run wants to be looked at; of a session that is over, too."""
        if self._session.is_live:
            await self._send(lambda client: client.acknowledge(run, reasons))
        else:
            from octui.control.afterwards import acknowledge

            acknowledge(self._session, run, reasons)

    async def choices(self, run: str) -> tuple[list[str], list[str]]:
        """Give the models and the agents a run can have."""
        return await self._send(lambda client: client.choices(run))

    async def take_up(self, *, resume: bool = False) -> None:
        """Have a supervisor for a session that nobody is at work on, so that its runs can be gone on with.

        Args:
            resume: Whether the runs that did not succeed begin anew; otherwise none starts by itself.

        Raises:
            OctuiError: It cannot be taken up, and why.
        """
        import anyio.to_thread

        from octui.control.spawn import take_up_session

        await self.close()
        await anyio.to_thread.run_sync(partial(take_up_session, self._session.folder, resume=resume))
        self._session.refresh()  # The new supervisor's first fact says where it listens.
        await self._connected()

    async def shutdown(self) -> None:
        """Stop all runs and end the session."""
        await self._send(lambda client: client.shutdown())

    async def close(self) -> None:
        """Let go of the supervisor."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _send(self, command: Callable[[ControlClient], Awaitable[Given]]) -> Given:
        return await command(await self._connected())

    async def _connected(self) -> ControlClient:
        """The connection that is held; a new one where there is none, or where that broke."""
        async with self._connecting:
            if self._client is not None and self._client.is_broken:
                await self.close()
            if self._client is None:
                if not self._session.socket:
                    raise ControlError("This recording has no supervisor.")
                from octui.control.client import ControlClient  # A replay has no use for it.

                self._client = await ControlClient.connect(self._session.socket)
            return self._client
