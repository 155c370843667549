"""octui's entries in the temporary folder: named after their owner, so that those of dead processes can be removed.

A process that is killed cannot clean up. Its guardian does it, where it had one; otherwise `sweep_stale` does it when
another process starts its first run.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OWNED = re.compile(r"octui-[a-z]+-(?P<pid>\d+)-.+")


def prefix(kind: str) -> str:
    """Return how the names of this process's temporary entries of a kind begin.

    Args:
        kind: What the entry is for: lower-case letters, such as ``run``.
    """
    return f"octui-{kind}-{os.getpid()}-"


def make_folder(kind: str) -> Path:
    """Create a temporary folder that only the user can enter.

    Args:
        kind: See `prefix`.

    Raises:
        OSError: The temporary folder is not writable.
    """
    return Path(tempfile.mkdtemp(prefix=prefix(kind)))


def sweep_stale(folder: Path | None = None) -> None:
    """Remove the user's temporary entries whose owner is dead.

    Args:
        folder: Where they are; None for the temporary folder.
    """
    for pid, path in _owned_entries(folder):
        if not _is_alive(pid):
            _remove(path)


def remove_entries_of(owner: int) -> None:
    """Remove everything that a process has in the temporary folder.

    Args:
        owner: Its process id.
    """
    for pid, path in _owned_entries(None):
        if pid == owner:
            _remove(path)


def _owned_entries(folder: Path | None) -> Iterator[tuple[int, Path]]:
    for path in (folder or Path(tempfile.gettempdir())).glob("octui-*"):
        if owned := _OWNED.fullmatch(path.name):
            yield int(owned["pid"]), path


def _is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    import psutil  # Here, as screens name temporary entries too, and their first frame should not wait for it.

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.lstat().st_uid != os.getuid():
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
