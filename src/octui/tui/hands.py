"""Whether a key was meant: none is that came before anybody can have read what it answers."""

from __future__ import annotations

from collections.abc import Callable, Collection

TOO_SOON_S = 0.3
"""A key that comes so soon after a request came up was meant for something else."""

HELD_S = 0.7
"""The answer that was just given, or the key that opened the dialog, comes again as long as a key is held down."""


class Hands:
    """Tells keys that are meant for what is shown from those that were meant for something else.

    Args:
        now: A steady clock, in seconds.
        pressed: What the keys do here that were just pressed elsewhere.
    """

    def __init__(self, now: Callable[[], float], pressed: Collection[str]) -> None:
        self._now = now
        self._just_pressed = frozenset(pressed)
        self.seen_at: float | None = None

    def shows_another(self) -> None:
        """Something else is to be shown, which nobody has seen yet."""
        self.seen_at = None

    def saw(self) -> None:
        """It is on the screen from now on."""
        self.seen_at = self._now()

    @property
    def are_too_soon(self) -> bool:
        """Whether nobody can have read what is shown."""
        return self.seen_at is None or self._now() - self.seen_at < TOO_SOON_S

    def hold_down(self, what: str) -> bool:
        """Whether an answer comes from a key that is still held down from the request before."""
        if what not in self._just_pressed:
            self._just_pressed = frozenset()
            return False
        if self.seen_at is not None and self._now() - self.seen_at < HELD_S:
            self.seen_at = self._now()
            return True
        return False

    def pressed(self, what: str) -> None:
        """An answer was given, by a key that may still be held down."""
        self._just_pressed = frozenset({what})
