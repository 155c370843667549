"""The supervisor's end of the control socket.

Screens come and go, several at a time. What they send is not trusted: a line that is too long, garbled or unknown is
refused and harms nobody, and only the session's own user gets an answer.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import msgspec
from anyio.abc import SocketAttribute, SocketStream

from octui.control.messages import (
    MAX_LINE_BYTES,
    PROTOCOL,
    Done,
    Hello,
    Order,
    Refused,
    Response,
    Welcome,
    decode_request,
    encode,
)
from octui.errors import ConflictError, ControlError, OctuiError, UncommittedWorkError
from octui.paths import make_private

MAX_PATH_BYTES = 103
"""What every system takes: macOS has room for 104 bytes with the final zero, Linux for 108."""

Handler = Callable[[Order], Awaitable[Response | None]]
"""Carries a request out and gives its answer, None for one that it is done; raises an `OctuiError` to refuse it."""


class ControlServer:
    """Listens for screens.

    Args:
        path: The socket; see `new_socket_path`.
        welcome: What is said to each.
        handle: Carries out what they ask for.
    """

    def __init__(self, path: Path, welcome: Welcome, handle: Handler) -> None:
        self.path = path
        self.connections = 0
        self._welcome = welcome
        self._handle = handle

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen for as long as the block runs; the socket is gone afterwards."""
        async with (
            await anyio.create_unix_listener(self.path, mode=0o600) as listener,
            anyio.create_task_group() as group,
        ):
            group.start_soon(listener.serve, self._serve)
            try:
                yield
            finally:
                group.cancel_scope.cancel()
                with suppress(OSError):
                    self.path.unlink()

    async def _serve(self, stream: SocketStream) -> None:
        async with stream:
            if not _is_own_user(stream.extra(SocketAttribute.raw_socket)):
                return
            self.connections += 1
            try:
                await self._converse(stream)
            finally:
                self.connections -= 1

    async def _converse(self, stream: SocketStream) -> None:
        """Answer what a screen asks; whoever hangs up leaves what was asked for to be done all the same."""
        sending = anyio.Lock()

        async def send(message: Response) -> None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async with sending:
                    await stream.send(encode(message) + b"\n")

        async def answer(request: Order) -> None:
            await send(await self._answer(request))

        async with anyio.create_task_group() as group:
            greeted = False
            async for line in _lines(stream):
                if line is None:
                    await send(Refused(id=0, why="The line is too long."))
                    return
                try:
                    request = decode_request(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    await send(Refused(id=_number_of(line), why="That is no request octui knows."))
                    continue
                if isinstance(request, Hello):
                    if request.protocol != PROTOCOL:
                        why = f"This session's supervisor is octui {self._welcome.octui}, which speaks otherwise."
                        await send(Refused(id=0, why=why))
                        return
                    greeted = True
                    await send(self._welcome)
                elif not greeted:
                    await send(Refused(id=request.id, why="Say hello first."))
                else:
                    group.start_soon(answer, request)  # The next one is not held up by what takes minutes.

    async def _answer(self, request: Order) -> Response:
        try:
            return await self._handle(request) or Done(id=request.id)
        except OctuiError as error:
            return _refusal(request.id, error)


def _refusal(number: int, error: OctuiError) -> Refused:
    files = [name.encode("utf-8", "replace").decode() for name in getattr(error, "files", ())]
    match error:
        case UncommittedWorkError():
            return Refused(id=number, why=error.message, hint=error.hint, kind="uncommitted", files=files)
        case ConflictError():
            return Refused(id=number, why=error.message, hint=error.hint, kind="conflict", files=files)
    return Refused(id=number, why=error.message, hint=error.hint)


def new_socket_path(runtime_dir: Path) -> Path:
    """Choose a path for a new socket in a folder that only its user can enter; stale ones in it are removed.

    Raises:
        ControlError: The folder belongs to somebody else, or its path is too long for a socket.
    """
    try:
        make_private(runtime_dir)
        found = runtime_dir.lstat()
    except OSError as error:
        raise ControlError(f"{runtime_dir} cannot be used for sockets: {error.strerror}.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ControlError(f"{runtime_dir} belongs to somebody else.", hint="Set XDG_RUNTIME_DIR to a folder of yours.")
    if found.st_mode & 0o077:
        runtime_dir.chmod(0o700)
    chosen = runtime_dir / f"{secrets.token_hex(6)}.sock"
    if len(os.fsencode(chosen)) > MAX_PATH_BYTES:
        raise ControlError(
            f"{runtime_dir} has too long a name for a socket.",
            hint="Set XDG_RUNTIME_DIR to a folder with a shorter one.",
        )
    for path in runtime_dir.glob("*.sock"):
        if _is_stale(path):
            path.unlink(missing_ok=True)
    return chosen


def _is_stale(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _is_own_user(raw: socket.socket) -> bool:
    """Whether the peer is the user of this process, where the system tells; the folder's mode guards elsewhere."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, uid, _ = struct.unpack("3i", raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return uid in (os.getuid(), 0)


class _Numbered(msgspec.Struct):
    id: int = 0


def _number_of(line: bytes) -> int:
    """The number of what is no request; 0 where it has none."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(line, type=_Numbered).id
    return 0


async def _lines(stream: SocketStream) -> AsyncIterator[bytes | None]:
    """The lines of a stream, without their ends; None for one that is too long, after which there are no more."""
    buffer = b""
    while True:
        line, newline, rest = buffer.partition(b"\n")
        if newline:
            buffer = rest
            yield line
        elif len(buffer) > MAX_LINE_BYTES:
            yield None
            return
        else:
            try:
                buffer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return
