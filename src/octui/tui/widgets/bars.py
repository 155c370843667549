"""The lines at the top and bottom of the dashboard: the session's sums, and the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.binding import Binding
from textual.content import Content

from octui.recording.facts import RunState
from octui.tui import format as fmt
from octui.tui.glyphs import Glyphs
from octui.tui.keys import Command, key_name
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, cut_line, width_of
from octui.tui.text import cut
from octui.tui.view import SessionTotals
from octui.tui.widgets.drawn import Drawn

LEAST_NAME = 6
_SHOWN = (
    (RunState.RUNNING, "running"),
    (RunState.QUEUED, "queued"),
    (RunState.SUCCEEDED, "done"),
    (RunState.FAILED, "failed"),
    (RunState.STOPPED, "stopped"),
)


class SessionBar(Drawn):
    """One line for the whole session: its name, its runs by state, what needs a person, tokens, cost, time."""

    DEFAULT_CSS = "SessionBar { height: 1; dock: top; }"

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(palette, ground="surface", id="session-bar")
        self.glyphs = glyphs

    def show(self, name: str, totals: SessionTotals, note: str, note_role: str) -> None:
        """Draw the sums; ``note`` is a word about the session itself, such as ``interrupted``."""
        self.show_lines([session_line(name, totals, note, note_role, self.size.width, self.glyphs)])


def session_line(name: str, totals: SessionTotals, note: str, note_role: str, width: int, glyphs: Glyphs) -> Line:
    """Compose the session's line; what matters least is left out first where the width does not do."""
    counts = _counts(totals, glyphs)
    figures: list[Line] = [
        [(f"{fmt.tokens(totals.tokens.total)} tok  ", "muted")],
        [(f"{fmt.cost(totals.cost, incomplete=totals.incomplete)}  ", "text")],
        [(f"{fmt.clock(totals.elapsed_s)} ", "text")],
    ]
    lead: Line = [(" octui ", "accent/bold")]
    told: Line = [(f" {note} ", note_role)] if note else []

    def room() -> int:
        right = sum(map(width_of, figures))
        return width - width_of(lead) - width_of(told) - width_of(counts) - right - 4

    if room() < LEAST_NAME:
        counts = [(_short(text, role), role) for text, role in counts]
    if room() < LEAST_NAME:
        figures = figures[1:]
    if room() < 0:
        told = []
    if room() < 0:
        counts = [span for span in counts if span[1] != "faint"]
    if room() < 0:
        figures = figures[1:]
    left: Line = [*lead, *told]
    if room() >= LEAST_NAME:
        left.append((f" {cut(name, room(), glyphs.ellipsis)}", "text/bold"))
    right = [span for figure in figures for span in figure]
    left = cut_line([*left, ("  ", "text"), *counts], max(0, width - width_of(right) - 1))
    return [*left, (" " * max(0, width - width_of(left) - width_of(right)), "text"), *right]


def _counts(totals: SessionTotals, glyphs: Glyphs) -> Line:
    line: Line = []
    if totals.attention:
        words = f" {glyphs.attention} {totals.attention} need{'s' if totals.attention == 1 else ''} you "
        line += [(words, "attention-text/bold"), ("  ", "text")]
    for state, count in _sums(totals):
        role = f"state-{state.replace('_', '-')}" if count else "faint"
        line += [(f"{glyphs.states[state]} {count} {dict(_SHOWN)[state]}", role), ("  ", "text")]
    return line


def _sums(totals: SessionTotals) -> list[tuple[RunState, int]]:
    """Count running, queued, done and failed runs, and stopped ones where there are any.

    Runs that need somebody are counted as such and not again by their state. States in between belong to the nearest.
    """
    count = totals.counts
    sums = [
        (RunState.RUNNING, count[RunState.RUNNING] + count[RunState.STARTING] + count[RunState.RETRYING]),
        (RunState.QUEUED, count[RunState.QUEUED]),
        (RunState.SUCCEEDED, count[RunState.SUCCEEDED]),
        (RunState.FAILED, count[RunState.FAILED] + count[RunState.TIMED_OUT]),
    ]
    return [*sums, (RunState.STOPPED, stopped)] if (stopped := count[RunState.STOPPED]) else sums


