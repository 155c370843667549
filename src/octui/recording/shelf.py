"""All sessions of a user as folders that take room: how much, what they are called, and which of them go.

A session that is being written is never touched: whoever changes one holds its lock meanwhile. Nothing is deleted but
folders that octui made, in its own folder, and none in which a working copy stands, as that may hold work that is
nowhere else.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from octui import paths
from octui.encoding import to_bytes, to_text
from octui.errors import RecordingError, UsageError
from octui.recording.layout import FACTS_FILE, SESSION_FILE
from octui.recording.writer_lock import LockWatch, hold

DAY_S = 86_400
MB = 1_000_000

_TRASH_PREFIX = ".deleted-"


@dataclass(frozen=True, slots=True)
class Shelved:
    """A session's folder as something that takes room.

    Attributes:
        path: Where it is.
        used_at: When it was written to last, in seconds since the epoch.
        size: Bytes it takes on the disk.
        is_live: Whether a supervisor is at work on it.
        working_copy: A working copy in it, or a worktree that is left of it, for whose sake it is kept; None for none.
    """

    path: Path
    used_at: float
    size: int
    is_live: bool = False
    working_copy: Path | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept: sessions used within so many days, and together at most so many megabytes; None for all."""

    days: float | None = None
    megabytes: float | None = None

    def __bool__(self) -> bool:
        return self.days is not None or self.megabytes is not None


def shelved(folder: Path) -> list[Shelved]:
    """Every session in a folder, the one used last first."""
    found = []
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(OSError):  # It may be deleted meanwhile.
                if _is_session(path):
                    found.append(look_at(path))
    return sorted(found, key=lambda each: (each.used_at, each.path.name), reverse=True)


def look_at(path: Path) -> Shelved:
    """Tell what one session's folder takes.

    Raises:
        OSError: It cannot be read.
    """
    size, copy = _measure(path)
    return Shelved(path, (path / FACTS_FILE).stat().st_mtime, size, LockWatch(path).is_held, copy)


def expired(sessions: Sequence[Shelved], keep: Retention, now: float) -> list[tuple[Shelved, str]]:
    """Say which sessions go by a rule, and why in a few words; the oldest first. Pure.

    Live ones, the newest and those with a working copy in them stay, whatever the rule; they count, though.

    Args:
        sessions: All there are.
        keep: The rule.
        now: In seconds since the epoch.
    """
    newest = max((each.used_at for each in sessions), default=0.0)
    left = sum(each.size for each in sessions)
    going = []
    for each in sorted(sessions, key=lambda each: each.used_at):
        why = ""
        if keep.days is not None and now - each.used_at > keep.days * DAY_S:
            why = f"not used for {int((now - each.used_at) // DAY_S)} days"
        elif keep.megabytes is not None and left > keep.megabytes * MB:
            why = f"more than {keep.megabytes:g} MB in all"
        if why and each.used_at < newest and not each.is_live and each.working_copy is None:
            going.append((each, why))
            left -= each.size
    return going


def delete(path: Path, sessions_dir: Path) -> None:
    """Delete a session.

    Raises:
        UsageError: It is live, is no session of the user's, or a working copy stands in it.
        OSError: It cannot be deleted.
    """
    with _held(path, sessions_dir):
        _, copy = _measure(path)
        if copy is not None:
            raise UsageError(
                f"{path.name} is not deleted: there is a working copy of it.",
                hint=f"Look at {copy}, and remove it once nothing in it is needed.",
            )
        # Gone at once for everybody; what cannot be finished now is done by the next `empty_trash`.
        trash = path.with_name(f"{_TRASH_PREFIX}{path.name}")
        if trash.exists():
            shutil.rmtree(trash)
        path.rename(trash)
    shutil.rmtree(trash)


def empty_trash(sessions_dir: Path) -> None:
    """Finish what somebody who was killed began to delete."""
    for path in sessions_dir.glob(f"{_TRASH_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


def rename(path: Path, sessions_dir: Path, name: str) -> None:
    """Call a session something else; its folder stays where it is, and so does all that refers to it.

    Raises:
        UsageError: The name is none, or the session is live or none of the user's.
        OSError: It cannot be written.
    """
    if not name.strip() or not name.isprintable():
        raise UsageError("A session's name is a word or some.")
    with _held(path, sessions_dir):
        target = path / SESSION_FILE
        try:
            table = tomllib.loads(to_text(target.read_bytes()))
        except tomllib.TOMLDecodeError as error:
            raise RecordingError(f"{target} cannot be read: {error}.") from error
        handle, partial = tempfile.mkstemp(dir=path, prefix=f".{SESSION_FILE}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(to_bytes(tomli_w.dumps({**table, "name": name.strip()}, multiline_strings=True)))
            Path(partial).replace(target)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise


def prune(sessions_dir: Path, keep: Retention, now: float | None = None) -> list[Path]:
    """Delete what goes by a rule; give what is gone. What cannot be deleted stays."""
    gone = []
    empty_trash(sessions_dir)
    for each, _ in expired(shelved(sessions_dir), keep, time.time() if now is None else now):
        with suppress(OSError, UsageError):
            delete(each.path, sessions_dir)
            gone.append(each.path)
    return gone


def _is_session(path: Path) -> bool:
    """Whether octui made a folder: it is one, no link to one, and has what every session has."""
    if path.name.startswith(".") or path.is_symlink() or not path.is_dir():
        return False
    return (path / SESSION_FILE).is_file() and (path / FACTS_FILE).is_file()


@contextmanager
def _held(path: Path, sessions_dir: Path) -> Iterator[None]:
    if path.parent.resolve() != sessions_dir.resolve() or not _is_session(path):
        raise UsageError(f"{path} is no session in {sessions_dir}.", hint="`octui sessions` lists those there are.")
    try:
        lock = hold(path)
    except BlockingIOError:
        raise UsageError(f"{path.name} is live.", hint=f"`octui stop {path.name}` ends it.") from None
    try:
        yield
    finally:
        os.close(lock)


def _worktree_of(session: Path) -> Path | None:
    """A worktree that is left of a session; what is known of it is in the session."""
    with suppress(OSError):
        within = paths.worktrees_dir() / session.name
        return next((path for path in sorted(within.iterdir()) if not path.name.startswith(".")), None)
    return None


def _measure(folder: Path) -> tuple[int, Path | None]:
    """How many bytes a folder takes on the disk, and a working copy in it, or a worktree of one of its runs."""
    size, copy = 0, _worktree_of(folder)
    for top, folders, names in os.walk(folder):
        if copy is None and ".git" in (*folders, *names):
            copy = Path(top)
        for name in names:
            with suppress(OSError):
                found = (Path(top) / name).lstat()
                size += found.st_blocks * 512 if stat.S_ISREG(found.st_mode) else 0
    return size, copy
