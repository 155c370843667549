"""Files named in a prompt as ``@path`` or ``@"path with spaces"``. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

_NAMED = re.compile(r'(?:(?<=\s)|^)@(?:"([^"\n]+)"|(\S+))')
_BEING_TYPED = re.compile(r'(?:(?<=\s)|^)@(?:"([^"\n]*)|([^\s"]*))$')
_AFTER_A_NAME = ".,;:!?)]}'\""


def files_in(text: str, is_file: Callable[[str], bool]) -> list[str]:
    """Give the files a prompt names, each once, in order.

    Args:
        text: The prompt.
        is_file: Whether there is such a file; what is none stays a word like any other.
    """
    found: dict[str, None] = {}
    for match in _NAMED.finditer(text):
        name = match[1] or match[2]
        for candidate in (name, name.rstrip(_AFTER_A_NAME)):
            if candidate and is_file(candidate):
                found[candidate] = None
                break
    return list(found)


def being_typed(before: str) -> str | None:
    """Give what is typed of a file's name so far, at the end of the text before the cursor; None where none is."""
    match = _BEING_TYPED.search(before)
    if match is None:
        return None
    return match[1] if match[1] is not None else match[2]


def as_named(path: str) -> str:
    """Write a file as a prompt names it."""
    return f'@"{path}"' if any(char.isspace() for char in path) else f"@{path}"
