"""Starting a session's supervisor: a process of its own, detached from the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from octui.client.environment import with_absolute_paths
from octui.encoding import decode_json, encode_json
from octui.errors import ControlError, OctuiError, RecordingError
from octui.plan.model import Plan
from octui.plan.source import PlanSource
from octui.plan.writing import plan_to_json

NO_PLAN = b""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a new supervisor reads from its stdin: never from its arguments, which everybody can see.

    Attributes:
        plan: From `plan_to_json`.
        binary: The opencode to run.
        sessions_dir: Where the session folder goes.
        source: The file the plan was read from, where it was.
        session: The folder of a session to take up again, instead of beginning one: with the plan it was made of, or
            none where that need not be given.
        resume: Whether what did not succeed there begins anew.
    """

    plan: bytes = NO_PLAN
    binary: str | None = None
    sessions_dir: str | None = None
    source: PlanSource | None = None
    session: str | None = None
    resume: bool = False


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What it says on its stdout: where the session is, or what went wrong, in one line."""

    session: str = ""
    error: str = ""
    hint: str = ""


_order_decoder = msgspec.json.Decoder(Order)
_ready_decoder = msgspec.json.Decoder(Ready)


def read_order(data: bytes) -> Order:
    """Read an order.

    Raises:
        ControlError: It is none.
    """
    try:
        return decode_json(data, _order_decoder)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ControlError("A supervisor is started by octui itself.", hint="Run `octui` or `octui run`.") from error


def start_supervisor(
    plan: Plan,
    *,
    binary: str | Path | None = None,
    sessions_dir: Path | None = None,
    source: PlanSource | None = None,
) -> Path:
    """Start a supervisor that works on without us, and give the session's folder.

    Args:
        plan: What it runs.
        binary: The opencode to run; looked for by default.
        sessions_dir: Where the session folder goes; the user's data folder by default.
        source: The file the plan was read from, where it was.

    Raises:
        OctuiError: It did not get ready, with the reason it gave.
    """
    order = Order(
        plan=plan_to_json(plan),
        binary=str(binary) if binary else None,
        sessions_dir=str(sessions_dir.absolute()) if sessions_dir else None,
        source=source,
    )
    return _start(order)


def take_up_session(
    session: Path, *, binary: str | Path | None = None, resume: bool = False, given: Plan | None = None
) -> None:
    """Start a supervisor for a session that is over, whose runs can be gone on with.

    Args:
        session: Its folder.
        binary: The opencode to run; by default the one it had.
        resume: Whether the runs that did not succeed begin anew; otherwise none starts by itself.
        given: The plan it was made of, as far as that has to be given again.

    Raises:
        OctuiError: It cannot be taken up, and why.
    """
    plan = plan_to_json(given) if given else NO_PLAN
    _start(Order(session=str(session.absolute()), binary=str(binary) if binary else None, resume=resume, plan=plan))


def _start(order: Order) -> Path:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "octui", "supervise"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=with_absolute_paths(os.environ),
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(encode_json(order))
        ready = _read_ready(process.stdout)
    if ready.error:
        raise OctuiError(ready.error, hint=ready.hint)
    if not ready.session:
        raise RecordingError("The session's supervisor could not be started.", hint="Run `octui doctor`.")
    return Path(ready.session)


def _read_ready(stdout: IO[bytes]) -> Ready:
    try:
        return decode_json(stdout.readline(), _ready_decoder)
    except msgspec.MsgspecError:
        return Ready()
