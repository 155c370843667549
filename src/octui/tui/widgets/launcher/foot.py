"""The foot of the launcher: help with a field, what launching would do, and what can be done."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from octui.tui.widgets.launcher.button import Button

BY_IMPORTANCE = ("launch", "quit", "preview", "save", "open")
"""Buttons in the order in which they get room; F1 tells the keys of the others."""

LEAST_SUMMARY = 50
"""The summary has a line of its own where the buttons would leave it fewer cells."""

LOW_ROWS = 16
"""On a screen with fewer rows the form needs the line of the hint."""


class Foot(Vertical):
    """Lines below the form."""

    def __init__(self) -> None:
        super().__init__(id="foot")

    def compose(self) -> ComposeResult:
        """The help above the summary and the buttons."""
        yield Static(id="hint")
        with Horizontal(id="actions"):
            yield Static(id="summary")
            with Horizontal(id="buttons"):
                yield Button("Quit  ctrl+q", id="quit")
                yield Button("Preview  F4", id="preview")
                yield Button("Open plan  F3", id="open")
                yield Button("Save plan  F2", id="save")
                yield Button("Launch  F5", id="launch", classes="main", disabled=True)

    def on_resize(self) -> None:
        """Show the buttons there is room for; launching comes first."""
        room, left = self.content_size.width, self.content_size.width
        buttons = [self.query_one(f"#{name}", Button) for name in BY_IMPORTANCE]
        for index, button in enumerate(buttons):
            needed = button.label_width + 3  # Its padding, and the gap before it.
            button.display = index == 0 or needed <= left
            left = left - needed if button.display else 0
        self.set_class(left < LEAST_SUMMARY or room < LEAST_SUMMARY, "-stacked")
        self.query_one("#hint").display = self.screen.size.height >= LOW_ROWS

    def help_with(self, words: str) -> None:
        """Show octui's own words about a field; none where they are empty."""
        self.query_one("#hint", Static).update(Content(words))

    def show(self, summary: Content, *, ready: bool) -> None:
        """Say what launching would do, and whether it can be."""
        self.query_one("#launch", Button).disabled = not ready
        self.query_one("#summary", Static).update(summary)
