"""The demo's model as a process of its own, which lives exactly as long as the session that needs it.

The dashboard may be closed while the agents go on, so the process is tied to the supervisor: it is started first, since
the plan holds its address, and is then told whom to follow. Nothing of it is left if any of them is killed: before it
follows anyone it ends with the pipe on its stdin, and afterwards with the process it follows. It is then the last one
to know of the demo's workspaces, and removes them.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, TextIO

import psutil

from octui.demo.model_server import ModelServer
from octui.demo.scenario import SECONDS_PER_TURN, scripts
from octui.errors import OctuiError

FOLDER_PREFIX = "octui-demo-"
"""How the name of a folder begins that is the demo's own, to be removed after it."""
_POLL_S = 0.5
_END_S = 5.0


class ModelProcess:
    """The demo's model in a process of its own; use it as a context manager.

    It has ended after the block, unless it was told to `follow` a process: then it ends with that one.

    Args:
        folder: As given to `octui.demo.scenario.prepare`.
        seconds_per_turn: How long the model takes over each turn.

    Raises:
        OctuiError: It did not start.
    """

    def __init__(self, folder: Path, seconds_per_turn: float = SECONDS_PER_TURN) -> None:
        # -P: modules that happen to lie in the current folder are none of ours.
        command = [sys.executable, "-P", "-m", "octui.demo", str(folder.resolve()), str(seconds_per_turn)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._following = False
        self.base_url = _stream(self._process.stdout).readline().strip()
        if not self.base_url:
            self.close()
            raise OctuiError("The demo's scripted model did not start.", hint="`octui doctor` may say why.")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def follow(self, pid: int) -> None:
        """Let it live exactly as long as the process ``pid``, whatever becomes of this one.

        Raises:
            OctuiError: It has ended already.
        """
        stdin = _stream(self._process.stdin)
        try:
            stdin.write(f"{pid}\n")
            stdin.flush()
        except BrokenPipeError:
            raise OctuiError("The demo's scripted model has ended.", hint="Start the demo again.") from None
        self._following = True

    def close(self) -> None:
        """Let go of it: it ends now if it follows nobody."""
        # What could not be written to a process that has ended is written once more at the close.
        with contextlib.suppress(BrokenPipeError):
            _stream(self._process.stdin).close()
        _stream(self._process.stdout).close()
        if not self._following:
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> ModelProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(folder: Path, seconds_per_turn: float, orders: TextIO, answers: TextIO) -> None:
    """What that process does: serve, tell where, end with whom it is told to follow, and then remove the folder.

    Args:
        folder: As given to `octui.demo.scenario.prepare`.
        seconds_per_turn: How long the model takes over each turn.
        orders: One line with the process id to follow; its end without one ends the service.
        answers: Gets one line, the base URL.
    """
    with ModelServer(scripts(folder, seconds_per_turn)) as server:
        print(server.base_url, file=answers, flush=True)
        order = orders.readline().strip()
        if order:
            wait_for_end(int(order))
    if order and folder.name.startswith(FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_end(pid: int) -> None:
    """Wait until a process, which need not be a child, has ended; a zombie has."""
    # psutil's own wait would take the exit code of a child away from whoever started it, and waits for zombies.
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_POLL_S)
    except psutil.NoSuchProcess:
        return


def _stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None, "the process is started with this pipe"
    return pipe
