"""What one tool call comes to in a line: its title, its outcome, whether it was refused.

The shapes of ``input`` and ``metadata`` are those of opencode 1.18's own tools; of any other tool, what is there is
shown.
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

import msgspec

from octui.client.events import ToolUse
from octui.client.lenient_json import as_count
from octui.tui.format import plural, size
from octui.tui.glyphs import Glyphs
from octui.tui.render.diffs import changes_of
from octui.tui.render.lines import Line
from octui.tui.text import clean_line

_RULE_DENIES = "The user has specified a rule which prevents you"
_ASK_REJECTED = "The user rejected permission"
_TITLE = 2_000
"""Characters of a title that are looked at: more than fit on a line."""
_TITLE_KEYS = ("filePath", "path", "command", "pattern", "url", "query", "description", "name")


def refusal(use: ToolUse) -> str:
    """Say in a few words why a call was not carried out for want of permission; empty where it was not refused.

    opencode 1.18 words a denied pattern and a rejected question in the call's error; a tool that is denied as a whole
    is not offered to the model, whose call of it becomes a completed call of a tool named ``invalid``.
    """
    if use.error.startswith(_RULE_DENIES):
        return "denied by a rule"
    if use.error.startswith(_ASK_REJECTED):
        return "permission rejected"
    if is_unavailable(use):
        return "not available"
    return ""


def is_unavailable(use: ToolUse) -> bool:
    """Whether the model called a tool it was not given."""
    return use.tool == "invalid" and "unavailable tool" in str(_get(use.input, "error"))


def name_of(use: ToolUse) -> str:
    """The tool the model meant."""
    meant = _get(use.input, "tool") if use.tool == "invalid" else None
    return _titled(meant if isinstance(meant, str) else use.tool)


def title_of(use: ToolUse) -> str:
    """What the call was about, on one line: a path, a command, a pattern."""
    if is_unavailable(use):
        return "the model called a tool it does not have"
    if use.tool == "todowrite":
        return "todo list"
    if use.tool == "question" and (words := _questions_in_words(use)):
        return words
    if use.tool == "read" and use.title and PurePath(use.title[-_TITLE:]).suffix:
        return _titled(use.title)
    if use.tool in ("bash", "grep", "glob"):
        source = _get(use.input, "command") or _get(use.input, "pattern")
        if isinstance(source, str):
            return _titled(source)
    if use.title and use.title != use.tool:
        return _titled(use.title)
    for key in _TITLE_KEYS:
        if isinstance(value := _get(use.input, key), str) and value:
            return _titled(value)
    return _titled(_compact(use.input)) if use.input else ""


def outcome_of(use: ToolUse, glyphs: Glyphs) -> Line:
    """What came of the call, for the right edge of its line."""
    if why := refusal(use):
        return [(why, "warning/bold")]
    if use.status == "error":
        return [("failed", "error/bold")]
    if use.status != "completed":
        return [(_titled(use.status), "muted")]
    changes = changes_of(use)
    if changes:
        added, removed = sum(c.additions for c in changes), sum(c.deletions for c in changes)
        return [(f"+{added}", "added"), (" ", "muted"), (f"{glyphs.minus}{removed}", "removed")]
    return _told_by_metadata(use)


def _told_by_metadata(use: ToolUse) -> Line:
    meta = use.metadata
    match use.tool:
        case "bash":
            if exit_code := as_count(meta.get("exit")):
                return [(f"exit {exit_code}", "error/bold")]
            return [("timed out", "error/bold")] if meta.get("timedOut") else []
        case "read":
            total = as_count(_get(meta.get("display"), "totalLines"))
            return [] if total is None else [(plural(total, "line"), "muted")]
        case "grep" | "glob":
            found = as_count(meta.get("matches", meta.get("count")))
            return [] if found is None else [(plural(found, "hit"), "muted")]
        case "todowrite":
            todos = todos_of(use)
            done = sum(status == "completed" for status, _ in todos)
            return [(f"{done}/{len(todos)} done", "muted")]
        case "task":
            agent = _get(use.input, "subagent_type")
            return [(_titled(agent), "muted")] if isinstance(agent, str) else []
        case "webfetch" | "websearch":
            return [(size(len(use.output)), "muted")]
    return []


def todos_of(use: ToolUse) -> list[tuple[str, str]]:
    """Give the todo list a ``todowrite`` call wrote: (status, content) each, as opencode names them."""
    found = use.metadata.get("todos")
    todos = found if isinstance(found, list) else _get(use.input, "todos")
    if not isinstance(todos, list):
        return []
    return [
        (str(todo.get("status") or "pending"), _titled(str(todo.get("content") or "")))
        for todo in todos
        if isinstance(todo, dict)
    ]


def _questions_in_words(use: ToolUse) -> str:
    """The first of the questions that a call asks, and how many more; empty where there is none."""
    questions = _get(use.input, "questions")
    if not isinstance(questions, list) or not questions:
        return ""
    first = _get(questions[0], "question")
    if not isinstance(first, str) or not first:
        return ""
    more = f" (and {len(questions) - 1} more)" if len(questions) > 1 else ""
    return f"{_titled(first)}{more}"


def _titled(text: str) -> str:
    return clean_line(text[:_TITLE])


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _compact(value: Any) -> str:
    if isinstance(value, str):
        return value
    encoded = msgspec.json.encode(value)
    if len(encoded) > _TITLE:  # Too long to be shown whole, and dear to be laid out.
        return encoded[:_TITLE].decode("utf-8", "ignore")
    return json.dumps(value, ensure_ascii=False)
