"""The foot of the launcher: help with a field, what launching would do, and what can be done."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from octui.tui.widgets.launcher.button import Button


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
                yield Button("What opencode gets  F4", id="preview")
                yield Button("Open plan  F3", id="open")
                yield Button("Save plan  F2", id="save")
                yield Button("Launch  F5", id="launch", classes="main", disabled=True)

    def help_with(self, words: str) -> None:
        """Show octui's own words about a field; none where they are empty."""
        self.query_one("#hint", Static).update(Content(words))

    def show(self, summary: Content, *, ready: bool) -> None:
        """Say what launching would do, and whether it can be."""
        self.query_one("#launch", Button).disabled = not ready
        self.query_one("#summary", Static).update(summary)
