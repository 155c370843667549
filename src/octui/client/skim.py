"""What lines are, told from their first bytes: for whatever has to look at every line and needs few of them whole.

opencode 1.18 begins each line with its type and its time, always in the same way. A line that begins so and is
closed at its end is not looked at any further, which costs a tenth of decoding it; any other is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from octui.client.events import EVENT_TYPES, KINDS, UNNUMBERED, decode_line

_TIME_DIGITS = 13
"""Milliseconds since the epoch have so many from 2001 to 2286."""

_KEY_BYTES = 16
"""So many bytes tell the types apart."""

_MANY = 4
"""Fewer lines are told sooner one by one."""

_DIGITS = b"0123456789"
_COMMA = b","
_BRACE = b"}"

_HEADS = {f'{{"type":"{kind}","timestamp":'.encode(): number for number, kind in enumerate(EVENT_TYPES)}
_NUMBERS = {head[:_KEY_BYTES]: number for head, number in _HEADS.items()}
_TIMES = {head[:_KEY_BYTES]: slice(len(head), len(head) + _TIME_DIGITS + 1) for head in _HEADS}
"""Where the time of each type is, with the comma after it."""

_NUMBER_OF = {kind: number for number, kind in enumerate(KINDS)}
_KEY = itemgetter(slice(_KEY_BYTES))
_LAST = itemgetter(-1)
_decoder = msgspec.json.Decoder(list[int])


class Skim(NamedTuple):
    """What lines are: the type of each, as `decode_line` would give it, and its time.

    Attributes:
        kinds: The types, a byte each: the number in `KINDS`, or `UNNUMBERED`.
        times_us: Microseconds since the epoch; 0 where a line tells no time.
    """

    kinds: bytes
    times_us: list[int]


def skim(lines: Sequence[bytes]) -> Skim:
    """Tell lines by their first bytes."""
    if len(lines) < _MANY:
        return _skim_each(lines)
    try:
        return _skim_all(lines)
    except (IndexError, KeyError, ValueError):
        return _skim_each(lines)


def _skim_all(lines: Sequence[bytes]) -> Skim:
    """Tell lines which all begin and end as opencode's do.

    Written for a million lines: what is done for each is done by built-in functions.

    Raises:
        IndexError: One is empty.
        KeyError: One begins otherwise.
        ValueError: One has its time elsewhere, or is not closed.
    """
    keys = [*map(_KEY, lines)]
    kinds = bytes(map(_NUMBERS.__getitem__, keys))
    commas = _COMMA * len(lines)
    times = b"".join(map(bytes.__getitem__, lines, map(_TIMES.__getitem__, keys)))
    if times[_TIME_DIGITS :: _TIME_DIGITS + 1] != commas or times.translate(None, _DIGITS) != commas:
        raise ValueError("A time is elsewhere.")
    if bytes(map(_LAST, lines)) != _BRACE * len(lines):
        raise ValueError("A line is not closed.")
    return Skim(kinds, _decoder.decode(b"[%b]" % times.replace(_COMMA, b"000,")[:-1]))


def _skim_each(lines: Sequence[bytes]) -> Skim:
    """Tell lines of any kind."""
    kinds = bytearray()
    times: list[int] = []
    for line in lines:
        key = line[:_KEY_BYTES]
        if key in _NUMBERS and line.endswith(_BRACE):
            time = line[_TIMES[key]]
            if time.endswith(_COMMA) and time[:-1].isdigit() and not time.startswith(b"0"):
                kinds.append(_NUMBERS[key])
                times.append(int(time[:-1]) * 1000)
                continue
        event = decode_line(line)
        kinds.append(_NUMBER_OF.get(event.type, UNNUMBERED))
        times.append(int((event.timestamp or 0) * 1000))
    return Skim(bytes(kinds), times)
