"""Which events have nothing to show, told by their kinds: so that a million of them are passed over at once.

The kind of an event is a byte here; the next byte that counts is found by C code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from octui.client.events import DIAGNOSTIC, EVENT_TYPES

OTHER = "other"
FILTERS = (*EVENT_TYPES[1:], DIAGNOSTIC, OTHER)
"""What can be filtered: the event types with something to show, lines that are no events, and types not known."""

CHUNK = 4096
_EMPTY = len(FILTERS)
"""The byte of an event that has nothing to show, whatever is filtered."""
_BYTES = {kind: number for number, kind in enumerate(FILTERS)} | {EVENT_TYPES[0]: _EMPTY}
_OTHER = _BYTES[OTHER]
_SHOWN, _NOT_SHOWN = b"\1", b"\0"


class Passing:
    """The events of a run that are passed over.

    Args:
        kinds: Gives the kinds of the events from one index to before another; asked once for each that is walked over.
    """

    def __init__(self, kinds: Callable[[int, int], Iterable[str]]) -> None:
        self._kinds = kinds
        self._chunks: dict[int, bytearray] = {}
        self._table = b""
        self.hidden = frozenset()

    @property
    def hidden(self) -> frozenset[str]:
        """What is filtered out, of `FILTERS`."""
        return self._hidden

    @hidden.setter
    def hidden(self, hidden: frozenset[str]) -> None:
        self._hidden = hidden
        shown = (_NOT_SHOWN if kind in hidden else _SHOWN for kind in FILTERS)
        self._table = b"".join(shown).ljust(256, _NOT_SHOWN)

    def is_hidden(self, index: int) -> bool:
        """Whether an event is filtered out."""
        if not self._hidden:
            return False
        (kind,) = self._kinds(index, index + 1)
        return kind != EVENT_TYPES[0] and (kind if kind in FILTERS else OTHER) in self._hidden

    def has_nothing(self, index: int) -> None:
        """Take note that an event has turned out to have nothing to show."""
        self._chunk(index // CHUNK, index % CHUNK + 1)[index % CHUNK] = _EMPTY

    def forget(self) -> None:
        """Forget what is known of the events: there are others now."""
        self._chunks.clear()

    def after(self, index: int, count: int) -> int | None:
        """The first event from ``index`` on that may have something to show; None where none of ``count`` has."""
        while index < count:
            start = index - index % CHUNK
            room = min(CHUNK, count - start)
            found = self._marks(start // CHUNK, room).find(_SHOWN, index - start, room)
            if found >= 0:
                return start + found
            index = start + CHUNK
        return None

    def before(self, index: int) -> int | None:
        """The last event up to ``index`` that may have something to show; None where there is none."""
        while index >= 0:
            start = index - index % CHUNK
            room = index - start + 1
            found = self._marks(start // CHUNK, room).rfind(_SHOWN, 0, room)
            if found >= 0:
                return start + found
            index = start - 1
        return None

    def _marks(self, chunk: int, room: int) -> bytearray:
        return self._chunk(chunk, room).translate(self._table)

    def _chunk(self, chunk: int, room: int) -> bytearray:
        """The bytes of the events of a chunk, at least ``room`` of them."""
        kinds = self._chunks.setdefault(chunk, bytearray())
        start = chunk * CHUNK
        if room > len(kinds):
            kinds.extend([_BYTES.get(kind, _OTHER) for kind in self._kinds(start + len(kinds), start + room)])
        return kinds
