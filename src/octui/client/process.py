"""One child process: spawn it, read its output in chunks, end it with everything it started."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import anyio
import anyio.lowlevel
import psutil

MARK = "OCTUI_RUN_MARK"
"""The environment variable all processes of an attempt inherit; it finds those that left its group."""

GATHER_S = 0.02
"""How long small output may gather."""

MUCH_BYTES = 1 << 15
"""So much output is read on without a pause: half of what a pipe holds."""

BUSY_S = 0.05
"""A process that printed nothing for so long is awaited together with its end, which is dearer to set up."""

READ_BYTES = 1 << 18
DRAIN_CHUNKS = 256
POLL_S = 0.05
KILL_ROUNDS = 40
"""How often, `POLL_S` apart, KILL is sent again to what is still there: a process may be born while others die."""

REAP_S = 2.0
"""How long to wait for the process itself to be gone: with a dead first thread it looks dead (a zombie) while others
of its threads still hold its ports and files. Nobody else takes its exit code, without which it would stay a zombie."""


class Process:
    """A running child in a session of its own, its stdout a pipe to us and its stderr a file.

    The child's pid is also the id of its group. Whoever makes one must call `end`, with nothing awaited in between.

    Args:
        argv: The command; its first word is a path.
        cwd: Where it runs.
        env: Its whole environment; `MARK` is added.
        stdin: A file that ends: opencode waits for ever on a stdin that stays open.
        stderr: A file open for appending: unlike a pipe it can neither fill nor be held open by what the child started.
        mark: Unique to this attempt.

    Raises:
        OSError: The process cannot be started.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: IO[bytes], stderr: IO[bytes], mark: str
    ) -> None:
        self._popen = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**env, MARK: mark},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        self._mark = mark
        self._stdout = self._popen.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._read_at = -math.inf

    @property
    def pid(self) -> int:
        """The process id; also the id of its group and session."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative where a signal ended it; None while the process lives."""
        return self._popen.poll()

    async def read(self) -> bytes:
        """Give the next chunk of stdout as soon as there is any; empty when the process is gone and all is read.

        A grandchild that holds the pipe open does not keep this waiting: what is in the pipe when the process itself is
        gone is read without waiting for the pipe's end.
        """
        while True:
            await self._pace()
            ended = self.exit_code is not None
            with suppress(BlockingIOError):
                chunk = os.read(self._stdout.fileno(), READ_BYTES)
                if chunk:
                    self._read_at = math.inf if len(chunk) > MUCH_BYTES else time.monotonic()
                    return chunk
                await self.wait()
                return b""
            if ended:
                return b""
            await self._readable_or_gone()

    async def _pace(self) -> None:
        """Let other tasks, or a cancel, have their turn; let small output gather for a moment before it is read.

        The first output after a pause is read at once. What comes drop by drop would cost a whole processor otherwise:
        the price of reading is by the chunk.
        """
        soon = self._read_at + GATHER_S - time.monotonic()
        await anyio.sleep(soon if 0 < soon <= GATHER_S else 0)

    async def _readable_or_gone(self) -> None:
        with anyio.move_on_after(BUSY_S):
            await anyio.wait_readable(self._stdout)
            return
        async with anyio.create_task_group() as group:

            async def first(wait: Callable[[], Awaitable[object]]) -> None:
                await wait()
                group.cancel_scope.cancel()

            group.start_soon(first, lambda: anyio.wait_readable(self._stdout))
            group.start_soon(first, self.wait)

    async def wait(self) -> int:
        """Wait for the process itself, whatever those it started do; give its exit code."""
        pidfd = _open_pidfd(self.pid) if self.exit_code is None else None
        try:
            while (code := self.exit_code) is None:
                if pidfd is None:
                    await anyio.sleep(POLL_S)
                else:
                    await anyio.wait_readable(pidfd)
            return code
        finally:
            if pidfd is not None:
                os.close(pidfd)

    async def end(self, grace_s: float, output: Callable[[bytes], Awaitable[None]]) -> None:
        """End the process and everything it started: TERM, up to ``grace_s`` seconds of grace, KILL.

        Shielded from cancellation, and every wait in it is bounded. Cheap when all are gone already.

        Args:
            grace_s: Seconds between TERM and KILL.
            output: Gets what is still printed meanwhile: it belongs to the run, and a child that is blocked on a full
                pipe could not leave.

        Raises:
            Exception: What ``output`` raised first, once all are gone; it is not called again after that.
        """
        relay = _Relay(output)
        with anyio.CancelScope(shield=True):
            try:
                left = self._survivors()
                if left:
                    _signal(left, signal.SIGTERM)
                    give_up = time.monotonic() + grace_s
                    while left and time.monotonic() < give_up:
                        await self._drain(relay.pass_on)
                        await anyio.sleep(POLL_S)
                        left = self._survivors(left)
                for _ in range(KILL_ROUNDS):
                    if not left:
                        break
                    _signal(left, signal.SIGKILL)
                    await anyio.sleep(POLL_S)
                    left = self._survivors(left)
                await self._drain(relay.pass_on)
                with anyio.move_on_after(REAP_S):
                    await self.wait()
            finally:
                self._stdout.close()
        if relay.error is not None:
            raise relay.error

    async def _drain(self, output: Callable[[bytes], Awaitable[None]]) -> None:
        """Pass on what is in the pipe right now, at most a bounded amount: a flood must not keep us from ending it."""
        with suppress(BlockingIOError):
            for _ in range(DRAIN_CHUNKS):
                chunk = os.read(self._stdout.fileno(), READ_BYTES)
                if not chunk:
                    return
                await output(chunk)

    def _survivors(self, known: Sequence[psutil.Process] = ()) -> list[psutil.Process]:
        """Those of the attempt that live: known ones, their descendants, and whatever bears the mark."""
        found = {process.pid: process for process in bearers_of(self._mark)}
        roots = list(known)
        if self.exit_code is None:
            with suppress(psutil.NoSuchProcess):
                roots.append(psutil.Process(self.pid))
        for process in roots:
            if is_alive(process):
                found[process.pid] = process
                with suppress(psutil.Error):
                    found.update((child.pid, child) for child in process.children(recursive=True))
        return [process for process in found.values() if is_alive(process)]


class _Relay:
    """Passes output on until that fails: an end must come to its end all the same."""

    def __init__(self, output: Callable[[bytes], Awaitable[None]]) -> None:
        self.error: Exception | None = None
        self._output = output

    async def pass_on(self, chunk: bytes) -> None:
        if self.error is None:
            try:
                await self._output(chunk)
            except Exception as error:
                self.error = error


def bearers_of(mark: str) -> Iterator[psutil.Process]:
    """Find the living processes whose environment bears a mark.

    A process shows its environment only to its own user and to root; others cannot be ours.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark:
                yield process


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs still; one that only waits to be reaped does not."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)


def _open_pidfd(pid: int) -> int | None:
    """Open a descriptor that becomes readable when the process ends (Linux); None where there is no such thing."""
    if not hasattr(os, "pidfd_open"):
        return None
    with suppress(OSError):
        return os.pidfd_open(pid)
    return None
