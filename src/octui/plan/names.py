"""Names of runs."""

from __future__ import annotations

from octui.names import MOST_BYTES, fit, fits, folded, shorten

MOST_CHARACTERS = 64
NAME_RULE = (
    f"letters and digits of any script, '.', '_' and '-', no dot at the start, at most {MOST_CHARACTERS} "
    f"and {MOST_BYTES} bytes; and not 'facts'"
)

_RESERVED = frozenset({"facts"})
"""A run's log would be the file of a session's own facts."""

_ROOM_FOR_NUMBER = 4


def is_name(text: str) -> bool:
    """Whether a text can name a run; `NAME_RULE` says what can."""
    is_short = 0 < len(text) <= MOST_CHARACTERS and len(text.encode("utf-8", "replace")) <= MOST_BYTES
    return is_short and not text.startswith(".") and fits(text) and folded(text) not in _RESERVED


def safe_name(text: str) -> str:
    """Make a run's name of any text, such as a folder's name."""
    name = shorten(fit(text).strip("-."), MOST_CHARACTERS)
    return name if name and folded(name) not in _RESERVED else f"{name}-run" if name else "run"


def numbered(name: str, number: int) -> str:
    """Give a run's name with a number behind it, shortened where it would be too long."""
    more = f"-{number}"
    return shorten(name, MOST_CHARACTERS - len(more), MOST_BYTES - len(more)) + more


def unique_name(name: str, taken: set[str]) -> str:
    """Give the name, with a number where it, or one that a file system may take for it, is taken; and take it."""
    known = {*map(folded, taken)}
    candidate, number = shorten(name, MOST_CHARACTERS), 1
    while folded(candidate) in known:
        number += 1
        candidate = numbered(shorten(name, MOST_CHARACTERS - _ROOM_FOR_NUMBER), number)
    taken.add(candidate)
    return candidate
