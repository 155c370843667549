"""What opencode really printed, with one thing in it that is odd, can be drawn and exported."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.serve.conftest import NEAR_MS
from tests.recording.conftest import CAPTURES
from tests.support.mutations import Mutation, mutations

from octui.client.events import StepStart, Text, decode_line
from octui.client.serve import conversation, v1_events
from octui.client.serve.events import PermissionAsked, QuestionAsked
from octui.export.transcript import entry_of
from octui.tui.glyphs import ASCII, UNICODE
from octui.tui.render.blocks import event_lines
from octui.tui.render.lines import plain, width_of
from octui.tui.render.requests import permission_block
from octui.tui.requests import in_words, wish

WIDTH = 60
LINES = [json.loads(line) for path in sorted(CAPTURES.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
ASKED = [
    json.loads(line)
    for path in sorted((CAPTURES / "streams").glob("*.jsonl"))
    for line in path.read_bytes().splitlines()
    if b'.asked"' in line
]


@given(mutations(st.sampled_from(LINES)))
def test_an_odd_line_is_drawn_and_exported(odd: Mutation) -> None:
    event = decode_line(odd.printed)
    for glyphs in (UNICODE, ASCII):
        for opened in (False, True):
            drawn = event_lines(event, WIDTH, opened=opened, glyphs=glyphs)
            assert all(width_of(line) <= WIDTH for line in drawn)
            assert drawn or isinstance(event.body, StepStart | Text)
    entry = entry_of(event, 1.0)
    assert entry is not None or event.type == "step_start"


@given(mutations(st.sampled_from(ASKED)))
def test_an_odd_request_is_seen(odd: Mutation) -> None:
    event = v1_events.decode(odd.printed, NEAR_MS)
    if odd.path == ("properties",) or (odd.path == ("type",) and odd.kind in ("half", "odd")):
        return
    assert isinstance(event, PermissionAsked | QuestionAsked)
    assert in_words(event.request)
    assert conversation.in_words(event.request)
    assert wish(event.request)
    if isinstance(event, PermissionAsked):
        assert permission_block(event.request, WIDTH)


@pytest.mark.parametrize("reason", [None, "", "stop", "tool-calls"])
def test_a_step_without_a_reason_is_no_reason_to_look(reason: str | None) -> None:
    line = {"type": "step_finish", "part": {"reason": reason, "tokens": {"input": 640, "output": None, "total": None}}}
    (drawn,) = event_lines(decode_line(json.dumps(line).encode()), WIDTH, opened=False, glyphs=UNICODE)
    assert "ended" not in plain(drawn)
    assert "640 tok" in plain(drawn)
