"""The runs of a session side by side: what each took, changed and came to; the best of them can be applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Static

from octui.client.events import Text
from octui.recording.comparing import COLUMNS, Figures, figures_of, ordered
from octui.tui.changes import BetweenRuns
from octui.tui.comparison import Layout, head_line, layout, run_line
from octui.tui.format import plural
from octui.tui.glyphs import Glyphs, state_role
from octui.tui.keys import key_name
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, wrap_text
from octui.tui.render.long_text import Block
from octui.tui.render.markdown import markdown_lines
from octui.tui.requests import masked
from octui.tui.screens.base import OctuiScreen
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.settling import Settler, settled_in_words
from octui.tui.screens.text_screen import Sheet
from octui.tui.text import clean_line
from octui.tui.view import SessionView
from octui.tui.widgets.bars import keys_by_id, keys_content
from octui.tui.widgets.drawn import Drawn

if TYPE_CHECKING:
    from octui.tui.app import OctuiApp

LOOK_AGAIN_S = 0.5
MARKS = 2
_PAGE = 10
_EVENTS_LOOKED_AT = 60
"""Among so many of a run's last events its answer is looked for."""

WIDEST_ANSWER = 110
"""Text is never wider, in cells, than reads well."""


class CompareTable(Drawn):
    """The table: a head that stays, and a line a run."""

    @dataclass
    class Chosen(Message):
        """A click chose a run."""

        index: int

    @dataclass
    class SortAsked(Message):
        """A click on the head asks to sort by a column."""

        column: str

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(palette)
        self.glyphs = glyphs
        self.selected = 0
        self._head: Line = []
        self._layout = Layout(())

    @property
    def room(self) -> int:
        """Cells for the columns: behind the bar, and with as much free on the right."""
        return max(20, self.size.width - 2)

    def show(self, runs: Sequence[Figures], selected: int, marked: Sequence[str], sort: str, *, down: bool) -> None:
        """Draw these runs; the selected one stays in sight."""
        table = layout(runs, self.room)
        head = head_line(table, sort, self.glyphs, descending=down)
        marks = {run: str(number) for number, run in enumerate(marked, 1)}
        lines = [run_line(each, table, self.glyphs, marks.get(each.run, "")) for each in runs]
        if (head, lines, selected) == (self._head, self.lines, self.selected):
            return
        self._head, self.lines, self.selected, self._layout = head, lines, selected, table
        height = max(1, self.size.height - 1)
        if not self.top <= selected < self.top + height:
            self.top = max(0, min(selected, len(lines) - height))
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """Scroll by so many rows, up where negative; the head stays."""
        self.top = max(0, min(self.top + rows, len(self.lines) + 1 - self.size.height))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the head or a run; the selected one stands on a ground of its own, behind a bar."""
        if y == 0:
            return self.palette.strip([(" ", "text"), *self._head], self.size.width)
        index = y - 1 + self.top
        if index >= len(self.lines):
            return self.palette.strip([], self.size.width)
        chosen = index == self.selected
        line: Line = [(self.glyphs.bar if chosen else " ", "accent"), *self.lines[index]]
        return self.palette.strip(line, self.size.width, "selected-ground" if chosen else "background")

    def on_click(self, event: events.Click) -> None:
        """Choose the run that was clicked, or sort by the column whose head was."""
        event.stop()
        index = event.y - 1 + self.top
        if event.y == 0 and (column := self._layout.column_at(event.x - 1)):
            self.post_message(self.SortAsked(column))
        elif event.y > 0 and index < len(self.lines):
            self.post_message(self.Chosen(index))


class CompareScreen(OctuiScreen):
    """Shows a table of runs above what the selected one answered.

    Args:
        view: The session at the moment that is shown; it goes on being read by whoever shows its panes.
        current: The run that is selected first.
        show_changes: Shows what a run changed.
        settled: Is called when something was applied.
        palette: The colours.
        glyphs: What to draw with.
    """

    app: OctuiApp
    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "select(1)", "next run", id="compare.next"),
        Binding("up,k", "select(-1)", "run before", id="compare.previous"),
        Binding("right", "sort_beside(1)", "sort by the next column", id="compare.sort_next"),
        Binding("left", "sort_beside(-1)", "sort by the column before", id="compare.sort_previous"),
        *(
            Binding(str(number % 10), f"sort({column.id!r})", f"sort by {column.id}", id=f"compare.sort_{column.id}")
            for number, column in enumerate((each for each in COLUMNS if each.id != "model"), 1)
        ),
        Binding("r", "turn", "turn the order around", id="compare.turn"),
        Binding("space", "mark", "mark", id="compare.mark", tooltip="Mark the run, to see two against each other."),
        Binding("v", "versus", "marked against each other", id="compare.versus"),
        Binding("enter,d,D", "changes", "its changes", id="compare.changes"),
        Binding("a", "apply", "apply", id="compare.apply", tooltip="Bring its changes into your working tree."),
        Binding("g", "group", "next group", id="compare.group", tooltip="Only the runs of one group, or all again."),
        Binding("pagedown", f"scroll({_PAGE})", "answer down", id="compare.page_down"),
        Binding("pageup", f"scroll(-{_PAGE})", "answer up", id="compare.page_up"),
        Binding("escape,q,C", "close", "back", id="compare.close"),
    ]

    def __init__(
        self,
        view: SessionView,
        current: str,
        show_changes: Callable[[str], None],
        settled: Callable[[], None],
        palette: Palette,
        glyphs: Glyphs,
    ) -> None:
        super().__init__()
        self._view = view
        self._show_changes = show_changes
        self._settled = settled
        self.palette = palette
        self.glyphs = glyphs
        self.current = current
        self.marked: list[str] = []
        self.column = "run"
        self.descending = False
        self.group = ""
        self.runs: list[Figures] = []
        self._answered: object = None
        self._table = CompareTable(palette, glyphs)
        self._sheet = Sheet(self._answer, palette, ground="background")

    def compose(self) -> ComposeResult:
        """The sums, the table, the answer, the keys."""
        yield Static("", id="compare-title", markup=False)
        yield self._table
        yield self._sheet
        yield Static("", id="compare-hint", markup=False)

    def on_mount(self) -> None:
        """Show it, and look again and again."""
        self.set_interval(LOOK_AGAIN_S, self.look)
        self._read()
        self._size_table()
        self.call_after_refresh(self.look)

    def on_resize(self, event: events.Resize) -> None:
        """Lay everything out anew, once the parts have their sizes."""
        self._size_table()
        self.call_after_refresh(self.look, anew=True)

    def use_palette(self, palette: Palette) -> None:
        """Draw with other colours."""
        self.palette = palette
        for drawn in (self._table, self._sheet):
            drawn.use_palette(palette)
        self._sheet.recompose_block(from_start=False)

    def _size_table(self) -> None:
        """The table has the rows it needs, up to all but a third of the screen."""
        self._table.styles.height = max(3, min(len(self.runs) + 2, self.size.height * 2 // 3))

    def _read(self) -> None:
        view, status = self._view, self._view.status
        session = view.session
        runs = [
            figures_of(name, session.meta(name), status.run(name), view.totals(name), view.moment)
            for name in view.run_names
            if not self.group or session.meta(name).group == self.group
        ]
        self.runs = ordered(runs, self.column, descending=self.descending)
        if runs and self.current not in {each.run for each in runs}:
            self.current = self.runs[0].run

    def look(self, *, anew: bool = False) -> None:
        """Show how the runs stand now."""
        before = len(self.runs)
        self._read()
        if before != len(self.runs):
            self._size_table()
        self._table.show(self.runs, self._at, self.marked, self.column, down=self.descending)
        self.query_one("#compare-title", Static).update(self._title())
        self.query_one("#compare-hint", Static).update(self._keys())
        answered = self.current, self._view.visible(self.current), self._view.status.run(self.current)
        if anew or answered != self._answered:
            is_other = not isinstance(self._answered, tuple) or self._answered[0] != self.current
            self._answered = answered
            self._sheet.recompose_block(from_start=is_other)

    @property
    def _at(self) -> int:
        return next((at for at, each in enumerate(self.runs) if each.run == self.current), 0)

    @property
    def _groups(self) -> list[str]:
        """The groups there are to choose from, where that leaves any run out."""
        metas = [self._view.session.meta(name) for name in self._view.run_names]
        groups = list(dict.fromkeys(meta.group for meta in metas))
        return [group for group in groups if group] if len(groups) > 1 else []

    def _title(self) -> Content:
        what = f"the {plural(len(self.runs), 'run')} of {clean_line(self.group)}" if self.group else "compared"
        counts = f"   {plural(len(self.runs), 'run')}" if not self.group else ""
        marked = f"   marked: {' → '.join(map(clean_line, self.marked))}" if self.marked else ""
        return Content.assemble(f"{self._view.name}: {what}", (f"{counts}{marked}", "not bold $role-muted"))

    def _keys(self) -> Content:
        bound = keys_by_id([active.binding for active in self.active_bindings.values()])
        sorts = " ".join(bound[name][0] for name in ("compare.sort_previous", "compare.sort_next") if name in bound)
        told = [
            (bound.get("compare.changes", [""])[0], "changes"),
            (bound.get("compare.mark", [""])[0], "mark"),
            (bound.get("compare.versus", [""])[0], "marked two"),
            (bound.get("compare.apply", [""])[0], "apply"),
            (sorts, "sort"),
            (bound.get("compare.turn", [""])[0], "turn around"),
            (bound.get("compare.group", [""])[0], "group"),
        ]
        return keys_content(
            told, bound.get("compare.close", [""])[0], self.size.width - 2, key_name(self.app.keys_of("app.help")[0])
        )

    def _answer(self, width: int) -> Block:
        """What the selected run came to, and what it answered last."""
        if not self.runs:
            return []
        status = self._view.status.run(self.current)
        meta = self._view.session.meta(self.current)
        width = min(width, WIDEST_ANSWER)
        lines: list[Line] = [[(clean_line(self.current), "heading/bold"), (f"  {clean_line(meta.model)}", "muted")]]
        if status.why:
            lines += wrap_text(status.why, width, state_role(status))
        if status.worktree is not None:
            branch = status.worktree.branch
            words = settled_in_words(status, "") if status.settled else f"{clean_line(self.current)}: on {branch}"
            lines += wrap_text(words.partition(": ")[2].strip(), width, "muted")
        if meta.check:
            code = status.checked.exit_code if status.checked else None
            came = "" if status.checked is None else f"  exit code {code}" if code is not None else "  was ended"
            lines += wrap_text(f"check: {masked(meta.check)}{came}", width, "muted")
        lines.append([])
        if answer := self._last_words():
            return [[*lines, *markdown_lines(answer, width, bullet=self.glyphs.bullet, rule=self.glyphs.rule)]]
        return [[*lines, [("It has no answer.", "muted")]]]

    def _last_words(self) -> str:
        count = self._view.visible(self.current)
        for index in range(count - 1, max(-1, count - 1 - _EVENTS_LOOKED_AT), -1):
            body = self._view.event(self.current, index).body
            if isinstance(body, Text) and not body.reasoning and body.text.strip():
                return body.text
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Groups are gone through where there are any."""
        return bool(self._groups) if action == "group" else True

    def action_select(self, step: int) -> None:
        """Go to another run."""
        if 0 <= self._at + step < len(self.runs):
            self.current = self.runs[self._at + step].run
            self.look()

    def on_compare_table_chosen(self, message: CompareTable.Chosen) -> None:
        """A click chose a run."""
        self.action_select(message.index - self._at)

    def on_compare_table_sort_asked(self, message: CompareTable.SortAsked) -> None:
        """A click on the head sorts."""
        self.action_sort(message.column)

    def action_sort(self, column: str) -> None:
        """Sort by a column; by the one it is sorted by already, the other way around."""
        self.descending = column == self.column and not self.descending
        self.column = column
        self.look()

    def action_sort_beside(self, step: int) -> None:
        """Sort by the column beside, among those in sight."""
        shown = layout(self.runs, self._table.room).ids
        at = shown.index(self.column) if self.column in shown else 0
        self.column = shown[(at + step) % len(shown)]
        self.look()

    def action_turn(self) -> None:
        """Sort the other way around."""
        self.descending = not self.descending
        self.look()

    def action_mark(self) -> None:
        """Mark the selected run, or take its mark away; of three, the first is no more marked."""
        if self.current in self.marked:
            self.marked.remove(self.current)
        else:
            self.marked = [*self.marked, self.current][-MARKS:]
        self.look()

    def action_versus(self) -> None:
        """Open the changes of the two marked runs against each other; of one, against the selected one."""
        pair = list(dict.fromkeys([*self.marked, self.current]))[:MARKS]
        if len(pair) < MARKS:
            key = keys_by_id([active.binding for active in self.active_bindings.values()])["compare.mark"][0]
            self.notify(f"Mark two runs first, with {key}.", markup=False)
            return
        settler = Settler(self, self._view.session, self._done)
        if why := next(filter(None, map(settler.why_not, pair)), ""):
            self.notify(why, severity="warning", markup=False)
            return
        self.app.push_screen(ChangesScreen(BetweenRuns(self._view.session, *pair), self.palette, self.glyphs))

    def action_changes(self) -> None:
        """Open what the selected run changed."""
        if self.runs:
            self._show_changes(self.current)

    def action_apply(self) -> None:
        """Bring what the selected run changed into the user's working tree, after asking."""
        if self.runs:
            Settler(self, self._view.session, self._done).apply(self.current)

    def _done(self) -> None:
        self._settled()
        self.look(anew=True)

    def action_group(self) -> None:
        """Show the runs of the next group; after the last, all."""
        groups = ["", *self._groups]
        self.group = groups[(groups.index(self.group) + 1) % len(groups)]
        self.look(anew=True)

    def action_scroll(self, rows: int) -> None:
        """Scroll the answer."""
        self._sheet.scroll_rows(rows)

    def action_close(self) -> None:
        """Go back to the panes."""
        self.dismiss(None)
