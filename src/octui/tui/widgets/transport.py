"""The replay's line: where it stands, how fast it plays, and when the runs were at work."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message

from octui.tui import format as fmt
from octui.tui.glyphs import Glyphs
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, cut_line, width_of
from octui.tui.text import cut
from octui.tui.widgets.drawn import Drawn


@dataclass(frozen=True, slots=True)
class TransportState:
    """What the transport line shows; times are seconds from the recording's start.

    ``offers`` are what can be done at the moment, each with its key.
    """

    playing: bool
    position_s: float
    length_s: float
    speed: float | None
    gaps_s: float | None
    activity: tuple[tuple[str, tuple[int, ...]], ...]
    offers: tuple[str, ...] = ()


class Transport(Drawn):
    """Two lines: position, speed and activity; the bar one clicks into to seek."""

    DEFAULT_CSS = "Transport { height: 2; dock: bottom; }"

    @dataclass
    class Sought(Message):
        """A click on the bar asks for a position, as a share of the recording from 0 to 1."""

        share: float

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(palette, ground="surface", id="transport")
        self.glyphs = glyphs

    def show(self, state: TransportState) -> None:
        """Draw the state."""
        self.show_lines(transport_lines(state, self.size.width, self.glyphs))

    def on_click(self, event: events.Click) -> None:
        """Seek to where the bar was clicked."""
        event.stop()
        if event.y == 0 and self.size.width > 2:
            self.post_message(self.Sought(min(1.0, max(0.0, (event.x - 1) / (self.size.width - 3)))))


def transport_lines(state: TransportState, width: int, glyphs: Glyphs) -> list[Line]:
    """Compose the bar and the line under it."""
    share = min(1.0, state.position_s / state.length_s) if state.length_s > 0 else 1.0
    cells = max(1, width - 2)
    played = round(share * (cells - 1))
    bar: Line = [(" ", "text"), (glyphs.play_bar * played, "accent"), (glyphs.play_head, "accent/bold")]
    bar.append((glyphs.rule * (cells - 1 - played), "rule"))
    sign = glyphs.pause if state.playing is False else glyphs.play
    speed = "as fast as it can" if state.speed is None else f"{state.speed:g}×"
    word = "" if state.playing else "  paused"
    line: Line = [
        (f" {sign} ", "accent/bold"),
        (f"{fmt.clock(state.position_s)} / {fmt.clock(state.length_s)}", "text/bold"),
        (f"  {speed}{word}", "text"),
    ]
    gaps = (f"  idle gaps {'kept' if state.gaps_s is None else f'at most {state.gaps_s:g} s'}", "muted")
    hints = [
        (f"space {'pause' if state.playing else 'play'}", 2),
        (f"{glyphs.arrows} 5 s", 3),
        (", . event", 4),
        ("+- speed", 4),
        ("0–9 jump" if glyphs.play != ">" else "0-9 jump", 5),
        ("g time", 5),
        *((offer, 1) for offer in state.offers),
        ("? help", 0),
    ]
    least = width_of(line) + sum(_cells(hint) for hint, rank in hints if rank <= 2)
    if least + width_of([gaps]) < width:
        line.append(gaps)
    sparks = _sparks(state, max(0, (width - width_of(line)) // 3), glyphs)
    room = width - width_of(line) - width_of(sparks) - 2
    kept: set[str] = set()
    for hint, _ in sorted(hints, key=lambda each: each[1]):
        if _cells(hint) <= room:
            kept.add(hint)
            room -= _cells(hint)
    line += [(f"  {hint}", "faint") for hint, _ in hints if hint in kept]
    gap = max(1, width - width_of(line) - width_of(sparks) - 1)
    return [bar, cut_line([*line, (" " * gap, "text"), *sparks], width)]


def _cells(hint: str) -> int:
    return cell_len(hint) + 2


def _sparks(state: TransportState, room: int, glyphs: Glyphs) -> Line:
    line: Line = []
    for name, counts in state.activity:
        label = cut(name, 10, glyphs.ellipsis)
        if width_of(line) + cell_len(label) + len(counts) + 3 > room:
            break
        most = max(counts, default=0) or 1
        signs = "".join(glyphs.sparks[(count * (len(glyphs.sparks) - 1) + most - 1) // most] for count in counts)
        line += [(f"  {label} ", "muted"), (signs, "accent")]
    return line
