"""A session as its readers see it: a folder written by a supervisor, a bare log, or a session opencode exported."""

from __future__ import annotations

import os
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import msgspec

from octui.client.events import EVENT_TYPES
from octui.client.serve.events import FileDiff
from octui.encoding import to_text
from octui.errors import RecordingError
from octui.recording import recording_file
from octui.recording.derived import as_interrupted, derived_status
from octui.recording.event_log import EventLog
from octui.recording.fact_log import FactLog
from octui.recording.facts import AnyFact, RunState, StateChanged
from octui.recording.folder import Folder
from octui.recording.layout import FACTS_FILE, LOG_SUFFIX, SESSION_FILE, diff_path, log_path, stderr_path, stream_path
from octui.recording.listing import SessionSummary, list_sessions, resolve_session, sessions_in, summarize
from octui.recording.run_meta import RunMeta, metas_of, read_plan
from octui.recording.status import RunStatus, SessionStatus
from octui.recording.stream import RunStream
from octui.recording.writer_lock import LockWatch

__all__ = ["RunMeta", "Session", "SessionSummary", "list_sessions", "resolve_session", "sessions_in", "summarize"]

STDERR_TAIL_BYTES = 64 * 1024
LOOK_AT_EVENTS = 100
"""Among so many lines a log must have one of opencode's own events to be taken for a recording."""


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
        self._facts = FactLog()
        self._status = SessionStatus({run: RunStatus(run) for run in metas})
        self._unlisted: set[str] = set()
        self._listed_at: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: Path, budget_s: float | None = None) -> Session:
        """Open a session folder, or what ``opencode run --format json`` or ``opencode export`` printed.

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
            elif path.exists():
                return cls._open_file(path, budget_s)
            else:
                raise RecordingError(f"{path} does not exist.", hint="`octui sessions` lists what there is.")
            session.refresh(budget_s)
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror or error}.") from error
        return session

    @classmethod
    def _open_file(cls, path: Path, budget_s: float | None) -> Session:
        with recording_file.opened(path) as found:
            meta, name = RunMeta(), found.name
            if (told := found.exported) is not None:
                meta = RunMeta(model=told.model, agent=told.agent, workspace=told.directory)
                name = told.title or name
            session = cls(path, name, {found.name: meta}, bare=True, log=found.log)
            session.refresh(budget_s)  # A log that is deleted stays as it was for whoever has it open.
            if found.exported is None and not session._holds_events():
                raise RecordingError(
                    f"{path} holds no events of opencode.",
                    hint="octui replays what `opencode run --format json` or `opencode export` printed.",
                )
        return session

    @classmethod
    def _open_folder(cls, folder: Path) -> Session:
        value = read_plan(folder)
        metas = metas_of(value)
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

    def final_text(self, run: str) -> str:
        """What a run answered at the end of its last life; empty where it did not."""
        begins = self.status.run(run).life_offset
        return "" if begins is None else self._logs[run].final_text(begins)

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
            return derived_status(self._logs, None)
        if not self.interrupted:
            return self._status
        return as_interrupted(self._status, self._metas, self.ended_at or 0.0)

    def status_now(self, run: str) -> RunStatus:
        """Where a run stands by the facts read so far."""
        return self._status.run(run)

    def status_at(self, moment: float) -> SessionStatus:
        """Where the session stood at a moment, in seconds since the epoch."""
        if self._bare:
            return derived_status(self._logs, moment)
        status = SessionStatus({run: RunStatus(run) for run in self._metas})
        for fact in self._facts.until(moment):
            status.apply(fact)
        ended = self.ended_at
        if self.interrupted and ended is not None and moment >= ended:
            return as_interrupted(status, self._metas, ended)
        return status

    @property
    def facts(self) -> tuple[AnyFact, ...]:
        """The facts read so far."""
        return tuple(self._facts.facts)

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
    def is_bare(self) -> bool:
        """Whether it is a recording of opencode alone, with nothing of octui's beside it."""
        return self._bare

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
        if facts := self._facts.facts:
            return facts[0].at
        return min((log.time(0) for log in self._logs.values() if len(log)), default=None)

    @property
    def ended_at(self) -> float | None:
        """The last moment anything was recorded; None where nothing was."""
        ends = [log.end_time for log in self._logs.values() if len(log)]
        if facts := self._facts.facts:
            ends.append(facts[-1].at)
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
        for fact in self._facts.read(self.folder / FACTS_FILE):
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
        with suppress(OSError, tomllib.TOMLDecodeError):
            found = path.stat()
            if self._listed_at == (found.st_ino, found.st_mtime_ns):
                return set()
            self._listed_at = found.st_ino, found.st_mtime_ns
            listed = metas_of(tomllib.loads(to_text(path.read_bytes())))
            new = {name: meta for name, meta in listed.items() if name in self._unlisted}
            self._metas.update(new)
            added = new.keys() - self._logs.keys()
            self._logs.update({name: EventLog(log_path(self.folder, name)) for name in new if name in added})
            self._streams.update({name: RunStream(stream_path(self.folder, name)) for name in new if name in added})
            self._unlisted -= new.keys()
            return set(new)
        return set()
