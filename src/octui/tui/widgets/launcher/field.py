"""A field of the form: its name, what is typed, and what is wrong with it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from octui.tui.text import clean_line


class Field(Horizontal):
    """A name on the left, a control on the right, and below it a line that says what is wrong.

    Args:
        label: The name.
        control: The control; its id names the field.
        classes: Style classes.
        below: Whether the line is shown here; narrow fields leave it to whoever has the room, in `words`.
    """

    def __init__(self, label: str, control: Widget, *, classes: str = "", below: bool = True) -> None:
        super().__init__(classes=classes)
        self._label = label
        self._control = control
        self.field = control.id or ""
        self.below = below
        self.words = Content()

    def compose(self) -> ComposeResult:
        """The name, the control, and the line below."""
        yield Static(Content(self._label), classes="label")
        with Vertical(classes="control"):
            yield self._control
            line = Static(classes="remark")
            line.display = False
            yield line

    def remark(self, problem: str, warning: str = "") -> None:
        """Say what is wrong, or what is likely not meant; empty for neither."""
        text = clean_line(problem or warning)
        sign, style = ("✗", "$error") if problem else ("!", "$warning")
        words = Content.styled(f"{sign} {text}", style) if text else Content()
        if words == self.words:  # All fields are checked after each key; laying them out anew is dear.
            return
        self.words = words
        self.set_class(bool(problem), "-invalid")
        line = self.query_one(".remark", Static)
        line.display = self.below and bool(text)
        line.update(self.words)
