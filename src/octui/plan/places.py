"""Where in a TOML text a key stands: tomllib tells values, not lines."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HEADER = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")

Place = tuple[str | int, ...]


def key_lines(text: str) -> dict[Place, int]:
    """Map each key written in a TOML text to its line, from 1: ``("runs", 0, "model")`` → 7.

    Keys inside inline tables and multi-line strings are not told apart from their line; look up with `line_of`, which
    falls back on what contains them.
    """
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    in_string = ""
    for number, row in enumerate(text.splitlines(), 1):
        if in_string:
            in_string = "" if row.count(in_string) % 2 else in_string
            continue
        if header := _HEADER.match(row):
            table = _resolve(_parts(header[2]), counts, is_array=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := _KEY.match(row):
            place = table
            for part in _parts(key[1]):
                place = (*place, part)
                lines.setdefault(place, number)
            in_string = next((quote for quote in ('"""', "'''") if row.count(quote) % 2), "")
    return lines


def line_of(place: Place, lines: Mapping[Place, int]) -> int | None:
    """The line of a key, or of the nearest table around it; None where neither is written."""
    for length in range(len(place), 0, -1):
        if (line := lines.get(place[:length])) is not None:
            return line
    return None


def in_words(place: Place) -> str:
    """Write a place as a person would: ``runs[2].permission.bash``; runs count from 1."""
    words = ""
    for part in place:
        if isinstance(part, int):
            words += f"[{part + 1}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]+", part):
            words += f".{part}" if words else part
        else:
            words += f'["{part}"]'
    return words


def _parts(text: str) -> list[str]:
    return [a or b or c for a, b, c in _PART.findall(text)]


def _resolve(parts: list[str], counts: dict[Place, int], *, is_array: bool) -> Place:
    """Put the number of the current element behind each name of an array of tables."""
    place: Place = ()
    for index, part in enumerate(parts):
        place = (*place, part)
        if is_array and index == len(parts) - 1:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place
