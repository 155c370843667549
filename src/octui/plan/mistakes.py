"""The mistakes of a plan as it is read, each with its place, and what they hide from the checks that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from octui.errors import Problem
from octui.plan.places import Place, in_words, line_of

_NAMING = ("name", "group", "allow_env")
"""The keys whose texts are names of runs, or of what prompts may name."""

_HOLDING_VARIABLES = ("vars", "matrix")
"""The keys whose tables have variables for keys."""


class Mistakes:
    """Collects them, so that none keeps others from being told.

    What cannot be read is lost to the checks that follow: a key may be there after all, and so may be a name.

    Args:
        lines: Where keys stand in the file; empty where there is none.
    """

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self.found: list[Problem] = []
        self._lines = lines
        self._lost: set[Place] = set()
        self._texts: set[str] = set()
        self._keys: set[str] = set()
        self._beginnings: set[str] = set()

    def say(self, place: Place, message: str) -> None:
        """Tell one, once: copies have the same."""
        problem = Problem(in_words(place), message, self._line(place))
        if problem not in self.found:
            self.found.append(problem)

    def lose(self, place: Place, value: Any = None, *, is_unknown: bool = False) -> None:
        """Note that a key could not be read: what it says, and the names that it gives, may well be right.

        Args:
            place: Where it stands; for a key that looks like another, where that would.
            value: What it says.
            is_unknown: Whether the key looks like no other, so that it may be meant for any.
        """
        self._lost.add(place)
        around, key = (None, None, *place)[-2:]
        if is_unknown or key in _NAMING:
            self._texts.update(_texts_in(value))
        if is_unknown or key in _HOLDING_VARIABLES:
            self._keys.update(_keys_in(value))
        if around in _HOLDING_VARIABLES:
            self._keys.add(str(key))

    def lose_runs(self, beginning: str) -> None:
        """Note that runs could not be made whose names would begin so; empty where any name may be theirs."""
        self._beginnings.add(beginning)

    def is_lost(self, place: Place, *, within: bool = False) -> bool:
        """Whether a key, its default, or a table around them could not be read; ``within``: or anything in it."""
        written = [place]
        if place[:1] == ("runs",):
            written.append(("defaults", *place[2:]))
        if any(each[:length] in self._lost for each in written for length in range(len(each) + 1)):
            return True
        return within and any(lost[: len(place)] == place for lost in self._lost)

    def may_hide_run(self, name: str) -> bool:
        """Whether a run of this name may be one that could not be made or read."""
        return name in self._texts or name.startswith(tuple(self._beginnings))

    def may_hide_variable(self, name: str) -> bool:
        """Whether a variable of this name may be set where it could not be read."""
        return name in self._keys

    def may_hide_env(self, name: str) -> bool:
        """Whether a name in the environment may be allowed where that could not be read."""
        return name in self._texts

    def _line(self, place: Place) -> int | None:
        """The line of a key, or of the default it comes from; else of what is nearest around it."""
        if place[:1] == ("runs",):
            for length in range(len(place), 2, -1):
                for written in (place[:length], ("defaults", *place[2:length])):
                    if written in self._lines:
                        return self._lines[written]
        return line_of(place, self._lines)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(inner)


def _keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        yield from value if isinstance(value, dict) else ()
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys_in(inner)
