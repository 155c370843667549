"""One run's log, ``NAME.jsonl``, read by index: lines stay in the file, only where they begin is kept.

The same reader serves a log that is being written, one that was saved, and one made by hand with
``opencode run --format json > file.jsonl``.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from octui.client.events import KINDS, Event, decode_line
from octui.client.result import Totals, final_text
from octui.client.skim import skim
from octui.recording import log_index
from octui.recording.log_index import Lines, LogIndex
from octui.recording.saved_index import SavedIndex

READ_BYTES = 1 << 18
PEEK_BYTES = 1 << 16
FAR_BYTES = 1 << 20
"""So many bytes behind, an index goes on from the one the recorder keeps beside the log, where that is further."""

_CALL = bytes([KINDS.index("tool_use")])


class EventLog:
    """The events of one run.

    Args:
        path: The log; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None
        self._fallback_time = 0.0
        self._size = 0
        self._index = LogIndex()
        self._saved = SavedIndex()

    def __len__(self) -> int:
        return len(self._index)

    def __del__(self) -> None:
        self.close()

    @property
    def totals(self) -> Totals:
        """The fold of all events so far; not to be changed."""
        return self._index.totals

    @property
    def tail_incomplete(self) -> bytes:
        """What stands behind the last whole line: one that is being written, or that was cut."""
        return self._index.tail

    @property
    def bytes_known(self) -> tuple[int, int]:
        """How many bytes are indexed, of how many there are."""
        return self._index.read_to, max(self._size, self._index.read_to)

    @property
    def is_whole(self) -> bool:
        """Whether all there was at the last look is indexed."""
        return self._index.read_to >= self._size

    def refresh(self, budget_s: float | None = None) -> bool:
        """Index what was appended; give whether there is anything new.

        A log that was replaced or cut starts anew, and one that was deleted stays as it was. A last line without its
        end is counted only where it is whole JSON: nothing more of it can come.

        Args:
            budget_s: Seconds to spend at most; what is left comes with the next call. None for no limit.
        """
        before = len(self), len(self._index.tail)
        if not self._look():
            return False
        assert self._file is not None
        if self._size - self._index.read_to > FAR_BYTES:
            self._saved.advance(self._index, self.path, self._file)
        stop = None if budget_s is None else time.perf_counter() + budget_s
        while self._index.read_to < self._size and (chunk := os.pread(self._file, READ_BYTES, self._index.read_to)):
            self._index.feed(chunk)
            if stop is not None and time.perf_counter() >= stop:
                break
        else:
            self._index.feed_end()
        self._saved.relieve(self._index, self.path)
        return (len(self), len(self._index.tail)) != before

    def line(self, index: int) -> bytes:
        """One line as opencode printed it, without its end."""
        return self.block(index, index + 1).split(b"\n", 1)[0]

    def block(self, first: int, last: int) -> bytes:
        """The lines from ``first`` to before ``last`` at once, with their ends, and blank lines among them."""
        if self._file is None or not 0 <= first < last <= len(self):
            raise IndexError(first)
        start, end = self._index.offset(first), self._index.span(last - 1)[1]
        return os.pread(self._file, end - start, start)

    def event(self, index: int) -> Event:
        """One line decoded."""
        return decode_line(self.line(index))

    def offset(self, index: int) -> int:
        """Where a line begins, in bytes."""
        return self._index.offset(index)

    def at_offset(self, offset: int) -> int:
        """The index of the line that holds a byte; -1 where it stands before the first."""
        return self._index.at_offset(offset)

    def kind(self, index: int) -> str:
        """The type of a line's event."""
        return self._index.kind(index) or self.event(index).type

    def kinds(self, first: int, last: int) -> list[str]:
        """The types of the events from one to before another."""
        kinds = self._index.kinds(first, last)
        return [kind or self.kind(index) for index, kind in enumerate(kinds, first)]

    def time(self, index: int) -> float:
        """When an event came, in seconds since the epoch.

        A line that does not tell takes the time of the one before, those at the start that of the first that tells,
        and those of a log without any time the file's own.
        """
        return self._index.time(index) or self._fallback_time

    @property
    def end_time(self) -> float:
        """When its last event came, whether it is indexed already or not; 0 where there is none."""
        if not self.is_whole and self._file is not None:
            tail = os.pread(self._file, PEEK_BYTES, max(0, self._size - PEEK_BYTES))
            if latest := max(skim(tail.split(b"\n")[1:-1]).times_us, default=0):
                return latest / 1e6
        return self.time(len(self) - 1) if len(self) else 0.0

    def first_at_or_after(self, moment: float) -> int:
        """The index of the first event at or after a moment; the number of events where all are before it."""
        return self._index.first_at_or_after(moment)

    def totals_at(self, count: int) -> Totals:
        """The fold of the first ``count`` events: what the totals were when there were so many."""
        if count >= len(self):
            return copy.copy(self._index.totals)
        checkpoint = count // log_index.CHECKPOINT_EVERY
        totals = copy.copy(self._index.checkpoints[checkpoint - 1]) if checkpoint else Totals()
        for kinds, lines in self._lines(checkpoint * log_index.CHECKPOINT_EVERY, count):
            totals.feed_lines(kinds, lines)
        return totals

    def final_text(self, begins: int = 0) -> str:
        """The assistant's text after its last tool call or start of a step; empty where it gave none.

        Args:
            begins: The byte before which nothing counts, such as what it said in an earlier life.
        """
        return final_text(self._newest_first(begins))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _newest_first(self, begins: int) -> Iterator[bytes]:
        for index in range(len(self) - 1, -1, -1):
            if self.offset(index) < begins:
                return
            yield self.line(index)

    def _lines(self, first: int, last: int) -> Iterator[Lines]:
        """Lines with their types, read in blocks; of long tool calls, which say nothing that counts, only the type."""
        while first < last:
            start, end = self._index.span(first)
            if end - start > READ_BYTES and self.kind(first) == "tool_use":
                yield Lines(_CALL, [b""])
                first += 1
                continue
            until = max(first + 1, min(last, self.at_offset(start + READ_BYTES)))
            lines = [line for line in self.block(first, until).split(b"\n") if line and not line.isspace()]
            yield Lines(skim(lines).kinds, lines)
            first = until

    def _look(self) -> bool:
        """Open the file where it is there, anew where it is another one; give whether there is one to read."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            if self._file is None:
                return False
            stat = os.fstat(self._file)  # Deleted: what was open can still be read.
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._identity or stat.st_size < self._index.read_to:
            self.close()
            self._identity = None
            self._index = LogIndex()
            self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            self._identity = identity
            self._saved = SavedIndex()
            self._saved.advance(self._index, self.path, self._file)
        self._size = stat.st_size
        self._fallback_time = stat.st_mtime
        return True
