"""What may be odd in JSON that a JavaScript program prints, done to what opencode really printed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]
HALF = "\ud83d"
"""Half of an emoji: ``JSON.stringify`` escapes it, and no UTF-8 can hold it."""

DROPPED = object()


@dataclass(frozen=True, slots=True)
class Mutation:
    """A value with one thing in it that is odd.

    Attributes:
        original: What was printed.
        path: Where in it.
        kind: What was done there.
        odd: What is there now; `DROPPED` where nothing is.
    """

    original: Any = field(repr=False)
    path: Path
    kind: str
    odd: Any

    @property
    def value(self) -> Any:
        """The mutated value."""
        return self.with_value(self.odd)

    @property
    def printed(self) -> bytes:
        """It, as JavaScript prints it."""
        return as_javascript(self.value)

    def touches(self, *path: str | int) -> bool:
        """Whether what is at a path was mutated, or something in it or around it."""
        shorter = min(len(path), len(self.path))
        return path[:shorter] == self.path[:shorter]

    def with_value(self, value: Any) -> Any:
        """Give the original with a value at the path."""
        found = copy.deepcopy(self.original)
        place = found
        for key in self.path[:-1]:
            place = place[key]
        if value is DROPPED:
            del place[self.path[-1]]
        else:
            place[self.path[-1]] = value
        return found


def as_javascript(value: Any) -> bytes:
    """Print a value on one line as ``JSON.stringify`` does: but for halves of pairs nothing is escaped needlessly."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Give where all values in a value are."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from paths(each, (*path, key))


@st.composite
def mutations(draw: st.DrawFn, originals: st.SearchStrategy[Any]) -> Mutation:
    """Mutate one value in one of the originals."""
    original = draw(originals)
    path = draw(st.sampled_from([*paths(original)]))
    found = original
    for key in path:
        found = found[key]
    kinds = ["null", "odd"] if isinstance(path[-1], int) else ["drop", "null", "odd"]
    if isinstance(found, str):
        kinds.append("half")
    if isinstance(found, int | float) and not isinstance(found, bool):
        kinds += ["float", "string", "fraction", "huge", "negative"]
    kind = draw(st.sampled_from(kinds))
    match kind:
        case "drop":
            odd: Any = DROPPED
        case "null":
            odd = None
        case "half":
            at = draw(st.integers(0, len(found)))
            odd = found[:at] + HALF + found[at:]
        case "float":
            odd = float(found)
        case "string":
            odd = str(found)
        case "fraction":
            odd = found + 0.25
        case "huge":
            odd = 10**400
        case "negative":
            odd = -1
        case _:
            odd = draw(st.sampled_from([7, 2.5, True, "odd", [], ["odd", None], {}, {"odd": [None]}]))
    return Mutation(original, path, kind, odd)
