"""An ``opencode serve`` of our own: started on 127.0.0.1 with a password of its own, and ended with all it started."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread

from octui import temporary
from octui.client import catalogue, compat, isolation, logins
from octui.client.attempt import open_private
from octui.client.command import server_command
from octui.client.config import RunConfig
from octui.client.environment import process_environment
from octui.client.executable import start_failure
from octui.client.guardian import guardian
from octui.client.lines import LineFramer
from octui.client.overrides import NO_AGENTS, NamedAgents
from octui.client.process import Process
from octui.errors import OpenCodeBinaryNotFoundError, ServerError
from octui.program_output import reason

READY_S = 60.0
"""How long a server may take until it listens: 1 to 3 s on an idle machine."""

LOG_TAIL_BYTES = 8192
_LISTENING = re.compile(rb"listening on (http://\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLaunch:
    """What a server starts with.

    Attributes:
        binary: The executable.
        config: What of it is the server's: config, MCP servers, environment; the rest is each session's.
        named: Agents that the configuration of its folders names.
        isolate_db: Whether it gets a private data home.
        data_dir: Where that is, to be found again by the next server; None for a temporary one.
        log_path: A file to which what it says is appended; None for a temporary one.
        grace_s: Seconds between asking its processes to end and killing them.
        narrow_models: Whether no folder it will work in has providers of its own (`catalogue.brings_providers`).
    """

    binary: Path
    config: RunConfig
    named: NamedAgents = NO_AGENTS
    isolate_db: bool = True
    data_dir: Path | None = None
    log_path: Path | None = None
    grace_s: float = 5.0
    narrow_models: bool = False


class OpenCodeServer:
    """A server that listens. Use `running`.

    Attributes:
        url: Where it listens.
        password: What it wants to be told.
        warnings: What could not be used of the user's configuration, one sentence each.
        data: opencode's own folder of data and log.
    """

    def __init__(
        self, process: Process, url: str, password: str, homes: isolation.Homes, said: Callable[[], str]
    ) -> None:
        self._process = process
        self._said = said
        self.url = url
        self.password = password
        self.warnings = homes.warnings
        self.data = homes.data

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """What it said of the reason for its end; empty where it said nothing."""
        return self._said()

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative where a signal ended it; None while it lives."""
        return self._process.exit_code

    async def wait(self) -> int:
        """Wait until it is gone; give its exit code."""
        while await self._process.read():
            pass  # What it says after it listens is of no use, but it must not wait for a reader.
        return await self._process.wait()


@asynccontextmanager
async def running(launch: ServerLaunch) -> AsyncIterator[OpenCodeServer]:
    """Run a server for as long as the block does; afterwards no process of it is left, and nothing it started.

    Raises:
        OpenCodeBinaryNotFoundError: The executable does not start.
        ServerError: It did not get ready, with what it said last.
    """
    password = secrets.token_urlsafe(24)
    mark = uuid.uuid4().hex
    folder = temporary.make_folder("run")
    process: Process | None = None
    log: IO[bytes] | None = None
    private_logins: Path | None = None
    try:
        homes = isolation.prepare(
            folder,
            os.environ,
            private_data=launch.isolate_db,
            inherit_user_config=launch.config.inherit_user_config,
            keep=launch.config.keep,
            data_dir=launch.data_dir,
        )
        if "XDG_DATA_HOME" in homes.variables:
            private_logins = homes.data
        command = server_command(launch.config, password=password, named=launch.named)
        own = {compat.TEMPORARY_VARIABLE: str(folder), **command.variables, "PWD": str(folder)}
        env = process_environment(os.environ, homes, own)
        if launch.narrow_models:
            env |= catalogue.narrow(folder, homes, env)
        log = open_private(launch.log_path or folder / "server.log")
        log_begins = os.fstat(log.fileno()).st_size
        guardian.watch(mark, folder)
        with tempfile.TemporaryFile(dir=folder) as nothing:
            process = Process(
                [str(launch.binary), *command.arguments], cwd=folder, env=env, stdin=nothing, stderr=log, mark=mark
            )
        url = await _wait_until_it_listens(process, log, log_begins, launch.config.port)
        yield OpenCodeServer(process, url, password, homes, partial(_reason_in, log, log_begins))
    except OSError as error:
        if error.filename == str(launch.binary):
            raise OpenCodeBinaryNotFoundError(
                f"{launch.binary} does not start: {start_failure(launch.binary, error)}.", hint="Run `octui doctor`."
            ) from error
        raise
    finally:
        with anyio.CancelScope(shield=True):
            if process is not None:
                await process.end(launch.grace_s, _discard)
            if log is not None:
                log.close()
            if private_logins is not None:
                logins.reclaim_logins(logins.real_folder(os.environ), private_logins)
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))
            guardian.release(mark)


async def _wait_until_it_listens(process: Process, log: IO[bytes], log_begins: int, port: int | None) -> str:
    framer = LineFramer()
    said: list[bytes] = []
    with anyio.move_on_after(READY_S):
        while chunk := await process.read():
            for line in framer.feed(chunk):
                if match := _LISTENING.search(line):
                    return match[1].decode()
                said.append(line)
        code = await process.wait()
        if port and _is_taken(port):  # 1.18 says nothing but "ServeError" of it.
            raise ServerError(f"Port {port} is taken.", hint="Leave `port` out, and a free one is found.")
        raise ServerError(f"opencode serve ended with exit code {code}{_why(said, log, log_begins)}.")
    raise ServerError(f"opencode serve did not get ready within {READY_S:g} s{_why(said, log, log_begins)}.")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _why(said: list[bytes], log: IO[bytes], log_begins: int) -> str:
    """What it said of its end, in its log from a byte on, or else on stdout."""
    found = _reason_in(log, log_begins) or reason(b"\n".join(said))
    return f": {found}" if found else ""


def _reason_in(log: IO[bytes], begins: int) -> str:
    with suppress(OSError, ValueError):  # The latter where it is closed already.
        end = os.fstat(log.fileno()).st_size
        return reason(os.pread(log.fileno(), LOG_TAIL_BYTES, max(begins, end - LOG_TAIL_BYTES)))
    return ""


async def _discard(data: bytes) -> None:
    """What a server says on its stdout tells nothing of a run."""
