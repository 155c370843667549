"""What a run came to: judged by its events first and by its exit code second.

opencode exits with 0 after a permission was rejected for want of somebody to ask, after an answer that was cut short,
and in the middle of a step. In the order looked at:

====================================================  ==========  ===================
what was seen                                          state       attention
====================================================  ==========  ===================
its time was up                                        timed_out
an ``error`` event, and no finished answer after it    failed      provider refuses (401, 402, 403, 429)
a non-zero exit code                                   failed
no event at all                                        failed      no final answer
a step that began and was never closed                 failed      ended mid step
closed with reason ``tool-calls``                      failed      no final answer
closed with reason ``length`` or ``content-filter``    failed      no final answer
closed, without a word of text                         failed      no final answer
closed, with text                                      succeeded
====================================================  ==========  ===================
"""

from __future__ import annotations

from dataclasses import dataclass

from octui.client.result import Totals
from octui.recording.facts import Attention, RunState

REFUSALS = {
    401: "the provider does not accept the key",
    402: "the provider wants to be paid: the account has no credit left",
    403: "the provider does not allow it",
    429: "the provider's limit is reached",
}
_CUT_SHORT = {
    "tool-calls": "it ended after a tool call, without a final answer",
    "length": "the answer was cut at the model's length limit",
    "content-filter": "the provider's filter cut the answer",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        state: A final state.
        why: One sentence; empty where the state says it all.
        attention: Why a person should look, with the words for it.
    """

    state: RunState
    why: str = ""
    attention: tuple[tuple[Attention, str], ...] = ()


def judge(totals: Totals, *, exit_code: int | None, timed_out: bool, timeout_s: float | None, stderr: str) -> Outcome:
    """Say what a run came to; the table in this module's docstring is what it does.

    Args:
        totals: The fold of the run's events.
        exit_code: Of its last attempt.
        timed_out: Whether that attempt's time was up.
        timeout_s: The limit, in seconds.
        stderr: What the last attempt wrote to stderr.
    """
    mid_step = ((Attention.ENDED_MID_STEP, "ended in the middle of a step: its tokens and cost are incomplete"),)
    if timed_out:
        limit = f" after {timeout_s:g} s" if timeout_s else ""
        return Outcome(RunState.TIMED_OUT, f"its time was up{limit}", mid_step if totals.open_step else ())
    if totals.last_error:
        refusal = REFUSALS.get(totals.last_status or 0)
        attention = ((Attention.PROVIDER_REFUSES, f"{refusal} ({totals.last_error})"),) if refusal else ()
        return Outcome(RunState.FAILED, _explain(totals.last_error), attention)
    if exit_code != 0:
        rows = [row.strip() for row in stderr.splitlines() if row.strip()]
        how = f"a signal ended it ({-exit_code})" if exit_code and exit_code < 0 else f"exit code {exit_code}"
        return Outcome(RunState.FAILED, f"{how}: {rows[-1]}" if rows else how, mid_step if totals.open_step else ())
    if totals.open_step:
        return Outcome(RunState.FAILED, "it ended in the middle of a step", mid_step)
    if why := _unfinished(totals):
        return Outcome(RunState.FAILED, why, ((Attention.NO_FINAL_ANSWER, why),))
    return Outcome(RunState.SUCCEEDED)


def _unfinished(totals: Totals) -> str:
    if not totals.turns:
        return "it ended without a word"
    if why := _CUT_SHORT.get(totals.last_reason):
        return why
    return "" if totals.final_text.strip() else "it ended without a final answer"


def _explain(error: str) -> str:
    """Add what is known of an error that says nothing by itself."""
    if "Unexpected server error" in error:
        return f"{error} (opencode says this of a model or provider it does not know)"
    return error
