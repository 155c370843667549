"""A text area that shows hostile text without obeying it; apart from the line, as Textual's is dear to load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widgets import TextArea

from octui.tui.widgets.harmless import harmless

_LEFT_TO_SCREENS = frozenset({"f6", "f7"})
"""Keys that select text in Textual's text area, and are commands of the launcher."""


def _bindings() -> Iterator[Binding]:
    for binding in Binding.make_bindings(TextArea.BINDINGS):
        if binding.key not in _LEFT_TO_SCREENS:
            yield binding


class TypingArea(TextArea, inherit_bindings=False):
    """A text area that shows hostile text as pictures, and leaves function keys to its screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*_bindings()]

    def render_line(self, y: int) -> Strip:
        """Draw a line, made harmless."""
        return harmless(super().render_line(y))
