"""The list of runs, where panes side by side would be too small."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip

from octui.tui import format as fmt
from octui.tui.glyphs import Glyphs, needs_you, state_glyph, state_role, state_words
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, cut_line, justify, width_of
from octui.tui.text import cut_middle
from octui.tui.view import WAITS, RunView
from octui.tui.widgets.drawn import Drawn


class RunList(Drawn):
    """Every run in two lines, or one where there are many: state, name, tokens; what it is doing now."""

    @dataclass
    class Chosen(Message):
        """A click chose a run."""

        run: str

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(palette, id="run-list")
        self.glyphs = glyphs
        self.runs: list[RunView] = []
        self.selected = ""
        self.rows_each = 1
        """Lines a run takes: of those drawn, also where the list has another height since."""

    def show(self, runs: list[RunView], selected: str) -> None:
        """Draw these runs; the selected one stays in sight."""
        self.runs, self.selected = runs, selected
        self.rows_each = 2 if len(runs) * 2 <= self.size.height else 1
        lines: list[Line] = []
        for run in runs:
            lines += self._run_lines(run, self.size.width - 3)
        self.lines = lines
        index = next((i for i, run in enumerate(runs) if run.name == selected), 0) * self.rows_each
        if not self.top <= index <= self.top + self.size.height - self.rows_each:
            self.top = max(0, min(index, len(lines) - self.size.height))
        self.refresh()

    def _run_lines(self, run: RunView, width: int) -> list[Line]:
        role = state_role(run.status)
        glyph = (f"{state_glyph(run.status, self.glyphs)} ", f"{role}/bold")
        figures: Line = [(f"{fmt.tokens(run.totals.tokens.total):>6}", "muted")]
        room = width - width_of([glyph]) - width_of(figures) - 1
        name = (cut_middle(run.name, max(1, room), self.glyphs.ellipsis), "text/bold")
        if self.rows_each == 1:
            return [justify([glyph, name], figures, width)]
        words = run.waits.removeprefix(WAITS) or run.attention or run.now or state_words(run.status)
        said = (words, "state-attention" if needs_you(run.status) else "muted")
        return [justify([glyph, name], figures, width), cut_line([("  ", "text"), said], width)]

    def render_line(self, y: int) -> Strip:
        """Draw one line; the selected run stands on a ground of its own, behind a bar."""
        index = y + self.top
        run = index // self.rows_each
        width = self.size.width - 1
        edge = self.palette.strip([(self.glyphs.vertical, "border")], 1)
        if index >= len(self.lines):
            return Strip([*self.palette.strip([], width), *edge], width + 1)
        chosen = self.runs[run].name == self.selected
        line: Line = [(self.glyphs.bar if chosen else " ", "accent"), *self.lines[index]]
        row = self.palette.strip(line, width, "selected-ground" if chosen else "background")
        return Strip([*row, *edge], width + 1)

    def on_click(self, event: events.Click) -> None:
        """Choose the run that was clicked."""
        event.stop()
        index = (event.y + self.top) // self.rows_each
        if index < len(self.runs):
            self.post_message(self.Chosen(self.runs[index].name))
