"""Names of runs."""

from __future__ import annotations

import re

NAME_RULE = "letters, digits, '.', '_' and '-', no dot at the start, at most 64"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def safe_name(text: str) -> str:
    """Make a run's name of any text, such as a folder's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:64] or "run"


def unique_name(name: str, taken: set[str]) -> str:
    """Give the name, with a number where it is taken, and take it."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name[:60]}-{number}"
    taken.add(candidate)
    return candidate
