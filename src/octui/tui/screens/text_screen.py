"""A sheet of lines over the dashboard: the help, and an event as opencode printed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from octui.tui.palette import Palette
from octui.tui.render.lines import Line
from octui.tui.widgets.drawn import Drawn

_PAGE = 10


class TextScreen(ModalScreen[None]):
    """Shows lines to scroll in.

    Args:
        title: What they are, clean text.
        compose_lines: Gives the lines for a width in cells.
        palette: The colours.
        copy_text: What ``y`` copies; None where there is nothing to copy.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,o", "close", "close", id="sheet.close"),
        Binding("up,k", "scroll(-1)", "up", id="sheet.up"),
        Binding("down,j", "scroll(1)", "down", id="sheet.down"),
        Binding("pageup", f"scroll(-{_PAGE})", "page up", id="sheet.page_up"),
        Binding("pagedown,space", f"scroll({_PAGE})", "page down", id="sheet.page_down"),
        Binding("home", "scroll(-1000000)", "start", id="sheet.home"),
        Binding("end", "scroll(1000000)", "end", id="sheet.end"),
        Binding("y,c", "copy", "copy", id="sheet.copy"),
    ]

    def __init__(
        self,
        title: str,
        compose_lines: Callable[[int], list[Line]],
        palette: Palette,
        copy_text: str | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._compose_lines = compose_lines
        self._sheet = Drawn(palette, ground="surface")
        self._copy_text = copy_text

    def compose(self) -> ComposeResult:
        """The sheet."""
        with Vertical(classes="sheet"):
            yield Static(Content(self._title), classes="title")
            yield self._sheet
            copy = ", y copies" if self._copy_text is not None else ""
            yield Static(Content(f"arrows scroll{copy}, esc closes"), classes="hint")

    def on_resize(self) -> None:
        """Lay the lines out anew, once the sheet has its size."""
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        self._sheet.show_lines(self._compose_lines(max(20, self._sheet.size.width)))

    def action_scroll(self, rows: int) -> None:
        """Scroll by so many rows."""
        self._sheet.scroll_rows(rows)

    def action_copy(self) -> None:
        """Copy what the sheet is about."""
        if self._copy_text is not None:
            self.app.copy_to_clipboard(self._copy_text)
            self.notify("Copied.", markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
