"""What transcripts for people say alike, whatever they are written as. All of it is clean text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from octui.export.transcript import AnyEntry, Attempted, Called, Check, Entered, Noted, RunHead, SessionHead, Stepped
from octui.recording.facts import RunState
from octui.tui.format import clock, cost, duration, plural, tokens
from octui.tui.glyphs import UNICODE
from octui.tui.text import clean, clean_line


def state_of(run: RunHead) -> str:
    """The sign and the words of a run's state."""
    return f"{UNICODE.states[RunState(run.state)]} {run.state.replace('_', ' ')}"


def figures_of(run: RunHead) -> list[str]:
    """What a run came to, in a few figures."""
    return [
        plural(run.turns, "turn"),
        plural(run.tool_calls, "tool call"),
        f"{tokens(run.tokens.total)} tokens",
        cost(run.cost, incomplete=run.cost_is_incomplete),
        clock(run.duration_s),
    ]


def heads_of(runs: Sequence[RunHead]) -> list[str]:
    """The heads of a table of runs, behind their names and states; see `cells_of`."""
    heads = ["turns", "tool calls", "tokens", "cost", "time"]
    heads += ["changed"] if any(run.branch for run in runs) else []
    return heads + (["check"] if any(run.check is not None for run in runs) else [])


def cells_of(run: RunHead, heads: Sequence[str]) -> list[str]:
    """What stands below such heads."""
    told = {
        "turns": str(run.turns),
        "tool calls": str(run.tool_calls),
        "tokens": tokens(run.tokens.total),
        "cost": cost(run.cost, incomplete=run.cost_is_incomplete),
        "time": clock(run.duration_s),
        "changed": _changed(run),
        "check": _came_to(run.check) if run.check is not None else "",
    }
    return [told[head] for head in heads]


def sums_of(runs: Sequence[RunHead]) -> str:
    """What all runs came to."""
    dollars = cost(sum(run.cost for run in runs), incomplete=any(run.cost_is_incomplete for run in runs))
    return f"{tokens(sum(run.tokens.total for run in runs))} tokens, {dollars} in all"


def facts_of(run: RunHead) -> list[tuple[str, str]]:
    """What a run was started with, by name; only what is known."""
    told = [
        ("model", run.model),
        ("agent", run.agent),
        ("folder", run.workspace),
        ("branch", run.branch),
        ("base", run.base[:12]),
        ("changed", _changed(run)),
        ("check", _checked(run)),
        ("opencode session", run.session_id),
        ("attempts", str(run.attempts) if run.attempts > 1 else ""),
        ("exit code", str(run.exit_code) if run.exit_code else ""),
    ]
    return [(name, clean_line(value)) for name, value in told if value]


def _changed(run: RunHead) -> str:
    if not run.branch:
        return ""
    added, removed = sum(each.additions for each in run.changes), sum(each.deletions for each in run.changes)
    return f"{plural(len(run.changes), 'file')} +{added} {UNICODE.minus}{removed}"


def _checked(run: RunHead) -> str:
    if run.check is None:
        return ""
    return f"{run.check.command}: {_came_to(run.check)}"


def _came_to(check: Check) -> str:
    if check.exit_code is None:
        return "not finished"
    return f"exit code {check.exit_code}" if check.exit_code else "good"


def about(head: SessionHead) -> str:
    """When a session was, and with what."""
    told = [moment(head.started), f"took {clock(head.ended - head.started)}" if head.ended and head.started else ""]
    told += [head.state if head.state != "ended" else "", f"opencode {head.opencode}" if head.opencode else ""]
    return f" {UNICODE.separator} ".join(clean_line(each) for each in told if each)


def moment(at: float | None) -> str:
    """A moment by the clock on the wall here; empty for None."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def outcome_of(call: Called) -> str:
    """What came of a tool call, in a few words."""
    told = []
    if call.refused:
        told.append(call.refused)
    elif call.status == "error":
        told.append("failed")
    elif call.status != "completed":
        told.append(clean_line(call.status))
    elif call.exit_code:
        told.append(f"exit {call.exit_code}")
    if call.changes:
        added, removed = (sum(each) for each in zip(*((c.additions, c.deletions) for c in call.changes), strict=True))
        told.append(f"+{added} {UNICODE.minus}{removed}")
    if call.duration_ms is not None:
        told.append(duration(call.duration_ms))
    return f" {UNICODE.separator} ".join(told)


def note_of(entry: AnyEntry) -> str:
    """Give an entry that is a line and no more; empty for any other, and for one that tells a reader nothing.

    That a run started or went on to run is such: its state stands beside its name, and its prompt says that it began.
    """
    match entry:
        case Entered(state=RunState.STARTING | RunState.RUNNING, why=""):
            return ""
        case Stepped(reason=reason, tokens=count, cost=dollars):
            ended = "" if reason in ("", "stop", "tool-calls") else f"ended: {clean_line(reason)}, "
            return f"{ended}{tokens(count)} tokens{f', {cost(dollars)}' if dollars else ''}"
        case Entered(state=state, why=why):
            words = f"{UNICODE.states[RunState(state)]} {state.replace('_', ' ')}"
            return f"{words}: {clean_line(why)}" if why else words
        case Attempted(attempt=attempt, of=of, life=life):
            return f"attempt {attempt} of {of}" + (f", started anew ({life})" if life > 1 else "")
        case Noted(words=words):
            return f"{UNICODE.attention} {clean_line(words)}"
    return ""


def given(call: Called) -> list[tuple[str, str]]:
    """The arguments of a call, by name, each as clean text; what its changes and todos tell already is left out."""
    if call.todos:
        return []
    if not isinstance(call.input, dict):
        return [("input", readable(call.input))] if call.input not in (None, "", {}) else []
    hidden = ("oldString", "newString", "content", "patchText", "edits") if call.changes else ()
    return [(clean_line(str(key)), readable(value)) for key, value in call.input.items() if key not in hidden]


def readable(value: Any) -> str:
    """Any value as clean text."""
    if isinstance(value, str):
        return clean(value)
    return clean(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def todo_sign(status: str) -> str:
    """The sign of an item of a todo list."""
    return UNICODE.todo.get(status, UNICODE.todo["pending"])
