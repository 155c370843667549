"""Fields to type in that show hostile text without obeying it.

What is typed, pasted or opened from a plan is kept to the letter; Textual's own fields would also pass it on to the
terminal to the letter, escape sequences included.
"""

from __future__ import annotations

from textual.strip import Strip
from textual.widgets import Input

from octui.tui.widgets.harmless import harmless


class TypingLine(Input):
    """An input that shows hostile text as pictures."""

    def render_line(self, y: int) -> Strip:
        """Draw a line, made harmless."""
        return harmless(super().render_line(y))
