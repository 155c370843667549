"""The two ways a supervisor runs: detached, as ``octui supervise``, and in the foreground, headless."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import anyio

from octui import __version__, paths, settings
from octui.client.binary import binary_version, find_binary
from octui.client.client import AsyncOpenCodeClient
from octui.control.messages import Welcome
from octui.control.server import ControlServer, new_socket_path
from octui.control.spawn import NO_PLAN, Ready, read_order
from octui.encoding import encode_json
from octui.errors import ControlError, OctuiError
from octui.fleet.leftovers import wait_until_gone
from octui.fleet.pacing import Gate
from octui.fleet.servers import ServerPool
from octui.fleet.supervisor import Supervisor
from octui.plan.backends import choose_backends
from octui.plan.model import Backend, Plan
from octui.plan.source import PlanSource
from octui.plan.toml import plan_from_json
from octui.recording.facts import AnyFact
from octui.recording.journal import AT_WORK, AT_WORK_HINT, Journal
from octui.recording.layout import SUPERVISOR_LOG
from octui.recording.resuming import resumption
from octui.recording.session import Session
from octui.recording.shelf import Retention, prune
from octui.recording.status import SessionStatus

INTERRUPTED_EXIT = 130

OnFact = Callable[[AnyFact], None]


class SessionInterrupted(KeyboardInterrupt):
    """A headless session was stopped by SIGINT, in order; all is written down in ``folder``."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder


def supervise() -> int:
    """Live as a detached supervisor: read an order from stdin, say where the session is, and run it to its end.

    Returns:
        The exit status.
    """
    if os.fork():
        os._exit(0)  # Who started us waits for this process only; the one that goes on is nobody's child.
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    answer = sys.stdout.fileno()
    try:
        order = read_order(sys.stdin.buffer.read())
        if order.session is not None:
            given = plan_from_json(order.plan, folders_may_be_gone=True) if order.plan != NO_PLAN else None
            take_up = SupervisedSession.resume if order.resume else SupervisedSession.take_up
            session = take_up(Path(order.session), order.binary, given)
        else:
            sessions_dir = Path(order.sessions_dir) if order.sessions_dir else None
            session = SupervisedSession.begin(
                plan_from_json(order.plan), order.binary, sessions_dir, default="serve", source=order.source
            )
        socket = new_socket_path(paths.runtime_dir())
    except OctuiError as error:
        _say(answer, Ready(error=error.message, hint=error.hint))
        return 1

    def ready() -> None:
        _say(answer, Ready(session=str(session.journal.folder)))
        _let_go_of_stdio(session.journal.folder)

    anyio.run(session.serve, socket, ready)
    return 0


def run_headless(
    plan: Plan,
    *,
    binary: str | Path | None = None,
    sessions_dir: Path | None = None,
    on_fact: OnFact | None = None,
    source: PlanSource | None = None,
) -> Path:
    """Run a plan in the foreground, tied to this process, and give the session's folder.

    SIGINT and SIGTERM stop all runs in order; a second one ends this process at once, and the runs' processes with it.

    Raises:
        OctuiError: The session could not begin.
        SessionInterrupted: It was stopped by SIGINT.
    """
    chosen = str(binary) if binary else None
    return _run(SupervisedSession.begin(plan, chosen, sessions_dir, on_fact, default="run", source=source))


def resume_headless(
    folder: Path,
    *,
    given: Plan | None = None,
    binary: str | Path | None = None,
    on_fact: OnFact | None = None,
) -> Path:
    """Run what did not succeed of a session that is over, as `run_headless` does, and give the session's folder.

    Args:
        folder: The session's folder.
        given: The plan it was made of, as far as that has to be given again.
        binary: The opencode to run; by default the one it had.
        on_fact: Is told every fact.

    Raises:
        OctuiError: The session cannot be resumed.
        SessionInterrupted: It was stopped by SIGINT.
    """
    return _run(SupervisedSession.resume(folder, str(binary) if binary else None, given, on_fact))


def _run(session: SupervisedSession) -> Path:
    if anyio.run(session.run) == signal.SIGINT:
        raise SessionInterrupted(session.journal.folder)
    return session.journal.folder


