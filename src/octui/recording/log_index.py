"""Where the events of a log begin, of what type they are and when they came; lines pass by and are not kept. Pure."""

from __future__ import annotations

import copy
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from octui.client.events import DIAGNOSTIC, KINDS, UNNUMBERED, decode_head
from octui.client.result import Totals
from octui.client.skim import skim
from octui.recording.entries import ENTRY_WORDS, PAGE, WORD_BYTES, Entries, Read

CHECKPOINT_EVERY = 1024
"""After so many events the totals are kept, so that those at any event cost at most as many lines."""

_TIME = (1 << 56) - 1
_OFFSET, _MARK = range(ENTRY_WORDS)
"""The words of an entry: where the event begins in bytes; its type's number and its time in microseconds."""

_KIND_BYTE = (ENTRY_WORDS if sys.byteorder == "little" else _MARK) * WORD_BYTES - (sys.byteorder == "little")
"""Which byte of an entry is its type's number: the highest of its word."""

_NO_EVENT = KINDS.index(DIAGNOSTIC)
_KINDS: tuple[str | None, ...] = KINDS + (None,) * (UNNUMBERED + 1 - len(KINDS))


class Lines(NamedTuple):
    """Lines without their ends, and what `skim` says they are."""

    kinds: bytes
    lines: list[bytes]

    @property
    def has_event(self) -> bool:
        """Whether any of them is an event."""
        return self.kinds.count(_NO_EVENT) < len(self.kinds)


class LogIndex:
    """Grows with its log; feeding it the same bytes always makes the same index, however they are cut.

    Attributes:
        entries: One for each event.
        totals: The fold of all events; not to be changed.
        checkpoints: The totals after every `CHECKPOINT_EVERY` events.
        read_to: How many bytes it was fed.
    """

    def __init__(self) -> None:
        self.entries = Entries()
        self.totals = Totals()
        self.checkpoints: list[Totals] = []
        self.read_to = 0
        self._tail: list[bytes] = []
        self._last_time = 0
        self._first_time = 0

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def tail(self) -> bytes:
        """What stands behind the last whole line."""
        return b"".join(self._tail)

    def feed(self, chunk: bytes) -> Lines:
        """Take in what comes next of the log; give the lines it completes."""
        before = sum(map(len, self._tail))
        start = self.read_to - before
        self.read_to += len(chunk)
        *lines, rest = chunk.split(b"\n")
        if not lines:
            self._tail.append(rest)
            return Lines(b"", [])
        lines[0] = b"".join([*self._tail, lines[0]])
        self._tail = [rest] if rest else []
        return self._add(lines, start)

    def feed_end(self) -> Lines:
        """Count a last line without its end where it is whole: an object that is closed cannot go on."""
        tail = self.tail
        if not tail.endswith(b"}") or decode_head(tail) is None:
            return Lines(b"", [])
        self._tail = []
        return self._add([tail], self.read_to - len(tail))

    def offset(self, index: int) -> int:
        """Where a line begins, in bytes."""
        return self.entries.word(index, _OFFSET)

    def span(self, index: int) -> tuple[int, int]:
        """From which byte to which a line stands, with its end and blank lines after it."""
        is_last = index + 1 == len(self)
        end = self.read_to - sum(map(len, self._tail)) if is_last else self.offset(index + 1)
        return self.offset(index), end

    def kind(self, index: int) -> str | None:
        """The type of an event; None where it has no number, and the line has to be asked."""
        return _KINDS[self.entries.word(index, _MARK) >> 56]

    def kinds(self, first: int, last: int) -> list[str | None]:
        """The types of the events from one to before another, as `kind` gives them."""
        return [_KINDS[mark >> 56] for mark in self.entries.words(first, last)[_MARK::ENTRY_WORDS]]

    def time(self, index: int) -> float:
        """When an event came, in seconds since the epoch; 0 where no line tells any time.

        A line that does not tell takes the time of the one before, those at the start that of the first that tells.
        """
        return ((self.entries.word(index, _MARK) & _TIME) or self._first_time) / 1e6

    def first_at_or_after(self, moment: float) -> int:
        """The index of the first event at or after a moment; the number of events where all are before it."""
        return bisect_left(range(len(self)), moment, key=self.time)

    def at_offset(self, offset: int) -> int:
        """The index of the line that holds a byte; -1 where it stands before the first."""
        return bisect_right(range(len(self)), offset, key=self.offset) - 1

    def skip(self, count: int, read: Read, checkpoints: Sequence[Totals]) -> None:
        """Take the next events from another index of the same log instead of from the log.

        Args:
            count: Up to so many events; a checkpoint counts as many.
            read: Gives their entries, and that of the one after them, with which reading goes on.
            checkpoints: Those on the way, the last one after ``count`` events.
        """
        last, following = read(count - 1, count), read(count, count + 1)
        self.read_to = following[_OFFSET]
        self._tail = []
        self._last_time = last[_MARK] & _TIME
        first = len(self)
        while not self._first_time and first < count:
            page = read(first, min(first + PAGE, count))
            self._first_time = next((mark & _TIME for mark in page[_MARK::ENTRY_WORDS] if mark & _TIME), 0)
            first += PAGE
        self.entries.store(count, read)
        self.checkpoints.extend(checkpoints)
        self.totals = copy.copy(self.checkpoints[-1])

    def take(self) -> tuple[array[int], list[Totals]]:
        """Give away what came since this was asked before, the words of entries and checkpoints, and forget it."""
        words, checkpoints = self.entries.words(self.entries.stored, len(self)), self.checkpoints
        self.entries.store(len(self), None)
        self.checkpoints = []
        return words, checkpoints

    def _add(self, lines: list[bytes], start: int) -> Lines:
        """Take in lines that follow one another from a byte on.

        Written for a million lines: what is done for each is done by built-in functions, a chunk at a time.
        """
        offsets = array("Q", accumulate([len(line) + 1 for line in lines[:-1]], initial=start))
        kinds, times = skim(lines)
        if _NO_EVENT in kinds and any(not line or line.isspace() for line in lines):
            told = zip(offsets, lines, kinds, times, strict=True)
            kept = [each for each in told if each[1] and not each[1].isspace()]
            if not kept:
                return Lines(b"", [])
            begins, lines, numbers, times = map(list, zip(*kept, strict=True))
            offsets, kinds = array("Q", begins), bytes(numbers)
        # A clock that was set back must not put events out of order.
        if times[0] < self._last_time or times != sorted(times):
            times = [*accumulate(times, max, initial=self._last_time)][1:]
        self._last_time = times[-1]
        self._first_time = self._first_time or next(filter(None, times), 0)
        words = array("Q", bytes(WORD_BYTES * ENTRY_WORDS * len(lines)))
        words[_OFFSET::ENTRY_WORDS] = offsets
        words[_MARK::ENTRY_WORDS] = array("Q", times)
        memoryview(words).cast("B")[_KIND_BYTE :: ENTRY_WORDS * WORD_BYTES] = kinds
        self._fold(kinds, lines)
        self.entries.append(words)
        return Lines(kinds, lines)

    def _fold(self, kinds: bytes, lines: list[bytes]) -> None:
        done = 0
        while done < len(lines):
            until = done + CHECKPOINT_EVERY - (len(self) + done) % CHECKPOINT_EVERY
            self.totals.feed_lines(kinds[done:until], lines[done:until])
            if until <= len(lines):
                self.checkpoints.append(copy.copy(self.totals))
            done = until
