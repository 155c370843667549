"""opencode's lines as typed values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.client.events import (
    Cached,
    Diagnostic,
    Failure,
    Prompt,
    StepFinish,
    StepStart,
    Text,
    Tokens,
    ToolUse,
    Unknown,
    decode_dict,
    decode_head,
    decode_line,
    part_id_of,
)


def line(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, "timestamp": 1000, "sessionID": "ses_1", **fields}).encode()


def test_text_and_reasoning_are_told_apart() -> None:
    assert decode_line(line("text", part={"text": "hi"})).body == Text("hi")
    assert decode_line(line("reasoning", part={"text": "hm"})).body == Text("hm", reasoning=True)


def test_a_completed_tool_call_has_input_output_and_duration() -> None:
    state = {
        "status": "completed",
        "input": {"command": "ls"},
        "output": "a\n",
        "title": "ls",
        "metadata": {"exit": 0},
        "time": {"start": 5, "end": 17},
    }
    body = decode_line(line("tool_use", part={"tool": "bash", "state": state})).body
    assert isinstance(body, ToolUse)
    assert (body.tool, body.title, body.output, body.metadata) == ("bash", "ls", "a\n", {"exit": 0})
    assert body.duration_ms == 12


def test_a_failed_tool_call_has_its_error() -> None:
    state = {"status": "error", "input": {}, "error": "denied"}
    body = decode_line(line("tool_use", part={"tool": "bash", "state": state})).body
    assert isinstance(body, ToolUse)
    assert (body.status, body.error, body.duration_ms) == ("error", "denied", None)


def test_the_end_of_a_step_has_cost_and_tokens() -> None:
    tokens = {"total": 9, "input": 4, "output": 3, "reasoning": 1, "cache": {"read": 1, "write": 0}}
    body = decode_line(line("step_finish", part={"reason": "stop", "cost": 0.5, "tokens": tokens})).body
    assert body == StepFinish("stop", 0.5, Tokens(9, 4, 3, 1, Cached(1, 0)))


def test_a_step_may_end_without_telling_its_tokens() -> None:
    body = decode_line(line("step_finish", part={"reason": "stop"})).body
    assert body == StepFinish("stop", 0.0, Tokens())


@pytest.mark.parametrize(
    "error",
    [{"name": "APIError", "data": {"message": "no", "statusCode": 401}}, {"type": "APIError", "message": "no"}],
)
def test_errors_are_read_in_the_shapes_of_both_versions(error: dict[str, Any]) -> None:
    body = decode_line(line("error", error=error)).body
    assert isinstance(body, Failure)
    assert (body.name, body.message) == ("APIError", "no")


def test_an_error_tells_the_providers_status() -> None:
    body = decode_line(line("error", error={"name": "APIError", "data": {"message": "no", "statusCode": 429}})).body
    assert isinstance(body, Failure)
    assert body.status == 429


def test_an_unknown_type_is_kept_whole() -> None:
    event = decode_line(line("hologram", part={"x": 1}))
    assert event.type == "hologram"
    assert isinstance(event.body, Unknown)
    assert event.body.value["part"] == {"x": 1}


def test_a_known_type_of_unknown_shape_is_kept_whole() -> None:
    event = decode_line(line("text", part={"words": ["a"]}))
    assert event.type == "text"
    assert isinstance(event.body, Unknown)


@pytest.mark.parametrize("raw", [b"npm warn", b"[1, 2]", b"{", b"\xff\xfe", b'"x"', b"null"])
def test_a_line_that_is_no_object_is_a_diagnostic_with_its_text(raw: bytes) -> None:
    event = decode_line(raw)
    assert event.type == "diagnostic"
    assert event.body == Diagnostic(raw.decode("utf-8", "replace"))
    assert decode_dict(raw) == {"type": "diagnostic", "raw": raw.decode("utf-8", "replace")}
    assert decode_head(raw) is None


def test_unknown_fields_stay_in_the_dict() -> None:
    assert decode_dict(line("text", part={"text": "x"}, extra=[1]))["extra"] == [1]


def test_a_step_start_needs_no_part() -> None:
    assert decode_line(line("step_start")).body == StepStart()


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_fail(raw: bytes) -> None:
    decode_line(raw)
    decode_dict(raw)
    decode_head(raw)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["text", "tool_use", "step_finish", "step_start", "error", "x"]),
    st.dictionaries(st.sampled_from(["part", "error", "timestamp", "sessionID"]), json_values),
)
def test_no_shape_makes_decoding_fail(kind: str, fields: dict[str, Any]) -> None:
    decode_line(json.dumps({"type": kind, **fields}).encode())


@pytest.mark.parametrize("timestamp", [b"1e400", b"-1", b"9" * 400, b"1e15", b'"soon"', b"true", b"null"])
def test_a_timestamp_that_is_no_moment_is_left_out(timestamp: bytes) -> None:
    for kind in (b"step_start", b"other"):
        event = decode_line(b'{"type":"%s","timestamp":%s,"part":{}}' % (kind, timestamp))
        assert event.timestamp in (None, 1.0)
        assert event.type in (kind.decode(), "diagnostic")


def test_what_was_asked_after_the_first_prompt_is_an_event() -> None:
    line = b'{"type":"prompt","timestamp":1795442086593,"sessionID":"s","part":{"type":"text","text":"And now?"}}'
    assert decode_line(line).body == Prompt("And now?")


def test_a_line_tells_which_part_it_is_of() -> None:
    assert part_id_of(b'{"type":"text","part":{"text":"x","id":"prt_1"}}') == "prt_1"
    assert part_id_of(b'{"type":"error","error":{}}') == ""
    assert part_id_of(b'{"type":"text","part":{"id":7}}') == "7"
    assert part_id_of(b'{"type":"text","part":{"id":null}}') == ""
    assert part_id_of(b"no JSON") == ""
