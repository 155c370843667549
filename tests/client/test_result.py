"""Folding events into what a run came to."""

from __future__ import annotations

from octui.client.events import Body, Event, Failure, StepFinish, StepStart, Text, Tokens, ToolUse
from octui.client.result import TokenUsage, Totals

CALL = ToolUse("bash", "completed", "", {}, "", "", {}, None, None)


def fold(*bodies: Body) -> Totals:
    totals = Totals()
    for body in bodies:
        totals.feed(Event("x", None, "ses_1", body))
    return totals


def test_tokens_and_cost_are_summed_over_the_steps() -> None:
    finish = StepFinish("tool-calls", 0.25, Tokens(10, 5, 3, 1, 1, 0))
    totals = fold(StepStart(), CALL, finish, StepStart(), Text("done"), StepFinish("stop", 0.5, Tokens(2, 1, 1)))
    assert totals.tokens == TokenUsage(12, 6, 4, 1, 1, 0)
    assert totals.cost == 0.75
    assert (totals.turns, totals.tool_calls, totals.session_id) == (2, 1, "ses_1")
    assert totals.finished


def test_the_final_text_is_what_stands_after_the_last_tool_call() -> None:
    assert fold(StepStart(), Text("before"), CALL, Text("a"), Text("b")).final_text == "a\nb"
    assert fold(StepStart(), Text("before"), CALL).final_text == ""
    assert fold(StepStart(), Text("thought", reasoning=True)).final_text == ""


def test_a_step_that_is_never_closed_makes_the_cost_incomplete() -> None:
    assert fold(StepStart()).cost_is_incomplete
    assert fold(StepStart(), StepStart(), StepFinish("stop", 0, Tokens())).cost_is_incomplete
    assert not fold(StepStart(), StepFinish("stop", 0, Tokens())).cost_is_incomplete


def test_an_answer_cut_by_its_length_is_not_finished() -> None:
    assert not fold(StepStart(), Text("a"), StepFinish("length", 0, Tokens())).finished


def test_the_last_error_is_told_with_its_name_once() -> None:
    assert fold(Failure("APIError", "no credit", 402)).last_error == "APIError: no credit"
    assert fold(Failure("APIError", "APIError: no")).last_error == "APIError: no"
