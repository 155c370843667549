"""Who writes a session: a lock on a file in its folder, which the kernel lets go of when the writer's process ends.

A process number could have been given anew, and a process's start is told by a clock that may be set; a lock knows
neither. It holds across a move of the folder, and a copy of the folder is not locked.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from octui.recording.layout import LOCK_FILE


def hold(folder: Path) -> int:
    """Take the lock; give the descriptor that holds it until it is closed.

    Raises:
        OSError: Somebody else holds it, or the folder cannot be written.
    """
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


class LockWatch:
    """Tells whether a session is being written; it keeps the file open, and so knows it even after the file is gone.

    Args:
        folder: The session's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = None
        with suppress(OSError):
            self._handle = os.open(folder / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)

    @property
    def is_held(self) -> bool:
        """Whether somebody writes the session now."""
        if self._handle is None:
            return False
        try:
            fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        return False
