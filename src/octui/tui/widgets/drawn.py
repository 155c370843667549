"""Base of octui's own widgets that are drawn line by line from styled lines."""

from __future__ import annotations

from textual import events
from textual.strip import Strip
from textual.widget import Widget

from octui.tui.palette import Palette
from octui.tui.render.lines import Line


class Drawn(Widget):
    """Draws styled lines, scrolled by the wheel and by `scroll_rows` where there are more than fit.

    Args:
        palette: The colours.
        ground: The role or theme variable of the background.
        id: The widget's id.
    """

    ALLOW_SELECT = False

    def __init__(self, palette: Palette, *, ground: str = "background", id: str | None = None) -> None:
        super().__init__(id=id)
        self.palette = palette
        self.ground = ground
        self.lines: list[Line] = []
        self.top = 0

    def show_lines(self, lines: list[Line]) -> None:
        """Draw these lines; nothing happens where they are the ones shown."""
        if lines != self.lines:
            self.lines = lines
            self.top = max(0, min(self.top, len(lines) - self.size.height))
            self.refresh()

    def use_palette(self, palette: Palette) -> None:
        """Draw with other colours."""
        self.palette = palette
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Scroll by so many rows, up where negative."""
        top = max(0, min(self.top + rows, len(self.lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        index = y + self.top
        line = self.lines[index] if index < len(self.lines) else []
        return self.palette.strip(line, self.size.width, self.ground)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up by a few lines."""
        event.stop()
        self.scroll_rows(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down by a few lines."""
        event.stop()
        self.scroll_rows(3)
