"""The mistakes of a plan as it is read, each with its place, and what they hide from the checks that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from octui.errors import Problem
from octui.plan.places import Place, in_words, line_of


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
        self._names: set[str] = set()
        self._beginnings: set[str] = set()

    def say(self, place: Place, message: str) -> None:
        """Tell one, once: copies have the same."""
        problem = Problem(in_words(place), message, self._line(place))
        if problem not in self.found:
            self.found.append(problem)

    def lose(self, place: Place, value: Any = None) -> None:
        """Note that a key could not be read: what it says, and the names in it, may well be right."""
        self._lost.add(place)
        self._names.update(_names_in(value))

    def lose_runs(self, beginning: str) -> None:
        """Note that runs could not be made whose names would begin so; empty where any name may be theirs."""
        self._beginnings.add(beginning)

    def is_lost(self, place: Place, *, within: bool = False) -> bool:
        """Whether a key, its default, or a table around them could not be read; ``within``: or anything in it."""
        written = [place]
        if place[:1] == ("runs",):
            written.append(("defaults", *place[2:]))
        if any(each[:length] in self._lost for each in written for length in range(1, len(each) + 1)):
            return True
        return within and any(lost[: len(place)] == place for lost in self._lost)

    def may_hide(self, name: str) -> bool:
        """Whether a run, or a variable, of this name may stand in what could not be read."""
        return name in self._names

    def may_hide_run(self, name: str) -> bool:
        """Whether a run of this name may be one that could not be made or read."""
        return self.may_hide(name) or name.startswith(tuple(self._beginnings))

    def _line(self, place: Place) -> int | None:
        """The line of a key, or of the default it comes from; else of what is nearest around it."""
        if place[:1] == ("runs",):
            for length in range(len(place), 2, -1):
                for written in (place[:length], ("defaults", *place[2:length])):
                    if written in self._lines:
                        return self._lines[written]
        return line_of(place, self._lines)


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names_in(inner)
