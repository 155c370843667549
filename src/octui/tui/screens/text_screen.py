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
from octui.tui.render.long_text import Block
from octui.tui.scroller import Scroller
from octui.tui.widgets.drawn import Drawn

_PAGE = 10


class Sheet(Drawn):
    """Lines to scroll in; of a long text, those in sight are all that is made.

    Args:
        compose_block: Gives the lines for a width in cells.
        palette: The colours.
        ground: The role or theme variable of the background.
    """

    last = 0

    def __init__(self, compose_block: Callable[[int], Block], palette: Palette, *, ground: str = "surface") -> None:
        super().__init__(palette, ground=ground)
        self._compose_block = compose_block
        self._block: tuple[int, Block] | None = None
        self._scroller = Scroller(self)
        self._scroller.home()

    def block(self, item: int, width: int) -> Block:
        """The only item of the sheet: all of its lines."""
        if self._block is None or self._block[0] != width:
            self._block = width, self._compose_block(width)
        return self._block[1]

    def recompose_block(self, *, from_start: bool) -> None:
        """Show what the block is now; from its first line, or from where it stands."""
        self._block = None
        if from_start:
            self._scroller.home()
        self.lay_out()

    def beside(self, item: int, step: int) -> int | None:
        """There is no other item."""
        return 0 if item + step == 0 else None

    def lay_out(self) -> None:
        """Show what stands in sight now."""
        self._scroller.resize(max(20, self.size.width), self.size.height)
        rows = self._scroller.rows()
        if rows and rows[0].is_first:
            self._scroller.home()  # A sheet that is seen whole does not follow its end when there is less room.
        self.show_lines([row.line for row in rows])

    def scroll_rows(self, rows: int) -> None:
        """Scroll by so many rows, up where negative."""
        self._scroller.scroll(rows)
        self.lay_out()

    def to_start(self) -> None:
        """Go to the first line."""
        self._scroller.home()
        self.lay_out()

    def to_end(self) -> None:
        """Go to the last line."""
        self._scroller.follow()
        self.lay_out()


class TextScreen(ModalScreen[None]):
    """Shows lines to scroll in.

    Args:
        title: What they are, clean text.
        compose_block: Gives the lines for a width in cells.
        palette: The colours.
        copy_text: Gives what ``y`` copies; None where there is nothing to copy.
        is_help: Whether it lists keys, so that the key which opened it closes it.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,o", "close", "close", id="sheet.close"),
        Binding("up,k", "scroll(-1)", "up", id="sheet.up"),
        Binding("down,j", "scroll(1)", "down", id="sheet.down"),
        Binding("pageup", f"scroll(-{_PAGE})", "page up", id="sheet.page_up"),
        Binding("pagedown,space", f"scroll({_PAGE})", "page down", id="sheet.page_down"),
        Binding("home", "start", "start", id="sheet.home"),
        Binding("end", "end", "end", id="sheet.end"),
        Binding("y,c", "copy", "copy", id="sheet.copy"),
    ]

    def __init__(
        self,
        title: str,
        compose_block: Callable[[int], Block],
        palette: Palette,
        copy_text: Callable[[], str] | None = None,
        *,
        is_help: bool = False,
    ) -> None:
        super().__init__()
        self._is_help = is_help
        self._title = title
        self._sheet = Sheet(compose_block, palette)
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
        self.call_after_refresh(self._sheet.lay_out)

    def action_scroll(self, rows: int) -> None:
        """Scroll by so many rows."""
        self._sheet.scroll_rows(rows)

    def action_start(self) -> None:
        """Go to the first line."""
        self._sheet.to_start()

    def action_end(self) -> None:
        """Go to the last line."""
        self._sheet.to_end()

    def action_copy(self) -> None:
        """Copy what the sheet is about."""
        if self._copy_text is not None:
            self.app.copy_to_clipboard(self._copy_text())
            self.notify("Copied.", markup=False)

    def action_help(self) -> None:
        """Show the keys of the sheet; close it where it lists keys itself."""
        if self._is_help:
            self.dismiss(None)
            return
        from octui.tui.screens.sheets import keys_screen

        self.app.push_screen(keys_screen(self, self._sheet.palette))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to copy where there is something to copy."""
        return action != "copy" or self._copy_text is not None

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
