"""A button of one line; Textual's has three, and style sheets for them that alone would take 2 % of a first frame."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static


class Button(Static, can_focus=True):
    """Words that enter or a click press.

    Args:
        label: The words, clean text.
        id: Identifier of the widget.
        classes: Style classes; ``main`` is the one that is meant to be pressed.
        disabled: Whether it cannot be pressed.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "press", show=False)]

    class Pressed(Message):
        """The button was pressed."""

        def __init__(self, button: Button) -> None:
            super().__init__()
            self.button = button

        @property
        def control(self) -> Button:
            """The button."""
            return self.button

    def __init__(self, label: str, *, id: str, classes: str = "", disabled: bool = False) -> None:
        super().__init__(Content(label), id=id, classes=classes, disabled=disabled)
        self.label_width = Content(label).cell_length
        """Cells of the words."""

    def on_click(self) -> None:
        """Press it."""
        self.action_press()

    def action_press(self) -> None:
        """Tell that it was pressed."""
        self.post_message(self.Pressed(self))
