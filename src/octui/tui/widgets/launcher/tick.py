"""A setting that is on or off, readable without colour."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static


class Tick(Static, can_focus=True):
    """A box with words beside it; space, enter or a click switch it.

    Args:
        words: What it sets, clean text.
        id: Identifier of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,enter", "switch", "switch", show=False)]

    value: reactive[bool] = reactive(False)

    class Changed(Message):
        """The tick was set or removed."""

        def __init__(self, tick: Tick) -> None:
            super().__init__()
            self.tick = tick

        @property
        def control(self) -> Tick:
            """The tick."""
            return self.tick

    def __init__(self, words: str, *, id: str) -> None:
        super().__init__(id=id)
        self._words = words

    def render(self) -> Content:
        """The box and the words."""
        box = ("[x] ", "$accent") if self.value else ("[ ] ", "$text-muted")
        return Content.assemble(box, self._words)

    def watch_value(self) -> None:
        """Tell of the change."""
        self.post_message(self.Changed(self))

    def on_click(self) -> None:
        """Switch it."""
        self.action_switch()

    def action_switch(self) -> None:
        """Switch it."""
        self.value = not self.value
