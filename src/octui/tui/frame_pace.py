"""How often panes are drawn: as often as it pays off, and never so often that keys have to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from textual.app import App

FASTEST_S = 1 / 20
SLOWEST_S = 0.25
RARELY_S = 0.5
"""Behind a dialog, frames are for orientation only, and dear: all of it is dimmed anew."""

PANES = 4
"""So few panes at least are drawn at once; a key that comes meanwhile waits for them."""

PARTS = 8
"""Into so many frames at most all panes are divided: each frame has a price of its own."""

NARROW_S = 10.0
"""How long frames stay small after the terminal was seen to be behind."""

BETWEEN_NARROW_S = 0.1
CLEARLY_BEHIND_S = 0.05
"""A frame that waits for so long waits for the terminal, and not just for its turn."""

KEY_S = 0.03
"""How long what a key does may take before frames go on."""

STARVED_S = 0.2
"""Somebody who types all the time sees frames all the same."""

SHARE = 0.4
"""Which share of the time may go into drawing."""

_KEPT = 0.7


class FramePace:
    """Says when the next frame is due, from what the last ones cost.

    Args:
        now: A steady clock, in seconds.
        worked: Tells how long this thread has worked, in seconds.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, worked: Callable[[], float] = time.thread_time
    ) -> None:
        self._now = now
        self._worked = worked
        self._worked_before = 0.0
        self._began_at = -SLOWEST_S
        self._cost_s = 0.0
        self._key_at = -SLOWEST_S
        self._behind_at = -NARROW_S
        self._waits_since = math.inf

    @property
    def interval_s(self) -> float:
        """Seconds from one frame to the next, while there is anything to draw."""
        return min(SLOWEST_S, max(FASTEST_S, self._cost_s / SHARE))

    def panes(self, total: int) -> int:
        """How many of all panes to draw at once.

        On a slow link it is one: a key's echo waits there for what was sent before it.
        """
        return 1 if self.is_narrow else max(PANES, total // PARTS)

    @property
    def is_narrow(self) -> bool:
        """Whether the link is slow."""
        return self._now() - self._behind_at < NARROW_S

    def heard_key(self) -> None:
        """Hear that somebody typed: what that does comes first."""
        self._key_at = self._now()

    @property
    def is_answering(self) -> bool:
        """Whether a key was pressed just now, so that what is drawn may be its effect."""
        return self._now() - self._key_at < KEY_S

    @property
    def gives_way(self) -> bool:
        """Whether nothing should be begun now, so that a key that was just pressed is not kept waiting."""
        return self.is_answering and self._now() - self._began_at < STARVED_S

    def may_draw(self, part: float, *, rarely: bool, is_backed_up: bool) -> bool:
        """Whether a frame is due.

        Args:
            part: Which part of what has changed the frame is to show; the less, the sooner it is due.
            rarely: A dialog stands before the panes, or there is more urgent work than frames.
            is_backed_up: The terminal has not taken earlier frames yet: one more would be stale when it comes up.
        """
        passed = self._now() - self._began_at
        if not is_backed_up:
            self._waits_since = math.inf
        elif (waits_since := min(self._waits_since, self._now())) + CLEARLY_BEHIND_S <= self._now():
            self._behind_at = self._now()
        else:
            self._waits_since = waits_since
        if self.is_narrow and passed < BETWEEN_NARROW_S:
            return False
        if is_backed_up and passed < RARELY_S * 2:
            return False
        return passed >= (RARELY_S if rarely else self.interval_s * part * 0.9)

    def began(self) -> None:
        """A frame begins."""
        self._began_at = self._now()
        self._worked_before = self._worked()

    def ended(self, part: float) -> None:
        """The frame is drawn; it showed so large a part of what had changed."""
        cost = (self._worked() - self._worked_before) / part
        self._cost_s = _KEPT * self._cost_s + (1 - _KEPT) * cost


def backed_up(app: App[object]) -> bool:
    """Whether frames wait for the terminal to take them, as on a slow link."""
    writer = getattr(app._driver, "_writer_thread", None)
    return writer is not None and writer._queue.qsize() > 0
