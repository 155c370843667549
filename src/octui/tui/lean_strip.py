"""A strip that costs little to make, to keep and to send: what panes are drawn with, many times a second.

Textual's own makes seven caches at birth, and sends every segment with all of its colours and a reset behind it; on a
slow link that is most of what is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.cache import FIFOCache
from textual.strip import Strip

RESET = "\x1b[0m"
Codes = tuple[str, str, str]
_KEPT = 4


class LeanStrip(Strip):
    """A strip of segments with styles, none of them links or controls.

    Args:
        segments: What stands in it.
        cell_length: How many cells they take.
    """

    __slots__ = ()

    def __init__(self, segments: Sequence[Segment], cell_length: int) -> None:
        self._segments = list(segments)
        self._cell_length = cell_length
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None

    def __getattr__(self, name: str) -> Any:
        """Make a cache of `Strip` when it is asked for the first time; a strip that is drawn as it is needs none."""
        if not name.endswith("_cache"):
            raise AttributeError(name)
        cache: FIFOCache[Any, Any] = FIFOCache(_KEPT)
        setattr(self, name, cache)
        return cache

    def divide(self, cuts: Any) -> Sequence[Strip]:
        """Divide it at cells; whole where it is cut at its end only, as for a pane nothing lies over."""
        cuts = list(cuts)
        return [self] if cuts == [self._cell_length] else super().divide(cuts)

    def render(self, console: Console) -> str:
        """Give what is sent to the terminal: of each segment's style only what differs from the one before."""
        if self._render_cache is None:
            self._render_cache = _render(self._segments, console._color_system or ColorSystem.TRUECOLOR)
        return self._render_cache


def _render(segments: Sequence[Segment], color_system: ColorSystem) -> str:
    parts: list[str] = []
    before: Codes | None = None
    for text, style, _ in segments:
        codes = codes_of(style, color_system)
        parts += [difference(before, codes), text]
        before = codes
    if parts:
        parts.append(RESET)
    return "".join(parts)


@lru_cache(4096)
def difference(before: Codes | None, codes: Codes) -> str:
    """What to send for codes to be in force, where others are or, with None, nobody knows which."""
    if before is None or codes[2] != before[2]:
        return f"\x1b[{';'.join(['0', *filter(None, codes)])}m"
    changed = [code for code, old in zip(codes, before, strict=True) if code != old]
    return f"\x1b[{';'.join(changed)}m" if changed else ""


@lru_cache(1024)
def codes_of(style: Style | None, color_system: ColorSystem) -> Codes:
    """The codes of a style's colour, its ground and its attributes."""
    style = style or Style.null()
    colors = []
    for color, is_foreground, default in ((style.color, True, "39"), (style.bgcolor, False, "49")):
        codes = color.downgrade(color_system).get_ansi_codes(is_foreground) if color is not None else ()
        colors.append(";".join(codes) or default)
    attributes = (style.bold, "1"), (style.dim, "2"), (style.italic, "3"), (style.underline, "4"), (style.strike, "9")
    return colors[0], colors[1], ";".join(code for is_on, code in attributes if is_on)
