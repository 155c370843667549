"""The entries of an index, one for each event; those that a file holds as well are read from there when asked. Pure.

An entry is two words of 64 bits. A log of an hour has millions of events: whoever looks at it for so long must not hold
an entry of each.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final

from octui.kept import Kept

ENTRY_WORDS: Final = 2
WORD_BYTES: Final = 8

PAGE = 256
"""So many stored entries are read at once."""

_KEPT_PAGES = 32

Read = Callable[[int, int], "array[int]"]
"""Gives the words of the entries from one to before another, from where they are stored."""


class Entries:
    """Grows at its end.

    Attributes:
        stored: So many of the first entries are not held here.
    """

    def __init__(self) -> None:
        self.stored = 0
        self._read: Read | None = None
        self._pages: Kept[int, array[int]] = Kept(_KEPT_PAGES)
        self._held = array("Q")

    def __len__(self) -> int:
        return self.stored + len(self._held) // ENTRY_WORDS

    @property
    def held(self) -> int:
        """How many entries are held here."""
        return len(self._held) // ENTRY_WORDS

    def append(self, words: array[int]) -> None:
        """Add entries."""
        self._held.extend(words)

    def word(self, entry: int, which: int) -> int:
        """One word of an entry.

        Raises:
            RecordingError: It is stored, and cannot be read.
        """
        if entry >= self.stored:
            return self._held[(entry - self.stored) * ENTRY_WORDS + which]
        return self._page(entry // PAGE)[entry % PAGE * ENTRY_WORDS + which]

    def words(self, first: int, last: int) -> array[int]:
        """The words of the entries from one to before another.

        Raises:
            RecordingError: Some are stored, and cannot be read.
        """
        held = self._held[max(0, first - self.stored) * ENTRY_WORDS : max(0, last - self.stored) * ENTRY_WORDS]
        if first >= self.stored or self._read is None:
            return held
        return self._read(first, min(last, self.stored)) + held

    def store(self, count: int, read: Read | None) -> None:
        """Hold the first ``count`` entries no more; there may be more of them than there were here.

        Args:
            count: How many are stored now.
            read: Reads them; None where nobody will ask for them.
        """
        del self._held[: (count - self.stored) * ENTRY_WORDS]
        self._pages.clear()
        self.stored = count
        self._read = read

    def _page(self, number: int) -> array[int]:
        page = self._pages.get(number)
        if page is not None:
            return page
        if self._read is None:
            raise LookupError("These entries were given away.")
        return self._pages.put(number, self._read(number * PAGE, min((number + 1) * PAGE, self.stored)))
