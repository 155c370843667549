"""What the application tells its screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from octui.tui.palette import Palette


class OctuiScreen(Screen[None]):
    """A screen that is no dialog."""

    def heard_key(self) -> None:
        """A key was pressed; it may be for a dialog over this screen."""

    def use_palette(self, palette: Palette) -> None:
        """The theme is another; screens that draw with style sheets alone have nothing to do."""
