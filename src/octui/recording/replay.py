"""Replaying: one clock over all runs of a recording. Pure: whoever draws says how much real time has passed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from heapq import merge

from octui.recording.session import Session

GAP_KEPT_S = 0.5
"""How close to the event after a shortened gap the clock lands, so that the event is seen to come."""


class Timeline:
    """When things happened in a recording: events and facts of all runs, in order.

    Args:
        session: The recording; what is appended later is not in it.
    """

    def __init__(self, session: Session) -> None:
        self._events = {
            run: [session.log(run).time(i) for i in range(len(session.log(run)))] for run in session.run_names
        }
        facts = [fact.at for fact in session.facts]
        self.times = list(merge(*self._events.values(), sorted(facts)))
        self.start = self.times[0] if self.times else 0.0
        self.end = self.times[-1] if self.times else 0.0

    def activity(self, run: str, buckets: int) -> list[int]:
        """How many events a run had in each of so many equal parts of the recording."""
        counts = [0] * buckets
        length = self.end - self.start
        for time in self._events[run]:
            share = (time - self.start) / length if length > 0 else 0.0
            counts[min(buckets - 1, max(0, int(share * buckets)))] += 1
        return counts


class ReplayClock:
    """Where a replay stands; all times are seconds since the epoch.

    Args:
        timeline: What is replayed.
        gap_s: Gaps with no event are shortened to so many seconds; None keeps them.
    """

    def __init__(self, timeline: Timeline, gap_s: float | None = None) -> None:
        self._times = timeline.times
        self.start = timeline.start
        self.end = timeline.end
        self.position = self.start
        self.playing = False
        self.speed: float | None = 1.0
        self.gap_s = gap_s
        self._idle_s = 0.0

    def play(self) -> None:
        """Go on from here."""
        self.playing = self.position < self.end

    def pause(self) -> None:
        """Stay here."""
        self.playing = False

    def set_speed(self, speed: float | None) -> None:
        """Play so many times as fast; None for as fast as it can."""
        self.speed = speed

    def set_gaps(self, gap_s: float | None) -> None:
        """Shorten idle gaps to so many seconds; None keeps them."""
        self.gap_s = gap_s
        self._idle_s = 0.0

    def tick(self, passed_s: float) -> float:
        """Take so much real time into account, in seconds; give the new position."""
        if not self.playing:
            return self.position
        if self.speed is None:
            self.position = self.end
        else:
            self._advance(passed_s * self.speed)
        self.playing = self.position < self.end
        return self.position

    def seek(self, position: float) -> None:
        """Go to a moment, or as near as there is."""
        self.position = min(self.end, max(self.start, position))
        self._idle_s = 0.0

    def step(self, direction: int) -> None:
        """Pause at the next moment anything happened, or at the one before."""
        self.pause()
        if direction > 0:
            index = bisect_right(self._times, self.position)
            self.seek(self._times[index] if index < len(self._times) else self.end)
        else:
            index = bisect_left(self._times, self.position) - 1
            self.seek(self._times[index] if index >= 0 else self.start)

    def _advance(self, seconds: float) -> None:
        """Move on, jumping over what is left of a gap once enough of it was seen."""
        while seconds > 0 and self.position < self.end:
            index = bisect_right(self._times, self.position)
            following = self._times[index] if index < len(self._times) else self.end
            if self.gap_s is not None and self._idle_s >= self.gap_s and following - self.position > GAP_KEPT_S:
                self.position = following - GAP_KEPT_S
            step = min(seconds, following - self.position)
            if self.gap_s is not None and following - self.position > GAP_KEPT_S:
                step = min(step, max(1e-6, self.gap_s - self._idle_s))
            self.position += step
            self._idle_s = 0.0 if self.position >= following else self._idle_s + step
            seconds -= step
