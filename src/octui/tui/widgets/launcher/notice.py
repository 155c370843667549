"""What somebody new has to know, above the launcher's form."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from octui.tui.text import clean_line
from octui.tui.widgets.launcher.button import Button

DEMO_LINE = "No account yet? `octui demo` shows everything with a scripted model."


class Notice(Horizontal):
    """A line that is there while it is needed."""

    def __init__(self) -> None:
        super().__init__(id="notice")

    def compose(self) -> ComposeResult:
        """The line, and what can be done about a missing opencode."""
        yield Static(id="notice-text")
        yield Button("Install opencode  F10", id="install", classes="main")

    def show(self, missing: str, *, no_account: bool) -> None:
        """Tell of the demo where no model is to be had, or why opencode is missing."""
        self.display = bool(missing) or no_account
        self.query_one("#install").display = bool(missing)
        text = self.query_one("#notice-text", Static)
        text.set_class(bool(missing), "problem")
        text.update(Content(clean_line(missing) if missing else DEMO_LINE))
