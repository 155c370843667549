"""What the application tells its screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.strip import Strip

if TYPE_CHECKING:
    from octui.tui.palette import Palette


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

    def rows(self) -> list[Strip]:
        """All of it as it is drawn now, row by row."""
        return self._compositor.render_strips()

    def use_palette(self, palette: Palette) -> None:
        """The theme is another; screens that draw with style sheets alone have nothing to do."""
