"""Replaying: one clock over all runs of a recording. Pure: whoever draws says how much real time has passed."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

from octui.recording.facts import SessionOpened
from octui.recording.session import Session

GAP_KEPT_S = 0.5
"""How close to the event after a shortened gap the clock lands, so that the event is seen to come."""


class Timeline:
    """When things happened in a recording: events and facts of all runs, asked for and not kept.

    Args:
        session: The recording; what of its logs is not indexed yet joins in as it is.
    """

    def __init__(self, session: Session) -> None:
        self._logs = {run: session.log(run) for run in session.run_names}
        self._facts = sorted(fact.at for fact in session.facts)
        named = {fact.run for fact in session.facts if isinstance(fact, SessionOpened)}
        self._streams = [stream for run in session.run_names if run in named and (stream := session.stream(run))]
        begins = [log.time(0) for log in self._logs.values() if len(log)]
        ends = [log.end_time for log in self._logs.values() if len(log)]
        self.start = min([*self._facts[:1], *begins], default=0.0)
        self.end = max([*self._facts[-1:], *ends], default=0.0)

    def after(self, moment: float) -> float:
        """The next moment anything happened, or the end."""
        return min([*self._after(moment), self.end])

    def stirs_after(self, moment: float) -> float:
        """The next moment anything happened or was under way, such as a word of an answer, or the end."""
        signs = (stream.next_after(moment, self.start * 1000) for stream in self._streams)
        return min([*(at for at in signs if at is not None), self.after(moment)])

    def before(self, moment: float) -> float:
        """The last moment before this one when anything happened, or the start."""
        found = [log.time(index - 1) for log in self._logs.values() if (index := log.first_at_or_after(moment))]
        if index := bisect_left(self._facts, moment):
            found.append(self._facts[index - 1])
        return max([*found, self.start])

    def activity(self, run: str, buckets: int) -> list[int]:
        """How many events a run had in each of so many equal parts of the recording."""
        log = self._logs[run]
        length = self.end - self.start
        if length <= 0:
            return [len(log), *[0] * (buckets - 1)]
        edges = [log.first_at_or_after(self.start + length * each / buckets) for each in range(1, buckets)]
        return [end - start for start, end in zip([0, *edges], [*edges, len(log)], strict=True)]

    def _after(self, moment: float) -> list[float]:
        following = math.nextafter(moment, math.inf)
        found = [
            log.time(index) for log in self._logs.values() if (index := log.first_at_or_after(following)) < len(log)
        ]
        index = bisect_right(self._facts, moment)
        return [*found, *self._facts[index : index + 1]]


class ReplayClock:
    """Where a replay stands; all times are seconds since the epoch.

    Args:
        timeline: What is replayed.
        gap_s: Gaps with no event are shortened to so many seconds; None keeps them.
    """

    def __init__(self, timeline: Timeline, gap_s: float | None = None) -> None:
        self._timeline = timeline
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
            self.seek(self._timeline.after(self.position))
        else:
            self.seek(self._timeline.before(self.position))

    def _advance(self, seconds: float) -> None:
        """Move on, jumping over what is left of a gap once enough of it was seen."""
        while seconds > 0 and self.position < self.end:
            following = self._timeline.after(self.position)
            if self.gap_s is not None and following - self.position > GAP_KEPT_S:
                # While an answer comes word by word nothing is shortened, nor is each of them a step of its own.
                following = min(following, max(self.position + GAP_KEPT_S, self._timeline.stirs_after(self.position)))
            if self.gap_s is not None and self._idle_s >= self.gap_s and following - self.position > GAP_KEPT_S:
                self.position = following - GAP_KEPT_S
            step = min(seconds, following - self.position)
            if self.gap_s is not None and following - self.position > GAP_KEPT_S:
                step = min(step, max(1e-6, self.gap_s - self._idle_s))
            self.position += step
            self._idle_s = 0.0 if self.position >= following else self._idle_s + step
            seconds -= step
