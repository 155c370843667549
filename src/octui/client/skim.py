"""What lines are, told from their first bytes: for whatever has to look at every line and needs few of them whole.

opencode 1.18 begins each line with its type and its time, always in the same way. A line that begins so and is
closed at its end is not looked at any further, which costs an eighth of decoding it; any other is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable

from octui.client.events import EVENT_TYPES, decode_line

_TIME_DIGITS = 13
"""Milliseconds since the epoch have so many from 2001 to 2286."""

_KEY_BYTES = 16
"""So many bytes tell the types apart."""

_BRACE = ord("}")


def _heads() -> dict[bytes, tuple[str, int, int]]:
    """For the key of each type: the type, and where the time begins and ends."""
    heads = {kind: f'{{"type":"{kind}","timestamp":'.encode() for kind in EVENT_TYPES}
    return {head[:_KEY_BYTES]: (kind, len(head), len(head) + _TIME_DIGITS) for kind, head in heads.items()}


_HEADS = _heads()


def skim(lines: Iterable[bytes]) -> list[tuple[str, float | None]]:
    """Give each line's type, as `decode_line` would, and its time in milliseconds since the epoch; None for no time."""
    found: list[tuple[str, float | None]] = []
    for line in lines:
        known = _HEADS.get(line[:_KEY_BYTES])
        if known is not None and line[-1] == _BRACE:
            kind, start, end = known
            digits = line[start:end]
            if digits.isdigit() and line[end : end + 1] == b",":
                found.append((kind, int(digits)))
                continue
        event = decode_line(line)
        found.append((event.type, event.timestamp))
    return found
