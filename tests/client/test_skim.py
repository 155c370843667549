"""Telling lines by their first bytes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.conftest import CAPTURES

from octui.client import skim as module
from octui.client.events import EVENT_TYPES, KINDS, UNNUMBERED, decode_line
from octui.client.skim import Skim, skim

REAL = [line for path in sorted(CAPTURES.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def told(lines: list[bytes]) -> Skim:
    """What decoding tells."""
    events = [decode_line(line) for line in lines]
    kinds = bytes(KINDS.index(event.type) if event.type in KINDS else UNNUMBERED for event in events)
    return Skim(kinds, [int((event.timestamp or 0) * 1000) for event in events])


def test_lines_of_the_real_opencode_are_told_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = told(REAL)
    monkeypatch.delattr(module, "decode_line")
    assert skim(REAL) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"type":"text","}',
        b'{"type":"text","timestamp":}',
        b'{"type":"text","timestamp":179544208659,"sessionID":"x"}',
        b'{"type":"text","timestamp":17954420865931,"sessionID":"x"}',
        b'{"type":"text","timestamp":1795442086593}',
        b'{"type":"tool_usage","timestamp":1795442086593,"x":1}',
        b'{"type":"error","timestamp":null,"error":{}}',
        b'{"type":"text","timestamp":0795442086593,"sessionID":"x"}',
        b'{"type":"text","timestamp":1_95442086593,"sessionID":"x"}',
        b'{"type":"text","timestamp":-795442086593,"sessionID":"x"}',
        b'{"type":"text","timestamp": 795442086593,"sessionID":"x"}',
        b'{"type":"text","timestamp":17954420865e3,"sessionID":"x"}',
        b'{"type":"text","timestamp":1795442086.93,"sessionID":"x"}',
        b'{"type":"text","timestamp":179544208,6593,"sessionID":"x"}',
        b'{ "type":"text","timestamp":1795442086593,"part":{"text":"a"}}',
        b'{"timestamp":1795442086593,"type":"text","part":{"text":"a"}}',
        b'{"type":"text","timestamp":1795442086593,"part":{"text":"a',
    ],
)
def test_a_line_that_begins_or_ends_otherwise_is_decoded(line: bytes) -> None:
    assert skim([line, *REAL[:2]]) == told([line, *REAL[:2]])
    assert skim([line]) == told([line])


@given(st.sampled_from([*EVENT_TYPES, "new", ""]), st.one_of(st.none(), st.integers(0, 10**15), st.floats(0, 1e15)))
def test_types_and_times_are_those_of_the_decoded_line(kind: str, at: float | None) -> None:
    line = msgspec.json.encode({"type": kind, "timestamp": at, "sessionID": "ses", "part": {"text": "}"}})
    assert skim([line, *REAL[:2]]) == told([line, *REAL[:2]])
