"""Where a pane stands in its document: which rows are visible, following the tail or held where a person scrolled to.

The position is an anchor, (item, part of it, line in that), so that nothing has to know the height of what is out of
sight, be it a million items or one of a million lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from octui.tui.render.lines import Line, plain
from octui.tui.render.long_text import Block, LongPart


class Document(Protocol):
    """What can be scrolled in: items, each a block of lines."""

    @property
    def last(self) -> int:
        """The number of the last item; the first is 0."""

    def block(self, item: int, width: int) -> Block:
        """The lines of an item in parts; always in as many, however wide."""

    def beside(self, item: int, step: int) -> int | None:
        """The next item after (``step`` 1) or before (-1) one that may have lines; None past the ends."""


class Spot(NamedTuple):
    """A place in a document: a line of a part of an item."""

    item: int
    part: int = 0
    at: int = 0


class Row(NamedTuple):
    """One visible row: line ``at`` of a part of ``item``."""

    item: int
    part: int
    at: int
    line: Line

    @property
    def spot(self) -> Spot:
        """Where it stands."""
        return Spot(self.item, self.part, self.at)

    @property
    def is_first(self) -> bool:
        """Whether it is the first line of its item."""
        return self.part == 0 and self.at == 0


class Scroller:
    """Lays a document out in a window of ``width`` × ``height`` cells."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.following = True
        self.cursor: int | None = None
        self.width = 1
        self.height = 1
        self.unseen = 0
        self._top = Spot(0)
        self._resized: tuple[Spot, int] | None = None
        self._seen: tuple[Row, Row] | None = None

    @property
    def position(self) -> tuple[bool, int | None, Spot | None]:
        """What is another when somebody has scrolled or moved the cursor."""
        return self.following, self.cursor, None if self.following else self._top

    def resize(self, width: int, height: int) -> None:
        """Give the window another size; the text on top stays there."""
        width, height = max(1, width), max(1, height)
        if width != self.width and not self.following:
            if self._resized is None or self._resized[0] != self._top:
                self._resized = self._top, self._ink_below(self._top, self.width)
            ink = self._resized[1]
            self._top = self._spot_above(self._top, ink, width)
            self._resized = self._top, ink
        self.width, self.height = width, height

    def rows(self) -> list[Row]:
        """The rows in the window, at most ``height``."""
        rows = [] if self.following else [*islice(self._down(self._top), self.height + 1)]
        if len(rows) > self.height:
            rows.pop()
        else:
            self.follow()
            rows = [*islice(self._up(Spot(self.document.last + 1)), self.height)]
            rows.reverse()
            if rows:
                self._top = rows[0].spot
        self._seen = (rows[0], rows[-1]) if rows else None
        return rows

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self.unseen = 0

    def grew(self, more: int) -> None:
        """Take note of events that came, or went after a step back in a replay."""
        if more < 0:
            self.follow()
            if self.cursor is not None:
                self.cursor = min(self.cursor, self.document.last)
        elif not self.following:
            self.unseen += more

    def follow_moved(self, moved: Mapping[int, int]) -> None:
        """Stay with items that have other numbers now, by the numbers they had."""
        if self._top.item in moved:
            self._top = self._top._replace(item=moved[self._top.item])
        if self.cursor is not None:
            self.cursor = moved.get(self.cursor, self.cursor)

    def scroll(self, lines: int) -> None:
        """Move by so many lines, up where negative."""
        rows = self.rows()
        if not rows:
            return
        top = rows[0].spot
        if lines < 0:
            if (above := self._last_of(self._up(top), -lines)) is not None:
                self._top = above
                self.following = False
        elif not self.following:
            self._top = self._last_of(self._down(top), lines + 1) or top

    def home(self) -> None:
        """Go to the start."""
        self._top = Spot(0)
        self.following = False

    def show(self, item: int, part: int = 0, at: int = 0) -> None:
        """Bring an item, or a line of it, into the window, near its upper third where it was out of sight."""
        rows = self.rows()
        spot = Spot(item, part, at)
        if any(row.spot == spot for row in rows) and (rows[-1].item != item or part or at or _count(rows, item) > 2):
            return
        self.following = False
        self._top = self._last_of(self._up(spot), self.height // 3) or spot

    def move_cursor(self, step: int) -> None:
        """Move the cursor to the next item with something to show, ``step`` being 1 or -1."""
        rows = self.rows()
        if not rows:
            return
        if self.cursor is None:
            self.cursor = rows[-1].item if step < 0 else rows[0].item
        else:
            item = self.document.beside(self.cursor, step)
            while item is not None and not self._is_solid(item):
                item = self.document.beside(item, step)
            if item is None:
                if step > 0:
                    self.follow()
                return
            self.cursor = item
        self.show(self.cursor)

    def progress(self) -> tuple[float, float]:
        """Where the window begins and ends in the document, as shares of its items: for a scroll mark."""
        if self._seen is None:
            self.rows()
        if self._seen is None:
            return 0.0, 1.0
        total = self.document.last + 1
        first, last = self._seen
        return (first.item + self._share(first, 0)) / total, (last.item + self._share(last, 1)) / total

    def _share(self, row: Row, end: int) -> float:
        """How far into its item a row stands, by parts; the rows of an item of few parts stand at its ends."""
        parts = len(self.document.block(row.item, self.width))
        return min(1.0, (row.part + end) / parts) if parts > 1 else end

    def _is_solid(self, item: int) -> bool:
        block = self.document.block(item, self.width)
        return any(isinstance(part, LongPart) or any(plain(line).strip() for line in part) for part in block)

    def _down(self, start: Spot) -> Iterator[Row]:
        """The rows from a place on."""
        item: int | None = start.item
        first, skip = start.part, start.at
        while item is not None and item <= self.document.last:
            block = self.document.block(item, self.width)
            for number in range(first, len(block)):
                part = block[number]
                for at in range(skip, len(part)):
                    yield Row(item, number, at, part[at])
                skip = 0
            item, first, skip = self.document.beside(item, 1), 0, 0

    def _up(self, start: Spot) -> Iterator[Row]:
        """The rows above a place, the nearest first."""
        if start.item <= self.document.last:
            block = self.document.block(start.item, self.width)
            if start.part < len(block):
                yield from _backwards(start.item, start.part, block[start.part], start.at)
            for number in range(min(start.part, len(block)) - 1, -1, -1):
                yield from _backwards(start.item, number, block[number])
        item = self.document.beside(start.item, -1)
        while item is not None:
            block = self.document.block(item, self.width)
            for number in range(len(block) - 1, -1, -1):
                yield from _backwards(item, number, block[number])
            item = self.document.beside(item, -1)

    def _last_of(self, rows: Iterator[Row], count: int) -> Spot | None:
        """The place of the last of so many rows, or of as many as there are; None where there is none."""
        found = None
        for row in islice(rows, count):
            found = row.spot
        return found

    def _part(self, spot: Spot, width: int) -> Sequence[Line]:
        block = self.document.block(spot.item, width) if spot.item <= self.document.last else []
        return block[spot.part] if spot.part < len(block) else []

    def _ink_below(self, spot: Spot, width: int) -> int:
        """How many letters stand in a part from a line on: as many as with any other width."""
        part = self._part(spot, width)
        return sum(_ink(part[at]) for at in range(spot.at, len(part)))

    def _spot_above(self, spot: Spot, ink: int, width: int) -> Spot:
        """The line of a part, laid out with another width, from which on so many letters stand."""
        if spot.at == 0:
            return spot
        part = self._part(spot, width)
        for at in range(len(part) - 1, 0, -1):
            ink -= _ink(part[at])
            if ink <= 0:
                return spot._replace(at=at)
        return spot._replace(at=0)


def _backwards(item: int, number: int, part: Sequence[Line], end: int | None = None) -> Iterator[Row]:
    end = len(part) if end is None else min(end, len(part))
    for at in range(end - 1, -1, -1):
        yield Row(item, number, at, part[at])


def _ink(line: Line) -> int:
    return len(plain(line).replace(" ", ""))


def _count(rows: list[Row], item: int) -> int:
    return sum(row.item == item for row in rows)
