"""One of a few ways, each on a line of its own with what it means, readable without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from octui.tui.text import pad


class WayChoice(Static, can_focus=True):
    """A line a way; the arrows, space, enter or a click choose one. At its ends the arrows go on to the next field.

    Args:
        ways: Value, name and meaning of each, clean text.
        id: Identifier of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter,right", "turn(1)", "change", show=False),
        Binding("left", "turn(-1)", "change", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
    ]

    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another way was chosen."""

        def __init__(self, choice: WayChoice) -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> WayChoice:
            """The widget."""
            return self.choice

    def __init__(self, ways: Sequence[tuple[str, str, str]], *, id: str) -> None:
        super().__init__(id=id)
        self._ways = ways
        self.set_reactive(WayChoice.value, ways[0][0])

    def render(self) -> Content:
        """The ways, the chosen one marked."""
        width = max(len(name) for _, name, _ in self._ways) + 2
        lines = []
        for value, name, meaning in self._ways:
            is_chosen = value == self.value
            mark = ("(•) ", "$accent") if is_chosen else ("( ) ", "$text-muted")
            lines.append(
                Content.assemble(mark, (pad(name, width), "" if is_chosen else "$text-muted"), (meaning, "$text-muted"))
            )
        return Content("\n").join(lines)

    def watch_value(self) -> None:
        """Tell of the change."""
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """Choose the way that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 <= offset.y < len(self._ways):
            self.value = self._ways[offset.y][0]

    @property
    def _index(self) -> int:
        return next((index for index, way in enumerate(self._ways) if way[0] == self.value), 0)

    def action_turn(self, step: int) -> None:
        """Choose the next way."""
        self.value = self._ways[(self._index + step) % len(self._ways)][0]

    def action_move(self, step: int) -> None:
        """Choose the way above or below; past the ends go to the field before or after."""
        target = self._index + step
        if 0 <= target < len(self._ways):
            self.value = self._ways[target][0]
        elif step > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()
