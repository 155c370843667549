"""What a server told of a run, ``NAME.stream``, folded into what is under way: now, or at any moment of a replay.

Nothing of the file is kept but that fold. Going on reads what was appended. Going anywhere else finds the moment by
halving the file, as events tell their times in order, and folds from the last step of the run's own session on, which
is at most `MOST_BYTES` long: a step that is longer shows what of it fits.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from octui.client.serve import v1_events
from octui.client.serve.events import AnyServerEvent, MessageChanged, PartChanged, PartGrew, PartKind
from octui.client.serve.lines import RunLines
from octui.client.serve.live import Live

MOST_BYTES = 1 << 22
"""At most so many bytes are folded for a jump."""

READ_BYTES = 1 << 18
PEEK_BYTES = 1 << 12
NEAR_BYTES = 1 << 15
"""A moment is found by halving down to so many bytes; they are read line by line."""

_STEP = b"step-start"
_MESSAGE = b'"message.updated"'
_MESSAGES_LOOKED_AT = 64


class RunStream:
    """The stream of one run.

    It never raises: what cannot be read is as if it were not there.

    Args:
        path: The file; it need not exist, now or ever.

    Attributes:
        live: What is under way; None before anything was read of the run's session.
        version: Another number whenever ``live`` is another.
        last_ms: When the last event up to the moment was sent, in milliseconds since the epoch; 0 before the first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.live: Live | None = None
        self.version = 0
        self.last_ms = 0
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None
        self._size = 0
        self._read_to = 0
        self._moment = -math.inf
        self._next_ms: int | None = None
        self._is_cut = False

    def __del__(self) -> None:
        self.close()

    def follow(self, session_id: str, near_ms: float) -> bool:
        """Take in what was appended; give whether there is anything new.

        Args:
            session_id: The run's own session.
            near_ms: A moment within a year of the events, in milliseconds since the epoch.
        """
        return self.seek(session_id, near_ms, math.inf)

    def seek(self, session_id: str, near_ms: float, moment: float) -> bool:
        """Go to a moment, in seconds since the epoch; give whether anything is another there.

        Args:
            session_id: The session that was the run's own at that moment.
            near_ms: A moment within a year of the events, in milliseconds since the epoch.
            moment: Up to when events count, inclusive; infinity for all there are.
        """
        before = self.version
        if not session_id or not self._look():
            return False
        is_same = self.live is not None and self.live.session_id == session_id and moment >= self._moment
        if is_same and self._next_ms is not None and moment * 1000 < self._next_ms - 1:
            self._moment = moment
            return False
        if is_same and self._size - self._read_to > MOST_BYTES:
            is_same = self._end_at(moment, near_ms) - self._read_to <= MOST_BYTES
        if not is_same:
            self._jump(session_id, near_ms, self._end_at(moment, near_ms))
        self._moment = moment
        self._go_on(near_ms, moment)
        return self.version != before

    def next_after(self, moment: float, near_ms: float) -> float | None:
        """When the first event after a moment was sent, in seconds since the epoch; None where there is none."""
        if not self._look():
            return None
        if moment == self._moment and self._next_ms is not None:
            return self._next_ms / 1000
        for line, _ in self._lines(self._end_at(moment, near_ms), self._size):
            if (at := v1_events.time_of_line(line, near_ms)) is not None and at / 1000 > moment:
                return at / 1000
        return None

    def lines_of(self, session_id: str, start_ms: float, end_ms: float) -> list[bytes]:
        """What a subagent did between two moments, as `opencode run` would have printed it; at most `MOST_BYTES` of it.

        Args:
            session_id: The subagent's session.
            start_ms: From when on, in milliseconds since the epoch.
            end_ms: Until when.
        """
        if not session_id or not self._look():
            return []
        start = self._end_at((start_ms - 1) / 1000, start_ms)
        end = min(self._end_at(end_ms / 1000, end_ms), start + MOST_BYTES)
        lines = RunLines(session_id)
        told = (event for line, _ in self._lines(start, end) if (event := _decode(line, start_ms)))
        return [line.rstrip(b"\n") for event in told for line in lines.feed(event)]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _look(self) -> bool:
        """Open the file where it is there, anew where it is another one; give whether there is one to read."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            if self._file is None:
                return False
            stat = os.fstat(self._file)  # Deleted: what was open can still be read.
        except OSError:
            return False
        identity = (stat.st_dev, stat.st_ino)
        if identity != self._identity or stat.st_size < self._read_to:
            self.close()
            self._forget()
            try:
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return False
            self._identity = identity
        self._size = stat.st_size
        return True

    def _forget(self) -> None:
        self.live, self.last_ms, self._read_to, self._next_ms, self._moment = None, 0, 0, None, -math.inf
        self.version += 1

    def _jump(self, session_id: str, near_ms: float, end: int) -> None:
        """Fold anew up to a byte, from the last step of the run's own session before it."""
        self._forget()
        self.live = Live(session_id)
        start = max(0, end - MOST_BYTES)
        data = self._read(start, end)
        begin = _last_step(data, session_id, near_ms)
        self._is_cut = begin is None and start > 0
        if begin is None:
            begin = data.find(b"\n") + 1 if start else 0
        for line in data[begin:].split(b"\n")[:-1]:
            self._feed(line, near_ms)
        self._read_to = end

    def _go_on(self, near_ms: float, moment: float) -> None:
        self._next_ms = None
        for line, end in self._lines(self._read_to, self._size):
            at = None if moment == math.inf else v1_events.time_of_line(line, near_ms)
            if at is not None and at / 1000 > moment:
                self._next_ms = at
                return
            self._feed(line, near_ms)
            self._read_to = end

    def _feed(self, line: bytes, near_ms: float) -> None:
        assert self.live is not None
        event = _decode(line, near_ms)
        if event is None:
            return
        if self._is_cut:
            self._meet(event)
        self.live.feed(event)
        self.last_ms = max(self.last_ms, event.at_ms)
        self.version += 1

    def _meet(self, event: AnyServerEvent) -> None:
        """Let a text go on whose beginning is too far back to be read."""
        assert self.live is not None
        if not isinstance(event, PartGrew) or event.session_id != self.live.session_id:
            return
        if event.part_id not in self.live.parts and not self.live.is_whole(event.part_id):
            began = PartChanged(
                session_id=event.session_id,
                at_ms=event.at_ms,
                part_id=event.part_id,
                message_id=event.message_id,
                kind=PartKind.TEXT,
                text="… ",
            )
            self.live.feed(began)

    def _end_at(self, moment: float, near_ms: float) -> int:
        """The byte behind the last line that was sent up to a moment."""
        if moment == math.inf:
            return self._read_to if self._read_to == self._size else self._last_line_end()
        low, high = 0, self._size
        while high - low > NEAR_BYTES:
            middle = (low + high) // 2
            found = self._first_told(middle, high, near_ms)
            if found is None or found[1] / 1000 > moment:
                high = middle
            else:
                low = found[0]
        for line, end in self._lines(low, self._size):
            at = v1_events.time_of_line(line, near_ms)
            if at is not None and at / 1000 > moment:
                break
            low = end
        return low

    def _last_line_end(self) -> int:
        end = self._size
        while end > 0:
            start = max(0, end - READ_BYTES)
            found = self._read(start, end).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0

    def _first_told(self, start: int, end: int, near_ms: float) -> tuple[int, int] | None:
        """The first line that begins behind a byte and tells its time: where it begins, and when it was sent."""
        at = start
        is_inside = True
        while at < end:
            data = self._read(at, at + PEEK_BYTES)
            if is_inside:
                line_end = data.find(b"\n")
                at += line_end + 1 if line_end >= 0 else max(1, len(data))
                is_inside = line_end < 0
                continue
            if (sent := v1_events.time_of_line(data.split(b"\n", 1)[0], near_ms)) is not None:
                return at, sent
            is_inside = True
        return None

    def _lines(self, start: int, end: int) -> Iterator[tuple[bytes, int]]:
        """The whole lines from one byte to another, each with where it ends."""
        size = READ_BYTES
        while start < end:
            data = self._read(start, min(end, start + size))
            whole = data.rfind(b"\n") + 1
            if not whole:
                if start + size >= end:
                    return
                size *= 2
                continue
            size = READ_BYTES
            for line in data[: whole - 1].split(b"\n"):
                start += len(line) + 1
                yield line, start

    def _read(self, start: int, end: int) -> bytes:
        assert self._file is not None
        with suppress(OSError):
            return os.pread(self._file, end - start, start)
        return b""


def _last_step(data: bytes, session_id: str, near_ms: float) -> int | None:
    """Where to begin for the last step of a session: at the assistant's message it belongs to; None without a step."""
    at = len(data)
    while (at := data.rfind(_STEP, 0, at)) >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        event = _decode(data[start : data.find(b"\n", at)], near_ms)
        if isinstance(event, PartChanged) and event.kind is PartKind.STEP_START and event.session_id == session_id:
            return _message_before(data, start, session_id, near_ms)
    return None


def _message_before(data: bytes, step: int, session_id: str, near_ms: float) -> int:
    at = step
    for _ in range(_MESSAGES_LOOKED_AT):
        at = data.rfind(_MESSAGE, 0, at)
        if at < 0:
            break
        start = data.rfind(b"\n", 0, at) + 1
        event = _decode(data[start : data.find(b"\n", at)], near_ms)
        if isinstance(event, MessageChanged) and event.session_id == session_id and event.role != "user":
            return start
    return step


def _decode(line: bytes, near_ms: float) -> AnyServerEvent | None:
    return v1_events.decode(line, near_ms) if line else None
