"""What lines are, told from their first bytes: for whatever has to look at every line and needs few of them whole.

opencode 1.18 begins each line with its type and its time, always in the same way. A line that begins so and is
closed at its end is not looked at any further, which costs an eighth of decoding it; any other is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from octui.client.events import EVENT_TYPES, decode_line

_TIME_DIGITS = 13
"""Milliseconds since the epoch have so many from 2001 to 2286."""

_KEY_BYTES = 16
"""So many bytes tell the types apart."""

_BRACE = ord("}")
_COMMA = ord(",")


def _heads() -> dict[bytes, tuple[str, int, int]]:
    """For the key of each type: the type, and where the time begins and ends."""
    heads = {kind: f'{{"type":"{kind}","timestamp":'.encode() for kind in EVENT_TYPES}
    return {head[:_KEY_BYTES]: (kind, len(head), len(head) + _TIME_DIGITS) for kind, head in heads.items()}


_HEADS = _heads()


class Skim(NamedTuple):
    """What lines are: the type of each, as `decode_line` would give it, and its time.

    Attributes:
        kinds: The types.
        times_ms: Milliseconds since the epoch; 0 where a line tells no time.
    """

    kinds: list[str]
    times_ms: list[float]


def skim(lines: Sequence[bytes]) -> Skim:
    """Tell lines by their first bytes."""
    kinds: list[str] = []
    times: list[float] = []
    try:
        for line in lines:
            known = _HEADS.get(line[:_KEY_BYTES])
            if known is not None and line[-1] == _BRACE:
                kind, start, end = known
                if line[end] == _COMMA:
                    times.append(int(line[start:end]))
                    kinds.append(kind)
                    continue
            event = decode_line(line)
            times.append(event.timestamp or 0)
            kinds.append(event.type)
    except (IndexError, ValueError):  # A line only looked like one of them.
        events = [decode_line(line) for line in lines]
        return Skim([event.type for event in events], [event.timestamp or 0 for event in events])
    return Skim(kinds, times)
