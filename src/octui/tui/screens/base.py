"""What the application tells its screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.strip import Strip

if TYPE_CHECKING:
    from textual.widget import AwaitMount

    from octui.tui.palette import Palette
    from octui.tui.widgets.message_line import MessageLine


class OctuiScreen(Screen[None]):
    """A screen that is no dialog."""

    def heard_key(self) -> None:
        """A key was pressed; it may be for a dialog over this screen."""

    @property
    def keys_are_commands(self) -> bool:
        """Whether nothing that is focused makes anything of keys by itself."""
        return False

    def about_to_exit(self) -> None:
        """The application is about to exit, in whatever way; all of the screen is still there."""

    def parting_words(self) -> str:
        """Return what the terminal says once the application has left it; empty for nothing."""
        return ""

    @property
    def rows_below_messages(self) -> int:
        """Rows at the bottom of the screen that messages leave free, as something is typed there."""
        return 0

    def mount_message_line(self, line: MessageLine) -> AwaitMount:
        """Mount the line for messages where it covers nothing but keys: it is docked at the bottom."""
        return self.mount(line)

    def rows(self) -> list[Strip]:
        """All of it as it is drawn now, row by row."""
        return self._compositor.render_strips()

    def use_palette(self, palette: Palette) -> None:
        """The theme is another; screens that draw with style sheets alone have nothing to do."""
