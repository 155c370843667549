"""Commands to a session's supervisor, over one connection that is held while the session is shown.

A supervisor stays while a screen is connected, so that runs that are over can be started anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from octui.errors import ControlError
from octui.recording.session import Session

if TYPE_CHECKING:
    from octui.control.client import ControlClient


class SessionControls:
    """Sends commands for one session.

    Every command raises `octui.errors.ControlError` where nobody listens or the command is refused.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client: ControlClient | None = None

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

    async def shutdown(self) -> None:
        """Stop all runs and end the session."""
        await self._send(lambda client: client.shutdown())

    async def close(self) -> None:
        """Let go of the supervisor."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _send(self, command: Callable[[ControlClient], Awaitable[None]]) -> None:
        client = await self._connected()
        try:
            await command(client)
        except ControlError:
            # The connection may be the reason; the next command gets a new one.
            await self.close()
            raise

    async def _connected(self) -> ControlClient:
        if self._client is None:
            if not self._session.socket:
                raise ControlError("This recording has no supervisor.")
            from octui.control.client import ControlClient  # A replay has no use for it.

            self._client = await ControlClient.connect(self._session.socket)
        return self._client
