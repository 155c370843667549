"""Starting a session's supervisor: a process of its own, detached from the terminal."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from octui.errors import ControlError, OctuiError, RecordingError
from octui.plan.model import Plan
from octui.plan.toml import plan_from_json, plan_to_json


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a new supervisor reads from its stdin: never from its arguments, which everybody can see.

    Attributes:
        plan: From `plan_to_json`.
        binary: The opencode to run.
        sessions_dir: Where the session folder goes.
    """

    plan: msgspec.Raw
    binary: str | None = None
    sessions_dir: str | None = None


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What it says on its stdout: where the session is, or what went wrong, in one line."""

    session: str = ""
    error: str = ""
    hint: str = ""


def read_order(data: bytes) -> tuple[Plan, str | None, Path | None]:
    """Read an order: the plan, the binary, the folder for sessions.

    Raises:
        PlanError: The plan is none.
        ControlError: It is no order.
    """
    try:
        order = msgspec.json.decode(data, type=Order)
    except msgspec.MsgspecError as error:
        raise ControlError("A supervisor is started by octui itself.", hint="Run `octui` or `octui run`.") from error
    sessions_dir = Path(order.sessions_dir) if order.sessions_dir else None
    return plan_from_json(bytes(order.plan)), order.binary, sessions_dir


def start_supervisor(plan: Plan, *, binary: str | Path | None = None, sessions_dir: Path | None = None) -> Path:
    """Start a supervisor that works on without us, and give the session's folder.

    Args:
        plan: What it runs.
        binary: The opencode to run; looked for by default.
        sessions_dir: Where the session folder goes; the user's data folder by default.

    Raises:
        OctuiError: It did not get ready, with the reason it gave.
    """
    order = Order(
        plan=msgspec.Raw(plan_to_json(plan)),
        binary=str(binary) if binary else None,
        sessions_dir=str(sessions_dir.absolute()) if sessions_dir else None,
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "octui", "supervise"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(msgspec.json.encode(order))
        ready = _read_ready(process.stdout)
    if ready.error:
        raise OctuiError(ready.error, hint=ready.hint)
    if not ready.session:
        raise RecordingError("The session's supervisor could not be started.", hint="Run `octui doctor`.")
    return Path(ready.session)


def _read_ready(stdout: IO[bytes]) -> Ready:
    try:
        return msgspec.json.decode(stdout.readline(), type=Ready)
    except msgspec.MsgspecError:
        return Ready()
