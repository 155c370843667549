"""Folding events into what a run came to."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from octui.client.events import (
    Body,
    Cached,
    Event,
    Failure,
    StepFinish,
    StepStart,
    Text,
    Tokens,
    ToolUse,
    decode_line,
    decode_step_finishes,
)
from octui.client.result import TokenUsage, Totals, final_text
from octui.client.skim import skim

CALL = ToolUse("bash", "completed", "", {}, "", "", {}, None, None)


def fold(*bodies: Body) -> Totals:
    totals = Totals()
    for body in bodies:
        totals.feed(Event("x", None, "ses_1", body))
    return totals


def printed(*specs: str) -> list[bytes]:
    """Lines as opencode prints them, of a type, or of one and its text; a session begins with a step."""
    lines = []
    for number, spec in enumerate(specs):
        kind, _, text = spec.partition(":")
        if kind == "diagnostic":
            lines.append(b"noise")
            continue
        part: dict[str, Any] = {"type": kind.replace("_", "-"), "text": text, "reason": "stop", "cost": 0.1}
        part |= {"cost": "dear"} if text == "dear" else {"reason": "tool-calls"} if text == "goes on" else {}
        part |= {"tool": "bash", "state": {"status": "completed"}, "tokens": {"total": 3, "cache": {"read": 1}}}
        event = {
            "type": kind,
            "timestamp": 1_790_000_000_000 + number,
            "sessionID": f"ses_{specs[: number + 1].count('step_start') // 2}",
            "part": part,
        }
        if kind == "error":
            event["error"] = {"name": "APIError", "data": {"message": "no", "statusCode": 402}}
        lines.append(msgspec.json.encode(event))
    return lines


def test_tokens_and_cost_are_summed_over_the_steps() -> None:
    finish = StepFinish("tool-calls", 0.25, Tokens(10, 5, 3, 1, Cached(1, 0)))
    totals = fold(StepStart(), CALL, finish, StepStart(), Text("done"), StepFinish("stop", 0.5, Tokens(2, 1, 1)))
    assert totals.tokens == TokenUsage(12, 6, 4, 1, 1, 0)
    assert totals.cost == 0.75
    assert (totals.turns, totals.tool_calls, totals.session_id) == (2, 1, "ses_1")
    assert totals.finished


def test_the_final_text_is_what_stands_after_the_last_tool_call() -> None:
    lines = printed("step_start", "tool_use", "text:a", "reasoning:b", "text:c", "step_finish")
    assert final_text(reversed(lines)) == "a\nc"
    assert final_text(reversed(printed("text:before", "tool_use"))) == ""
    assert final_text(reversed(printed("step_start", "reasoning:thought"))) == ""


def test_only_text_after_the_last_tool_call_is_an_answer() -> None:
    assert fold(StepStart(), CALL, Text("a"), Text(" ")).answered
    assert not fold(StepStart(), Text("before"), CALL).answered
    assert not fold(StepStart(), Text("before"), StepStart()).answered
    assert not fold(StepStart(), Text("thought", reasoning=True)).answered
    assert not fold(StepStart(), Text(" \n")).answered


TEXTS = st.one_of(st.sampled_from(["", " ", "\n", '"', "\\", "é", "a", " a", "\xa0", '"text":"x']), st.text(max_size=4))
KINDS = ["step_start", "tool_use", "step_finish", "error", "reasoning", "diagnostic", "other"]
KINDS += ["step_finish:goes on", "step_finish:dear"]
LINES = st.lists(st.one_of(st.sampled_from(KINDS), TEXTS.map("text:{}".format)), max_size=12)


@given(LINES, st.integers(0, 12))
def test_lines_come_to_the_same_whether_they_are_decoded_or_skimmed(specs: list[str], cut: int) -> None:
    lines = printed(*specs)
    decoded, skimmed = Totals(), Totals()
    for line in lines:
        decoded.feed(decode_line(line))
    for part in (lines[:cut], lines[cut:]):
        skimmed.feed_lines(skim(part).kinds, part)
    assert decoded == skimmed


def test_two_ends_of_steps_on_a_line_are_none() -> None:
    end = printed("step_finish")[0]
    assert decode_step_finishes([end, end]) == [decode_line(end).body] * 2
    assert decode_step_finishes([end, end + end, end]) is None


def test_a_step_that_is_never_closed_makes_the_cost_incomplete() -> None:
    assert fold(StepStart()).cost_is_incomplete
    assert fold(StepStart(), StepStart(), StepFinish("stop", 0, Tokens())).cost_is_incomplete
    assert not fold(StepStart(), StepFinish("stop", 0, Tokens())).cost_is_incomplete


def test_an_answer_cut_by_its_length_is_not_finished() -> None:
    assert not fold(StepStart(), Text("a"), StepFinish("length", 0, Tokens())).finished


def test_the_last_error_is_told_with_its_name_once() -> None:
    assert fold(Failure("APIError", "no credit", 402)).last_error == "APIError: no credit"
    assert fold(Failure("APIError", "APIError: no")).last_error == "APIError: no"
