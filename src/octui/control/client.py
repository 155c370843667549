"""A screen's end of the control socket."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from octui.control.messages import (
    MAX_LINE_BYTES,
    Done,
    Hello,
    Refused,
    Reply,
    Request,
    Restart,
    Shutdown,
    Stop,
    Welcome,
    decode_reply,
    encode,
)
from octui.errors import ControlError

ANSWER_TIMEOUT_S = 30.0
"""Ending a run takes a grace of seconds; longer than this nobody should wait for an answer."""

_GONE = "The session's supervisor does not answer."
_GONE_HINT = "What was recorded is safe: `octui replay` shows it."


class ControlClient:
    """A connection to a session's supervisor.

    Every method raises `ControlError` where the supervisor is gone or refuses. While one is open the supervisor stays,
    also when all runs are over, so that they can be restarted.

    Use `ControlClient.connect`.
    """

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._lines = BufferedByteReceiveStream(stream)
        self._asking = anyio.Lock()
        self._last_id = 0

    @classmethod
    async def connect(cls, path: str | Path) -> ControlClient:
        """Connect and say hello."""
        try:
            client = cls(await anyio.connect_unix(str(path)))
        except OSError as error:
            raise ControlError(_GONE, hint=_GONE_HINT) from error
        try:
            await client._ask(Hello())
        except BaseException:
            await client.close()
            raise
        return client

    async def stop(self, run: str | None = None) -> None:
        """End a run and its process tree; None ends all."""
        await self._ask(Stop(id=self._next_id(), run=run))

    async def restart(self, run: str) -> None:
        """Start a run anew; one that is alive is ended first."""
        await self._ask(Restart(id=self._next_id(), run=run))

    async def shutdown(self) -> None:
        """Stop all runs and end the session."""
        await self._ask(Shutdown(id=self._next_id()))

    async def wait_closed(self) -> None:
        """Wait until the supervisor is gone. Nothing else may be asked meanwhile."""
        try:
            while True:
                await self._stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async def close(self) -> None:
        """Leave."""
        await self._stream.aclose()

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    async def _ask(self, request: Request) -> None:
        async with self._asking:
            reply = await self._exchange(request)
        if isinstance(reply, Refused):
            raise ControlError(reply.why)
        if not isinstance(reply, Welcome if isinstance(request, Hello) else Done):
            raise ControlError("The session's supervisor answers something else than was asked.")

    async def _exchange(self, request: Request) -> Reply:
        try:
            with anyio.fail_after(ANSWER_TIMEOUT_S):
                await self._stream.send(encode(request) + b"\n")
                return decode_reply(await self._lines.receive_until(b"\n", MAX_LINE_BYTES))
        except TimeoutError as error:
            raise ControlError(_GONE, hint="It may be busy; try again.") from error
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead) as error:
            if isinstance(request, Shutdown):
                return Done(id=request.id)  # It may be gone before its answer is out.
            raise ControlError(_GONE, hint=_GONE_HINT) from error
        except (anyio.DelimiterNotFound, msgspec.MsgspecError, RecursionError) as error:
            raise ControlError("The session's supervisor answers in a way octui does not know.") from error


def request(path: str | Path, message: Stop | Restart | Shutdown) -> None:
    """Ask one thing and leave, from code that is not asynchronous.

    Raises:
        ControlError: The supervisor is gone or refuses.
    """

    async def ask() -> None:
        client = await ControlClient.connect(path)
        try:
            await client._ask(message)
        finally:
            await client.close()

    anyio.run(ask)
