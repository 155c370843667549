"""A text area that shows hostile text without obeying it; apart from the line, as Textual's is dear to load."""

from __future__ import annotations

from textual.strip import Strip
from textual.widgets import TextArea

from octui.tui.widgets.harmless import harmless


class TypingArea(TextArea):
    """A text area that shows hostile text as pictures."""

    def render_line(self, y: int) -> Strip:
        """Draw a line, made harmless."""
        return harmless(super().render_line(y))
