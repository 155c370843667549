"""The table of runs side by side as lines: on the screen, and on the command line. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.cells import cell_len

from octui.recording.comparing import Figures
from octui.tui import format as fmt
from octui.tui.glyphs import UNICODE, Glyphs
from octui.tui.render.lines import Line
from octui.tui.text import clean_line, cut, cut_start, pad

ROOMY = 110
"""In so many columns there is room for the model and for longer heads."""

LEAST_NAME = 10
WIDEST_NAME = 48
LEAST_MODEL = 7
"""Its head, with the arrow of a sorted column behind it."""

WIDEST_MODEL = 28


@dataclass(frozen=True, slots=True)
class Shown:
    """How a column is shown.

    Attributes:
        id: The column's.
        title: Its head, and the shorter one where there is little room.
        width: Cells it takes where there is room, the space before it included; 0 for one that takes of what is left.
            Where there is little room it is as wide as its head, with an arrow behind it, and what stands in it.
        cell: What stands in it, and its role.
    """

    id: str
    title: tuple[str, str]
    width: int
    cell: Callable[[Figures, Glyphs], tuple[str, str]]


def _name(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    return clean_line(each.run), "text/bold"


def _model(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    return clean_line(PurePath(each.model).name), "muted"


def _outcome(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    return str(each.state).replace("_", " "), _state(each)


def _time(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    if each.seconds is None:
        return glyphs.rule, "faint"
    return fmt.clock(each.seconds), "text"


def _tokens(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    return fmt.tokens(each.tokens), "text" if each.tokens else "muted"


def _cost(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    return fmt.cost(each.cost, incomplete=each.is_incomplete), "text" if each.cost else "muted"


def _number(count: int | None, glyphs: Glyphs, sign: str = "", role: str = "text") -> tuple[str, str]:
    if count is None:
        return glyphs.rule, "faint"
    return f"{sign if count else ''}{count if count < 10_000 else f'{count // 1000}k'}", role if count else "muted"


def _check(each: Figures, glyphs: Glyphs) -> tuple[str, str]:
    if each.is_checking:
        return "…", "state-running"
    if each.check is None:
        return glyphs.rule, "faint"
    good = each.check == 0
    return f"{glyphs.ok if good else glyphs.failed} {each.check}", "state-succeeded" if good else "state-failed"


_SHOWN = (
    Shown("run", ("run", "run"), 0, _name),
    Shown("model", ("model", "model"), 0, _model),
    Shown("outcome", ("outcome", "outcome"), 11, _outcome),
    Shown("time", ("time", "time"), 8, _time),
    Shown("turns", ("turns", "turn"), 8, lambda each, glyphs: _number(each.turns, glyphs)),
    Shown("tokens", ("tokens", "tok"), 9, _tokens),
    Shown("cost", ("cost", "cost"), 9, _cost),
    Shown("files", ("files", "file"), 8, lambda each, glyphs: _number(each.files, glyphs)),
    Shown("added", ("+", "+"), 7, lambda each, glyphs: _number(each.added, glyphs, "+", "added")),
    Shown("removed", ("−", "−"), 7, lambda each, glyphs: _number(each.removed, glyphs, glyphs.minus, "removed")),
    Shown("check", ("check", "check"), 8, _check),
)
_LEFT = ("run", "model", "outcome")


def _state(each: Figures) -> str:
    return f"state-{str(each.state).replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns a width has room for: (column, its head, its cells), from left to right."""

    columns: tuple[tuple[Shown, str, int], ...]

    @property
    def ids(self) -> list[str]:
        """The columns by their names."""
        return [shown.id for shown, _, _ in self.columns]

    def column_at(self, x: int) -> str:
        """Name the column at a cell; empty behind the last."""
        for shown, _, width in self.columns:
            if x < width:
                return shown.id
            x -= width
        return ""


def layout(runs: Sequence[Figures], width: int) -> Layout:
    """Divide a width among the columns; the name and the model take what they need of what the others leave."""
    is_narrow = width < ROOMY
    left_out = set() if any(each.files is not None for each in runs) else {"files", "added", "removed"}
    if not any(each.has_check or each.check is not None for each in runs):
        left_out.add("check")
    if is_narrow or not any(each.model for each in runs):
        left_out.add("model")
    shown = [each for each in _SHOWN if each.id not in left_out]
    widths = {each.id: _needed(each, runs) if is_narrow and each.width else each.width for each in shown}
    room = width - sum(widths.values())
    model = 0
    if "model" not in left_out:
        longest = max(cell_len(clean_line(PurePath(each.model).name)) for each in runs)
        model = max(LEAST_MODEL, min(WIDEST_MODEL, room // 2, 2 + longest))
    longest = max((cell_len(clean_line(each.run)) for each in runs), default=0)
    name = max(LEAST_NAME, min(room - model, WIDEST_NAME, longest + 6))
    widths |= {"run": name, "model": model}
    return Layout(tuple((each, each.title[is_narrow], widths[each.id]) for each in shown))


def _needed(column: Shown, runs: Sequence[Figures]) -> int:
    cells = (column.cell(each, UNICODE)[0] for each in runs)
    return 1 + max(len(column.title[True]) + 1, *map(len, cells))


def head_line(table: Layout, column: str, glyphs: Glyphs, *, descending: bool) -> Line:
    """Compose the head: each column's name, an arrow at the one that is sorted by."""
    line: Line = []
    for shown, title, width in table.columns:
        title = glyphs.minus if shown.id == "removed" else title
        if shown.id == column:
            title += glyphs.down if descending else glyphs.up
        lead = 4 if shown.id == "run" else 0
        line += [(" " * lead, "text")] if lead else []
        line.append(
            (_placed(title, width - lead, shown.id, glyphs), "accent/bold" if shown.id == column else "heading")
        )
    return line


def run_line(each: Figures, table: Layout, glyphs: Glyphs, mark: str = "") -> Line:
    """Compose a run's line; ``mark`` is its number among those that are marked."""
    line: Line = [(f"{mark:1} ", "accent/bold")]
    for shown, _, width in table.columns:
        text, role = shown.cell(each, glyphs)
        if shown.id == "run":
            line += [(f"{glyphs.states[each.state]} ", f"{_state(each)}/bold")]
            line.append((pad(cut_start(text, width - 5, glyphs.ellipsis), width - 4), role))
        else:
            line.append((_placed(text, width, shown.id, glyphs), role))
    return line


def _placed(text: str, width: int, column: str, glyphs: Glyphs) -> str:
    text = cut(text, width - 1, glyphs.ellipsis)
    return pad(text, width) if column in _LEFT else f"{text:>{width}}"
