"""Sessions as the lines of a list, no wider than a terminal is."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import click
from rich.cells import cell_len

from octui.cli.report import SIGNS, plain
from octui.recording.layout import slug
from octui.recording.session import SessionSummary
from octui.tui.text import cut, pad

_STATE = 11
"""Cells of the longest state."""

_COLOURS = {"live": "green", "interrupted": "yellow"}


def state_of(summary: SessionSummary) -> str:
    """A session's state in a word."""
    return "live" if summary.is_live else "interrupted" if summary.interrupted else "ended"


def session_lines(found: Sequence[SessionSummary], leads: Sequence[str], room: int | None) -> list[str]:
    """Tell sessions, a line each, all of them laid out alike.

    Args:
        found: The sessions.
        leads: What stands before each of them.
        room: Cells of a line; None for as many as it takes. Where they do not do, the moment is left out first, which
            begins the name as well, then words give way to signs, and then the end is cut.
    """
    width = max(cell_len(plain(summary.path.name)) for summary in found)

    def laid_out(*, with_moment: bool, in_words: bool) -> list[str]:
        return [
            lead + _line(summary, width, with_moment=with_moment, in_words=in_words)
            for summary, lead in zip(found, leads, strict=True)
        ]

    lines = laid_out(with_moment=True, in_words=True)
    if room is not None:
        for with_moment, in_words in ((True, True), (False, True), (False, False)):
            lines = laid_out(with_moment=with_moment, in_words=in_words)
            if all(cut(line, room) == line for line in lines):
                break
        lines = [cut(line, room) for line in lines]
    return [
        _coloured(line, len(lead), state_of(summary)) for line, lead, summary in zip(lines, leads, found, strict=True)
    ]


def _coloured(line: str, start: int, state: str) -> str:
    end = start + _STATE
    return line[:start] + click.style(line[start:end], fg=_COLOURS.get(state)) + line[end:]


def _line(summary: SessionSummary, width: int, *, with_moment: bool, in_words: bool) -> str:
    began = time.strftime("  %Y-%m-%d %H:%M", time.localtime(summary.started_at)) if with_moment else ""
    if in_words:
        told = [f"{count} {str(kind).replace('_', ' ')}" for kind, count in summary.counts.items() if count]
    else:
        told = [f"{SIGNS[kind]}{count}" for kind, count in summary.counts.items() if count]
    counts = (", " if in_words else " ").join(told)
    needs = f"  ◆ {summary.attention}" if summary.attention else ""
    if not re.search(rf"(^|-){re.escape(slug(summary.name))}(-\d+)?$", summary.path.name):
        needs += f"  {plain(summary.name)}"  # It was renamed.
    return f"{state_of(summary):{_STATE}}  {pad(plain(summary.path.name), width)}{began}  {counts}{needs}"
