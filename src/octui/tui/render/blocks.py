"""An event as a block of styled lines, closed or open; and as the text one copies or searches.

A block is made of parts, so that a long text in it is rendered where it is looked at only; what a closed block shows of
a text it takes from the text's beginning.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from octui.client.events import Diagnostic, Event, Failure, Prompt, StepFinish, StepStart, Text, ToolUse, Unknown
from octui.client.lenient_json import as_count
from octui.tui.format import cost, duration, plural, size, tokens
from octui.tui.glyphs import Glyphs
from octui.tui.render.diffs import changes_of, diff_block
from octui.tui.render.lines import Line, justify, width_of, wrap_text
from octui.tui.render.long_text import Block, body, is_long, preview
from octui.tui.render.tools import is_unavailable, name_of, outcome_of, refusal, title_of, todos_of
from octui.tui.text import clean_line

DIFF_LINES = 400
"""A diff shows at most so many lines; the raw event shows all."""
SHORT_DIFF = 8
SHORT_FAILURE = 6
SHORT_OUTPUT = 2_000
SHORT_ERROR = 12
SHORT_VALUE = 20
MOST_INSIDE = 200
"""So many events of a subagent are shown."""
LONGEST_INSIDE = 400
"""Each of them in so many lines at most."""
PROMPT_LINES = 3
PROMPT_PREVIEW = 4000
INDENT = "    "
"""What stands before what belongs to a tool call."""


def is_foldable(event: Event) -> bool:
    """Whether a block can be opened and closed."""
    match event.body:
        case ToolUse() | Unknown() | Text(reasoning=True):
            return True
        case Diagnostic(text=text):
            return is_long(text)
        case Prompt(text=text):
            return is_foldable_prompt(text)
    return False


def opens_by_itself(event: Event) -> bool:
    """Whether a block is open before anybody asks: small edits, todo lists, a short output of what failed."""
    use = event.body
    if not isinstance(use, ToolUse) or use.status != "completed":
        return False
    if use.tool == "todowrite":
        return True
    if use.tool == "bash":
        failed = as_count(use.metadata.get("exit")) not in (0, None)
        return failed and len(use.output) <= SHORT_OUTPUT and use.output.count("\n") <= SHORT_FAILURE
    return any(change.additions + change.deletions <= SHORT_DIFF for change in changes_of(use))


def event_block(event: Event, width: int, *, opened: bool, glyphs: Glyphs, inside: Sequence[Event] = ()) -> Block:
    """Render one event into lines at most ``width`` cells wide; an event without anything to show gives none.

    Args:
        event: What is rendered.
        width: Cells of a line.
        opened: Whether all of it is shown.
        glyphs: What to draw with.
        inside: What the subagent did that the event started; shown in place of its output.
    """
    match event.body:
        case StepStart():
            return []
        case Text(text=text, reasoning=True):
            return _reasoning(text, width, opened, glyphs)
        case Text(text=text):
            return _answer(text, width, glyphs)
        case Prompt(text=text):
            return prompt_block(text, width, opened=opened, glyphs=glyphs)
        case ToolUse() as use:
            return _tool(use, width, opened, glyphs, inside)
        case StepFinish() as finish:
            return [[_step(finish, width, glyphs)]]
        case Failure(name=name, message=message):
            head = f"{glyphs.failed} {clean_line(name)}"
            return [[[(head, "error/bold")]], *body(message, width, "error", indent="  ")]
        case Diagnostic(text=text) if opened:
            return body(text, width, "diagnostic", indent="  ")
        case Diagnostic(text=text):
            return [preview(text, width, "diagnostic", indent="  ", limit=SHORT_ERROR)]
        case Unknown(type=kind, value=value):
            return _unknown(kind, value, width, opened, glyphs)


def event_lines(event: Event, width: int, *, opened: bool, glyphs: Glyphs) -> list[Line]:
    """Render one event as `event_block` does, all of it at once."""
    return [*chain.from_iterable(event_block(event, width, opened=opened, glyphs=glyphs))]


def event_text(event: Event) -> str:
    """Give what an event says as plain text, not yet clean: for copying and searching."""
    match event.body:
        case Text(text=text) | Prompt(text=text) | Diagnostic(text=text):
            return text
        case ToolUse() as use:
            parts = [f"{use.tool} {use.title}".strip(), _readable(use.input), use.output, use.error]
            return "\n".join(part for part in parts if part)
        case Failure(name=name, message=message):
            return f"{name}: {message}"
        case Unknown(value=value):
            return _readable(value)
    return ""


def is_foldable_prompt(prompt: str) -> bool:
    """Whether a prompt can be opened and closed."""
    return prompt.count("\n") >= PROMPT_LINES or len(prompt) > 160


def prompt_block(prompt: str, width: int, *, opened: bool, glyphs: Glyphs) -> Block:
    """Render what a user asked, with an empty line after it; nothing for an empty prompt."""
    prompt = prompt.strip()
    if not prompt:
        return []
    if opened and is_long(prompt):
        return [[[(f"{glyphs.prompt} ", "accent")]], *body(prompt, width, "muted", indent="  "), [[]]]
    lines = wrap_text(prompt if opened else prompt[:PROMPT_PREVIEW], width, "muted", indent="  ")
    if not opened and len(lines) > PROMPT_LINES:
        left = len(lines) - PROMPT_LINES + 1
        lines = [*lines[: PROMPT_LINES - 1], [(f"  {glyphs.ellipsis} {plural(left, 'more line')}", "faint")]]
    lines[0] = [(f"{glyphs.prompt} ", "accent"), *lines[0][1:]]
    return [[*lines, []]]


def _answer(text: str, width: int, glyphs: Glyphs) -> Block:
    from octui.tui.render.markdown import MAX_MARKDOWN, markdown_lines  # Dear to load, of no use to the first frame.

    if len(text) > MAX_MARKDOWN:
        return body(text.strip("\n"), width, "text")
    return [markdown_lines(text, width, bullet=glyphs.bullet, rule=glyphs.rule)]


def _reasoning(text: str, width: int, opened: bool, glyphs: Glyphs) -> Block:
    text = text.strip()
    if opened or not is_long(text):
        block = body(text, width, "muted/italic", indent="  ")
        if opened or len(block[0]) <= 3:
            return block
        shown, left = block[0][:2], f"{len(block[0]) - 2} more lines"
    else:
        shown, left = preview(text, width, "muted/italic", indent="  ", limit=2)[:2], size(len(text))
    return [[*shown, [(f"  {glyphs.ellipsis} {left} of reasoning", "faint/italic")]]]


def _step(finish: StepFinish, width: int, glyphs: Glyphs) -> Line:
    words = f" {tokens(finish.tokens.overall)} tok"
    if finish.cost:
        words += f" {glyphs.separator} {cost(finish.cost)}"
    line: Line = []
    if finish.reason not in ("stop", "tool-calls", ""):
        line.append((f" ended: {clean_line(finish.reason)} ", "warning"))
    rule = max(0, width - len(words) - width_of(line))
    return [*line, (glyphs.rule * rule, "rule"), (words, "faint")]


def _tool(use: ToolUse, width: int, opened: bool, glyphs: Glyphs, inside: Sequence[Event]) -> Block:
    refused = refusal(use)
    sign = glyphs.denied if refused else glyphs.failed if use.status == "error" else None
    sign = sign or (glyphs.opened if opened else glyphs.closed)
    role = "warning" if refused else "error" if use.status == "error" else "tool-sign"
    left: Line = [(f"{sign} ", role), (f"{name_of(use):<6} ", "tool"), (title_of(use), "text")]
    right = outcome_of(use, glyphs)
    if use.duration_ms is not None:
        right = [*right, (f" {duration(use.duration_ms):>6}", "faint")]
    head = [justify(left, right, width)]
    if not use.error or refused:
        error: Block = []
    elif opened or not is_long(use.error):
        error = body(use.error, width, "error", indent=INDENT)
    else:
        error = [preview(use.error, width, "error", indent=INDENT, limit=SHORT_ERROR)]
    if opened and inside:
        return [head, *error, *given_block(use, width), *_inside(inside, width, glyphs)]
    return [head, *error, *(_details(use, width, glyphs) if opened else [])]


def _inside(events: Sequence[Event], width: int, glyphs: Glyphs) -> Block:
    """What a subagent did, closed and indented; of very much the last."""
    lines: list[Line] = []
    if left := max(0, len(events) - MOST_INSIDE):
        lines.append([(f"{INDENT}{glyphs.ellipsis} {plural(left, 'event')} before", "faint/italic")])
    for event in events[left:]:
        shown = chain.from_iterable(event_block(event, width - len(INDENT), opened=False, glyphs=glyphs))
        lines += [[(INDENT, "text"), *line] for line in islice(shown, LONGEST_INSIDE)]
    return [lines]


def _details(use: ToolUse, width: int, glyphs: Glyphs) -> Block:
    if use.tool == "todowrite":
        return [_todos(use, width, glyphs)]
    changes = changes_of(use)
    if changes:
        diffs: list[Sequence[Line]] = []
        for change in changes:
            if len(changes) > 1 and change.path:
                diffs.append([[(f"{INDENT}{clean_line(change.path)}", "muted")]])
            diffs += diff_block(change.patch, width, indent="  ", limit=DIFF_LINES)
        return diffs
    given = given_block(use, width)
    if refusal(use):
        text = "" if is_unavailable(use) else use.error
        return [*given, *body(text, width, "muted", indent=INDENT)] if text else given
    if not use.output or use.output.isspace():
        return given
    role = "error" if as_count(use.metadata.get("exit")) not in (0, None) else "output"
    return [*given, *body(use.output.strip("\n"), width, role, indent=INDENT)]


def given_block(use: ToolUse, width: int) -> Block:
    """The arguments of a call, but for what its line tells already."""
    if use.tool == "bash" and isinstance(use.input, dict) and isinstance(use.input.get("command"), str):
        command = use.input["command"]
        told = "\n" not in command and len(command) < width // 2
        return [] if told else _code(f"$ {command}", "", width)
    if isinstance(use.input, dict) and not is_unavailable(use):
        lines: list[Line] = []
        for key, value in use.input.items():
            lines += preview(f"{key}: {_inline(value)}", width, "muted", indent=INDENT, limit=SHORT_VALUE)
        return [lines]
    text = use.output if is_unavailable(use) else _readable(use.input)
    return body(text, width, "muted", indent=INDENT) if text else []


def _todos(use: ToolUse, width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for status, content in todos_of(use):
        role = {"completed": "muted", "in_progress": "text/bold", "cancelled": "faint/strike"}.get(status, "text")
        sign = glyphs.todo.get(status, glyphs.todo["pending"])
        lead = [(f"{INDENT}{sign} ", "accent" if status == "in_progress" else "muted")]
        for piece in wrap_text(content, width - len(INDENT) - 2, role):
            lines.append([*lead, *piece])
            lead = [(f"{INDENT}  ", "muted")]
    return lines


def _unknown(kind: str, value: dict[str, Any], width: int, opened: bool, glyphs: Glyphs) -> Block:
    sign = glyphs.opened if opened else glyphs.closed
    head = justify([(f"{sign} ", "tool-sign"), (clean_line(kind), "muted")], [("not known to octui", "faint")], width)
    return [[head], *_code(_readable(value), "json", width)] if opened else [[head]]


def _inline(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _readable(value: Any) -> str:
    if value in (None, "", {}):
        return ""
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _code(source: str, language: str, width: int) -> Block:
    from octui.tui.render.code import code_view  # Dear to load, too.

    return code_view(source, language, width, indent=INDENT)