def _short(text: str, role: str) -> str:
    if role == "attention-text/bold":
        return " ".join(text.split()[:2]).join("  ")
    return text.rsplit(" ", 1)[0] if text.strip() else text


def keys_content(told: Sequence[tuple[str, str]], back: str, width: int, help_key: str = "") -> Content:
    """Compose the keys of a screen that has a few: as many as fit, those first that come first, help, and how to leave.

    Args:
        told: The keys, each with what it does in a word or two; one without a key is left out.
        back: The key that goes back; empty for none.
        width: Cells there are.
        help_key: The key that lists all keys; empty for none.
    """
    last = [(key, words) for key, words in ((help_key, "help"), (back, "back")) if key]
    spans: list[str | tuple[str, str]] = []
    room = width - sum(len(key) + len(words) + 3 for key, words in last) + 2
    for key, words in told:
        if not key:
            continue
        room -= len(key) + len(words) + 3
        if room < 0:
            break  # What is left out is in the help.
        spans += [(key, "bold $accent"), f" {words}  "]
    for key, words in last:
        spans += [(key, "bold $accent"), f" {words}  "]
    return Content.assemble(*spans)


class KeysLine(Drawn):
    """The keys that matter most, as many as fit; the help always does. A click runs the command.

    Args:
        palette: The colours.
        commands: The commands of the screen.
        rank_of: Gives a command's place on the line now, the lowest first, and 0 to leave it out; its own if None.
    """

    DEFAULT_CSS = "KeysLine { height: 1; dock: bottom; }"

    def __init__(
        self, palette: Palette, commands: tuple[Command, ...], rank_of: Callable[[Command], int] | None = None
    ) -> None:
        super().__init__(palette, ground="surface", id="keys-line")
        self.commands = commands
        self._rank_of = rank_of or (lambda command: command.rank)
        self._spots: list[tuple[int, int, str]] = []

    def on_resize(self) -> None:
        """Fill the new width."""
        self.update_keys()

    def update_keys(self) -> None:
        """Draw the keys as they are bound now, what matters most now first."""
        bound = keys_by_id([active.binding for active in self.screen.active_bindings.values()])
        ranks = {command.id: self._rank_of(command) for command in self.commands if command.id in bound}
        ranked = sorted((each for each in self.commands if ranks.get(each.id)), key=lambda each: ranks[each.id])
        chosen: list[tuple[str, Command]] = []
        width = self.size.width - 1
        must = [c for c in ranked if c.id in ("app.help", "app.quit")]
        used = sum(_cells(bound, c) for c in must)
        for command in ranked:
            if command in must:
                chosen.append((bound[command.id][0], command))
            elif used + _cells(bound, command) <= width:
                used += _cells(bound, command)
                chosen.append((bound[command.id][0], command))
        line: Line = [(" ", "text")]
        self._spots = []
        at = 1
        for key, command in chosen:
            self._spots.append((at, at + len(key) + 1 + len(command.label), command.action))
            line += [(key, "accent/bold"), (f" {command.label}  ", "muted")]
            at += len(key) + len(command.label) + 3
        self.show_lines([line])

    async def on_click(self, event: events.Click) -> None:
        """Run the command that was clicked."""
        event.stop()
        for start, end, action in self._spots:
            if start <= event.x < end:
                await self.screen.run_action(action)


def _cells(bound: dict[str, list[str]], command: Command) -> int:
    return len(bound[command.id][0]) + len(command.label) + 3 if command.id in bound else 0


def keys_by_id(active: list[Binding]) -> dict[str, list[str]]:
    """The keys of each command as they are bound now, remapped ones included, in words a person knows."""
    found: dict[str, list[str]] = {}
    for binding in active:
        if binding.id:
            found.setdefault(binding.id, []).append(key_name(binding.key))
    return found
