"""What somebody new has to know, above the launcher's form."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from octui.tui.text import clean_line
from octui.tui.widgets.launcher.button import Button

KEEP_ALL = "keep your global opencode configuration"
DEMO_LINE = "No account yet? `octui demo` shows everything with a scripted model."


class Notice(Horizontal):
    """A line that is there while it is needed."""

    def __init__(self) -> None:
        super().__init__(id="notice")

    def compose(self) -> ComposeResult:
        """The line, and what can be done about a missing opencode."""
        yield Static(id="notice-text")
        yield Button("Install opencode  F10", id="install", classes="main")

    def show(self, missing: str, *, no_account: bool, left_out: Sequence[str] = ()) -> None:
        """Show why opencode is missing, the demo where there is no model, or what runs do not get.

        Args:
            missing: Why there is no opencode; empty where there is one.
            no_account: Whether opencode offers no model.
            left_out: Keys of the user's configuration that runs may miss.
        """
        self.display = bool(missing) or no_account or bool(left_out)
        self.query_one("#install").display = bool(missing)
        text = self.query_one("#notice-text", Static)
        text.set_class(bool(missing), "problem")
        hint = DEMO_LINE if no_account else left_out_line(left_out)
        text.update(Content(clean_line(missing or hint)))


def left_out_line(keys: Sequence[str]) -> str:
    """Say what runs do not get of the user's configuration, and how they do."""
    return f"Not used from your opencode configuration: {', '.join(keys)}. To use it, tick “{KEEP_ALL}”."
