"""What is under way as styled lines: text that comes, tools that run, subagents, a provider waited for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from rich.cells import cell_len

from octui.client.events import ToolUse
from octui.client.serve.events import ActivityChanged, PartKind
from octui.client.serve.live import Child, Live, LivePart
from octui.recording.facts import RunState
from octui.tui.format import clock, plural
from octui.tui.glyphs import Glyphs
from octui.tui.render.blocks import INDENT, given_block
from octui.tui.render.growing import GrowingAnswer, GrowingText, last_rows
from octui.tui.render.lines import Line, cut_line, justify, width_of, wrap_text
from octui.tui.render.long_text import Block, body
from octui.tui.render.tools import name_of, title_of
from octui.tui.text import clean_line, cut, cut_start

ROWS_SHOWN = 3
"""So many of the last lines of what a tool prints, or a model thinks, are shown of a closed part."""

CHILD_ROWS = 40
"""So many of the last lines of what a subagent says now are shown of an open call."""

_LAST_WORDS = 400
_WORDS_CELLS = 48
"""What comes word by word is told by its end."""

_DEEPEST = 3
"""Subagents of subagents are shown down to so many."""

Growing = GrowingAnswer | GrowingText


@dataclass(frozen=True, slots=True)
class Scene:
    """What live parts are drawn in.

    Attributes:
        live: All that is under way.
        at_ms: The moment, in milliseconds since the epoch.
        is_working: Whether anything still comes: clocks run, and signs say so.
        glyphs: What to draw with.
    """

    live: Live
    at_ms: float
    is_working: bool
    glyphs: Glyphs


def last_line(text: str) -> str:
    """The last words of a text, on one line."""
    rows = [row.strip("#*->` \t") for row in text[-_LAST_WORDS:].splitlines()]
    return clean_line(next((row for row in reversed(rows) if row), ""))


def as_use(part: LivePart) -> ToolUse:
    """A call that is not whole in the shape of one that is."""
    return ToolUse(part.tool, part.status, part.title, part.input, part.output, "", {}, part.started_ms or None, None)


def part_in_words(part: LivePart) -> str:
    """Say in a few words what a part does; empty for one that has not begun to say anything."""
    if part.kind is PartKind.TOOL:
        use = as_use(part)
        return f"{name_of(use)} {title_of(use)}".strip()
    return "thinking" if part.kind is PartKind.REASONING else cut_start(last_line(part.text), _WORDS_CELLS)


def live_in_words(scene: Scene) -> str:
    """Say in a few words what is under way; empty for nothing."""
    live = scene.live
    if live.retry is not None:
        return retry_in_words(live.retry, scene)
    for part in _newest_first(live.parts):
        if words := part_in_words(part):
            child = live.children.get(part.child_id)
            doing = child_in_words(child) if child is not None else ""
            return f"{words} {scene.glyphs.separator} {doing}" if doing else words
    return "summing up what was said so far" if live.compacting else ""


def _newest_first(parts: dict[str, LivePart]) -> list[LivePart]:
    """Parts by how much they tell of what is done now: the newest, but calls that wait for others last."""
    newest_first = list(reversed(parts.values()))
    newest_first.sort(key=lambda part: part.status == "pending")
    return newest_first


def child_in_words(child: Child) -> str:
    """Say in a few words what a subagent does, or did last."""
    for part in _newest_first(child.parts):
        if words := part_in_words(part):
            return words
    return last_line(child.last)


def retry_in_words(retry: ActivityChanged, scene: Scene) -> str:
    """Say when the provider is asked once more, and why: what is cut off for want of room is the reason."""
    words = [_when(retry, scene), f"attempt {retry.attempt}", clean_line(retry.why)]
    sign = scene.glyphs.states[RunState.RETRYING]
    return f"{sign} provider {f' {scene.glyphs.separator} '.join(word for word in words if word)}"


def retry_block(retry: ActivityChanged, width: int, scene: Scene) -> Block:
    """The line of a provider that is waited for; its countdown is always in sight."""
    sign = scene.glyphs.states[RunState.RETRYING]
    right = f" {scene.glyphs.separator} attempt {retry.attempt}, {_when(retry, scene)}"
    return [wrap_text(f"{sign} provider: {clean_line(retry.why)}{right}", width, "state-retrying/bold")]


def queued_block(prompt: str, width: int, scene: Scene) -> Block:
    """What was asked meanwhile, on one line: it comes next."""
    right = "  queued"
    words = cut(clean_line(prompt), max(1, width - cell_len(right) - 2), scene.glyphs.ellipsis)
    return [[cut_line([(f"{scene.glyphs.prompt} ", "accent"), (words, "muted"), (right, "faint")], width)]]


def _when(retry: ActivityChanged, scene: Scene) -> str:
    left = int((retry.next_ms - scene.at_ms + 999) // 1000)
    return f"again in {left} s" if left > 0 else "asked again"


def compaction_block(width: int, scene: Scene) -> Block:
    """The line of a history that is being summed up."""
    words = f"{scene.glyphs.states[RunState.STARTING]} summing up what was said so far, to make room"
    return [[cut_line([(words, "muted/italic")], width)]]


def growing(part: LivePart, width: int, glyphs: Glyphs) -> Growing:
    """Give what renders a text as it comes."""
    if part.kind is PartKind.TEXT:
        return GrowingAnswer(width, glyphs)
    return GrowingText(width, "muted/italic", indent="  ")


def part_block(part: LivePart, width: int, scene: Scene, *, opened: bool, kept: Growing | None = None) -> Block:
    """Render a part that is not whole, into lines at most ``width`` cells wide.

    Args:
        part: What it is.
        width: Cells of a line.
        scene: What it is drawn in.
        opened: Whether all of it is shown.
        kept: What rendered the part before, to go on with.
    """
    if part.kind is PartKind.TOOL:
        return _tool(part, width, scene, opened, 0)
    if part.kind is PartKind.REASONING and not opened:
        return [last_rows(part.text, width, "muted/italic", indent="  ", limit=ROWS_SHOWN)]
    if not part.text.strip():
        return []
    block = (kept or growing(part, width, scene.glyphs)).block(part.text)
    return _with_cursor(block, width, scene) if part.kind is PartKind.TEXT else block


def _with_cursor(block: Block, width: int, scene: Scene) -> Block:
    """Put a sign behind the last word, where there is room: more is to come."""
    if not scene.is_working or len(block) != 1 or not block[-1] or width_of(block[-1][-1]) >= width:
        return block
    *lines, last = block[-1]
    return [[*lines, [*last, (scene.glyphs.bar, "accent")]]]


def _tool(part: LivePart, width: int, scene: Scene, opened: bool, depth: int) -> Block:
    use = as_use(part)
    state = RunState.QUEUED if part.status == "pending" else RunState.RUNNING
    if not scene.is_working:
        state = RunState.STOPPED
    role = f"state-{state.value}"
    left: Line = [
        (f"{scene.glyphs.states[state]} ", role),
        (f"{name_of(use):<6} ", "tool"),
        (title_of(use), "text"),
    ]
    blocks: list[Block] = [[[justify(left, _clock(part, scene), width)]]]
    if opened:
        blocks.append(given_block(use, width))
    if part.output.strip():
        if opened:
            blocks.append(body(part.output.strip("\n"), width, "output", indent=INDENT))
        else:
            blocks.append([last_rows(part.output, width, "output", indent=INDENT, limit=ROWS_SHOWN)])
    child = scene.live.children.get(part.child_id)
    if child is not None and depth < _DEEPEST:
        blocks.append([_child(child, width, scene, opened, depth)])
    return [*chain.from_iterable(blocks)]


def _clock(part: LivePart, scene: Scene) -> Line:
    if part.status == "pending":
        return [("pending", "muted")]
    if not scene.is_working:
        return [("did not end", "muted")]
    return [(clock((scene.at_ms - part.started_ms) / 1000), "faint")] if part.started_ms else []


def _child(child: Child, width: int, scene: Scene, opened: bool, depth: int) -> list[Line]:
    """A subagent: who it is and what it does now, or all that is under way with it."""
    sep = f" {scene.glyphs.separator} "
    agent, title = clean_line(child.agent), clean_line(child.title)
    named = sep.join(word for word in (agent if agent not in title else "", title) if word)
    head: Line = [(f"{INDENT}{scene.glyphs.bullet} ", "accent"), (named or "subagent", "text")]
    lines: list[Line] = [justify(head, [(plural(child.calls, "call"), "faint")], width)]
    inside = INDENT + "  "
    if opened:
        for part in child.parts.values():
            if part.kind is PartKind.TOOL:
                block = _tool(part, width - len(inside), scene, False, depth + 1)
            else:
                role = "text" if part.kind is PartKind.TEXT else "muted/italic"
                block = [last_rows(part.text, width - len(inside), role, limit=CHILD_ROWS)]
            lines += [[(inside, "text"), *line] for rows in block for line in rows]
        if child.parts:
            return lines
    if doing := child_in_words(child):
        lines.append(cut_line([(inside + doing, "muted")], width))
    return lines
