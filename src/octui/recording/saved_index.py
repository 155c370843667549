"""An index saved beside its log, so that a long recording opens at once; written by the journal, read by whoever can.

``NAME.index`` holds the entries of `LogIndex` after a word of our own, ``NAME.totals`` a JSON line for each checkpoint.
Both are a help and no more: where they are missing, cut, of another version or of another log, the log itself is read.
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
from octui.errors import RecordingError
from octui.recording import log_index
from octui.recording.entries import ENTRY_WORDS, WORD_BYTES
from octui.recording.layout import index_path, totals_path
from octui.recording.log_index import LogIndex

MAGIC: Final = int.from_bytes(b"octuiix3", "little")
"""First word of an index. Change it when the numbers of `octui.recording.log_index.KINDS` or the way totals are counted
change."""

SAMPLES = 16
"""So many lines are looked at to see whether an index belongs to its log."""

HELD = 1 << 14
"""More entries than these are not held by a reader where the file holds them as well."""

_ENTRY_BYTES = ENTRY_WORDS * WORD_BYTES
_decoder = msgspec.json.Decoder(Totals)


class IndexWriter:
    """Appends to the files what is new of an index.

    Args:
        log: The path of its log, which is new.
    """

    def __init__(self, log: Path) -> None:
        self._files: list[IO[bytes]] = []
        if sys.byteorder == "little":
            with suppress(OSError):
                self._files = [_private(path) for path in (index_path(log), totals_path(log))]
                self._files[0].write(array("Q", [MAGIC]).tobytes())

    def write(self, index: LogIndex) -> None:
        """Append it, and let the index forget it.

        After a failure nothing more is written: an index with a hole in it is worse than none.
        """
        words, totals = index.take()
        if not self._files:
            return
        parts = words.tobytes(), b"".join(msgspec.json.encode(each) + b"\n" for each in totals)
        try:
            whole = all(
                not part or file.write(part) == len(part) for file, part in zip(self._files, parts, strict=True)
            )
        except OSError:
            whole = False
        if not whole:
            self.close()

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files:
            with suppress(OSError):
                file.close()
        self._files = []


class SavedIndex:
    """Reads an index that is saved beside its log, or is being saved."""

    def __init__(self) -> None:
        self._file: int | None = None
        self._passed = 0, 0  # So many lines of totals, and bytes of them, need not be read again.
        self._is_other = sys.byteorder != "little"

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def advance(self, index: LogIndex, log: Path, handle: int) -> None:
        """Let an index go on from here; it stays as it is where nothing usable is further.

        Args:
            index: Of the log's beginning, or of nothing of it yet.
            log: The path of its log.
            handle: The log, open to be read.
        """
        try:
            if not self._is_open(log):
                return
            known = (self._count() - 1) // log_index.CHECKPOINT_EVERY
            if known * log_index.CHECKPOINT_EVERY <= len(index):
                return
            passed, at = self._passed
            lines = _whole_lines(totals_path(log), at)[: known - passed]
            known = passed + len(lines)
            until = known * log_index.CHECKPOINT_EVERY
            if until <= len(index) or not self._agrees(index, max(0, len(index) - 1)) or not self._fits(until, handle):
                return
            checkpoints = [*map(_decoder.decode, lines[len(index.checkpoints) - passed :])]
            index.skip(until, self._read, checkpoints)
            self._passed = known, at + sum(len(line) + 1 for line in lines)
        except (OSError, RecordingError, msgspec.DecodeError, UnicodeDecodeError):
            return

    def relieve(self, index: LogIndex, log: Path) -> None:
        """Let an index hold no entries that the file holds as well, where they are many."""
        if index.entries.held < HELD:
            return
        try:
            if not self._is_open(log):
                return
            until = min(len(index), self._count())
            if until - index.entries.stored < HELD // 2:
                return
            if self._agrees(index, index.entries.stored, until):
                index.entries.store(until, self._read)
            else:
                self._is_other = True
        except (OSError, RecordingError):
            return

    def _is_open(self, log: Path) -> bool:
        """Open the file where it is there and one of ours."""
        if self._is_other or self._file is not None:
            return not self._is_other
        with suppress(FileNotFoundError):
            self._file = os.open(index_path(log), os.O_RDONLY | os.O_CLOEXEC)
            head = os.pread(self._file, WORD_BYTES, 0)
            self._is_other = len(head) == WORD_BYTES and int.from_bytes(head, "little") != MAGIC
        return self._file is not None and not self._is_other

    def _count(self) -> int:
        assert self._file is not None
        return (os.fstat(self._file).st_size - WORD_BYTES) // _ENTRY_BYTES

    def _read(self, first: int, last: int) -> array[int]:
        assert self._file is not None
        wanted = (last - first) * _ENTRY_BYTES
        data = os.pread(self._file, wanted, WORD_BYTES + first * _ENTRY_BYTES)
        if len(data) < wanted:
            raise RecordingError("The recording's index was cut while it was read.", hint="Open the recording again.")
        return array("Q", data)

    def _agrees(self, index: LogIndex, first: int, last: int | None = None) -> bool:
        """Whether entries of an index are the same here, from one to before another or to its end."""
        last = len(index) if last is None else last
        return self._read(first, last) == index.entries.words(first, last)

    def _fits(self, until: int, handle: int) -> bool:
        """Whether lines of the log begin where the entries up to one say so."""
        picked = {*range(0, until, max(1, until // SAMPLES)), until}
        offsets = [self._read(each, each + 1)[0] for each in picked]
        size = os.fstat(handle).st_size
        if any(at >= size or (at and os.pread(handle, 1, at - 1) != b"\n") for at in offsets):
            return False
        return all(os.pread(handle, 1, at) not in (b"\n", b"") for at in offsets)


def _whole_lines(path: Path, start: int) -> list[bytes]:
    """The lines of a file from a byte on that are written to their ends."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read().split(b"\n")[:-1]


def _private(path: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
