"""Searching a run's events: every item that says the words, the newest first, found in slices of time.

The log is read in blocks, and a line of it is decoded only where it may say the words. That is told by those parts of
them that are printed as they are said: letters and signs that JSON does not escape and that cleaning leaves alone. A
line which holds what cleaning takes out, colours apart, or letters printed as numbers (``\\u00e9``), may say anything.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from operator import neg

from octui.client.events import decode_line
from octui.errors import RecordingError
from octui.tui.document import RunDocument
from octui.tui.render.blocks import event_text
from octui.tui.text import clean

BLOCK_BYTES = 1 << 16
"""So much of a log is looked through at once: a fraction of a slice."""

SLICE_S = 0.006

_AS_PRINTED = re.compile(r"[\w!#$%&()*+.;<=>?@^`|~-]+")
_COLOURS = re.compile(rb"\\u001b\[[0-9;]*[mk]")
_TAKEN_OUT = re.compile("[\u0345\u034f\ufe00-\ufe0f]")
"""What is printable and may be left out between two letters all the same."""


class Search:
    """The items of a document that say ``query``, in any case; it goes from the newest event to the first.

    Args:
        document: What is searched.
        query: What is looked for; not empty.
    """

    def __init__(self, document: RunDocument, query: str) -> None:
        self.document = document
        self.query = query
        self._needle = query.casefold()
        self._parts = sorted(_AS_PRINTED.findall(self._needle), key=len, reverse=True)
        self._printed = [part.encode() for part in self._parts]
        self._low = self._high = document.events + 1
        """The items from the one to before the other are searched."""
        self._older: list[int] = []
        """Hits among the events there were at the start, the newest first."""
        self._newer: list[int] = []
        """Hits among those that came since, in order."""

    @property
    def hits(self) -> list[int]:
        """The items found so far, in order."""
        return [*reversed(self._older), *self._newer]

    @property
    def found(self) -> int:
        """How many items are found so far."""
        return len(self._older) + len(self._newer)

    @property
    def done(self) -> float:
        """Which share of the items is searched, from 0 to 1."""
        return min(1.0, (self._high - self._low) / max(1, self.document.events))

    @property
    def is_behind(self) -> bool:
        """Whether there is more to search."""
        return self._low > 1 or self._high <= self.document.events

    def advance(self, budget_s: float = SLICE_S) -> bool:
        """Go on for about ``budget_s`` seconds, and for a block at least; give whether there is more to do."""
        self._step_back()
        stop = time.perf_counter() + budget_s
        while self.is_behind:
            if self._high <= self.document.events:
                first = self._high - 1
                until = self._end_of_block(first)
                self._newer += self._look(first, until)
                self._high = until + 1
            else:
                until = self._low - 1
                first = self._start_of_block(until)
                self._older += reversed(self._look(first, until))
                self._low = first + 1
            if time.perf_counter() >= stop:
                break
        return self.is_behind

    def next(self, item: int, step: int, *, around: bool = True) -> int | None:
        """The hit after (``step`` 1) or before (-1) an item, ``around`` the ends if wanted; None for none."""
        place = self._count_to(item, inclusive=True) if step > 0 else self._count_to(item, inclusive=False) - 1
        if not 0 <= place < self.found and not around:
            return None
        return self._hit(place % self.found) if self.found else None

    def place(self, item: int) -> int:
        """Which hit, from 1, an item is; 0 where it is none."""
        place = self._count_to(item, inclusive=True)
        return place if place and self._hit(place - 1) == item else 0

    def _hit(self, place: int) -> int:
        return self._older[-1 - place] if place < len(self._older) else self._newer[place - len(self._older)]

    def _count_to(self, item: int, *, inclusive: bool) -> int:
        """How many hits there are before an item, or up to it."""
        newer = (bisect_right if inclusive else bisect_left)(self._newer, item)
        later = (bisect_left if inclusive else bisect_right)(self._older, -item, key=neg)
        return len(self._older) - later + newer

    def _step_back(self) -> None:
        """Forget hits among events that went, as after a step back in a replay."""
        last = self.document.events + 1
        if self._high > last:
            self._older = [hit for hit in self._older if hit < last]
            self._newer = [hit for hit in self._newer if hit < last]
            self._low, self._high = min(self._low, last), last

    def _end_of_block(self, first: int) -> int:
        log = self.document.view.log(self.document.run)
        return max(first + 1, min(self.document.events, log.at_offset(log.offset(first) + BLOCK_BYTES)))

    def _start_of_block(self, until: int) -> int:
        log = self.document.view.log(self.document.run)
        return log.at_offset(log.offset(until - 1) - BLOCK_BYTES) + 1

    def _look(self, first: int, until: int) -> list[int]:
        """The items that say the words, of the events from one index to before another."""
        try:
            block = self.document.view.log(self.document.run).block(first, until)
        except (OSError, IndexError, RecordingError):
            return []
        lines = block.split(b"\n")
        spots = self._candidates(block, lines)
        if not spots:
            return []
        hits: list[int] = []
        item = first
        for number, line in enumerate(lines):
            if line and not line.isspace():
                item += 1
                if number in spots and self._holds(line) and not self.document.is_hidden(item):
                    hits.append(item)
        return hits

    def _candidates(self, block: bytes, lines: list[bytes]) -> Collection[int]:
        """The numbers of the lines of a block that may say the words."""
        if not self._parts:
            return range(len(lines))
        printed = block.lower()
        spots = self._printed_in(printed).union(_spots(printed, b"\x1b"))
        if b"\\u" in printed:
            uncoloured = _COLOURS.sub(b"", printed)
            spots.update(self._printed_in(uncoloured), _spots(uncoloured, b"\\u"))
        if not block.isascii():
            spots.update(number for number, line in enumerate(lines) if not line.isascii() and self._may_hold(line))
        return spots

    def _printed_in(self, block: bytes) -> set[int]:
        """The numbers of the lines in which all parts of the words stand as printed."""
        longest, *others = self._printed
        spots = {*_spots(block, longest)}
        if others and spots:
            lines = block.split(b"\n")
            spots = {number for number in spots if all(part in lines[number] for part in others)}
        return spots

    def _may_hold(self, line: bytes) -> bool:
        """Whether a line of more than ASCII may say the words: some letters fold to ASCII, and some are left out."""
        text = line.decode("utf-8", "replace").casefold()
        if not text.isprintable() or _TAKEN_OUT.search(text) is not None:
            return True
        return all(part in text for part in self._parts)

    def _holds(self, line: bytes) -> bool:
        return self._needle in clean(event_text(decode_line(line))).casefold()


def _spots(block: bytes, words: bytes) -> Iterator[int]:
    """The numbers of the lines in which words stand."""
    number = counted = 0
    at = block.find(words)
    while at >= 0:
        number += block.count(b"\n", counted, at)
        yield number
        counted = at
        end = block.find(b"\n", at)
        at = block.find(words, end) if end >= 0 else -1
