"""A screen's end of the control socket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import anyio
import msgspec
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from octui.control.messages import (
    MAX_LINE_BYTES,
    Abort,
    Acknowledge,
    Answer,
    Choices,
    Done,
    Fork,
    Forked,
    Hello,
    Offered,
    Order,
    Refused,
    Reply,
    Request,
    Response,
    Restart,
    Revert,
    Send,
    Settle,
    Shutdown,
    Stop,
    Welcome,
    decode_response,
    encode,
)
from octui.errors import ConflictError, ControlError, OctuiError, UncommittedWorkError
from octui.recording.facts import Attention
from octui.workspace.settle import How

ANSWER_TIMEOUT_S = 30.0
"""How long an answer is waited for that needs nothing but the supervisor itself, or one word of a server."""

_AT_LENGTH = (Stop, Restart, Shutdown, Send, Revert, Settle)
"""What waits for runs to end, or for git: minutes, with much to do. A supervisor that dies meanwhile is noticed."""

_GREETING = 0
"""The number of the answer to a `Hello`, which has none of its own."""

Answered = TypeVar("Answered", Done, Welcome, Offered, Forked)

_GONE = "The session's supervisor does not answer."
_GONE_HINT = "What was recorded is safe: `octui replay` shows it."


class ControlClient:
    """A connection to a session's supervisor.

    Every method raises `ControlError` where the supervisor is gone or refuses. While one is open the supervisor stays,
    also when all runs are over, so that they can be restarted.

    Several tasks may ask at a time: nobody waits for the answer to another's question.

    Use `ControlClient.connect`.

    Attributes:
        is_broken: Whether nothing can be asked over it any more.
    """

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._lines = BufferedByteReceiveStream(stream)
        self._sending = anyio.Lock()
        self._awaited: set[int] = set()
        self._answers: dict[int, Response] = {}
        self._is_reading = False
        self._news = anyio.Event()
        self._last_id = _GREETING
        self.is_broken = False

    @classmethod
    async def connect(cls, path: str | Path) -> ControlClient:
        """Connect and say hello."""
        try:
            client = cls(await anyio.connect_unix(str(path)))
        except OSError as error:
            raise ControlError(_GONE, hint=_GONE_HINT) from error
        try:
            await client._ask(Hello(), Welcome)
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

    async def reply(
        self, run: str, request: str, reply: Literal["once", "always", "reject"], message: str = ""
    ) -> None:
        """Answer a permission; a message lets the model go on after a rejection."""
        await self._ask(Reply(id=self._next_id(), run=run, request=request, reply=reply, message=message))

    async def answer(self, run: str, request: str, answers: Sequence[Sequence[str]] | None) -> None:
        """Answer questions; None dismisses them."""
        given = None if answers is None else [[*each] for each in answers]
        await self._ask(Answer(id=self._next_id(), run=run, request=request, answers=given))

    async def send(self, run: str, text: str, *, files: Sequence[str] = (), model: str = "", agent: str = "") -> None:
        """Ask a run something more, with files attached; ``model`` and ``agent`` hold from here on."""
        await self._ask(Send(id=self._next_id(), run=run, text=text, files=[*files], model=model, agent=agent))

    async def abort(self, run: str) -> None:
        """End what a run does now; the run stays."""
        await self._ask(Abort(id=self._next_id(), run=run))

    async def fork(self, run: str, text: str) -> str:
        """Make a new run that goes on from where one stands; give its name."""
        return (await self._ask(Fork(id=self._next_id(), run=run, text=text), Forked)).run

    async def revert(self, run: str, *, undo: bool = False) -> None:
        """Take back what a run changed since its last prompt, or bring that back."""
        await self._ask(Revert(id=self._next_id(), run=run, undo=undo))

    async def settle(self, run: str, how: How, message: str = "", *, anyway: bool = False) -> None:
        """Do something with what a run that is over changed in its worktree; see `octui.workspace.settle.settle`.

        Raises:
            UncommittedWorkError: Work would be lost or overwritten; of one that is applied, ``anyway`` goes on.
            ConflictError: The changes do not fit.
            ControlError: The supervisor is gone, or refuses for another reason.
        """
        await self._ask(Settle(id=self._next_id(), run=run, how=how, message=message, anyway=anyway))

    async def acknowledge(self, run: str, reasons: Iterable[Attention]) -> None:
        """Say that somebody has seen why a run wants to be looked at."""
        await self._ask(Acknowledge(id=self._next_id(), run=run, reasons=[*reasons]))

    async def choices(self, run: str) -> tuple[list[str], list[str]]:
        """Give the models and the agents a run can have."""
        offered = await self._ask(Choices(id=self._next_id(), run=run), Offered)
        return offered.models, offered.agents

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

    async def _ask(
        self,
        request: Request,
        kind: type[Answered] = Done,  # type: ignore[assignment]  # A type variable has no default in Python 3.11.
    ) -> Answered:
        response = await self._exchange(request)
        if isinstance(response, Refused):
            raise _error_of(response)
        if not isinstance(response, kind):
            raise ControlError("The session's supervisor answers something else than was asked.")
        return response

    async def _exchange(self, request: Request) -> Response:
        number = _GREETING if isinstance(request, Hello) else request.id
        self._awaited.add(number)
        try:
            with anyio.fail_after(None if isinstance(request, _AT_LENGTH) else ANSWER_TIMEOUT_S):
                await self._send(encode(request) + b"\n")
                return await self._answer_to(number)
        except TimeoutError as error:
            raise ControlError(_GONE, hint="It may be busy; try again.") from error
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead) as error:
            self.is_broken = True
            if isinstance(request, Shutdown):
                return Done(id=request.id)  # It may be gone before its answer is out.
            raise ControlError(_GONE, hint=_GONE_HINT) from error
        except (anyio.DelimiterNotFound, msgspec.MsgspecError, RecursionError) as error:
            self.is_broken = True
            raise ControlError("The session's supervisor answers in a way octui does not know.") from error
        finally:
            self._awaited.discard(number)
            self._answers.pop(number, None)

    async def _send(self, line: bytes) -> None:
        async with self._sending:
            try:
                await self._stream.send(line)
            except BaseException:
                self.is_broken = True  # Half a line may be out.
                raise

    async def _answer_to(self, number: int) -> Response:
        """Wait for an answer. One of those that wait reads, and leaves to the others what is theirs."""
        while number not in self._answers:
            if self._is_reading:
                await self._news.wait()
                continue
            self._is_reading = True
            try:
                self._sort_in(decode_response(await self._lines.receive_until(b"\n", MAX_LINE_BYTES)))
            finally:
                self._is_reading = False
                self._news.set()
                self._news = anyio.Event()
        return self._answers[number]

    def _sort_in(self, response: Response) -> None:
        number = _GREETING if isinstance(response, Welcome) else response.id
        if isinstance(response, Refused) and number == _GREETING:
            self._answers.update(dict.fromkeys(self._awaited, response))  # Nobody can tell whose it is.
        elif number in self._awaited:
            self._answers[number] = response  # Any other is an answer that nobody waits for any more.


def _error_of(refused: Refused) -> OctuiError:
    match refused.kind:
        case "uncommitted":
            return UncommittedWorkError(refused.why, refused.files, hint=refused.hint)
        case "conflict":
            return ConflictError(refused.why, refused.files, hint=refused.hint)
    return ControlError(refused.why, hint=refused.hint)


def request(path: str | Path, message: Order) -> None:
    """Ask one thing and leave, from code that is not asynchronous.

    Raises:
        ControlError: The supervisor is gone or refuses.
        WorkspaceError: It refuses to settle a worktree.
    """

    async def ask() -> None:
        client = await ControlClient.connect(path)
        try:
            await client._ask(message)
        finally:
            await client.close()

    anyio.run(ask)
