"""What a run waits for, drawn: the card at the end of its pane, and all of what a permission is about."""

from __future__ import annotations

from collections.abc import Sequence

from octui.client.serve.events import Permission, Question
from octui.tui.format import plural
from octui.tui.glyphs import Glyphs
from octui.tui.render.diffs import diff_block, diff_lines
from octui.tui.render.lines import Line, cut_line, wrap_text
from octui.tui.render.long_text import Block, body
from octui.tui.requests import Waiting, masked, shown, subject, wish
from octui.tui.text import TAB_CELLS, clean, clean_line

CARD_LINES = 6
"""Lines of a command or diff on a card; the dialog shows all of it."""

CARD_OPTIONS = 5
_LOOKED_AT = 8_000
_EMOJI_STYLE = "\ufe0f"


def card(waiting: Sequence[Waiting], width: int, glyphs: Glyphs, answer_key: str) -> list[Line]:
    """Draw what a run waits for, as the last thing in its pane.

    Args:
        waiting: Its requests, the oldest first; the others are counted.
        width: In cells.
        glyphs: What to draw with.
        answer_key: The key that answers; empty where nobody can, as in a replay.
    """
    request = waiting[0].request
    lines: list[Line] = [[(f"{glyphs.attention} {wish(request)}", "state-attention/bold")]]
    inner = width - 2
    if isinstance(request, Question):
        lines += _question_lines(request, inner, glyphs)
    else:
        lines += _permission_lines(request, inner)
    more = len(waiting) - 1
    last: Line = [(f" {answer_key} ", "attention-text/bold"), (" answer", "text")] if answer_key else []
    if more:
        last.append((f"{'  ' if last else ''}and {plural(more, 'more request')} after it", "muted"))
    if last:
        lines += [[], last]
    return [[], *([(f"{glyphs.bar} ", "state-attention"), *cut_line(line, inner)] for line in lines)]


def _permission_lines(request: Permission, width: int) -> list[Line]:
    lines: list[Line] = []
    command = request.metadata.get("command")
    about = masked(subject(request)[:_LOOKED_AT]).strip("\n")
    if about:
        role = "text/bold" if isinstance(command, str) else "text"
        lines += wrap_text(about, width, role, limit=CARD_LINES)[: CARD_LINES + 1]
    diff = _diff(request)
    if diff:
        lines += diff_lines(masked(diff[:_LOOKED_AT]), width, indent="", limit=CARD_LINES)
    return lines


def _question_lines(request: Question, width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for item in request.questions[:1]:
        lines += wrap_text(masked(item.question[:_LOOKED_AT]), width, "text/bold", limit=CARD_LINES)[: CARD_LINES + 1]
        for option in item.options[:CARD_OPTIONS]:
            said = f"  {shown(option.description)}" if option.description else ""
            lines.append(cut_line([(f"{glyphs.bullet} {shown(option.label)}", "text"), (said, "muted")], width))
        left = len(item.options) - CARD_OPTIONS
        if left > 0:
            lines.append([(f"{glyphs.ellipsis} {plural(left, 'more option')}", "muted")])
    for item in request.questions[1:3]:
        lines.append([("then: ", "muted"), (shown(item.question), "muted")])
    return lines


def permission_block(request: Permission, width: int) -> Block:
    """All of what a permission is about: the whole command, the paths, the diff, and what else the server tells."""
    about = masked(subject(request)).strip("\n")
    is_command = isinstance(request.metadata.get("command"), str)
    role = "text/bold" if is_command else "text"
    block: list[Sequence[Line]] = [*body(about or "(the server does not say)", width, role)]
    patterns = [pattern for pattern in request.patterns if masked(pattern) != about]
    if patterns and is_command:
        rows: list[Line] = [[]]
        for pattern in patterns:
            rows += wrap_text(f"asked for as {masked(pattern)}", width, "muted", indent="")
        block.append(rows)
    diff = _diff(request)
    if diff:
        block += [[[]], *diff_block(masked(diff), width, indent="")]
    if hides_something(about) or hides_something(diff):
        block.append([[], [("It holds characters that are not shown: control or invisible ones.", "warning/bold")]])
    return block


def hides_something(text: str) -> bool:
    """Whether a text has more in it than is seen once it is clean."""
    return clean(text) != text.replace("\r\n", "\n").replace(_EMOJI_STYLE, "").expandtabs(TAB_CELLS)


def always_words(request: Permission) -> str:
    """Say exactly what ``always`` would allow from now on; empty where the server offers nothing."""
    patterns = [clean_line(masked(pattern)) for pattern in request.always]
    if not patterns:
        return ""
    if patterns == ["*"]:
        return f"every {clean_line(request.permission)}"
    return f"{clean_line(request.permission)} " + ", ".join(f"`{pattern}`" for pattern in patterns)


def _diff(request: Permission) -> str:
    diff = request.metadata.get("diff") or request.metadata.get("patch")
    return diff if isinstance(diff, str) else ""
