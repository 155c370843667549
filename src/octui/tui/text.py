"""Hostile text, made safe to show.

Text from models, tools, files and plans may hold bytes that steer the terminal (clipboard, title, colours, clear),
marks that turn the direction of writing or are not seen, and towers of combining marks. Textual passes all of it on
to the terminal, so everything from outside goes through `clean` or `clean_line` before it becomes part of a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, get_character_cell_size

from octui.program_output import ESCAPE_SEQUENCES

TAB_CELLS = 4
MAX_COMBINING_MARKS = 2
"""Marks kept on one letter: enough for every living script, too few to paint over other lines."""

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_UNSURE = re.compile("[^\\w\n -~]+|[\u115f\u1160\u3164\uffa0]+")
"""Whatever is neither a letter or digit of some script nor printable ASCII has to be looked at one by one."""


def clean(text: str) -> str:
    """Give text that is safe to draw: printable characters and newlines only, tabs expanded.

    Whole escape sequences are left out; any other control character is shown by its picture (``␛``), invisible and
    direction marks are left out, more than `MAX_COMBINING_MARKS` on one letter too, and what else cannot be drawn
    becomes ``�``.
    """
    if text.replace("\n", "").isprintable():
        return text if text.isascii() else _one_by_one(text)
    text = _LINE_ENDS.sub("\n", ESCAPE_SEQUENCES.sub("", text) if "\x1b" in text or not text.isascii() else text)
    if "\t" in text:
        text = text.expandtabs(TAB_CELLS)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _one_by_one(text)


def clean_line(text: str) -> str:
    """Give `clean` text on one line: runs of white space with a newline in them become one space."""
    text = clean(text)
    return " ".join(text.split()) if "\n" in text else text


def _one_by_one(text: str) -> str:
    return _UNSURE.sub(lambda found: "".join(_printable(found[0])), text)


def _printable(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        if char == "\n" or " " <= char <= "~":
            marks = 0
            yield char
            continue
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
            if marks <= MAX_COMBINING_MARKS and not "\ufe00" <= char <= "\ufe0f" and char != "\u034f":
                yield char
            continue
        marks = 0
        if category == "Zs" or char in _BLANK_LETTERS:
            yield " "
        elif category == "Cc":
            yield chr(0x2400 + ord(char)) if ord(char) < 0x20 else "␡" if char == "\x7f" else "�"
        elif category == "Cf":
            continue
        else:
            yield char if char.isprintable() else "�"


def wrap(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Say where one clean line breaks: (start, end) of each piece, at most ``width`` cells wide.

    Lines break at a space, which is then left out; a word wider than a line is cut where it must.
    """
    width = max(2, width)
    start = 0
    while True:
        limit = _fits(text, start, width)
        if limit >= len(text):
            yield start, len(text)
            return
        space = text.rfind(" ", start, limit + 1)
        if space <= start or not text[start:space].strip():
            yield start, limit
            start = limit
        else:
            yield start, space
            start = space + 1


def _fits(text: str, start: int, width: int) -> int:
    """Give the end of the longest piece from ``start`` that is at most ``width`` cells wide."""
    if len(text) - start <= width // 2:
        return len(text)
    if text.isascii():
        return start + width
    cells = 0
    for index in range(start, len(text)):
        cells += get_character_cell_size(text[index])
        if cells > width:
            return index
    return len(text)


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Shorten one clean line to at most ``width`` cells, with an ellipsis where something is missing."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return text[: _fits(text, 0, width - 1)] + ellipsis if width > 1 else ellipsis


def cut_start(text: str, width: int, ellipsis: str = "…") -> str:
    """Shorten one clean line from its start, as fits paths, whose end tells most."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) < width:
        start -= 1
    return ellipsis + text[start:]


def cut_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """Shorten one clean line in its middle, as fits names, which tend to differ at either end."""
    if width < 4 or cell_len(text) <= width:
        return cut(text, width, ellipsis)
    tail = (width - 1) // 3
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) <= tail:
        start -= 1
    head = text[: _fits(text, 0, width - 1 - cell_len(text[start:]))]
    return f"{head}{ellipsis}{text[start:]}"


def cut_path(path: str, width: int, ellipsis: str = "…") -> str:
    """Shorten a path to at most ``width`` cells: folders go first, from the left; the file's name as little as it can.

    Args:
        path: Clean text on one line, with ``/`` between its parts.
        width: In cells.
        ellipsis: What stands for what is missing.
    """
    if cell_len(path) <= width:
        return path
    name = path.rstrip("/").rpartition("/")[2]
    if cell_len(name) + 1 <= width:
        return cut_start(path, width, ellipsis)
    return cut_middle(name, width, ellipsis)


LEAST_REPEAT = 8
"""A text of fewer characters is no repetition: it may stand in any sentence."""


def without(words: str, said: Iterable[str]) -> str:
    """Leave out of a clean sentence what is said elsewhere, with the brackets or the colon around it.

    Args:
        words: The sentence.
        said: Clean texts that can be read elsewhere on the same screen.
    """
    for text in sorted(said, key=len, reverse=True):
        if len(text) >= LEAST_REPEAT and text in words:
            before, _, after = words.partition(text)
            words = f"{before.rstrip(' (:;,')} {after.lstrip(' ):;,')}".strip()
    return words


def pad(text: str, width: int) -> str:
    """Give clean text exactly ``width`` cells wide, cut or filled with spaces."""
    text = cut(text, width)
    return text + " " * (width - cell_len(text))
