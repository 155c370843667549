"""What a run came to: judged by its events first and by its exit code second.

opencode exits with 0 after a permission was rejected for want of somebody to ask, after an answer that was cut short,
and in the middle of a step. In the order looked at:

====================================================  ==========  =======================================
what was seen                                          state       attention
====================================================  ==========  =======================================
its time was up, or that for its first word            timed_out
an ``error`` event, and no finished answer after it    failed      provider refuses (401, 402, 403, 429)
a non-zero exit code                                   failed
no event at all                                        failed      no final answer
a step that began and was never closed                 failed      ended mid step
closed with reason ``tool-calls``                      failed      no final answer
closed with reason ``length`` or ``content-filter``    failed      no final answer
closed, without a word of text                         failed      no final answer
closed, with text                                      succeeded   did not exit (where it had to be ended)
====================================================  ==========  =======================================
"""

from __future__ import annotations

from dataclasses import dataclass

from octui.client.limits import Limit, Limits
from octui.client.result import Totals
from octui.client.sinks import AttemptEnd
from octui.program_output import plain_text, reason
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


def judge(totals: Totals, end: AttemptEnd, limits: Limits) -> Outcome:
    """Say what a run came to; the table in this module's docstring is what it does.

    Args:
        totals: The fold of the run's events.
        end: How its last attempt ended.
        limits: How long that was given.
    """
    mid_step = ((Attention.ENDED_MID_STEP, "ended in the middle of a step: its tokens and cost are incomplete"),)
    if end.limit in (Limit.TIME, Limit.STARTUP):
        return Outcome(RunState.TIMED_OUT, _time_was_up(end.limit, limits), mid_step if totals.open_step else ())
    if error := plain_text(totals.last_error):
        refusal = REFUSALS.get(totals.last_status or 0)
        attention = ((Attention.PROVIDER_REFUSES, f"{refusal} ({error})"),) if refusal else ()
        return Outcome(RunState.FAILED, _explain(error), attention)
    if not end.ended_well:
        return Outcome(RunState.FAILED, _exit_words(end), mid_step if totals.open_step else ())
    if totals.open_step:
        return Outcome(RunState.FAILED, "it ended in the middle of a step", mid_step)
    if why := _unfinished(totals):
        return Outcome(RunState.FAILED, why, ((Attention.NO_FINAL_ANSWER, why),))
    if end.limit is Limit.EXIT:
        words = f"it had finished but did not exit, and was ended after {limits.exit_grace_s:g} s"
        return Outcome(RunState.SUCCEEDED, "", ((Attention.DID_NOT_EXIT, words),))
    return Outcome(RunState.SUCCEEDED)


def _time_was_up(limit: Limit | None, limits: Limits) -> str:
    if limit is Limit.STARTUP:
        return f"it said nothing within {limits.startup_timeout_s:g} s"
    return f"its time was up after {limits.timeout_s:g} s"


def _exit_words(end: AttemptEnd) -> str:
    code = end.exit_code
    how = f"a signal ended it ({-code})" if code and code < 0 else f"exit code {code}"
    why = reason(end.stderr)
    return f"{how}: {why}" if why else how


def _unfinished(totals: Totals) -> str:
    if not totals.turns:
        return "it ended without a word"
    if why := _CUT_SHORT.get(totals.last_reason):
        return why
    return "" if totals.answered else "it ended without a final answer"


def _explain(error: str) -> str:
    """Add what is known of an error that says nothing by itself."""
    if "Unexpected server error" in error:
        return f"{error} (opencode says this of a model or provider it does not know)"
    return error
