"""A command of the user's, run as a run is: in a session of its own, with a mark, and nothing of it left behind."""

from __future__ import annotations

import math
import os
import shutil
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import anyio
import anyio.to_thread

from octui import temporary
from octui.client import compat
from octui.client.guardian import guardian
from octui.client.process import Process

GRACE_S = 5.0

_SHELL = ("/bin/sh", "-c", 'exec /bin/sh -c "$1" 2>&1', "sh")
"""Both kinds of output go into one pipe, so that they are recorded in the order in which they came."""


async def run_command(
    command: str,
    folder: Path,
    env: Mapping[str, str],
    output: Callable[[bytes], Awaitable[None]],
    timeout_s: float | None = None,
) -> int | None:
    """Run a shell's command to its end; give its exit code, None where its time was up.

    What it leaves running in the background is ended, too.

    Args:
        command: For ``/bin/sh``.
        folder: Where it runs.
        env: Its whole environment.
        output: Gets what it prints, on stdout and stderr.
        timeout_s: Seconds it may take; None for no limit.

    Raises:
        OSError: It cannot be started.
    """
    mark, home = uuid.uuid4().hex, temporary.make_folder("run")
    try:
        guardian.watch(mark, home)
        process = _spawn(command, folder, {**env, compat.TEMPORARY_VARIABLE: str(home)}, mark)
        try:
            with anyio.move_on_after(math.inf if timeout_s is None else timeout_s) as scope:
                while chunk := await process.read():
                    await output(chunk)
        finally:
            await process.end(GRACE_S, output)
        return None if scope.cancelled_caught else process.exit_code
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(home, ignore_errors=True))
        guardian.release(mark)


def _spawn(command: str, folder: Path, env: Mapping[str, str], mark: str) -> Process:
    null = Path(os.devnull)
    with null.open("rb") as stdin, null.open("ab") as stderr:
        env = {**env, "PWD": str(folder)}
        return Process([*_SHELL, command], cwd=folder, env=env, stdin=stdin, stderr=stderr, mark=mark)
