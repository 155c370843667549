"""Styled lines: what a block of an event is made of before it has colours.

A line is a list of spans, (text, role). A role names a style of the theme (`octui.tui.palette`), with modifiers after
slashes: ``text/bold``, ``muted/italic``. Text in spans is clean (`octui.tui.text`).
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from octui.tui.text import clean, cut, wrap

Span = tuple[str, str]
Line = list[Span]


def width_of(line: Line) -> int:
    """Cells a line takes."""
    return sum(cell_len(text) for text, _ in line)


def plain(line: Line) -> str:
    """The text of a line, without styles."""
    return "".join(text for text, _ in line)


def wrap_spans(line: Line, width: int, *, indent: str = "", first: str | None = None, role: str = "text") -> list[Line]:
    """Wrap a styled line to ``width`` cells, each piece after ``indent`` (the first one after ``first``)."""
    lead = indent if first is None else first
    text = plain(line)
    pieces: list[Line] = []
    for start, end in wrap(text, width - cell_len(indent)):
        piece: Line = [(lead, role)] if lead else []
        piece.extend(_slice(line, start, end))
        pieces.append(piece)
        lead = indent
    return pieces


def _slice(line: Line, start: int, end: int) -> Iterable[Span]:
    at = 0
    for text, role in line:
        low, high = max(start - at, 0), min(end - at, len(text))
        if low < high:
            yield text[low:high], role
        at += len(text)
        if at >= end:
            return


def wrap_text(text: str, width: int, role: str, *, indent: str = "", limit: int | None = None) -> list[Line]:
    """Clean and wrap text of any number of lines; beyond ``limit`` lines, say how many are left out."""
    lines: list[Line] = []
    source = clean(text).rstrip("\n").split("\n")
    for number, row in enumerate(source):
        if limit is not None and len(lines) >= limit:
            left = len(source) - number
            lines.append([(indent, role), (f"… {left} more line{'s' if left != 1 else ''}", "muted/italic")])
            return lines
        lines.extend(wrap_spans([(row, role)], width, indent=indent, role=role))
    return lines


def justify(left: Line, right: Line, width: int) -> Line:
    """Put ``right`` at the right edge and cut ``left`` to what remains."""
    room = width - width_of(right) - (1 if right else 0)
    if room < 4:
        return cut_line(left, width)
    left = cut_line(left, room)
    gap = width - width_of(left) - width_of(right)
    return [*left, (" " * gap, "text"), *right] if right else left


def cut_line(line: Line, width: int) -> Line:
    """Shorten a styled line to ``width`` cells, with an ellipsis where something is missing."""
    out: Line = []
    room = width
    for text, role in line:
        cells = cell_len(text)
        if cells > room:
            if room > 0:
                out.append((cut(text, room), role))
            elif out:
                last, last_role = out[-1]
                out[-1] = (cut(last + text, cell_len(last)), last_role)
            return out
        out.append((text, role))
        room -= cells
    return out
