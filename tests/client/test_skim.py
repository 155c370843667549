"""Telling lines by their first bytes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.conftest import CAPTURES

from octui.client import skim as module
from octui.client.events import EVENT_TYPES, decode_line
from octui.client.skim import skim

REAL = [line for path in sorted(CAPTURES.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def test_lines_of_the_real_opencode_are_told_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [(event.type, event.timestamp) for event in map(decode_line, REAL)]
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
        b'{ "type":"text","timestamp":1795442086593,"part":{"text":"a"}}',
        b'{"timestamp":1795442086593,"type":"text","part":{"text":"a"}}',
        b'{"type":"text","timestamp":1795442086593,"part":{"text":"a',
    ],
)
def test_a_line_that_begins_or_ends_otherwise_is_decoded(line: bytes) -> None:
    event = decode_line(line)
    assert skim([line]) == [(event.type, event.timestamp)]


@given(st.sampled_from([*EVENT_TYPES, "new", ""]), st.one_of(st.none(), st.integers(0, 10**15), st.floats(0, 1e15)))
def test_types_and_times_are_those_of_the_decoded_line(kind: str, at: float | None) -> None:
    line = msgspec.json.encode({"type": kind, "timestamp": at, "sessionID": "ses", "part": {"text": "}"}})
    event = decode_line(line)
    assert skim([line]) == [(event.type, event.timestamp)]
