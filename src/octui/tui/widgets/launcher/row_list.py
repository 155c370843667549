"""Rows with a cursor: what the tables of the launcher are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

CURSOR_STYLE = "$block-cursor-foreground on $block-cursor-background"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its text, and what a click on its right end does, as a word shown there under the cursor."""

    content: Content
    action: str = ""


class RowList(Static, can_focus=True):
    """Rows to move in with the arrows; at its ends the cursor goes on to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("home", "move(-1000)", "first", show=False),
        Binding("end", "move(1000)", "last", show=False),
    ]

    cursor: reactive[int] = reactive(0)
    _drawn = 0

    class Changed(Message):
        """What the rows mean changed."""

    def rows(self) -> Sequence[Row]:
        """The rows as they are now; subclasses give them."""
        raise NotImplementedError

    def press(self, index: int, x: int, at_action: bool) -> None:
        """Act on a click on a row, at a column of it, or on the word at its end; subclasses say how."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw the rows anew, and keep the cursor on one."""
        rows = self.rows()
        self.cursor = max(0, min(self.cursor, len(rows) - 1))
        width = max(10, self.content_size.width or self.size.width)
        lines = []
        for index, row in enumerate(rows):
            here = self.has_focus and index == self.cursor
            word = f" {row.action}" if here else ""
            line = row.content.truncate(width - len(word), ellipsis=True, pad=True)
            if word:
                line = Content.assemble(line, (word, "$accent"))
            lines.append(line.stylize_before(CURSOR_STYLE) if here else line)
        self.update(Content("\n").join(lines), layout=len(lines) != self._drawn)
        self._drawn = len(lines)

    def on_mount(self) -> None:
        """Show the rows."""
        self.redraw()

    def on_resize(self) -> None:
        """Fit the rows to the width."""
        self.redraw()

    def watch_cursor(self) -> None:
        """Follow the cursor."""
        if self.is_mounted:
            self.redraw()
            self._keep_in_sight()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.redraw()
        self.call_after_refresh(self._keep_in_sight)

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.redraw()

    def _keep_in_sight(self) -> None:
        body = next((parent for parent in self.ancestors if isinstance(parent, VerticalScroll)), None)
        if body is not None and self.has_focus:
            row = Region(0, self.region.y - body.region.y + int(body.scroll_y) + self.cursor, 1, 1)
            body.scroll_to_region(row, animate=False, x_axis=False)

    def action_move(self, step: int) -> None:
        """Move the cursor; past the ends it goes to the field before or after."""
        last = len(self.rows()) - 1
        if step == 1 and self.cursor == last:
            self.screen.focus_next()
        elif step == -1 and self.cursor == 0:
            self.screen.focus_previous()
        else:
            self.cursor = max(0, min(last, self.cursor + step))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; on the row under the cursor, act."""
        rows = self.rows()
        offset = event.get_content_offset(self)
        if offset is None or not 0 <= offset.y < len(rows):
            return
        word = rows[offset.y].action if offset.y == self.cursor else ""
        self.cursor = offset.y
        self.press(offset.y, offset.x, bool(word) and offset.x >= self.content_size.width - len(word))
