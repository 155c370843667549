"""What a request asks, as a sheet that is as high as it has to be."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.message import Message

from octui.tui.render.long_text import Block, LongPart
from octui.tui.screens.text_screen import Sheet


class AskedSheet(Sheet):
    """What is asked, to scroll in."""

    class Clicked(Message):
        """A line was clicked; ``row`` counts from the top of what is in sight."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    class Resized(Message):
        """There is more or less room than before."""

    def show_block(self, compose_block: Callable[[int], Block], *, from_start: bool) -> None:
        """Show something else; from its first line, or from where it stands."""
        self._compose_block = compose_block
        self.recompose_block(from_start=from_start)

    def fit(self, width: int, most: int) -> None:
        """Be as high as what is shown, at most so many rows."""
        rows = 0
        for part in self.block(0, max(20, width)):
            rows = most if isinstance(part, LongPart) else rows + len(part)
            if rows >= most:
                break
        self.styles.height = max(1, min(rows, most))

    def bring_in(self, line: int) -> None:
        """Bring a line of the first part into sight."""
        self._scroller.show(0, 0, line)
        self.lay_out()

    @property
    def top_line(self) -> int:
        """Which line of the first part stands on top."""
        rows = self._scroller.rows()
        return rows[0].at if rows else 0

    @property
    def has_more(self) -> bool:
        """Whether there is more below."""
        rows = self._scroller.rows()  # They follow the end where nothing is below.
        has_more = not self._scroller.following
        if rows and rows[0].is_first:
            self._scroller.home()
        return has_more

    def on_resize(self) -> None:
        """Tell that there is another room to lay the lines out in."""
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        """Tell which line was clicked."""
        event.stop()
        self.post_message(self.Clicked(event.y))
