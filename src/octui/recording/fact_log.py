"""The facts of a session, ``facts.jsonl``, read as they are appended."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from octui.recording.facts import AnyFact, decode_fact


class FactLog:
    """Facts in the order written; lines that are garbled, or of a newer octui, are passed over."""

    def __init__(self) -> None:
        self._facts: list[AnyFact] = []
        self._times: list[float] = []
        self._read_to = 0

    @property
    def facts(self) -> Sequence[AnyFact]:
        """Those read so far; not to be changed."""
        return self._facts

    def until(self, moment: float) -> Sequence[AnyFact]:
        """Those written until a moment, in seconds since the epoch."""
        return self._facts[: bisect_right(self._times, moment)]

    def read(self, path: Path) -> Sequence[AnyFact]:
        """Take in what was appended, and give it; a file that is not there has nothing.

        Raises:
            OSError: It cannot be read.
        """
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return ()
        if size == self._read_to:
            return ()
        with path.open("rb") as file:
            file.seek(self._read_to)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._read_to += whole
        new = [fact for line in data[:whole].splitlines() if (fact := decode_fact(line)) is not None]
        for fact in new:
            # A clock that was set back must not hide facts from a replay.
            self._times.append(max(fact.at, self._times[-1] if self._times else fact.at))
        self._facts += new
        return new
