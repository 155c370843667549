"""What is drawn of a frame and sent to the terminal: only what is another than what stands there already.

Textual's own compositor draws all widgets beside a changed one anew, and sends every changed widget as a whole: most of
a frame's price where panes are many, and most of a key's way on a slow link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from octui.tui.lean_strip import RESET, Codes, LeanStrip, codes_of, difference

Shown = dict[tuple[int, int], tuple[LeanStrip, dict[int, Segment]]]
"""By row and column the strips that stand on the screen, and their segments by the column in it."""


class LeanCompositor(Compositor):
    """Draws the widgets that changed, and knows what stands on the screen of the strips it sent."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: list[Region] = []
        self._shown: Shown = {}
        self._shown_cuts: list[list[int]] | None = None

    def render_partial_update(self) -> ChopsUpdate | None:
        """Draw the regions that changed."""
        self._changed = list(self._dirty_regions)
        update = super().render_partial_update()
        self._changed = []
        if update is None:
            return None
        if self._shown_cuts is not self.cuts:
            self._shown.clear()  # Other widgets stand on the screen.
            self._shown_cuts = self.cuts
        return LeanUpdate(update.chops, update.spans, update.chop_ends, self._shown)

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Draw all."""
        self._shown.clear()
        return super().render_full_update(simplify)

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Draw widgets, those in front first, until all that changed is covered: what is behind is not to be seen."""
        bare = self._changed or [crop or self.size.region]
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if any(seen.overlaps(each) for each in bare):
                yield region, clip, widget.render_lines(seen.translate((-region.x, -region.y)))
                bare = [each for each in bare if not seen.contains_region(each)]
            if not bare:
                return


class LeanUpdate(ChopsUpdate):
    """Sends strips, of each what differs from the one that was sent to its place before.

    Args:
        chops: The strips by column, for each row of the screen.
        spans: The spans to send: row, first column, column behind the last.
        chop_ends: The columns where strips end, for each row.
        shown: What stands on the screen; is brought up to date when this is sent.
    """

    def __init__(
        self,
        chops: Sequence[Mapping[int, Strip | None]],
        spans: list[tuple[int, int, int]],
        chop_ends: list[list[int]],
        shown: Shown,
    ) -> None:
        super().__init__(chops, spans, chop_ends)
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """Give what is sent to the terminal."""
        parts: list[str] = []
        codes: Codes | None = None
        colors = console._color_system or ColorSystem.TRUECOLOR
        for y, start, end in self.spans:
            for strip_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= end or strip_end <= start:
                    continue
                if isinstance(strip, LeanStrip):
                    codes = self._send(strip, x, y, codes, colors, parts)
                else:
                    self._shown.pop((y, x), None)
                    parts += [RESET, _move_to(x, y), strip.render(console)]
                    codes = None
        return "".join([*parts, RESET])

    def _send(
        self, strip: LeanStrip, x: int, y: int, codes: Codes | None, colors: ColorSystem, parts: list[str]
    ) -> Codes | None:
        """Send what is another in a strip, behind what was sent with these codes; give the codes of its end."""
        shown = self._shown.get((y, x))
        if shown is not None and shown[0] is strip:
            return codes
        segments = _by_column(strip)
        self._shown[y, x] = strip, segments
        before = shown[1] if shown is not None and segments else {}
        sent_to: int | None = None
        column = 0
        for segment in strip:
            text, style, _ = segment
            cells = cell_len(text)
            if before.get(column) != segment:
                if sent_to is None:
                    parts.append(_move_to(x + column, y))
                elif sent_to < column:
                    parts.append(f"\x1b[{column - sent_to}C")
                now = codes_of(style, colors)
                parts += [difference(codes, now), text]
                codes = now
                sent_to = column + cells
            column += cells
        return codes


def _by_column(strip: Strip) -> dict[int, Segment]:
    """The segments of a strip by the column they begin at.

    None of them for a strip with wide or joined characters: terminals do not agree about those, so all of it is sent.
    """
    segments: dict[int, Segment] = {}
    column = 0
    for segment in strip:
        if cell_len(segment.text) != len(segment.text):
            return {}
        segments[column] = segment
        column += len(segment.text)
    return segments


def _move_to(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H"
