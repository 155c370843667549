"""An event as a block of styled lines, closed or open; and as the text one copies or searches."""

from __future__ import annotations

import json
from typing import Any

from octui.client.events import Diagnostic, Event, Failure, StepFinish, StepStart, Text, ToolUse, Unknown
from octui.tui.format import cost, duration, tokens
from octui.tui.glyphs import Glyphs
from octui.tui.render.diffs import changes_of, diff_lines
from octui.tui.render.lines import Line, justify, width_of, wrap_text
from octui.tui.render.tools import is_unavailable, name_of, outcome_of, refusal, title_of, todos_of
from octui.tui.text import clean_line

OUTPUT_LINES = 400
"""An opened tool call shows at most so many lines of output; the raw event shows all."""
SHORT_DIFF = 8
SHORT_FAILURE = 6
_INDENT = "    "


def is_foldable(event: Event) -> bool:
    """Whether a block can be opened and closed."""
    return isinstance(event.body, ToolUse | Unknown) or (isinstance(event.body, Text) and event.body.reasoning)


def opens_by_itself(event: Event) -> bool:
    """Whether a block is open before anybody asks: small edits, todo lists, a short output of what failed."""
    use = event.body
    if not isinstance(use, ToolUse) or use.status != "completed":
        return False
    if use.tool == "todowrite":
        return True
    if use.tool == "bash":
        return use.metadata.get("exit") not in (0, None) and use.output.count("\n") <= SHORT_FAILURE
    return any(change.additions + change.deletions <= SHORT_DIFF for change in changes_of(use))


def event_lines(event: Event, width: int, *, opened: bool, glyphs: Glyphs) -> list[Line]:
    """Render one event into lines at most ``width`` cells wide; an event without anything to show gives none."""
    match event.body:
        case StepStart():
            return []
        case Text(text=text, reasoning=True):
            return _reasoning(text, width, opened, glyphs)
        case Text(text=text):
            from octui.tui.render.markdown import markdown_lines  # Dear to load, and of no use to the first frame.

            return markdown_lines(text, width, bullet=glyphs.bullet, rule=glyphs.rule)
        case ToolUse() as use:
            return _tool(use, width, opened, glyphs)
        case StepFinish() as finish:
            return [_step(finish, width, glyphs)]
        case Failure(name=name, message=message):
            head = f"{glyphs.failed} {clean_line(name)}"
            return [[(head, "error/bold")], *wrap_text(message, width, "error", indent="  ")]
        case Diagnostic(text=text):
            return wrap_text(text, width, "diagnostic", indent="  ", limit=None if opened else 12)
        case Unknown(type=kind, value=value):
            return _unknown(kind, value, width, opened, glyphs)


def event_text(event: Event) -> str:
    """Give what an event says as plain text, not yet clean: for copying and searching."""
    match event.body:
        case Text(text=text) | Diagnostic(text=text):
            return text
        case ToolUse() as use:
            parts = [f"{use.tool} {use.title}".strip(), _readable(use.input), use.output, use.error]
            return "\n".join(part for part in parts if part)
        case Failure(name=name, message=message):
            return f"{name}: {message}"
        case Unknown(value=value):
            return _readable(value)
    return ""


def _reasoning(text: str, width: int, opened: bool, glyphs: Glyphs) -> list[Line]:
    lines = wrap_text(text.strip(), width, "muted/italic", indent="  ")
    if opened or len(lines) <= 3:
        return lines
    return [*lines[:2], [(f"  {glyphs.ellipsis} {len(lines) - 2} more lines of reasoning", "faint/italic")]]


def _step(finish: StepFinish, width: int, glyphs: Glyphs) -> Line:
    words = f" {tokens(finish.tokens.total)} tok"
    if finish.cost:
        words += f" {glyphs.separator} {cost(finish.cost)}"
    line: Line = []
    if finish.reason not in ("stop", "tool-calls"):
        line.append((f" ended: {clean_line(finish.reason or 'unknown')} ", "warning"))
    rule = max(0, width - len(words) - width_of(line))
    return [*line, (glyphs.rule * rule, "rule"), (words, "faint")]


