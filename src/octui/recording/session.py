"""A session as its readers see it: a folder written by a supervisor, a bare log, or a session opencode exported."""

from __future__ import annotations

import os
import tempfile
import time
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from octui import paths
from octui.client.events import EVENT_TYPES
from octui.client.serve.events import FileDiff
from octui.errors import RecordingError
from octui.plan.templates import is_template
from octui.recording.event_log import EventLog
from octui.recording.exported import SUFFIX as EXPORT_SUFFIX
from octui.recording.exported import Exported
from octui.recording.exported import read as read_export
from octui.recording.facts import (
    AnyFact,
    Attention,
    AttentionRaised,
    RunState,
    RunStatus,
    SessionStatus,
    StateChanged,
    decode_fact,
)
from octui.recording.folder import Folder
from octui.recording.layout import FACTS_FILE, LOG_SUFFIX, SESSION_FILE, diff_path, log_path, stderr_path, stream_path
from octui.recording.stream import RunStream
from octui.recording.writer_lock import LockWatch

STDERR_TAIL_BYTES = 64 * 1024
LOOK_AT_EVENTS = 100
"""Among so many lines a log must have one of opencode's own events to be taken for a recording."""

_OVERRIDES = ("permission", "mcp", "tools", "instructions", "config_overrides", "inherit_user_config", "isolate_db")


