"""The line one types a search into, with how many events match.

It is made when it is first opened: an input is dear to load, and no first frame shows one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.widgets import Input


class SearchLine(Horizontal):
    """Says what is typed, and when it is done."""

    @dataclass
    class Typed(Message):
        """The query changed."""

        query: str

    @dataclass
    class Submitted(Message):
        """Enter was pressed: the keys go back to the pane."""

        query: str

    def __init__(self) -> None:
        super().__init__(id="search-line")
        self._said = ""

    async def open(self) -> None:
        """Show the line and take the keys."""
        if not self.children:
            await self._fill()
        self.display = True
        self.screen.set_focus(self.children[1])  # At once, so that keys that wait already are typed into it.

    async def _fill(self) -> None:
        from textual.widgets import Label

        from octui.tui.widgets.typing_fields import TypingLine

        line = TypingLine(placeholder="search this run", id="search-input", select_on_focus=False)
        await self.mount(Label("/", markup=False), line, Label("", markup=False, id="search-count"))

    def close(self) -> None:
        """Hide the line and forget the query."""
        from textual.widgets import Input

        self.display = False
        with self.prevent(Input.Changed):
            self.query_one(Input).value = ""
        self.say("")

    def say(self, words: str) -> None:
        """Show how the search stands."""
        if words != self._said:
            self._said = words
            self.query_one("#search-count", Static).update(Content(words))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what is typed."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass on that it is done."""
        event.stop()
        self.post_message(self.Submitted(event.value))
