"""Searching a run's events: every item that holds the words, found in slices of time so that keys are answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec

from octui.tui.document import RunDocument


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

    def advance(self, budget_s: float = 0.01) -> bool:
        """Go on for at most ``budget_s`` seconds; give whether there is more to do."""
        last = self.document.last
        if self.searched >= last:
            while self.hits and self.hits[-1] >= last:
                self.hits.pop()
            self.searched = last - 1 if last else 0
        needle = self.query.casefold()
        as_printed = msgspec.json.encode(self.query)[1:-1].decode().casefold()
        stop = time.perf_counter() + budget_s
        while self.searched + 1 < last:
            self.searched += 1
            raw = self.document.raw(self.searched) or b""
            if (
                as_printed in raw.decode("utf-8", "replace").casefold()
                and not self.document.is_hidden(self.searched)
                and needle in self.document.text(self.searched).casefold()
            ):
                self.hits.append(self.searched)
            if time.perf_counter() > stop:
                return self.searched + 1 < last
        return False

    def next(self, item: int, step: int) -> int | None:
        """The hit after (``step`` 1) or before (-1) an item, around the ends; None where there is none."""
        if not self.hits:
            return None
        if step > 0:
            return next((hit for hit in self.hits if hit > item), self.hits[0])
        return next((hit for hit in reversed(self.hits) if hit < item), self.hits[-1])

    def place(self, item: int) -> int:
        """Which hit, from 1, an item is; 0 where it is none."""
        return self.hits.index(item) + 1 if item in self.hits else 0
