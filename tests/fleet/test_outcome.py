"""What a run came to, judged on what the real opencode printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.client.events import decode_line
from octui.client.limits import Limit, Limits
from octui.client.result import Totals
from octui.client.sinks import AttemptEnd
from octui.fleet.outcome import judge
from octui.recording.facts import Attention, RunState

CAPTURES = Path(__file__).parents[1] / "captures"


def totals_of(capture: str) -> Totals:
    totals = Totals()
    for line in (CAPTURES / f"{capture}.jsonl").read_bytes().splitlines():
        totals.feed(decode_line(line))
    return totals


def end(exit_code: int, stderr: str = "", limit: Limit | None = None) -> AttemptEnd:
    return AttemptEnd(exit_code=exit_code, limit=limit, stderr=stderr, has_spoken=True)


@pytest.mark.parametrize(
    ("capture", "exit_code", "state", "attention"),
    [
        ("text", 0, RunState.SUCCEEDED, None),
        ("tool_completed_bash", 0, RunState.SUCCEEDED, None),
        ("denied_pattern", 0, RunState.SUCCEEDED, None),
        ("ask_auto_reject", 0, RunState.FAILED, Attention.NO_FINAL_ANSWER),
        ("finish_empty", 0, RunState.FAILED, Attention.NO_FINAL_ANSWER),
        ("finish_length", 0, RunState.FAILED, Attention.NO_FINAL_ANSWER),
        ("signal_midbash_SIGKILL", -9, RunState.FAILED, Attention.ENDED_MID_STEP),
        ("signal_midbash_SIGKILL", 0, RunState.FAILED, Attention.ENDED_MID_STEP),
        ("http_401", 1, RunState.FAILED, Attention.PROVIDER_REFUSES),
        ("http_402", 1, RunState.FAILED, Attention.PROVIDER_REFUSES),
        ("conn_refused", 1, RunState.FAILED, None),
        ("unknown_model", 1, RunState.FAILED, None),
        ("text", 1, RunState.FAILED, None),
    ],
)
def test_the_table(capture: str, exit_code: int, state: RunState, attention: Attention | None) -> None:
    outcome = judge(totals_of(capture), end(exit_code, ""), Limits())
    assert outcome.state is state
    assert [kind for kind, _ in outcome.attention] == ([attention] if attention else [])
    assert bool(outcome.why) == (state is not RunState.SUCCEEDED)


def test_a_run_without_a_word_is_never_green() -> None:
    outcome = judge(Totals(), end(0, ""), Limits())
    assert (outcome.state, outcome.why) == (RunState.FAILED, "it ended without a word")


def test_a_run_whose_time_was_up_says_after_how_long() -> None:
    outcome = judge(totals_of("text"), end(-15, limit=Limit.TIME), Limits(timeout_s=90))
    assert (outcome.state, outcome.why) == (RunState.TIMED_OUT, "its time was up after 90 s")


def test_an_exit_code_is_explained_by_the_last_line_of_stderr() -> None:
    outcome = judge(Totals(), end(1, "a\nError: Session not found\n\n"), Limits())
    assert outcome.why == "exit code 1: Error: Session not found"


def test_reasons_name_the_cause_and_hold_no_escape_sequences() -> None:
    stderr = "\x1b[91m\x1b[1mError: \x1b[0mcannot open x\n    at f (/$bunfs/root/x.js:1:2)\n"
    assert judge(Totals(), end(1, stderr), Limits()).why == "exit code 1: Error: cannot open x"
    totals = Totals(last_error="\x1b[31mNo credit\x1b[0m left", last_status=402)
    outcome = judge(totals, end(1, ""), Limits())
    assert outcome.why == "No credit left"
    assert outcome.attention[0][1].endswith("(No credit left)")


def test_an_error_that_says_nothing_is_explained() -> None:
    outcome = judge(totals_of("unknown_model"), end(1, ""), Limits())
    assert "does not know" in outcome.why


def test_an_error_counts_unless_an_answer_came_after_it() -> None:
    error, answer = ((CAPTURES / f"{name}.jsonl").read_bytes().splitlines() for name in ("http_401", "text"))

    def state_after(lines: list[bytes]) -> RunState:
        totals = Totals()
        for line in lines:
            totals.feed(decode_line(line))
        return judge(totals, end(0, ""), Limits()).state

    assert state_after([*error, *answer]) is RunState.SUCCEEDED
    assert state_after([*answer, *error]) is RunState.FAILED


def test_a_run_that_never_spoke_says_how_long_it_was_given() -> None:
    outcome = judge(Totals(), end(-15, limit=Limit.STARTUP), Limits(startup_timeout_s=5))
    assert (outcome.state, outcome.why) == (RunState.TIMED_OUT, "it said nothing within 5 s")


def test_a_run_that_finished_but_did_not_exit_succeeded_and_says_so() -> None:
    outcome = judge(totals_of("text"), end(-15, limit=Limit.EXIT), Limits(exit_grace_s=10))
    assert outcome.state is RunState.SUCCEEDED
    assert [kind for kind, _ in outcome.attention] == [Attention.DID_NOT_EXIT]
