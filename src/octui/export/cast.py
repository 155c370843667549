"""A replay as a terminal recording (asciicast v2), drawn by the very screen that replays it, off-screen.

Idle gaps are shortened as a replay does by default. A frame has the rows that differ from the frame before it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence

from rich.console import Console
from textual.strip import Strip

from octui.recording.session import Session
from octui.tui.app import OctuiApp
from octui.tui.lean_strip import LeanStrip
from octui.tui.screens.replay import ReplayScreen
from octui.tui.text import clean_line

FRAME_S = 0.25
"""Seconds from one frame to the next."""
SHOWN_AT_THE_END_S = 2.0
SMALLEST = (40, 10)
LARGEST = (400, 200)

_BEGIN = "\x1b[?25l\x1b[2J"


def write(session: Session, size: tuple[int, int]) -> Iterator[str]:
    """Give the recording line by line.

    Args:
        session: What is replayed, whole.
        size: Columns and rows of the terminal.
    """
    return iter(asyncio.run(_collect(session, size)))


async def _collect(session: Session, size: tuple[int, int]) -> list[str]:
    head = {
        "version": 2,
        "width": size[0],
        "height": size[1],
        "timestamp": int(session.started_at or 0),
        "title": clean_line(session.name),
    }
    return [f"{json.dumps(head)}\n"] + [
        f"{json.dumps([round(at, 3), 'o', sent])}\n" async for at, sent in _frames(session, size)
    ]


async def _frames(session: Session, size: tuple[int, int]) -> AsyncIterator[tuple[float, str]]:
    """Give what is sent to the terminal, and when, in seconds from the beginning."""
    app = OctuiApp(lambda app: ReplayScreen(session, app.palette, app.glyphs, by_itself=False))
    app.ascii_only = False
    console = Console(force_terminal=True, color_system="truecolor")
    async with app.run_test(size=size, notifications=False) as pilot:
        screen = app.screen
        assert isinstance(screen, ReplayScreen)
        at, shown, lead = 0.0, [""] * size[1], _BEGIN
        while True:
            await pilot.pause()
            rows = [_row(strip, console) for strip in screen.rows()]
            if sent := lead + _difference(shown, rows):
                yield at, sent
            shown, lead = rows, ""
            if not screen.clock.playing:
                break
            screen.run_on(FRAME_S)
            at += FRAME_S
    yield at + SHOWN_AT_THE_END_S, "\x1b[0m"


def _row(strip: Strip, console: Console) -> str:
    return LeanStrip([*strip], strip.cell_length).render(console)


def _difference(before: Sequence[str], now: Sequence[str]) -> str:
    changed = (number for number, (old, new) in enumerate(zip(before, now, strict=True), 1) if old != new)
    return "".join(f"\x1b[{number};1H{now[number - 1]}" for number in changed)
