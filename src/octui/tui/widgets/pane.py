"""One run on the screen: a line-API widget that draws its frame and the visible rows of its document, nothing more.

It has no children and no virtual size: new events repaint it and never lay anything out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.segment import Segment
from textual import events
from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from octui.kept import Kept
from octui.recording.status import SessionStatus
from octui.tui.document import RunDocument
from octui.tui.glyphs import Glyphs
from octui.tui.lean_strip import LeanStrip
from octui.tui.palette import Palette
from octui.tui.render.lines import Line
from octui.tui.scroller import Row, Scroller, Spot
from octui.tui.text import without
from octui.tui.view import RunView, SessionView
from octui.tui.widgets.frame import border_role, edge, foot_lines, frame_signs, head_lines

WHEEL_LINES = 3
KEPT_STRIPS = 600
WIDEST_TEXT = 110
"""Text is never wider, in cells, than reads well."""


class Pane(Widget, can_focus=True):
    """Shows one run.

    Args:
        view: The session's view.
        run: The run's name.
        glyphs: What to draw with.
        palette: The colours.
    """

    ALLOW_SELECT = False

    @dataclass
    class ZoomAsked(Message):
        """A double click asks to zoom the pane, or to leave the zoom."""

        run: str

    @dataclass
    class Touched(Message):
        """A click moved the focus to the pane."""

        run: str

    @dataclass
    class AnswerAsked(Message):
        """A click on what the run waits for asks to answer it."""

        run: str

    def __init__(self, view: SessionView, run: str, glyphs: Glyphs, palette: Palette) -> None:
        super().__init__()
        self.view = view
        self.run_name = run
        self.glyphs = glyphs
        self.palette = palette
        self.document = RunDocument(view, run, glyphs)
        self.scroller = Scroller(self.document)
        self.query_text = ""
        self.run_view: RunView = view.run(run, glyphs)
        self._rows: list[Row] | None = None
        self._strips: Kept[tuple[Spot, bool, tuple[str, str, str]], Strip] = Kept(KEPT_STRIPS)

    def pull(self, status: SessionStatus) -> None:
        """Read what is new of the run, and draw it."""
        self.run_view = self.view.run(self.run_name, self.glyphs, status)
        self._take_in()
        self.redraw()

    def _take_in(self) -> bool:
        more = self.document.refresh()
        self.scroller.follow_moved(self.document.moved)
        if more:
            self.scroller.grew(more)
        if more < 0:
            self._strips.clear()
        return more != 0 or self.document.under_way.changed

    def tick(self, status: SessionStatus) -> None:
        """Draw again where clocks ran on, or where a replay came to another moment."""
        before = self.run_view
        self.run_view = self.view.run(self.run_name, self.glyphs, status)
        if self._take_in():
            self.redraw()
        elif before != self.run_view:
            self._redraw_edges(before)

    def _redraw_edges(self, before: RunView) -> None:
        """Draw the head and the foot again, where nothing else of the run is another."""
        if before.status != self.run_view.status or before.attention != self.run_view.attention:
            self.redraw()
        else:
            width, height = self.size
            self.refresh(Region(0, 0, width, 1), Region(0, height - 1, width, 1))

    def redraw(self, *, everything: bool = False) -> None:
        """Draw the visible rows again; ``everything`` forgets what was drawn before."""
        self._rows = None
        if everything:
            self._strips.clear()
        self.refresh()

    def use_palette(self, palette: Palette) -> None:
        """Draw with other colours."""
        self.palette = palette
        self.redraw(everything=True)

    def search_for(self, query: str) -> None:
        """Mark what matches; an empty query marks nothing."""
        self.query_text = query
        self.redraw(everything=True)

    @property
    def current(self) -> int:
        """The item commands apply to: at the cursor, or else the last one in sight."""
        if self.scroller.cursor is not None:
            return min(self.scroller.cursor, self.document.last)
        seen = [row.item for row in self._visible_rows() if 1 <= row.item < self.document.last]
        return seen[-1] if seen else 0

    @property
    def is_at_request(self) -> bool:
        """Whether the item commands apply to is what the run waits for."""
        if not self.run_view.waits:
            return False
        at = self.scroller.cursor
        return self.scroller.following if at is None else at >= self.document.last

    def toggle(self, item: int | None = None) -> None:
        """Open or close an item; without one, the current."""
        item = self.current if item is None else item
        if self.document.is_foldable(item):
            self.scroller.cursor = item
            self.document.toggle(item)
            self._forget(item)
            self.redraw()
            self.scroller.show(item)
            self.redraw()

    def toggle_all(self) -> bool:
        """Open or close everything; give whether it is open now."""
        opened = self.document.toggle_all()
        self.redraw(everything=True)
        return opened

    def go_to(self, item: int, words: str = "") -> None:
        """Put the cursor on an item and bring it into sight, at the line that shows the words."""
        self.scroller.cursor = item
        self._visible_rows()
        self.scroller.show(item, *(words and self.document.find(item, self.scroller.width, words)) or (0, 0))
        self.redraw()

    def scroll_rows(self, lines: int) -> None:
        """Scroll by so many rows, up where negative."""
        self.scroller.scroll(lines)
        self.redraw()

    def page(self, direction: int) -> None:
        """Scroll by a page, up where negative."""
        self.scroll_rows(direction * max(1, self.scroller.height - 2))

    def to_start(self) -> None:
        """Go to the prompt."""
        self.scroller.home()
        self.redraw()

    def to_end(self) -> None:
        """Follow the newest event again."""
        self.scroller.cursor = None
        self.scroller.follow()
        self.redraw()

    def move_cursor(self, step: int) -> None:
        """Move the cursor by one item."""
        self.scroller.move_cursor(step)
        self.redraw()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw rows as they are: a pane has no border, padding or opacity of Textual's to be put around them."""
        if any(not isinstance(each, ANSIToTruecolor) for each in self.app.get_line_filters()):
            return super().render_lines(crop)
        strips = self._draw_rows(crop.line_range)
        start, end = crop.column_span
        return strips if (start, end) == (0, self.size.width) else [strip.crop(start, end) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Draw one row of the frame or of the body."""
        return self._draw_rows(range(y, y + 1))[0]

    def _draw_rows(self, wanted: Iterable[int]) -> list[Strip]:
        """Draw rows; what they share is looked up once, as Textual's properties are dear."""
        width, height = self.size
        if width < 4 or height < 3:
            return [self.palette.strip([], width) for _ in wanted]
        focused = self.has_focus
        role = border_role(self.run_view, focused)
        corners, horizontal, vertical = frame_signs(self.glyphs, focused)
        rows = self._visible_rows(width, height)
        cursor = self.scroller.cursor if focused else None
        thumb = self._thumb(height - 2)
        strips: list[Strip] = []
        for y in wanted:
            if 0 < y < height - 1:
                end = self.glyphs.thumb if y - 1 in thumb else vertical
                row = rows[y - 1] if y <= len(rows) else None
                strips.append(self._body_strip(row, width, cursor, (role, vertical, end)))
            else:
                sides = self._foot(width - 5) if y else head_lines(self.run_view, width - 5, self.glyphs)
                ends = corners[2:] if y else corners[:2]
                strips.append(
                    edge(*sides, width=width, ends=ends, horizontal=horizontal, role=role, palette=self.palette)
                )
        return strips

    def _foot(self, width: int) -> tuple[Line, Line]:
        said = self.document.errors_said()
        run = self.run_view
        if said and not run.waits:
            run = replace(run, attention=without(run.attention, said), now=without(run.now, said))
        left, right = foot_lines(run, width, self.glyphs)
        if self.scroller.following or self.run_view.waits:
            return left, right
        new = f" {self.scroller.unseen} new" if self.scroller.unseen else ""
        return left, [(f"{self.glyphs.down}{new} {self.glyphs.separator} end", "accent/bold")]

    def _visible_rows(self, width: int | None = None, height: int | None = None) -> list[Row]:
        if self._rows is None:
            if width is None or height is None:
                width, height = self.size
            text_width = min(width - 4, WIDEST_TEXT)
            if (self.scroller.width, self.scroller.height) != (text_width, height - 2):
                self.scroller.resize(text_width, height - 2)
                self._strips.clear()
            self._rows = self.scroller.rows()
        return self._rows

    def _body_strip(self, row: Row | None, width: int, cursor: int | None, sides: tuple[str, str, str]) -> Strip:
        """One row of the body between its edges; kept, as it may be drawn elsewhere in the next frame."""
        if row is None:
            return self._draw([], width, sides, at_cursor=False)
        at_cursor = row.item == cursor
        if row.item == 0 or row.item > self.document.events:
            return self._draw(row.line, width, sides, at_cursor=at_cursor)
        key = (row.spot, at_cursor, sides)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips.put(key, self._draw(row.line, width, sides, at_cursor=at_cursor))
        return strip

    def _draw(self, line: Line, width: int, sides: tuple[str, str, str], *, at_cursor: bool) -> Strip:
        role, start, end = sides
        if self.query_text:
            line = mark_matches(line, self.query_text)
        side = self.palette.style(role)
        body = self.palette.segments(line, width - 4, "cursor-ground" if at_cursor else "background")
        return LeanStrip([Segment(f"{start} ", side), *body, Segment(f" {end}", side)], width)

    def _thumb(self, height: int) -> range:
        """The rows of the body beside which the scroll mark stands."""
        if self.scroller.following:
            return range(0)
        start, end = self.scroller.progress()
        first = int(start * height)
        return range(first, max(first, int(end * height) - 1) + 1)

    def _forget(self, item: int) -> None:
        for key in [key for key in self._strips if key[0].item == item]:
            self._strips.forget(key)

    def on_resize(self) -> None:
        """Lay the rows out anew."""
        self.redraw(everything=True)

    def on_focus(self) -> None:
        """Draw the frame as focused."""
        self.redraw()

    def on_blur(self) -> None:
        """Draw the frame as not focused."""
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up by a few lines."""
        event.stop()
        self.scroll_rows(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down by a few lines."""
        event.stop()
        self.scroll_rows(WHEEL_LINES)

    def on_click(self, event: events.Click) -> None:
        """Focus; a click on a block's first line opens it, one on the foot follows again, two zoom."""
        event.stop()
        self.post_message(self.Touched(self.run_name))
        if event.chain == 2:
            self.post_message(self.ZoomAsked(self.run_name))
            return
        if event.y == self.size.height - 1 and not self.scroller.following:
            self.to_end()
            return
        rows = self._visible_rows()
        if 0 < event.y <= len(rows):
            row = rows[event.y - 1]
            if row.is_first and self.document.is_foldable(row.item):
                self.toggle(row.item)
            elif row.item == self.document.last and self.run_view.waits:
                self.post_message(self.AnswerAsked(self.run_name))
            elif 1 <= row.item < self.document.last:
                self.scroller.cursor = row.item
                self.redraw()


def mark_matches(line: Line, query: str) -> Line:
    """Give the line with every occurrence of the query, in any case, in the role ``match``."""
    text = "".join(part for part, _ in line).casefold()
    needle = query.casefold()
    if not needle or needle not in text or len(text) != sum(len(part) for part, _ in line):
        return line
    spots: set[int] = set()
    at = text.find(needle)
    while at >= 0:
        spots.update(range(at, at + len(needle)))
        at = text.find(needle, at + len(needle))
    marked: Line = []
    position = 0
    for part, role in line:
        run, run_role = "", ""
        for char in part:
            char_role = "match" if position in spots else role
            if char_role != run_role and run:
                marked.append((run, run_role))
                run = ""
            run, run_role = run + char, char_role
            position += 1
        marked.append((run, run_role))
    return marked
