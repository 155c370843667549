"""What opencode really printed, with one thing in it that is odd: everything else survives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.serve.conftest import NEAR_MS, STREAMS
from tests.support.mutations import HALF, Mutation, as_javascript, mutations

from octui.client.events import Event, Failure, StepFinish, Text, ToolUse, Unknown, decode_dict, decode_line
from octui.client.result import Totals
from octui.client.serve import v1_events
from octui.client.serve.events import AnyServerEvent, MessageChanged, PermissionAsked, QuestionAsked
from octui.client.serve.lines import RunLines
from octui.client.skim import skim
from octui.recording.exported import read

CAPTURES = Path(__file__).parents[1] / "captures"
LOGS = {path.stem: [*map(json.loads, path.read_bytes().splitlines())] for path in sorted(CAPTURES.glob("*.jsonl"))}
TOLD = {name: [*map(json.loads, (CAPTURES / f"streams/{name}.jsonl").read_bytes().splitlines())] for name in STREAMS}
EXPORT = json.loads((CAPTURES / "export.json").read_bytes())

PRINTED = st.sampled_from([line for log in LOGS.values() for line in log])
EVENTS = st.sampled_from([event for stream in TOLD.values() for event in stream if "properties" in event])

PART, STATE, ERROR = ("part",), ("part", "state"), ("error",)


def facts_of(event: Event) -> dict[tuple[str, ...], Any]:
    """Give what an event says, by where its line says so."""
    found: dict[tuple[str, ...], Any] = {("timestamp",): event.timestamp, ("sessionID",): event.session_id}
    match event.body:
        case Text(text=text):
            found[*PART, "text"] = text
        case StepFinish(reason=reason, cost=cost, tokens=tokens):
            found |= {(*PART, "reason"): reason, (*PART, "cost"): cost}
            for key in ("total", "input", "output", "reasoning"):
                found[*PART, "tokens", key] = getattr(tokens, key)
            found |= {(*PART, "tokens", "cache", key): getattr(tokens.cache, key) for key in ("read", "write")}
        case ToolUse() as use:
            found[*PART, "tool"] = use.tool
            for key in ("status", "title", "input", "output", "error", "metadata"):
                found[*STATE, key] = getattr(use, key)
            found |= {(*STATE, "time", "start"): use.started_ms, (*STATE, "time", "end"): use.ended_ms}
        case Failure(name=name, message=message, status=status):
            found |= {(*ERROR, "name"): name, (*ERROR, "data", "message"): message}
            found[*ERROR, "data", "statusCode"] = status
    return found


@given(mutations(PRINTED))
def test_a_line_keeps_all_that_is_not_odd(odd: Mutation) -> None:
    whole, found = decode_line(as_javascript(odd.original)), decode_line(odd.printed)
    if odd.path == ("type",) and odd.kind in ("half", "odd"):
        assert isinstance(found.body, Unknown)  # Of a type nobody knows: kept, and shown as it is.
        assert found.body.value.get("part") == odd.original.get("part")
        return
    if odd.path in ((*PART, "text"), PART) and isinstance(found.body, Unknown):
        return  # A text without its text says nothing more.
    if odd.touches("part") and isinstance(whole.body, ToolUse) and isinstance(found.body, Unknown):
        assert odd.path == PART
        return
    assert type(found.body) is type(whole.body)
    survivors = {path: fact for path, fact in facts_of(whole).items() if not odd.touches(*path)}
    assert {path: fact for path, fact in facts_of(found).items() if path in survivors} == survivors
    assert decode_dict(odd.printed).get("type") == odd.value.get("type")


@given(mutations(PRINTED).filter(lambda each: each.kind in ("half", "float", "string")))
def test_half_a_character_costs_itself_and_a_number_is_one_however_it_is_written(odd: Mutation) -> None:
    if odd.kind == "half":
        expected = as_javascript(odd.with_value(odd.odd.replace(HALF, "\ufffd")))
        assert decode_dict(odd.printed) == decode_dict(expected)
    elif odd.touches(*STATE, "input") or odd.touches(*STATE, "metadata") or odd.touches(*ERROR, "data"):
        return
    else:
        expected = as_javascript(odd.original)
    assert decode_line(odd.printed) == decode_line(expected)


@given(st.data(), st.sampled_from([*LOGS]), st.integers(0, 9))
def test_a_log_comes_to_the_same_with_an_odd_line_in_it(data: st.DataObject, name: str, cut: int) -> None:
    log = LOGS[name]
    at = data.draw(st.integers(0, len(log) - 1))
    odd = data.draw(mutations(st.just(log[at])))
    lines = [*map(as_javascript, log)]
    whole = totals_of(lines)
    lines[at] = odd.printed
    found = totals_of(lines)
    skimmed = Totals()
    for part in (lines[:cut], lines[cut:]):
        skimmed.feed_lines(skim(part).kinds, part)
    if odd.path == ("sessionID",):
        skimmed.session_id = found.session_id  # Lines that are taken to be plain do not tell of another session.
    assert skimmed == found
    if odd.path == ("type",):
        return
    assert (found.turns, found.tool_calls, found.events) == (whole.turns, whole.tool_calls, whole.events)
    assert (found.open_step, found.lost_steps) == (whole.open_step, whole.lost_steps)
    if not odd.touches(*PART, "cost"):
        assert found.cost == pytest.approx(whole.cost)
    if not odd.touches(*PART, "text"):
        assert found.answered == whole.answered
    if not (odd.touches(*PART, "reason") or odd.touches(*PART, "text")):
        assert found.finished == whole.finished


def totals_of(lines: list[bytes]) -> Totals:
    totals = Totals()
    for line in lines:
        totals.feed(decode_line(line))
    return totals


SOURCES: dict[str, list[tuple[str, ...]]] = {
    "session_id": [("properties", "sessionID"), ("properties", "info"), ("properties", "part", "sessionID")],
    "at_ms": [("id",)],
    "part_id": [("properties", "part", "id"), ("properties", "partID")],
    "message_id": [
        *[("properties", "part", "messageID"), ("properties", "info", "id"), ("properties", "messageID")],
    ],
    "kind": [("properties", "part", "type")],
    "is_whole": [("properties", "part", "type"), ("properties", "part", "state"), ("properties", "part", "time")],
    "is_synthetic": [("properties", "part", "synthetic")],
    "text": [("properties", "part", "text")],
    "tool": [("properties", "part", "tool"), ("properties", "part", "type")],
    "status": [("properties", "part", "state", "status")],
    "title": [("properties", "part", "state", "title"), ("properties", "info", "title")],
    "input": [("properties", "part", "state", "input")],
    "output": [("properties", "part", "state")],
    "child_id": [("properties", "part", "state", "metadata")],
    "started_ms": [
        ("properties", "part", "state", "time"),
        ("properties", "part", "time"),
        ("properties", "part", "type"),
    ],
    "body": [("properties", "part")],
    "delta": [("properties", "delta")],
    "role": [("properties", "info", "role")],
    "answers": [("properties", "info", "parentID")],
    "parent_id": [("properties", "info", "parentID")],
    "agent": [("properties", "info", "agent")],
    "model": [("properties", "info")],
    "activity": [("properties", "status", "type")],
    "attempt": [("properties", "status", "attempt")],
    "why": [("properties", "status", "message")],
    "next_ms": [("properties", "status", "next")],
    "error": [("properties", "error")],
    "aborted": [("properties", "error")],
    "request_id": [("properties", "requestID")],
    "answer": [("properties", "reply"), ("properties", "answers")],
}
"""Where what is made of an event comes from."""


@given(mutations(EVENTS))
def test_an_event_of_a_server_keeps_all_that_is_not_odd(odd: Mutation) -> None:
    whole = v1_events.decode(as_javascript(odd.original), NEAR_MS)
    found = v1_events.decode(odd.printed, NEAR_MS)
    if whole is None or odd.path in (("properties",), ("type",)):
        return
    if isinstance(whole, PermissionAsked | QuestionAsked):
        assert isinstance(found, type(whole))
        assert_request_survives(odd, whole, found)
        return
    if found is None or type(found) is not type(whole):
        # What says nothing without it: the session, the part, its new words, who was answered, how it works.
        vital = ("sessionID", "part", "partID", "field", "requestID", "status", "info")
        assert odd.path[1] in vital
        assert len(odd.path) <= 3
        return
    for name, fact in msgspec.structs.asdict(whole).items():
        if not any(odd.touches(*path) for path in SOURCES[name]):
            assert getattr(found, name) == fact


def assert_request_survives(
    odd: Mutation, whole: PermissionAsked | QuestionAsked, found: PermissionAsked | QuestionAsked
) -> None:
    if not odd.touches("properties", "sessionID"):
        assert found.session_id == whole.session_id
    if not odd.touches("properties", "id"):
        assert found.request.id == whole.request.id
    if isinstance(whole, PermissionAsked) and isinstance(found, PermissionAsked):
        for key in ("permission", "patterns", "always", "metadata"):
            if not odd.touches("properties", key):
                assert getattr(found.request, key) == getattr(whole.request, key)
        assert found.request.permission
    if isinstance(whole, QuestionAsked) and isinstance(found, QuestionAsked):
        for at, item in enumerate(whole.request.questions):
            if odd.touches("properties", "questions", at) and len(odd.path) <= 3:
                continue
            kept = found.request.questions[at]
            assert kept.question
            for key in ("question", "header", "multiple", "custom"):
                if not odd.touches("properties", "questions", at, key):
                    assert getattr(kept, key) == getattr(item, key)
            for number, option in enumerate(item.options):
                if not odd.touches("properties", "questions", at, "options", number):
                    assert option in kept.options


@given(st.data(), st.sampled_from([name for name in STREAMS if name != "abort_stream"]))
def test_a_session_has_its_texts_and_costs_in_spite_of_an_odd_event(data: st.DataObject, name: str) -> None:
    told = TOLD[name]
    at = data.draw(st.integers(0, len(told) - 1))
    odd = data.draw(mutations(st.just(told[at])))
    identity = ("sessionID", "info", "field", "partID", "messageID", "delta", "error", "status")
    if len(odd.path) < 2 or odd.path[1] in identity or odd.path[2:] in ((), ("messageID",), ("text",), ("type",)):
        return
    whole = [v1_events.decode(as_javascript(event), NEAR_MS) for event in told]
    session = next(event.session_id for event in whole if isinstance(event, MessageChanged))
    found = [*whole]
    found[at] = v1_events.decode(odd.printed, NEAR_MS)
    assert said(session, found) == said(session, whole)


def said(session: str, events: list[AnyServerEvent | None]) -> tuple[list[str], int]:
    """Give what an agent said and how many steps it took, as the log has it."""
    lines = RunLines(session)
    log = [decode_line(line).body for event in events if event is not None for line in lines.feed(event)]
    return [body.text for body in log if isinstance(body, Text)], sum(isinstance(body, StepFinish) for body in log)


@given(mutations(st.just(EXPORT["messages"])))
def test_an_export_keeps_all_messages_but_what_is_odd(odd: Mutation) -> None:
    whole = read(as_javascript(EXPORT))
    found = read(as_javascript({**EXPORT, "messages": odd.value}))
    assert whole is not None
    assert found is not None
    lost = 0 if len(odd.path) > 4 else len(odd.original[odd.path[0]]["parts"])
    kept, all_lines = found.log.splitlines(), whole.log.splitlines()
    assert len(kept) >= len(all_lines) - lost
    for number, message in enumerate(EXPORT["messages"]):
        texts = [part["text"] for part in message["parts"] if part["type"] == "text"]
        if number != odd.path[0]:
            assert all(json.dumps(text, ensure_ascii=False).encode() in found.log for text in texts)


@pytest.mark.parametrize(
    "printed", [b'{"type":"text","part":{"text":"a\xffb"}}', b'{"type":"text","part":{"text":"a\\udc00b"}}']
)
def test_what_is_no_character_is_replaced_and_the_rest_is_there(printed: bytes) -> None:
    assert decode_line(printed).body == Text("a\ufffdb")
