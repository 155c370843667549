"""The only writer of a session folder; the supervisor holds it.

Every write goes straight to the file, so that what opencode printed is on disk before a screen can show it, and a
supervisor that is killed leaves all it had. A fact is written as one line at once, so that it is there whole or not.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from octui.client.result import Totals
from octui.client.serve.events import FileDiff
from octui.encoding import encode_json, to_bytes
from octui.errors import RecordingError
from octui.paths import make_private
from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import masked_plan
from octui.plan.source import PlanSource
from octui.recording.facts import AnyFact, encode_fact
from octui.recording.folder import Folder
from octui.recording.layout import (
    FACTS_FILE,
    SESSION_FILE,
    check_path,
    diff_path,
    log_path,
    server_folder,
    setup_path,
    slug,
    stderr_path,
    stream_path,
)
from octui.recording.log_index import Lines, LogIndex
from octui.recording.recorded_plan import SOURCE_KEY, read_recorded
from octui.recording.saved_index import IndexWriter
from octui.recording.writer_lock import hold

CHUNK_BYTES = 1 << 18
AT_WORK = "Somebody is at work on this session already."
AT_WORK_HINT = "`octui attach` shows it."


class Journal:
    """Writes a session.

    Use `Journal.create`.
    """

    def __init__(self, folder: Path, head: dict[str, Any], plan: Plan) -> None:
        self._place = Folder(folder)
        self._head = head
        self._plan = plan
        self._files: dict[str, int] = {}
        self._indices: dict[str, tuple[LogIndex, IndexWriter]] = {}
        self._open_lines: set[str] = set()
        self._open_streams: set[str] = set()
        self._lock: int | None = hold(folder)

    @classmethod
    def create(
        cls,
        sessions_dir: Path,
        plan: Plan,
        *,
        opencode_version: str,
        binary: str,
        octui_version: str,
        source: PlanSource | None = None,
    ) -> Journal:
        """Make the folder of a new session, named by time and plan, and write what is known at its start.

        Args:
            sessions_dir: Where it goes.
            plan: What is run.
            opencode_version: Of the opencode that runs it.
            binary: That opencode.
            octui_version: Of this octui.
            source: The file the plan was read from, where it was.

        Raises:
            RecordingError: It cannot be written.
        """
        started = time.time()
        head = {
            "name": plan.name,
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(started)),
            "octui": octui_version,
            "opencode": opencode_version,
            "binary": binary,
            **({SOURCE_KEY: source.to_table()} if source else {}),
        }
        try:
            make_private(sessions_dir)
            folder = _new_folder(sessions_dir, started, plan.name)
            journal = cls(folder, head, plan)
            journal.write_outcome({})
            for run in plan.runs:
                journal._file(log_path(folder, run.name).name)
            journal._file(FACTS_FILE)
        except OSError as error:
            raise RecordingError(
                f"A session cannot be recorded in {sessions_dir}: {error.strerror or error}.",
                hint="`octui doctor` says which folders octui needs.",
            ) from error
        return journal

    @classmethod
    def take_up(cls, folder: Path, given: Plan | None = None) -> tuple[Journal, Plan]:
        """Go on writing a session that is over; give its plan with it.

        Args:
            folder: The session's folder.
            given: The plan it was made of, as far as that has to be given again (`RecordedPlan.whole`).

        Raises:
            RecordingError: Its plan cannot be run again, or it cannot be written.
            UsageError: What was given is another plan.
        """
        recorded = read_recorded(folder)
        plan = recorded.whole(given)
        try:
            journal = cls(folder, recorded.head, plan)
            for run in plan.runs:
                if not _ends_line(log_path(folder, run.name)):
                    journal._open_lines.add(run.name)
                if not _ends_line(stream_path(folder, run.name)):
                    journal._open_streams.add(run.name)
        except BlockingIOError as error:
            raise RecordingError(AT_WORK, hint=AT_WORK_HINT) from error
        except OSError as error:
            raise RecordingError(f"{folder} cannot be written: {error.strerror or error}.") from error
        return journal, plan

    @property
    def folder(self) -> Path:
        """The session's folder; followed where it is moved to."""
        return self._place.path

    @property
    def binary(self) -> str:
        """The opencode the session was begun with."""
        return str(self._head.get("binary", ""))

    def fact(self, fact: AnyFact) -> None:
        """Append a fact.

        Raises:
            RecordingError: It cannot be written.
        """
        self._append(FACTS_FILE, encode_fact(fact))

    def stdout_path(self, run: str) -> Path:
        """Where a run's events are."""
        return log_path(self.folder, run)

    def stderr_path(self, run: str) -> Path:
        """Where opencode's stderr goes."""
        return stderr_path(self.folder, run)

    def sizes(self, run: str) -> tuple[int, int]:
        """How long a run's log and stderr are now, in bytes."""
        return _size(self.stdout_path(run)), _size(self.stderr_path(run))

    def begin_attempt(self, run: str) -> None:
        """End the line that an attempt before left open, or the first line of the next would be lost in it.

        Raises:
            RecordingError: It cannot be written.
        """
        if run in self._open_lines:
            self.append_stdout(run, b"\n")

    def append_stdout(self, run: str, data: bytes) -> Lines:
        """Append what opencode printed, as it is; give the lines it completes.

        Raises:
            RecordingError: It cannot be written.
        """
        index, writer = self._index(run)  # Of what was there before.
        self._append(self.stdout_path(run).name, data)
        if data.endswith(b"\n"):
            self._open_lines.discard(run)
        else:
            self._open_lines.add(run)
        lines = index.feed(data)
        writer.write(index)
        return lines

    def append_stream(self, run: str, line: bytes) -> None:
        """Append what a server sent of a run, as it is.

        Raises:
            RecordingError: It cannot be written.
        """
        begin = b"\n" if run in self._open_streams else b""  # Or it would be lost in one that was cut off.
        self._open_streams.add(run)
        self._append(stream_path(self.folder, run).name, begin + line + b"\n")
        self._open_streams.discard(run)

    def append_setup(self, run: str, data: bytes) -> None:
        """Append what a command printed that comes before a run, as it is.

        Raises:
            RecordingError: It cannot be written.
        """
        self._append(setup_path(self.folder, run).name, data)

    def append_check(self, run: str, data: bytes) -> None:
        """Append what a run's check printed, as it is.

        Raises:
            RecordingError: It cannot be written.
        """
        self._append(check_path(self.folder, run).name, data)

    def end_stdout(self, run: str) -> Lines:
        """Say that a process prints no more; give its last line, where it has no end but is whole."""
        index, writer = self._index(run)
        lines = index.feed_end()
        writer.write(index)
        return lines

    def totals(self, run: str) -> Totals:
        """The fold of all events of a run's log; not to be changed."""
        return self._index(run)[0].totals

    def write_diff(self, run: str, diffs: Sequence[FileDiff]) -> None:
        """Write what a run has changed so far.

        Raises:
            OSError: It cannot be written; what was written before stays.
        """
        self._replace(diff_path(self.folder, run), encode_json(diffs))

    def add_run(self, run: RunSpec) -> None:
        """Take in a run that came while the session was going on; the next outcome names it.

        Raises:
            RecordingError: It cannot be written.
        """
        self._plan = replace(self._plan, runs=(*self._plan.runs, run))
        self._append(log_path(self.folder, run.name).name, b"")

    def replace_run(self, run: RunSpec) -> None:
        """Take in what became of a run's plan when it started, such as its prompt; the next outcome tells of it."""
        self._plan = replace(self._plan, runs=tuple(run if each.name == run.name else each for each in self._plan.runs))

    def server_folder(self, number: int) -> Path:
        """Where a server of the session has its data home."""
        return server_folder(self.folder, number)

    def write_outcome(self, outcomes: Mapping[str, Mapping[str, Any]]) -> None:
        """Write ``session.toml`` anew, with what the runs came to; it is there whole at any moment.

        Args:
            outcomes: For each run that has ended, what to say of it; keys with None are left out.

        Raises:
            OSError: It cannot be written; the one before stays.
        """
        runs = []
        plan = masked_plan(self._plan)
        for run in plan["runs"]:
            outcome = {key: value for key, value in outcomes.get(run["name"], {}).items() if value is not None}
            runs.append({**run, "outcome": outcome} if outcome else run)
        text = tomli_w.dumps({**plan, **self._head, "runs": runs}, multiline_strings=True)
        self._replace(self.folder / SESSION_FILE, to_bytes(text))

    def _replace(self, path: Path, data: bytes) -> None:
        """Write a file anew; it is there whole at any moment, as it was or as it is."""
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{path.stem}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """Let go of the files, and of the session."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        for handle in self._files.values():
            with suppress(OSError):
                os.close(handle)
        self._files.clear()
        for _, writer in self._indices.values():
            writer.close()

    def totals_from(self, run: str, offset: int) -> Totals:
        """The fold of the events of a run's log from a byte on."""
        index = LogIndex()
        for chunk in _chunks(self.stdout_path(run), offset):
            index.feed(chunk)
        return index.totals

    def _index(self, run: str) -> tuple[LogIndex, IndexWriter]:
        """The index of a log; that of one which an earlier supervisor wrote is made anew."""
        if run not in self._indices:
            index, writer = self._indices[run] = LogIndex(), IndexWriter(self.stdout_path(run))
            for chunk in _chunks(self.stdout_path(run)):
                index.feed(chunk)
                writer.write(index)
        return self._indices[run]

    def _file(self, name: str) -> int:
        handle = self._files.get(name)
        if handle is None:
            handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._files[name] = handle
        return handle

    def _append(self, name: str, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file(name), left) :]
        except OSError as error:
            raise RecordingError(
                f"The recording cannot be written ({name}): {error.strerror or error}.",
                hint="Make room on the disk; what was recorded before is safe.",
            ) from error


def _new_folder(sessions_dir: Path, started: float, name: str) -> Path:
    stem = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(started))}-{slug(name)}"
    for number in range(1, 1000):
        folder = sessions_dir / (stem if number == 1 else f"{stem}-{number}")
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            return folder
    raise FileExistsError(sessions_dir / stem)


def _chunks(path: Path, offset: int = 0) -> Iterator[bytes]:
    with suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
        file.seek(offset)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _ends_line(path: Path) -> bool:
    """Whether a file's last line has its end, or there is none."""
    try:
        with path.open("rb") as file:
            return not file.seek(0, os.SEEK_END) or (file.seek(-1, os.SEEK_END), file.read(1))[1] == b"\n"
    except FileNotFoundError:
        return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
