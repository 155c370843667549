"""A session's folder, followed where it is moved to while it is written or shown."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

_PATH_BYTES = 1024


class Folder:
    """A folder that is held open.

    Args:
        path: Where it is now.

    Raises:
        OSError: It is not there, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)

    @property
    def path(self) -> Path:
        """Where it is now; where it was last if it is gone."""
        if not self._is_at(self._path):
            moved = self._ask_system()
            if moved is not None and self._is_at(moved):
                self._path = moved
        return self._path

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted, or moved to where nobody can follow it."""
        return not self._is_at(self.path)

    def _is_at(self, path: Path) -> bool:
        assert self._handle is not None
        with suppress(OSError):
            return os.path.samestat(path.stat(), os.fstat(self._handle))
        return False

    def _ask_system(self) -> Path | None:
        assert self._handle is not None
        with suppress(OSError):
            if sys.platform == "darwin":
                name = fcntl.fcntl(self._handle, fcntl.F_GETPATH, bytes(_PATH_BYTES))
                return Path(os.fsdecode(name.rstrip(b"\0")))
            return Path(f"/proc/self/fd/{self._handle}").readlink()
        return None
