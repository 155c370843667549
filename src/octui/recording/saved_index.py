"""An index saved beside its log, so that a long recording opens at once; written by the journal, read by whoever can.

``NAME.index`` holds the words of `LogIndex` after one of our own, ``NAME.totals`` a JSON line for each checkpoint. Both
are a help and no more: where they are missing, cut, of another version or of another log, the log itself is read.
"""

from __future__ import annotations

import os
import sys
from array import array
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import msgspec

from octui.client.result import Totals
from octui.recording import log_index
from octui.recording.layout import index_path, totals_path
from octui.recording.log_index import WORD_BYTES, WORDS, LogIndex

MAGIC: Final = int.from_bytes(b"octuiix1", "little")
SAMPLES = 16
"""So many lines are looked at to see whether an index belongs to its log."""

_READ_WORDS = 1 << 16
_decoder = msgspec.json.Decoder(Totals)


class IndexWriter:
    """Appends to the files what is new of an index.

    Args:
        log: The path of its log, which is new.
    """

    def __init__(self, log: Path) -> None:
        self._written = 0
        self._checkpoints = 1
        self._files: list[IO[bytes]] = []
        if sys.byteorder == "little":
            with suppress(OSError):
                self._files = [_private(path) for path in (index_path(log), totals_path(log))]
                self._files[0].write(array("Q", [MAGIC]).tobytes())

    def write(self, index: LogIndex) -> None:
        """Append it. After a failure nothing more is: an index with a hole in it is worse than none."""
        if not self._files:
            return
        words, totals = self._files
        data = index.words[self._written :].tobytes()
        checkpoints = b"".join(msgspec.json.encode(each) + b"\n" for each in index.checkpoints[self._checkpoints :])
        try:
            whole = words.write(data) == len(data) and (
                not checkpoints or totals.write(checkpoints) == len(checkpoints)
            )
        except OSError:
            whole = False
        self._written = len(index.words)
        self._checkpoints = len(index.checkpoints)
        if not whole:
            self.close()

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            with suppress(OSError):
                file.close()
        self._files = []


def load(index: LogIndex, log: Path, handle: int) -> None:
    """Let a new index go on from what is saved beside its log; it stays new where nothing usable is.

    Args:
        index: The new index.
        log: The path of its log.
        handle: The log, open to be read.
    """
    if sys.byteorder != "little":
        return
    try:
        checkpoints = [Totals(), *_decoder.decode_lines(totals_path(log).read_bytes().rpartition(b"\n")[0])]
        with index_path(log).open("rb") as file:
            events = (os.fstat(file.fileno()).st_size // WORD_BYTES - 1) // WORDS
            known = min(len(checkpoints) - 1, (events - 1) // log_index.CHECKPOINT_EVERY)
            if known < 1 or file.read(WORD_BYTES) != array("Q", [MAGIC]).tobytes():
                return
            words = _read(file, (known * log_index.CHECKPOINT_EVERY + 1) * WORDS)
    except (OSError, EOFError, msgspec.DecodeError, UnicodeDecodeError):
        return
    if _belongs(words, handle):
        index.restore(words, checkpoints[: known + 1])


def _private(path: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)


def _read(file: IO[bytes], count: int) -> array[int]:
    """Read so many words, a piece at a time: the whole at once would be in memory twice.

    Raises:
        EOFError: There are not so many.
    """
    words = array("Q")
    while len(words) < count:
        words.fromfile(file, min(_READ_WORDS, count - len(words)))
    return words


def _belongs(words: array[int], handle: int) -> bool:
    """Whether lines begin where an index says so."""
    offsets = words[::WORDS]
    picked = {*range(0, len(offsets), max(1, len(offsets) // SAMPLES)), len(offsets) - 1}
    size = os.fstat(handle).st_size
    for at in (offsets[each] for each in picked):
        if at >= size or (at and os.pread(handle, 1, at - 1) != b"\n"):
            return False
    return all(os.pread(handle, 1, offsets[each]) not in (b"\n", b"") for each in picked)
