"""One run's log, ``NAME.jsonl``, read by index: lines stay in the file, only where they begin is kept.

The same reader serves a log that is being written, one that was saved, and one made by hand with
``opencode run --format json > file.jsonl``.
"""

from __future__ import annotations

import copy
import os
from array import array
from bisect import bisect_left
from contextlib import suppress
from pathlib import Path

from octui.client.events import DIAGNOSTIC, EVENT_TYPES, Event, decode_head, decode_line
from octui.client.result import Totals

READ_BYTES = 1 << 20
CHECKPOINT_EVERY = 512
"""After so many events the totals are kept, so that those at any event cost at most as many decodes."""

_KINDS = [*EVENT_TYPES, DIAGNOSTIC]


class EventLog:
    """The events of one run.

    Args:
        path: The log; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None
        self._kind_names = list(_KINDS)
        self._reset()

    def __len__(self) -> int:
        return len(self._offsets)

    def __del__(self) -> None:
        self.close()

    @property
    def totals(self) -> Totals:
        """The fold of all events so far; not to be changed."""
        return self._totals

    @property
    def tail_incomplete(self) -> bytes:
        """What stands behind the last whole line: one that is being written, or that was cut."""
        return bytes(self._tail)

    def refresh(self) -> bool:
        """Index what was appended; give whether there is anything new.

        A log that was replaced or cut starts anew, and one that was deleted stays as it was. A last line without its
        end is counted only where it is whole JSON: nothing more of it can come.
        """
        before = len(self), len(self._tail)
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            if self._file is None:
                return False
            stat = os.fstat(self._file)  # Deleted: what was open can still be read.
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._identity or stat.st_size < self._read_to:
            self._forget()
            self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            self._identity = identity
        self._fallback_time = stat.st_mtime
        assert self._file is not None
        while chunk := os.pread(self._file, READ_BYTES, self._read_to):
            self._take(chunk)
        self._take_unended()
        return (len(self), len(self._tail)) != before

    def line(self, index: int) -> bytes:
        """One line as opencode printed it, without its end."""
        if self._file is None:
            raise IndexError(index)
        return os.pread(self._file, self._lengths[index], self._offsets[index])

    def event(self, index: int) -> Event:
        """One line decoded."""
        return decode_line(self.line(index))

    def offset(self, index: int) -> int:
        """Where a line begins, in bytes."""
        return self._offsets[index]

    def kind(self, index: int) -> str:
        """The type of a line's event."""
        return self._kind_names[self._kinds[index]]

    def time(self, index: int) -> float:
        """When an event came, in seconds since the epoch.

        A line that does not tell takes the time of the one before, those at the start that of the first that tells,
        and those of a log without any time the file's own.
        """
        return self._times[index] or self._fallback_time

    def first_at_or_after(self, moment: float) -> int:
        """The index of the first event at or after a moment; the number of events where all are before it."""
        return bisect_left(self._times, moment)

    def totals_at(self, count: int) -> Totals:
        """The fold of the first ``count`` events: what the totals were when there were so many."""
        if count >= len(self):
            return copy.copy(self._totals)
        checkpoint = count // CHECKPOINT_EVERY
        totals = copy.copy(self._checkpoints[checkpoint])
        for index in range(checkpoint * CHECKPOINT_EVERY, count):
            totals.feed(self.event(index))
        return totals

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _reset(self) -> None:
        self._offsets = array("Q")
        self._lengths = array("Q")
        self._times = array("d")
        self._kinds = array("H")
        self._totals = Totals()
        self._checkpoints = [Totals()]
        self._tail = bytearray()
        self._read_to = 0
        self._fallback_time = 0.0

    def _forget(self) -> None:
        self.close()
        self._identity = None
        self._reset()

    def _take(self, chunk: bytes) -> None:
        start = self._read_to - len(self._tail)
        self._read_to += len(chunk)
        self._tail += chunk
        if b"\n" not in chunk:
            return
        *lines, rest = bytes(self._tail).split(b"\n")
        self._tail = bytearray(rest)
        for line in lines:
            if line.strip():
                self._add(line, start)
            start += len(line) + 1

    def _take_unended(self) -> None:
        """Count a last line without its end where it is whole: an object that is closed cannot go on."""
        if self._tail.endswith(b"}") and decode_head(self._tail) is not None:
            self._add(bytes(self._tail), self._read_to - len(self._tail))
            self._tail = bytearray()

    def _add(self, line: bytes, offset: int) -> None:
        event = decode_line(line)
        time = self._time_of(event)  # may replace the array, so it comes before `append` is looked up
        self._times.append(time)
        self._offsets.append(offset)
        self._lengths.append(len(line))
        self._kinds.append(self._kind_number(event.type))
        self._totals.feed(event)
        if len(self) % CHECKPOINT_EVERY == 0:
            self._checkpoints.append(copy.copy(self._totals))

    def _time_of(self, event: Event) -> float:
        """Never before the event before: a clock that was set back must not put events out of order."""
        before = self._times[-1] if self._times else 0.0
        if event.timestamp is None:
            return before
        time = event.timestamp / 1000
        if not before:
            self._times = array("d", [time]) * len(self._times)
        return max(time, before)

    def _kind_number(self, kind: str) -> int:
        if kind not in self._kind_names:
            if len(self._kind_names) >= 1000:
                return self._kind_names.index(DIAGNOSTIC)
            self._kind_names.append(kind)
        return self._kind_names.index(kind)
