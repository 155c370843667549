"""The frame of a pane: a head that tells at a glance how the run is, a foot with its sums and what it is doing now."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from octui.tui import format as fmt
from octui.tui.glyphs import Glyphs, needs_you, state_glyph, state_role, state_words
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, cut_line, width_of
from octui.tui.render.worktree import short_work_spans, work_spans
from octui.tui.text import cut, cut_middle
from octui.tui.view import RunView

_LEAST_WORDS = 12
LEAST_BESIDE_STATE = 12
"""Cells for the sign, the ends of the state's ground and a few of the name; in less, a state is ``needs you`` alone."""

LEAST_NAME = 24
"""Cells of a run's name that stay before anything beside it but its state; longer ones are cut."""


def frame_signs(glyphs: Glyphs, focused: bool) -> tuple[str, str, str]:
    """Corners, horizontal and vertical line; heavy around the focused pane, so that focus is seen without colour."""
    if glyphs.corners != "╭╮╰╯":
        return glyphs.corners, "=" if focused else glyphs.horizontal, glyphs.vertical
    return ("┏┓┗┛", "━", "┃") if focused else (glyphs.corners, glyphs.horizontal, glyphs.vertical)


def border_role(run: RunView, focused: bool) -> str:
    """The colour of the frame: loud only for what needs a person."""
    if needs_you(run.status):
        return "state-attention"
    return "border-focus" if focused else "border"


def head_lines(run: RunView, width: int, glyphs: Glyphs) -> tuple[Line, Line]:
    """Give the left and right end of the head: who and how; model, agent, time.

    The state is never cut. Where there is little room, agent, model and time go before the beginning of the name does.
    """
    role = state_role(run.status)
    state = state_words(run.status)
    sign: Line = [(f"{state_glyph(run.status, glyphs)} ", f"{role}/bold")]
    if not needs_you(run.status):
        told_state: Line = [("  ", "text"), (state, role)]
    elif width >= cell_len(state) + LEAST_BESIDE_STATE:
        told_state = [("  ", "text"), (f" {state} ", "attention-text/bold")]
    else:
        told_state = [(" ", "text"), ("needs you", "attention-text/bold")]
    for_name = width - width_of(sign) - width_of(told_state)

    def left(room: int) -> Line:
        return [*sign, (cut_middle(run.name, room, glyphs.ellipsis), "text/bold"), *told_state]

    muted = "muted"
    attempt: Line = []
    if run.status.attempt > 1:
        attempt = [(f"attempt {run.status.attempt}/{run.status.attempts_allowed}", muted)]
    elapsed: Line = [(fmt.clock(run.elapsed_s), muted)] if run.elapsed_s is not None else []
    model: Line = [(run.model, muted)] if run.model else []
    agent: Line = [(run.agent, muted)] if run.agent else []
    work = work_spans(run.status, glyphs)
    choices = [(attempt, work, model, agent, elapsed), (attempt, work, model, elapsed), (attempt, work, elapsed)]
    least = min(cell_len(run.name), LEAST_NAME)
    for facts in [*choices, (attempt, short_work_spans(run.status, glyphs), elapsed), (attempt, elapsed)]:
        told = _joined([fact for fact in facts if fact], (f" {glyphs.separator} ", muted))
        room = for_name - width_of(told) - 4
        if told and room >= least:
            return left(room), told
    if for_name > 0:
        return left(for_name), []
    return cut_line([*sign, told_state[-1]], width), []


def _joined(parts: list[Line], between: tuple[str, str]) -> Line:
    line: Line = []
    for part in parts:
        line += [between, *part] if line else part
    return line


def foot_lines(run: RunView, width: int, glyphs: Glyphs) -> tuple[Line, Line]:
    """The left and right end of the foot: the sums; why it needs a person, or what it is doing now."""
    totals = run.totals
    sums = [fmt.plural(totals.turns, "step"), f"{fmt.tokens(totals.tokens.total)} tok"]
    sums.append(fmt.cost(totals.cost, incomplete=run.incomplete))
    left: Line = [(f" {glyphs.separator} ".join(sums) if totals.turns else "", "muted")]
    if not left[0][0]:
        left = []
    urgent = run.waits or run.attention
    words = urgent or run.now
    room = width - width_of(left) - 3
    if run.waits and cell_len(words) > room:
        return [], [(cut(words, width - 2, glyphs.ellipsis), "state-attention/bold")]
    if words and room < _LEAST_WORDS:
        left = [(sums[1], "muted")] if left and not urgent else []
        room = width - width_of(left) - 3
    if not words or room < _LEAST_WORDS:
        return cut_line(left, width), []
    return left, [(cut(words, room, glyphs.ellipsis), "state-attention/bold" if urgent else "muted")]


def edge(left: Line, right: Line, *, width: int, ends: str, horizontal: str, role: str, palette: Palette) -> Strip:
    """Draw the upper or lower edge: corner, left end, line, right end, corner."""
    line: Line = [(ends[0], role)]
    if left:
        line += [(" ", role), *left, (" ", role)]
    tail: Line = [(" ", role), *right, (" ", role)] if right else []
    fill = width - width_of(line) - width_of(tail) - 1
    line += [(horizontal * max(0, fill), role), *tail, (ends[1], role)]
    return palette.strip(line, width)
