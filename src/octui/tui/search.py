"""Searching a run's events: every item that holds the words, found in slices of time so that keys are answered."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from octui.errors import RecordingError
from octui.tui.document import RunDocument

BLOCK_BYTES = 1 << 18
"""So much of a log is looked through at once; only where the words may stand is any line looked at."""


@dataclass(slots=True)
class Search:
    """The items of a document that hold ``query``, in any case.

    Attributes:
        document: What is searched.
        query: What is looked for; not empty.
        hits: The items found so far, in order.
        searched: Up to which item the search has come.
    """

    document: RunDocument
    query: str
    hits: list[int] = field(default_factory=list)
    searched: int = 0

    @property
    def done(self) -> float:
        """Which share of the items is searched, from 0 to 1."""
        return min(1.0, self.searched / max(1, self.document.last - 1))

    def advance(self, budget_s: float = 0.008) -> bool:
        """Go on for at most ``budget_s`` seconds; give whether there is more to do."""
        last = self.document.last
        if self.searched >= last:
            while self.hits and self.hits[-1] >= last:
                self.hits.pop()
            self.searched = last - 1 if last else 0
        stop = time.perf_counter() + budget_s
        while self.searched + 1 < last:
            for item in self._candidates(last):
                self.searched = item
                if self._holds(item):
                    self.hits.append(item)
                if time.perf_counter() > stop:
                    return self.searched + 1 < last
            if time.perf_counter() > stop:
                break
        return self.searched + 1 < last

    def next(self, item: int, step: int) -> int | None:
        """The hit after (``step`` 1) or before (-1) an item, around the ends; None where there is none."""
        if not self.hits:
            return None
        if step > 0:
            following = bisect_right(self.hits, item)
            return self.hits[following] if following < len(self.hits) else self.hits[0]
        return self.hits[bisect_left(self.hits, item) - 1]

    def place(self, item: int) -> int:
        """Which hit, from 1, an item is; 0 where it is none."""
        place = bisect_left(self.hits, item)
        return place + 1 if place < len(self.hits) and self.hits[place] == item else 0

    def _candidates(self, last: int) -> Iterator[int]:
        """The items of the next block that may hold the words; afterwards the block is searched."""
        log = self.document.view.log(self.document.run)
        first = self.searched
        start = log.offset(first)
        until = max(first + 1, min(last - 1, log.at_offset(start + BLOCK_BYTES)))
        try:
            block = log.block(first, until)
        except (OSError, IndexError, RecordingError):
            block = b""
        printed = msgspec.json.encode(self.query)[1:-1].decode()
        if block.isascii():
            yield from self._spots(block.lower(), printed.casefold().encode(), start, first + 1)
        elif printed.casefold() in block.decode("utf-8", "replace").casefold():
            yield from range(first + 1, until + 1)
        self.searched = until

    def _spots(self, block: bytes, needle: bytes, start: int, item: int) -> Iterator[int]:
        """The items of an ASCII block in which the needle stands, none before ``item``."""
        log = self.document.view.log(self.document.run)
        at = block.find(needle)
        while at >= 0:
            found = log.at_offset(start + at) + 1
            if found >= item:
                yield found
            item = found + 1
            line_end = block.find(b"\n", at)
            at = block.find(needle, line_end) if line_end >= 0 else -1

    def _holds(self, item: int) -> bool:
        return not self.document.is_hidden(item) and self.query.casefold() in self.document.text(item).casefold()