def _tool(use: ToolUse, width: int, opened: bool, glyphs: Glyphs) -> list[Line]:
    refused = refusal(use)
    sign = glyphs.denied if refused else glyphs.failed if use.status == "error" else None
    sign = sign or (glyphs.opened if opened else glyphs.closed)
    role = "warning" if refused else "error" if use.status == "error" else "tool-sign"
    left: Line = [(f"{sign} ", role), (f"{name_of(use):<6} ", "tool"), (title_of(use), "text")]
    right = outcome_of(use, glyphs)
    if use.duration_ms is not None:
        right = [*right, (f" {duration(use.duration_ms):>6}", "faint")]
    lines = [justify(left, right, width)]
    if use.error and not refused:
        lines += wrap_text(use.error, width, "error", indent=_INDENT)
    return lines + _details(use, width, glyphs) if opened else lines


def _details(use: ToolUse, width: int, glyphs: Glyphs) -> list[Line]:
    if use.tool == "todowrite":
        return _todos(use, width, glyphs)
    changes = changes_of(use)
    if changes:
        lines: list[Line] = []
        for change in changes:
            if len(changes) > 1 and change.path:
                lines.append([(f"{_INDENT}{clean_line(change.path)}", "muted")])
            lines += diff_lines(change.patch, width, indent="  ", limit=OUTPUT_LINES)
        return lines
    lines = _input(use, width)
    if refusal(use):
        text = "" if is_unavailable(use) else use.error
        return lines + wrap_text(text, width, "muted", indent=_INDENT) if text else lines
    if use.output.strip():
        role = "error" if use.metadata.get("exit") not in (0, None) else "output"
        lines += wrap_text(use.output.strip("\n"), width, role, indent=_INDENT, limit=OUTPUT_LINES)
    return lines


def _input(use: ToolUse, width: int) -> list[Line]:
    if use.tool == "bash" and isinstance(use.input, dict) and isinstance(use.input.get("command"), str):
        command = use.input["command"]
        told = "\n" not in command and len(command) < width // 2
        return [] if told else _code_block(f"$ {command}", "", width)
    if isinstance(use.input, dict) and not is_unavailable(use):
        lines: list[Line] = []
        for key, value in use.input.items():
            lines += wrap_text(f"{key}: {_inline(value)}", width, "muted", indent=_INDENT, limit=20)
        return lines
    text = use.output if is_unavailable(use) else _readable(use.input)
    return wrap_text(text, width, "muted", indent=_INDENT, limit=OUTPUT_LINES) if text else []


def _todos(use: ToolUse, width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for status, content in todos_of(use):
        role = {"completed": "muted", "in_progress": "text/bold", "cancelled": "faint/strike"}.get(status, "text")
        sign = glyphs.todo.get(status, glyphs.todo["pending"])
        lead = [(f"{_INDENT}{sign} ", "accent" if status == "in_progress" else "muted")]
        for piece in wrap_text(content, width - len(_INDENT) - 2, role):
            lines.append([*lead, *piece])
            lead = [(f"{_INDENT}  ", "muted")]
    return lines


def _unknown(kind: str, value: dict[str, Any], width: int, opened: bool, glyphs: Glyphs) -> list[Line]:
    sign = glyphs.opened if opened else glyphs.closed
    head = justify([(f"{sign} ", "tool-sign"), (clean_line(kind), "muted")], [("not known to octui", "faint")], width)
    if not opened:
        return [head]
    return [head, *_code_block(_readable(value), "json", width)[:OUTPUT_LINES]]


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _readable(value: Any) -> str:
    if value in (None, "", {}):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _code_block(source: str, language: str, width: int) -> list[Line]:
    from octui.tui.render.code import code_block  # Dear to load, too.

    return code_block(source, language, width, indent=_INDENT)
