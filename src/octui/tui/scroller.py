"""Where a pane stands in its document: which rows are visible, following the tail or held where a person scrolled to.

The position is an anchor, (item, line in it), so that nothing has to know the height of what is out of sight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from octui.tui.document import RunDocument
from octui.tui.render.lines import Line


class Row(NamedTuple):
    """One visible row: line ``at`` of ``item``."""

    item: int
    at: int
    line: Line


class Scroller:
    """Lays a document out in a window of ``width`` × ``height`` cells."""

    def __init__(self, document: RunDocument) -> None:
        self.document = document
        self.following = True
        self.cursor: int | None = None
        self.width = 1
        self.height = 1
        self.unseen = 0
        self._top = (0, 0)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size; what was on top stays there."""
        self.width, self.height = max(1, width), max(1, height)

    def rows(self) -> list[Row]:
        """The rows in the window, at most ``height``."""
        if not self.following:
            rows = self._fill_down(self._top)
            if len(rows) == self.height and rows[-1][:2] != self._last_row():
                return rows
            self.follow()
        rows = self._fill_up()
        if rows:
            self._top = (rows[0].item, rows[0].at)
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

    def scroll(self, lines: int) -> None:
        """Move by so many lines, up where negative."""
        rows = self.rows()
        if not rows:
            return
        if lines < 0:
            if top := self._back((rows[0].item, rows[0].at), -lines):
                self._top = top
                self.following = False
        elif not self.following:
            self._top = self._forward((rows[0].item, rows[0].at), lines)

    def home(self) -> None:
        """Go to the start."""
        self._top = (0, 0)
        self.following = False

    def show(self, item: int) -> None:
        """Bring an item into the window, near its upper third where it was out of sight."""
        rows = self.rows()
        seen = [row.item for row in rows]
        if item in seen and (seen[0] != item or rows[0].at == 0) and (seen[-1] != item or seen.count(item) > 2):
            return
        self.following = False
        self._top = self._back((item, 0), self.height // 3) or (item, 0)

    def move_cursor(self, step: int) -> None:
        """Move the cursor to the next item with something to show, ``step`` being 1 or -1."""
        rows = self.rows()
        if not rows:
            return
        if self.cursor is None:
            self.cursor = rows[-1].item if step < 0 else rows[0].item
        else:
            item = self.cursor + step
            while 0 <= item <= self.document.last and not self._solid(item):
                item += step
            if not 0 <= item <= self.document.last:
                if step > 0:
                    self.follow()
                return
            self.cursor = item
        self.show(self.cursor)

    def progress(self) -> tuple[float, float]:
        """Where the window begins and ends in the document, as shares of its items: for a scroll mark."""
        rows = self.rows()
        total = self.document.last + 1
        if not rows:
            return 0.0, 1.0
        return rows[0].item / total, (rows[-1].item + 1) / total

    def _solid(self, item: int) -> bool:
        return any(text.strip() for line in self.document.lines(item, self.width) for text, _ in line)

    def _last_row(self) -> tuple[int, int]:
        item = self.document.last
        while item > 0 and not self.document.lines(item, self.width):
            item -= 1
        return item, max(0, len(self.document.lines(item, self.width)) - 1)

    def _fill_down(self, start: tuple[int, int]) -> list[Row]:
        rows: list[Row] = []
        first, skip = start
        for item in range(first, self.document.last + 1):
            lines = self.document.lines(item, self.width)
            for index in range(min(skip, len(lines)), len(lines)):
                rows.append(Row(item, index, lines[index]))
                if len(rows) == self.height:
                    return rows
            skip = 0
        return rows

    def _fill_up(self) -> list[Row]:
        rows: list[Row] = []
        for item, index, line in self._upwards((self.document.last + 1, 0)):
            rows.append(Row(item, index, line))
            if len(rows) == self.height:
                break
        rows.reverse()
        return rows

    def _upwards(self, start: tuple[int, int]) -> Iterator[Row]:
        item, above = start
        while item >= 0:
            if above:
                lines = self.document.lines(item, self.width)
                for index in range(min(above, len(lines)) - 1, -1, -1):
                    yield Row(item, index, lines[index])
            item -= 1
            above = 1 << 30

    def _back(self, start: tuple[int, int], lines: int) -> tuple[int, int] | None:
        """The position so many lines above, or the first there is; None where there is none."""
        found = None
        for count, row in enumerate(self._upwards(start), 1):
            found = (row.item, row.at)
            if count == lines:
                break
        return found

    def _forward(self, start: tuple[int, int], lines: int) -> tuple[int, int]:
        item, index = start
        while item <= self.document.last:
            height = len(self.document.lines(item, self.width))
            if index + lines < height:
                return item, index + lines
            lines -= max(0, height - index)
            item, index = item + 1, 0
        return self.document.last, 0
