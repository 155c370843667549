"""An index is of the bytes alone, not of how they came."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.client.events import decode_line
from octui.client.result import Totals
from octui.recording import log_index
from octui.recording.log_index import LogIndex

SESSIONS = st.sampled_from(["", "ses_a", "ses_b", 'ses_"c'])
KINDS = ["step_start", "text", "reasoning", "tool_use", "step_finish", "error", "diagnostic", "other"]
TIMES = st.one_of(
    st.none(), st.integers(1_790_000_000_000, 1_790_000_000_009), st.sampled_from([-5, 7, 1.5, 7e13, 7.3e13])
)
ODD = [b"", b" ", b"noise", b"\xff", b"{}", b'{"type":"text","timestamp":1790000000001,"sessionID":"ses_a","part":{']


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """A line as opencode prints it, or nearly so."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(ODD))
    kind = draw(st.sampled_from(KINDS))
    part: dict[str, Any] = {"text": draw(st.sampled_from(["", " ", "words"])), "tool": "bash", "state": {}}
    part |= {"reason": draw(st.sampled_from(["stop", "tool-calls"])), "cost": draw(st.sampled_from([0.1, 0.7, "dear"]))}
    event = {"type": kind, "timestamp": draw(TIMES), "sessionID": draw(SESSIONS), "part": part, "error": "no"}
    return msgspec.json.encode(event)


LOGS = st.one_of(st.lists(lines(), max_size=30).map(b"\n".join), st.binary(max_size=80))


def told(index: LogIndex) -> list[object]:
    events = [(index.span(at), index.kind(at), index.time(at)) for at in range(len(index))]
    return [events, index.checkpoints, index.totals, index.tail, index.read_to]


@given(log=LOGS, cuts=st.lists(st.integers(0, 2000), max_size=6).map(sorted))
def test_the_same_bytes_make_the_same_index_however_they_are_cut(log: bytes, cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "CHECKPOINT_EVERY", 4)
        whole, piecemeal, bytewise = LogIndex(), LogIndex(), LogIndex()
        whole.feed(log)
        for start, end in zip([0, *cuts], [*cuts, len(log)], strict=True):
            piecemeal.feed(log[start:end])
        for at in range(len(log)):
            bytewise.feed(log[at : at + 1])
        for index in (whole, piecemeal, bytewise):
            index.feed_end()
        assert told(whole) == told(piecemeal) == told(bytewise)


@given(log=LOGS)
def test_an_index_tells_what_the_decoded_lines_tell(log: bytes) -> None:
    index = LogIndex()
    index.feed(log + b"\n")
    events = [decode_line(line) for line in log.split(b"\n") if line and not line.isspace()]
    assert [index.kind(at) or event.type for at, event in enumerate(events)] == [event.type for event in events]
    latest, told_first = 0.0, next((event.timestamp for event in events if event.timestamp), 0.0)
    for at, event in enumerate(events):
        latest = max(latest, event.timestamp or 0.0)
        assert index.time(at) == pytest.approx((latest or told_first) / 1000)
    assert len(index) == len(events)


@given(log=st.lists(st.sampled_from(KINDS), max_size=40))
def test_the_totals_of_one_session_are_those_of_the_decoded_lines(log: list[str]) -> None:
    part = {"text": "words", "tool": "bash", "state": {}, "reason": "stop", "cost": 0.1}
    printed = [
        msgspec.json.encode({"type": kind, "timestamp": 1_790_000_000_000, "sessionID": "ses_a", "part": part})
        for kind in log
    ]
    index, totals = LogIndex(), Totals()
    index.feed(b"".join(line + b"\n" for line in printed))
    for line in printed:
        totals.feed(decode_line(line))
    assert index.totals == totals
