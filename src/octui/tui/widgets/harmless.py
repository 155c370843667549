"""What a field to type in shows of hostile text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from rich.segment import Segment
from textual.strip import Strip

from octui.tui.text import MAX_COMBINING_MARKS

_JOINER = "\N{ZERO WIDTH JOINER}"


def harmless(strip: Strip) -> Strip:
    """Give a strip of the same width in which every character that could steer the terminal is a picture."""
    if all(segment.text.isascii() and segment.text.isprintable() for segment in strip):
        return strip
    segments = [Segment("".join(_shown(segment.text)), segment.style) for segment in strip]
    return Strip(segments).adjust_cell_length(strip.cell_length)


def _shown(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > MAX_COMBINING_MARKS:
            continue
        if char.isprintable() or char == _JOINER:
            yield char
        elif ord(char) < 0x20:
            yield chr(0x2400 + ord(char))
        else:
            yield " " if category == "Zs" else "�"