class SupervisedSession:
    """A plan, its journal and its supervisor."""

    def __init__(
        self,
        plan: Plan,
        binary: Path,
        journal: Journal,
        before: SessionStatus | None,
        on_fact: OnFact | None = None,
        *,
        anew: Collection[str] = (),
        worked_s: float = 0.0,
    ) -> None:
        self.journal = journal
        self._plan = plan
        self._binary = binary
        self._opencode = binary_version(binary, paths.versions_file())
        self._before = before
        self._anew = anew
        self._worked_s = worked_s
        self._on_fact = on_fact
        self._signal: signal.Signals | None = None

    @classmethod
    def begin(
        cls,
        plan: Plan,
        binary: str | None,
        sessions_dir: Path | None,
        on_fact: OnFact | None = None,
        *,
        default: Backend,
        source: PlanSource | None = None,
    ) -> SupervisedSession:
        """Begin a session; ``default`` is for the runs that leave their backend open, ``source`` the plan's file."""
        path = find_binary(binary)
        version = binary_version(path, paths.versions_file())
        plan = choose_backends(plan, default, version=version, source=plan.name)
        journal = Journal.create(
            sessions_dir or paths.sessions_dir(),
            plan,
            opencode_version=version,
            binary=str(path),
            octui_version=__version__,
            source=source,
        )
        _let_old_ones_go(journal.folder.parent)
        return cls(plan, path, journal, None, on_fact)

    @classmethod
    def take_up(cls, folder: Path, binary: str | None, given: Plan | None = None) -> SupervisedSession:
        """Go on with a session that is over, with the opencode it had where nobody says otherwise.

        None of its runs starts by itself. ``given`` is the plan it was made of, as far as that has to be given again.
        """
        recorded = Session.open(folder)
        if recorded.is_live:
            raise ControlError(AT_WORK, hint=AT_WORK_HINT)
        before = recorded.status  # Once we hold the session it does not read as interrupted any more.
        journal, plan = Journal.take_up(folder, given)
        return cls(plan, _binary_of(journal, binary), journal, before)

    @classmethod
    def resume(
        cls, folder: Path, binary: str | None, given: Plan | None = None, on_fact: OnFact | None = None
    ) -> SupervisedSession:
        """Go on with a session that is over, and begin with what did not succeed.

        Raises:
            OctuiError: It cannot be resumed, and why.
        """
        recorded = Session.open(folder)
        found = resumption(recorded, given)
        before = recorded.status
        wait_until_gone(recorded.facts)
        journal, plan = Journal.take_up(folder, found.plan)
        rest, worked_s = found.rest, found.worked_s
        return cls(plan, _binary_of(journal, binary), journal, before, on_fact, anew=rest.anew, worked_s=worked_s)

    async def run(self) -> signal.Signals | None:
        """Run it without a socket; give the signal that stopped it, if one did."""
        supervisor = self.supervisor(answers=False)
        self._begin(supervisor, "")
        async with anyio.create_task_group() as group:
            group.start_soon(self._heed_signals, supervisor)
            await supervisor.run()
            group.cancel_scope.cancel()
        self.journal.close()
        return self._signal

    async def serve(self, socket: Path, ready: Callable[[], None]) -> None:
        """Run it, with screens connected to a socket; ``ready`` is called when they can."""
        supervisor = self.supervisor(answers=True)
        welcome = Welcome(session=str(self.journal.folder), pid=os.getpid(), octui=__version__)
        server = ControlServer(socket, welcome, supervisor.handle)
        async with anyio.create_task_group() as group:
            group.start_soon(self._heed_signals, supervisor)
            async with server.serving():
                self._begin(supervisor, str(socket))
                ready()
                await supervisor.run(connections=lambda: server.connections)
            group.cancel_scope.cancel()
        self.journal.close()

    def supervisor(self, *, answers: bool) -> Supervisor:
        """Give its supervisor; ``answers`` says whether somebody may answer what runs ask."""
        # Only runs that share a database have to wait for one another; the supervisor's gate paces the others.
        share = any(not run.isolate_db for run in self._plan.runs)
        client = AsyncOpenCodeClient(self._binary, startup_concurrency=1 if share else 0)
        gate = Gate()
        servers = ServerPool(self._binary, self._opencode, self.journal.server_folder, self._plan.runs, gate=gate)
        return Supervisor(
            self._plan,
            self.journal,
            client,
            on_fact=self._on_fact,
            gate=gate,
            servers=servers,
            answers=answers,
            before=self._before,
            anew=self._anew,
            worked_s=self._worked_s,
        )

    def _begin(self, supervisor: Supervisor, socket: str) -> None:
        supervisor.started(socket=socket, octui=__version__, opencode=self._opencode)

    async def _heed_signals(self, supervisor: Supervisor) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with anyio.create_task_group() as group:
                async for number in signals:
                    if self._signal is not None:
                        os._exit(INTERRUPTED_EXIT)  # The client's guardian ends the processes.
                    self._signal = number
                    group.start_soon(supervisor.shutdown, f"stopped by {number.name}")


def _binary_of(journal: Journal, asked_for: str | None) -> Path:
    """The opencode a session goes on with: the one it had where nobody says otherwise."""
    had = journal.binary if os.access(journal.binary, os.X_OK) else None
    return find_binary(asked_for or had)


def _let_old_ones_go(sessions_dir: Path) -> None:
    """Delete what the user's settings do not keep, beside the session that begins.

    A thread that is cut off by the end of the process leaves what it did not get done to the next one.
    """
    chosen, _ = settings.load_or_default()
    if keep := Retention(chosen.keep_days, chosen.keep_mb):
        threading.Thread(target=prune, args=(sessions_dir, keep), name="retention", daemon=True).start()


def _say(handle: int, ready: Ready) -> None:
    with suppress(OSError):
        os.write(handle, encode_json(ready) + b"\n")


def _let_go_of_stdio(folder: Path) -> None:
    """Hold nothing of who started us: errors go to a log in the session folder from here on."""
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(folder / SUPERVISOR_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for handle, stream in ((null, 0), (null, 1), (log, 2)):
        os.dup2(handle, stream)
    os.close(null)
    os.close(log)
