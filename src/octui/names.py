"""Names that become names of files, of git's branches, and words on a screen: letters of any script, and little else.

Left out is what cannot be seen or turns the direction of writing, and what a shell, git or a file system takes for more
than a name. Pure.
"""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES = 128
"""Of a name in UTF-8: with a suffix it fits into the 143 that eCryptfs has room for; other file systems have 255."""

MOST_MARKS = 2
"""Combining marks on one letter: enough for every living script, too few to paint over other lines."""

_PUNCTUATION = "._-"
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
"""Letters and marks that show nothing, beside those that Unicode counts as formatting."""


def fits(name: str) -> bool:
    """Whether a text has nothing in it but what `fit` leaves."""
    marks = MOST_MARKS  # None may come first.
    for char in name:
        marks = marks + 1 if unicodedata.category(char) == "Mn" else 0
        if marks > MOST_MARKS or not _stays(char):
            return False
    return True


def fit(text: str) -> str:
    """Make a name of any text: composed (NFC), ``-`` for everything that has no place in one.

    What is not seen is left out, as are marks beyond `MOST_MARKS` on a letter. The result may be empty.
    """
    kept, marks = [], MOST_MARKS
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if category in ("Cf", "Me") or char in _INVISIBLE or "\U000e0100" <= char <= "\U000e01ef":
            continue
        marks = marks + 1 if category == "Mn" else 0
        if marks <= MOST_MARKS:
            kept.append(char if _stays(char) else " ")
    return re.sub(" +", "-", "".join(kept))


def shorten(name: str, characters: int, most_bytes: int = MOST_BYTES) -> str:
    """Give as much of a name as has room, in characters and in bytes; no letter is cut, or parted from its marks."""
    end = min(len(name), characters)
    while len(name[:end].encode()) > most_bytes:
        end -= 1
    while 0 < end < len(name) and unicodedata.combining(name[end]):
        end -= 1
    return name[:end]


def folded(name: str) -> str:
    """Give what is equal for names that some file systems take for one: upper and lower case, composed and not."""
    return (
        name.lower() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
    )


def _stays(char: str) -> bool:
    if char.isascii():
        return char.isalnum() or char in _PUNCTUATION
    category = unicodedata.category(char)
    return (category[0] in "LN" or category in ("Mn", "Mc")) and char not in _INVISIBLE
