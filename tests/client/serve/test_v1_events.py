"""Reading what the server of opencode 1.18 sends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.serve.conftest import NEAR_MS, STREAMS, events, received

from octui.client.serve import v1_events
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    MessageChanged,
    PartChanged,
    PartGrew,
    PartKind,
    PermissionAsked,
    QuestionAsked,
    RequestClosed,
    SessionFailed,
    SessionOpened,
)

YEAR_MS = 365 * 24 * 3600 * 1000


@pytest.mark.parametrize("name", STREAMS)
def test_every_event_of_a_session_is_understood_and_those_of_none_are_left_out(name: str) -> None:
    for what in received(name):
        found = msgspec.json.decode(what.line)
        is_of_a_session = "sessionID" in found["properties"]
        assert (what.event is not None) == is_of_a_session, found["type"]
        if what.event is not None:
            assert what.event.session_id == found["properties"]["sessionID"]


@pytest.mark.parametrize("name", STREAMS)
def test_the_time_of_an_event_is_told_by_its_id_and_never_goes_back(name: str) -> None:
    times = [v1_events.time_of_line(what.line, NEAR_MS) for what in received(name)]
    assert all(first is not None and then is not None and first <= then for first, then in pairwise(times))
    for what, at in zip(received(name), times, strict=True):
        assert what.event is None or what.event.at_ms == at
        assert at is not None
        assert abs(at - NEAR_MS) < 24 * 3600 * 1000


def test_a_line_of_all_sessions_says_the_same_as_its_payload_alone() -> None:
    for what in received("permission_once"):
        wrapped = b'{"directory":"/x","project":"p","payload":%b}' % what.line
        assert v1_events.decode(wrapped, NEAR_MS) == what.event
        assert v1_events.id_of_line(wrapped) == what.event_id
        assert v1_events.time_of_line(wrapped, NEAR_MS) == v1_events.time_of_line(what.line, NEAR_MS)


@given(at=st.integers(NEAR_MS - YEAR_MS, NEAR_MS + YEAR_MS), number=st.integers(0, 4095))
def test_an_id_made_at_a_moment_tells_that_moment(at: int, number: int) -> None:
    made = v1_events.event_id(at, number)
    line = b'{"payload":{"id":"%b","type":"x","properties":{"sessionID":"ses_1"}}}' % made.encode()
    assert v1_events.time_of_line(line, NEAR_MS) == at
    assert v1_events.id_of_line(line) == made
    event = v1_events.decode(line, NEAR_MS)
    assert event is not None
    assert event.at_ms == at


@given(first=st.integers(NEAR_MS, NEAR_MS + YEAR_MS), later=st.integers(1, YEAR_MS // 2))
def test_ids_of_later_moments_are_greater_within_their_room(first: int, later: int) -> None:
    room = 1 << 36
    if first // room == (first + later) // room:
        assert v1_events.event_id(first) < v1_events.event_id(first + later)


def test_a_line_without_an_id_has_no_time_and_is_taken_for_now() -> None:
    line = b'{"type":"session.idle","properties":{"sessionID":"ses_1"}}'
    assert v1_events.time_of_line(line, NEAR_MS) is None
    assert v1_events.id_of_line(line) == ""
    event = v1_events.decode(line, NEAR_MS)
    assert event is not None
    assert event.at_ms == NEAR_MS


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"type":"session.status"}',
        b'{"type":"session.status","properties":7}',
        b'{"type":"message.part.updated","properties":{"sessionID":"ses_1","part":[]}}',
        b'{"payload":[]}',
        b'{"type":"x","properties":' + b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    assert v1_events.decode(line, NEAR_MS) is None


NAMES = st.sampled_from(["type", "id", "properties", "payload", "part", "sessionID", "state", "info", "status", "x"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(JSON)
def test_no_json_whatsoever_makes_it_fail(value: Any) -> None:
    for kind in v1_events._READERS:
        v1_events.decode(msgspec.json.encode({"type": kind, "properties": value}), NEAR_MS)
    v1_events.decode(msgspec.json.encode(value), NEAR_MS)


def test_a_tool_goes_from_pending_over_running_with_its_output_to_its_end() -> None:
    tools = [each for each in events("tool_bash") if isinstance(each, PartChanged) and each.kind is PartKind.TOOL]
    assert [each.status for each in tools] == ["pending", *["running"] * 5, "completed"]
    assert [each.is_whole for each in tools] == [False] * 6 + [True]
    assert {each.tool for each in tools} == {"bash"}
    outputs = [each.output for each in tools]
    assert all(later.startswith(earlier) for earlier, later in pairwise(outputs))
    assert tools[1].input["command"].startswith("for i in")
    assert tools[1].started_ms is not None


def test_a_text_grows_by_its_deltas_to_what_it_is_when_whole() -> None:
    told = events("text_stream")
    grown = "".join(each.delta for each in told if isinstance(each, PartGrew))
    (whole,) = [each for each in told if isinstance(each, PartChanged) and each.kind is PartKind.TEXT and each.is_whole]
    assert whole.text == grown == "w0 w1 w2 w3 "


def test_a_permission_is_told_with_all_that_is_asked_for_and_its_answer() -> None:
    told = events("permission_once")
    (asked,) = [each for each in told if isinstance(each, PermissionAsked)]
    (closed,) = [each for each in told if isinstance(each, RequestClosed)]
    request = asked.request
    assert (request.permission, request.patterns, request.always) == ("bash", ("echo hi",), ("echo *",))
    assert request.metadata == {"command": "echo hi"}
    assert (closed.request_id, closed.answer) == (request.id, "once")


def test_a_question_is_told_with_its_options_and_its_answer() -> None:
    told = events("question")
    (asked,) = [each for each in told if isinstance(each, QuestionAsked)]
    (closed,) = [each for each in told if isinstance(each, RequestClosed)]
    (item,) = asked.request.questions
    assert (item.question, item.header, item.multiple, item.custom) == ("Which?", "Pick", False, True)
    assert [option.label for option in item.options][:1] == ["A"]
    assert (closed.request_id, closed.answer) == (asked.request.id, "A")


def test_a_provider_that_is_asked_again_is_told_with_the_attempt_and_when() -> None:
    told = [each for each in events("retry_503") if isinstance(each, ActivityChanged)]
    retries = [each for each in told if each.activity is Activity.RETRYING]
    assert [(each.attempt, each.why) for each in retries] == [(1, "scripted failure 503"), (2, "scripted failure 503")]
    assert all(each.at_ms < each.next_ms < each.at_ms + 10_000 for each in retries)
    assert told[-1].activity is Activity.IDLE


def test_a_subagent_names_the_session_it_works_for_and_its_call_names_it() -> None:
    told = events("task")
    root, child = [each for each in told if isinstance(each, SessionOpened)]
    assert (root.parent_id, child.parent_id) == ("", root.session_id)
    assert child.session_id in {each.child_id for each in told if isinstance(each, PartChanged)}


def test_an_abort_is_told_apart_from_an_error() -> None:
    failed = [
        each for name in ("abort_stream", "error_401") for each in events(name) if isinstance(each, SessionFailed)
    ]
    assert [each.aborted for each in failed] == [True, False]


def test_the_model_and_the_agent_of_an_answer_are_told() -> None:
    answers = [each for each in events("todo") if isinstance(each, MessageChanged) and each.role == "assistant"]
    assert {(each.agent, each.model) for each in answers} == {("build", "scripted/m1")}
