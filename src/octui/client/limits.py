"""How long an attempt may go on, judged by what it has printed. Pure: it is told what is printed, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from octui.client.events import DIAGNOSTIC, KINDS, StepFinish, decode_line
from octui.client.skim import skim

EXIT_GRACE_S = 10.0

_FINISH, _NO_EVENT = map(KINDS.index, ("step_finish", DIAGNOSTIC))


class Limit(StrEnum):
    """A limit an attempt can meet, and is ended for."""

    TIME = "time"
    STARTUP = "startup"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long an attempt may go on.

    Attributes:
        timeout_s: In all, in seconds; None for no limit.
        startup_timeout_s: Until its first event, in seconds; None for no limit. opencode 1.18 prints that one when the
            model begins to answer, and nothing is done before.
        exit_grace_s: After a finished answer (``step_finish`` with reason ``stop``) until the process is gone, in
            seconds.
    """

    timeout_s: float | None = None
    startup_timeout_s: float | None = None
    exit_grace_s: float = EXIT_GRACE_S


class Vigil:
    """Watches one attempt.

    Args:
        limits: How long it may go on.
        now: The moment it began, in seconds of any steady clock.

    Attributes:
        has_spoken: Whether it has printed an event.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self.has_spoken = False
        self._limits = limits
        self._began = now
        self._finished_at: float | None = None

    def saw(self, lines: Sequence[bytes], now: float) -> None:
        """Take lines of stdout into account: the last one that is an event tells how it stands."""
        for line in reversed(lines):
            (number,) = skim([line]).kinds
            if number != _NO_EVENT:
                self.has_spoken = True
                self._finished_at = now if number == _FINISH and _is_the_last(line) else None
                break

    @property
    def next(self) -> tuple[float, Limit | None]:
        """The moment of the limit it meets next, and which one that is; infinity where there is none."""
        limits = self._limits
        moments: list[tuple[float, Limit | None]] = [(math.inf, None)]
        if self._finished_at is not None:
            moments.append((self._finished_at + limits.exit_grace_s, Limit.EXIT))
        if limits.timeout_s is not None:
            moments.append((self._began + limits.timeout_s, Limit.TIME))
        if limits.startup_timeout_s is not None and not self.has_spoken:
            moments.append((self._began + limits.startup_timeout_s, Limit.STARTUP))
        return min(moments, key=lambda moment: moment[0])


def _is_the_last(line: bytes) -> bool:
    body = decode_line(line).body
    return isinstance(body, StepFinish) and body.reason == "stop"