@dataclass(frozen=True, slots=True)
class RunMeta:
    """What a run was asked to do, as ``session.toml`` tells; secrets are masked there.

    Attributes:
        model: ``provider/model``; empty where opencode chose.
        agent: Empty where opencode chose.
        workspace: The folder the agent works in; with a worktree, the one that is made of.
        check: The command run after it; empty for none.
        prompt: What it was asked; empty where it is not known. Before its run starts it may be a template.
        is_made: Whether the prompt is made of a template when the run starts.
        backend: ``run`` or ``serve``, where the plan says so.
        overrides: The overrides in force, by their names in a plan.
    """

    model: str = ""
    agent: str = ""
    workspace: str = ""
    check: str = ""
    prompt: str = ""
    is_made: bool = False
    backend: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A line of the list of sessions."""

    path: Path
    name: str
    started_at: float
    is_live: bool
    interrupted: bool
    runs: int
    counts: dict[RunState, int]
    attention: int


class Session:
    """Reads a session; `refresh` takes in what was appended.

    Use `Session.open`.
    """

    def __init__(
        self, folder: Path, name: str, metas: dict[str, RunMeta], *, bare: bool, log: Path | None = None
    ) -> None:
        self.folder = folder
        self.name = name
        self._place = None if bare else Folder(folder)
        self._lock = LockWatch(folder)
        self._metas = metas
        self._bare = bare
        self._logs = {run: EventLog(log or folder if bare else log_path(folder, run)) for run in metas}
        self._streams = {} if bare else {run: RunStream(stream_path(folder, run)) for run in metas}
        self._facts: list[AnyFact] = []
        self._fact_times: list[float] = []
        self._facts_read_to = 0
        self._status = SessionStatus({run: RunStatus(run) for run in metas})
        self._unlisted: set[str] = set()
        self._listed_at: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: Path, budget_s: float | None = None) -> Session:
        """Open a session folder, a log of ``opencode run --format json``, or a ``*.json`` of ``opencode export``.

        Args:
            path: Where it is.
            budget_s: Seconds to spend on the logs at most; `refresh` goes on. None takes them in whole.

        Raises:
            RecordingError: It is neither, or cannot be read.
        """
        path = path.expanduser().absolute()
        try:
            if path.is_dir():
                session = cls._open_folder(path)
            elif path.is_file():
                exported = read_export(path.read_bytes()) if path.suffix.lower() == EXPORT_SUFFIX else None
                if exported is not None:
                    return cls._open_exported(path, exported)
                session = cls(path, path.stem, {path.stem: RunMeta()}, bare=True)
            else:
                raise RecordingError(f"{path} does not exist.", hint="`octui sessions` lists what there is.")
            session.refresh(budget_s)
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror or error}.") from error
        if session._bare and not session._holds_events():
            raise RecordingError(
                f"{path} holds no events of opencode.",
                hint="octui replays what `opencode run --format json` or `opencode export` printed.",
            )
        return session

    @classmethod
    def _open_exported(cls, path: Path, exported: Exported) -> Session:
        meta = RunMeta(model=exported.model, agent=exported.agent, workspace=exported.directory)
        with tempfile.NamedTemporaryFile(prefix="octui-export-", suffix=LOG_SUFFIX) as file:
            file.write(exported.log)
            file.flush()
            session = cls(path, exported.title or path.stem, {path.stem: meta}, bare=True, log=Path(file.name))
            session.refresh()  # A log that is deleted stays as it was for whoever has it open.
        return session

    @classmethod
    def _open_folder(cls, folder: Path) -> Session:
        value = _read_plan(folder)
        metas = _metas_of(value)
        if not metas:
            logs = sorted(path for path in folder.glob(f"*{LOG_SUFFIX}") if path.name != FACTS_FILE)
            metas = {path.stem: RunMeta() for path in logs}
        if not metas:
            raise RecordingError(f"{folder} is no session folder.", hint="`octui sessions` lists those there are.")
        return cls(folder, str(value.get("name") or folder.name), metas, bare=False)

    @property
    def run_names(self) -> tuple[str, ...]:
        """The runs in the plan's order."""
        return tuple(self._metas)

    def meta(self, run: str) -> RunMeta:
        """What a run was asked to do."""
        return self._metas[run]

    def log(self, run: str) -> EventLog:
        """A run's events."""
        return self._logs[run]

    def stream(self, run: str) -> RunStream | None:
        """What a server told of a run, where the run is one over a server; None for a bare log."""
        return self._streams.get(run)

    def diffs(self, run: str) -> tuple[FileDiff, ...]:
        """What a run over a server has changed so far, file by file; nothing where that is not told."""
        if self._bare:
            return ()
        try:
            return msgspec.json.decode(diff_path(self.folder, run).read_bytes(), type=tuple[FileDiff, ...])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ()

    def stderr(self, run: str, attempt: int | None = None) -> str:
        """The end of what a run wrote to stderr, at most 64 KiB; of one attempt of its last life, if one is named."""
        if self._bare:
            return ""
        start, end = 0, None
        if attempt is not None:
            offsets = self.status.run(run).attempt_offsets
            for index, (_, number, _, offset) in enumerate(offsets):
                if number == attempt:
                    start = offset
                    end = offsets[index + 1][3] if index + 1 < len(offsets) else None
        with suppress(OSError), stderr_path(self.folder, run).open("rb") as file:
            size = file.seek(0, os.SEEK_END) if end is None else end
            file.seek(max(start, size - STDERR_TAIL_BYTES))
            return file.read(size - file.tell()).decode("utf-8", "replace")
        return ""

    def refresh(self, budget_s: float | None = None) -> set[str]:
        """Take in what was appended; give the names of the runs with anything new.

        Args:
            budget_s: Seconds to spend on the logs at most; what is left comes with the next call. None for no limit.

        Raises:
            OSError: A file cannot be read.
        """
        self._follow()
        stop = None if budget_s is None else time.perf_counter() + budget_s
        changed = set()
        for run, log in self._logs.items():
            if log.refresh(None if stop is None else max(0.0, stop - time.perf_counter()) / len(self._logs)):
                changed.add(run)
        if not self._bare:
            changed |= self._read_facts() | self._take_in_runs()
        return changed

    def refresh_run(self, run: str, budget_s: float) -> None:
        """Take in what one run printed since, for at most ``budget_s`` seconds; of facts nothing.

        Raises:
            OSError: Its log cannot be read.
        """
        self._logs[run].refresh(budget_s)

    @property
    def indexed(self) -> float:
        """Which share of the logs is indexed, from 0 to 1."""
        known, size = self._bytes_known
        return known / size if size else 1.0

    @property
    def behind(self) -> int:
        """How many bytes of the logs are not indexed yet."""
        known, size = self._bytes_known
        return size - known

    @property
    def _bytes_known(self) -> tuple[int, int]:
        known, size = (sum(part) for part in zip(*(log.bytes_known for log in self._logs.values()), strict=True))
        return known, size

    @property
    def status(self) -> SessionStatus:
        """Where the session stands now. Runs of an interrupted session that had not ended are shown as failed."""
        if self._bare:
            return self._derived(None)
        return self._as_interrupted(self._status) if self.interrupted else self._status

    def status_now(self, run: str) -> RunStatus:
        """Where a run stands by the facts read so far."""
        return self._status.run(run)

    def status_at(self, moment: float) -> SessionStatus:
        """Where the session stood at a moment, in seconds since the epoch."""
        if self._bare:
            return self._derived(moment)
        status = SessionStatus({run: RunStatus(run) for run in self._metas})
        for fact in self._facts[: bisect_right(self._fact_times, moment)]:
            status.apply(fact)
        ended = self.ended_at
        return self._as_interrupted(status) if self.interrupted and ended is not None and moment >= ended else status

    @property
    def facts(self) -> tuple[AnyFact, ...]:
        """The facts read so far."""
        return tuple(self._facts)

    @property
    def socket(self) -> str:
        """The path of the supervisor's control socket; empty where there is none."""
        return self._status.started.socket if self._status.started else ""

    @property
    def supervisor_pid(self) -> int | None:
        """The living supervisor's process; None where there is none."""
        return self._status.started.pid if self._status.started and self.is_live else None

    @property
    def is_live(self) -> bool:
        """Whether a supervisor is at work on the session."""
        started = self._status.started
        if self._bare or started is None or self._status.ended is not None:
            return False
        return self._lock.is_held

    @property
    def is_gone(self) -> bool:
        """Whether its folder was deleted under it; what was read before still is there to be shown."""
        return self._place is not None and self._place.is_gone

    @property
    def interrupted(self) -> bool:
        """Whether the supervisor went away without ending the session."""
        if self._bare or self._status.ended is not None:
            return False
        return not self.is_live

    @property
    def started_at(self) -> float | None:
        """When it began, in seconds since the epoch; None where nothing tells."""
        if self._facts:
            return self._facts[0].at
        return min((log.time(0) for log in self._logs.values() if len(log)), default=None)

    @property
    def ended_at(self) -> float | None:
        """The last moment anything was recorded; None where nothing was."""
        ends = [log.end_time for log in self._logs.values() if len(log)]
        if self._facts:
            ends.append(self._facts[-1].at)
        return max(ends, default=None)

    def _holds_events(self) -> bool:
        return any(
            log.kind(index) in EVENT_TYPES
            for log in self._logs.values()
            for index in range(min(LOOK_AT_EVENTS, len(log)))
        )

    def _follow(self) -> None:
        """Go on where the folder was moved to."""
        if self._place is not None and self._place.path != self.folder:
            self.folder = self._place.path
            for run, log in self._logs.items():
                log.path = log_path(self.folder, run)
            for run, stream in self._streams.items():
                stream.path = stream_path(self.folder, run)

    def _read_facts(self) -> set[str]:
        changed: set[str] = set()
        path = self.folder / FACTS_FILE
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return changed
        if size == self._facts_read_to:
            return changed
        with path.open("rb") as file:
            file.seek(self._facts_read_to)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._facts_read_to += whole
        for line in data[:whole].splitlines():
            fact = decode_fact(line)
            if fact is None:
                continue
            self._facts.append(fact)
            # A clock that was set back must not hide facts from a replay.
            self._fact_times.append(max(fact.at, self._fact_times[-1] if self._fact_times else fact.at))
            self._status.apply(fact)
            if isinstance(fact, StateChanged) and fact.state is RunState.STARTING:
                self._look_up_prompt(fact.run)
            changed |= {fact.run} if hasattr(fact, "run") else set(self._metas)
        self._unlisted |= self._status.runs.keys() - self._metas.keys()
        return changed & set(self._metas)

    def _look_up_prompt(self, run: str) -> None:
        """Have a run looked up anew whose prompt was made just now."""
        if run in self._metas and self._metas[run].is_made:
            self._unlisted.add(run)

    def _take_in_runs(self) -> set[str]:
        """Take in runs that came, or got their prompt, since: facts name them, ``session.toml`` tells what they are."""
        if not self._unlisted:
            return set()
        path = self.folder / SESSION_FILE
        with suppress(OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            found = path.stat()
            if self._listed_at == (found.st_ino, found.st_mtime_ns):
                return set()
            self._listed_at = found.st_ino, found.st_mtime_ns
            runs = tomllib.loads(path.read_text("utf-8")).get("runs")
            new = {
                str(run["name"]): _meta(run)
                for run in (runs if isinstance(runs, list) else [])
                if _is_named(run) and run["name"] in self._unlisted
            }
            self._metas.update(new)
            added = new.keys() - self._logs.keys()
            self._logs.update({name: EventLog(log_path(self.folder, name)) for name in new if name in added})
            self._streams.update({name: RunStream(stream_path(self.folder, name)) for name in new if name in added})
            self._unlisted -= new.keys()
            return set(new)
        return set()

    def _as_interrupted(self, status: SessionStatus) -> SessionStatus:
        at = self.ended_at or 0.0
        when = f" after {datetime.fromtimestamp(at):%Y-%m-%d %H:%M:%S}" if at else ""
        for run in self._metas:
            if not status.run(run).state.is_final:
                why = f"interrupted: octui's supervisor went away{when}"
                status.apply(StateChanged(at=at, run=run, state=RunState.FAILED, why=why))
                status.run(run).pid = None
        return status

    def _derived(self, moment: float | None) -> SessionStatus:
        """Tell states from events alone, for a log that has no facts beside it."""
        status = SessionStatus()
        for name, log in self._logs.items():
            count = len(log) if moment is None else log.first_at_or_after(moment + 0.0005)
            whole = count == len(log)
            totals = log.totals if whole else log.totals_at(count)
            run = status.run(name)
            if count:
                run.started_at = log.time(0)
            if not whole:
                run.state = RunState.RUNNING if count else RunState.QUEUED
                continue
            at = log.time(count - 1) if count else 0.0
            if totals.last_error:
                state, why = RunState.FAILED, totals.last_error
            elif totals.finished:
                state, why = RunState.SUCCEEDED, ""
            else:
                state, why = RunState.FAILED, "the recording ends before the answer does"
            status.apply(StateChanged(at=at, run=name, state=state, why=why))
            if log.tail_incomplete:
                words = "the recording's last line is cut"
                status.apply(AttentionRaised(at=at, run=name, kind=Attention.INTERRUPTED, words=words))
            elif totals.open_step:
                words = "ended in the middle of a step; its cost is missing"
                status.apply(AttentionRaised(at=at, run=name, kind=Attention.ENDED_MID_STEP, words=words))
        return status


def list_sessions(folder: Path) -> list[SessionSummary]:
    """Every session in a folder, newest first; what is no session is left out."""
    found = [summarize(session) for session in sessions_in(folder)]
    return sorted(found, key=lambda summary: (summary.started_at, summary.path.name), reverse=True)


def sessions_in(folder: Path) -> Iterator[Session]:
    """Open every session in a folder, one after another; what is no session is left out."""
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(RecordingError):
                if path.is_dir() and not path.name.startswith("."):
                    yield Session.open(path)


def summarize(session: Session) -> SessionSummary:
    """Give a session's line in the list."""
    status = session.status
    runs = [status.run(name) for name in session.run_names]
    counts = dict.fromkeys(RunState, 0)
    for run in runs:
        counts[run.state] += 1
    return SessionSummary(
        path=session.folder,
        name=session.name,
        started_at=session.started_at or 0.0,
        is_live=session.is_live,
        interrupted=session.interrupted,
        runs=len(runs),
        counts=counts,
        attention=sum(bool(run.attention or run.requests) for run in runs),
    )


def resolve_session(ref: str | None, folder: Path | None = None) -> Path:
    """Find the session somebody means.

    Args:
        ref: A path, or a session's folder name, plan name or the beginning of either; None for the newest, a live one
            before any other.
        folder: Where sessions are; the user's by default.

    Raises:
        RecordingError: There is none, or more than one.
    """
    if ref is not None and ("/" in ref or Path(ref).exists()):
        return Path(ref).expanduser().absolute()
    sessions = list_sessions(folder or paths.sessions_dir())
    if not sessions:
        raise RecordingError("There are no sessions yet.", hint="Start one with `octui`, or see `octui demo`.")
    if ref is None:
        return next((summary.path for summary in sessions if summary.is_live), sessions[0].path)
    exact = [summary.path for summary in sessions if ref in (summary.path.name, summary.name)]
    begun = [s.path for s in sessions if s.path.name.startswith(ref) or s.name.startswith(ref) or ref in s.path.name]
    found = exact or begun
    if not found:
        raise RecordingError(f"There is no session called {ref!r}.", hint="`octui sessions` lists those there are.")
    if len(found) > 1 and not exact:
        names = ", ".join(path.name for path in found[:4])
        raise RecordingError(f"{ref!r} may mean more than one session: {names}.", hint="Write more of the name.")
    return found[0]


def _read_plan(folder: Path) -> dict[str, Any]:
    """The plan as run; empty where it is lost, which the logs are not for that."""
    try:
        return tomllib.loads((folder / SESSION_FILE).read_text("utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def _metas_of(plan: dict[str, Any]) -> dict[str, RunMeta]:
    runs = plan.get("runs")
    return {str(run["name"]): _meta(run) for run in (runs if isinstance(runs, list) else []) if _is_named(run)}


def _is_named(run: object) -> bool:
    return isinstance(run, dict) and isinstance(run.get("name"), str)


def _folder_of(workspace: object) -> str:
    """The folder of a workspace, which may be a table that says more of it."""
    return str(workspace.get("path") or "") if isinstance(workspace, dict) else str(workspace or "")


def _meta(run: dict[str, Any]) -> RunMeta:
    return RunMeta(
        model=str(run.get("model") or ""),
        agent=str(run.get("agent") or ""),
        workspace=_folder_of(run.get("workspace")),
        check=str(run.get("check") or ""),
        prompt=str(run.get("prompt") or ""),
        is_made=bool(run.get("template", is_template(str(run.get("prompt") or "")))),
        backend=str(run.get("backend") or ""),
        overrides={key: run[key] for key in _OVERRIDES if run.get(key) not in (None, {}, [])},
    )
