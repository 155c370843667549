"""One attempt of a run: its temporary folder, its process, and the end of both."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread

from octui import temporary
from octui.client import catalogue, compat, isolation, logins
from octui.client.command import build_command
from octui.client.config import RunConfig, model_of
from octui.client.environment import process_environment
from octui.client.executable import start_failure
from octui.client.guardian import guardian
from octui.client.limits import Limit, Limits, Vigil
from octui.client.lines import LineFramer
from octui.client.overrides import NamedAgents
from octui.client.process import Process
from octui.client.sinks import AttemptEnd
from octui.encoding import to_bytes
from octui.errors import OpenCodeBinaryNotFoundError

STDERR_BYTES = 1 << 20
"""How much of an attempt's stderr is kept in memory: its end, which says why it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What every attempt of a run starts with.

    Attributes:
        binary: The executable.
        version: Its version.
        prompt: Goes in on stdin, to the letter.
        workspace: Where it runs.
        config: A checked configuration.
        isolate_db: Whether it gets a private data home.
        named: Agents that the configuration of its folder names.
        is_unproven: Whether only opencode can tell if the overrides hold.
        limits: How long it may go on.
        grace_s: Seconds between asking its processes to end and killing them.
        stderr_path: The file stderr is appended to; None for a temporary one.
        arguments: What to call instead of ``run``, in the same surroundings.
    """

    binary: Path
    version: str
    prompt: str
    workspace: Path
    config: RunConfig
    isolate_db: bool
    named: NamedAgents
    is_unproven: bool
    limits: Limits
    grace_s: float
    stderr_path: Path | None = None
    arguments: tuple[str, ...] = ()


class Attempt:
    """A started attempt. Whoever has one must `end` it, with nothing awaited in between.

    Args:
        launch: What it starts with.
        turn: Its right to refresh logins; ended with its first event, or with the attempt.

    Attributes:
        process: The running opencode.
        warnings: What could not be used of the user's configuration, one sentence each.
        data: opencode's own folder of data and log.
    """

    def __init__(self, launch: Launch, turn: logins.Turn) -> None:
        """Start it.

        Raises:
            OpenCodeBinaryNotFoundError: The executable does not start.
            OSError: A file cannot be written.
        """
        self._mark = uuid.uuid4().hex
        self._grace_s = launch.grace_s
        self._vigil = Vigil(launch.limits, anyio.current_time())
        self._limit: Limit | None = None
        self._framer = LineFramer()
        self._turn = turn
        self._prints_events = not launch.arguments
        self._private_logins: Path | None = None
        self._folder = temporary.make_folder("run")
        try:
            homes = isolation.prepare(
                self._folder,
                os.environ,
                private_data=launch.isolate_db and not _continues(launch.config),
                inherit_user_config=launch.config.inherit_user_config,
                keep=launch.config.keep,
            )
            self.warnings = homes.warnings
            self.data = homes.data
            if "XDG_DATA_HOME" in homes.variables:
                self._private_logins = homes.data
            command = build_command(launch.config, version=launch.version, named=launch.named)
            own = {compat.TEMPORARY_VARIABLE: str(self._folder), **command.variables, "PWD": str(launch.workspace)}
            env = process_environment(os.environ, homes, own)
            if _works_where_it_is_known(launch):
                env |= catalogue.narrow(self._folder, homes, env, model_of(launch.config))
            self._stderr = open_private(launch.stderr_path or self._folder / "stderr")
            self._stderr_offset = os.fstat(self._stderr.fileno()).st_size
            guardian.watch(self._mark, self._folder)
            with tempfile.TemporaryFile(dir=self._folder) as stdin:
                stdin.write(to_bytes(launch.prompt))
                stdin.seek(0)
                self.process = Process(
                    [str(launch.binary), *(launch.arguments or command.arguments)],
                    cwd=launch.workspace,
                    env=env,
                    stdin=stdin,
                    stderr=self._stderr,
                    mark=self._mark,
                )
        except BaseException as error:
            self._clear()
            if isinstance(error, OSError) and error.filename == str(launch.binary):
                raise OpenCodeBinaryNotFoundError(
                    f"{launch.binary} does not start: {start_failure(launch.binary, error)}.",
                    hint="Run `octui doctor`.",
                ) from error
            raise

    async def read(self) -> tuple[bytes, list[bytes]]:
        """Give the next chunk of stdout, and the lines it completes.

        The chunk is empty when all is read or a limit is met; a last line without its end comes with it.
        """
        moment, limit = self._vigil.next
        if self.process.exit_code is not None:
            moment, limit = math.inf, None  # It met none; what it left behind is read, however slow its reader is.
        with anyio.CancelScope(deadline=moment) as scope:
            chunk = await self.process.read()
        if scope.cancelled_caught:
            chunk, self._limit = b"", limit
        return chunk, self._frame(chunk)

    async def end(self, output: Callable[[bytes], Awaitable[None]]) -> AttemptEnd:
        """End every process of the attempt, remove its folder, and say how it went. See `Process.end`."""

        async def late(data: bytes) -> None:
            self._frame(data)
            await output(data)

        try:
            await self.process.end(self._grace_s, late)
            self._frame(b"")
            return AttemptEnd(
                exit_code=self.process.exit_code,
                limit=self._limit,
                stderr=self._stderr_text(),
                has_spoken=self._vigil.has_spoken,
            )
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._clear)

    def _frame(self, chunk: bytes) -> list[bytes]:
        lines = self._framer.feed(chunk) if chunk else self._framer.end()
        if lines:
            if self._prints_events:
                self._turn.spoken()
            self._vigil.saw(lines, anyio.current_time())
        return lines

    def _stderr_text(self) -> str:
        end = os.fstat(self._stderr.fileno()).st_size
        start = max(self._stderr_offset, end - STDERR_BYTES)
        return os.pread(self._stderr.fileno(), end - start, start).decode("utf-8", "replace")

    def _clear(self) -> None:
        with suppress(AttributeError):
            self._stderr.close()
        if self._private_logins is not None:
            logins.reclaim_logins(logins.real_folder(os.environ), self._private_logins)
        self._turn.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        guardian.release(self._mark)


def _works_where_it_is_known(launch: Launch) -> bool:
    """Whether its models are its user's and its configuration's alone."""
    is_elsewhere = launch.config.remote_dir is not None or "dir" in launch.config.cli_kwargs
    reads_file = compat.reads_models_file(launch.version)
    return reads_file and not is_elsewhere and not catalogue.brings_providers(launch.workspace)


def _continues(config: RunConfig) -> bool:
    """Whether the run goes on with a session that lives in the shared database."""
    return config.attach is None and (config.continue_session or config.session_id is not None)


def open_private(path: Path) -> IO[bytes]:
    """Open a file for appending and reading; a new one is its user's alone."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab+", buffering=0)
