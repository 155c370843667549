"""The panes of a session: every run side by side, one of them zoomed, or a list with one pane.

One timer reads what was appended to the session's folder and marks the panes that have something new; keys never wait.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Static

from octui.errors import RecordingError
from octui.recording.session import Session
from octui.tui.digest import Digest
from octui.tui.format import size
from octui.tui.frame_pace import FramePace, backed_up
from octui.tui.glyphs import Glyphs
from octui.tui.keys import Command
from octui.tui.layout import Arrangement, arrange, too_small
from octui.tui.lean_compositor import LeanCompositor
from octui.tui.palette import Palette
from octui.tui.screens.base import OctuiScreen
from octui.tui.text import clean_line
from octui.tui.view import SessionView, first_in_need
from octui.tui.widgets.bars import KeysLine, SessionBar
from octui.tui.widgets.drawn import Drawn
from octui.tui.widgets.pane import Pane
from octui.tui.widgets.run_list import RunList
from octui.tui.widgets.search_line import SearchLine
from octui.tui.widgets.side_bar import SideBar

SLOWEST_POLL_S = 0.5
IDLE_POLL_S = 1.0
CLOCK_S = 1.0
SLICE_S = 0.02
BETWEEN_SLICES_S = 0.001


class PanesScreen(OctuiScreen):
    """Shows a session as it goes on, and moves between its runs.

    Args:
        session: What is shown.
        palette: The colours.
        glyphs: What to draw with.
        now: The clock; tests pass their own.
    """

    CSS_PATH = "panes.tcss"
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Textual's own, but a move of the focus does not repaint the whole screen: the two panes do so themselves."""

    COMMANDS_TABLE: ClassVar[tuple[Command, ...]] = ()

    def __init__(
        self, session: Session, palette: Palette, glyphs: Glyphs, *, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._compositor = LeanCompositor()
        self.view = self.make_view(session, now)
        self.palette = palette
        self.glyphs = glyphs
        self.hidden: frozenset[str] = frozenset()
        self.panes = {name: self.make_pane(name) for name in self.view.run_names}
        self.current = next(iter(self.panes), "")
        self.zoomed = False
        self._digest: Digest | None = None
        self._pace = FramePace()
        self._poll_s = self._pace.interval_s
        self._clock_at = 0.0
        self._turns = deque(self.panes)
        self._read_at = 0.0
        self._part = 1.0
        self._trouble = ""
        self.is_stopped = False
        """Whether the session was told to stop before the screen was left."""
        self._changed: set[str] = set()

    def make_view(self, session: Session, now: Callable[[], float]) -> SessionView:
        """Give the view the panes look through."""
        return SessionView(session, now=now)

    def parting_words(self) -> str:
        """Name the commands that show the session again."""
        from octui.tui.way_back import way_back

        return way_back(self.view.session, stopped=self.is_stopped)

    def compose(self) -> ComposeResult:
        """Bars, list, panes and side bar."""
        yield SessionBar(self.palette, self.glyphs)
        with Horizontal(id="body"):
            yield RunList(self.palette, self.glyphs)
            with Container(id="grid"):
                yield from self.panes.values()
            yield SideBar(self.palette, self.glyphs)
        yield from self.compose_bottom()
        yield SearchLine()
        yield Static(id="too-small")

    def compose_bottom(self) -> ComposeResult:
        """The lowest line."""
        yield KeysLine(self.palette, self.COMMANDS_TABLE, self.rank_of)

    def rank_of(self, command: Command) -> int:
        """Give a command's place among the keys that are shown now, the lowest first; 0 keeps it off."""
        return command.rank

    def on_mount(self) -> None:
        """Begin to read."""
        if self.pane is not None:
            self.pane.focus()
        self.lay_out()
        self._poll()

    @property
    def pane(self) -> Pane | None:
        """The pane commands apply to."""
        return self.panes.get(self.current)

    @property
    def keys_are_commands(self) -> bool:
        """Whether a pane has the focus, which makes nothing of keys by itself."""
        return self.focused is None or isinstance(self.focused, Pane)

    @property
    def rows_below_messages(self) -> int:
        """Leave the search line free."""
        return int(self.query_one(SearchLine).display)

    @property
    def session(self) -> Session:
        """The session shown."""
        return self.view.session

    def _poll(self) -> None:
        """Read what is new, draw what changed, and come again: soon while much happens, later while nothing does.

        A log that is too long to be indexed at once is indexed in slices, with keys and frames between them.
        """
        if not self.is_attached:
            return
        if self._pace.gives_way:
            self.set_timer(BETWEEN_SLICES_S, self._poll)
            return
        try:
            if self.session.behind > 0 or time.monotonic() - self._read_at >= self._pace.interval_s * 0.9:
                self._changed |= self.read()
                self._take_in_runs()
                self._read_at = time.monotonic()
                self._part = min(1.0, self._pace.panes(len(self.panes)) / max(1, len(self._changed)))
            self._trouble = ""
        except (OSError, RecordingError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self.notify(clean_line(f"The session cannot be read: {error}"), severity="error", markup=False)
        is_behind = self.session.behind > 0
        busy = bool(self._changed)
        part = self._part
        rarely = self.app.screen is not self or (is_behind and not self.view.is_live)
        if self._pace.may_draw(part, rarely=rarely, is_backed_up=backed_up(self.app)):
            self._pace.began()
            group = self._next_group()
            self.draw(group)
            self._changed -= group
            self.call_after_refresh(self._pace.ended, part)
        is_working = self.work_on()
        busy |= is_working
        self._poll_s = (
            self._pace.interval_s * part
            if busy
            else min(SLOWEST_POLL_S if self.view.active_runs() else IDLE_POLL_S, self._poll_s * 1.3)
        )
        self.set_timer(BETWEEN_SLICES_S if is_behind or is_working else self._poll_s, self._poll)

    def _next_group(self) -> set[str]:
        """The changed panes whose turn it is: so many at a time that a key need not wait for all of them."""
        names = [name for name in (*self._turns, *self._turns) if name in self._changed][
            : self._pace.panes(len(self.panes))
        ]
        if names:
            self._turns.rotate(-1 - self._turns.index(names[-1]))
        return set(names)

    def _take_in_runs(self) -> None:
        """Give runs that came since, such as forks, panes of their own."""
        if len(self.session.run_names) == len(self.panes):
            return
        new = {name: self.make_pane(name) for name in self.view.run_names if name not in self.panes}
        self.panes.update(new)
        self._turns.extend(new)
        self.query_one("#grid").mount(*new.values())
        self.lay_out()
        self.came(new)

    def make_pane(self, name: str) -> Pane:
        """Give the pane of a run."""
        pane = Pane(self.view, name, self.glyphs, self.palette)
        pane.document.hidden = self.hidden
        return pane

    def came(self, names: Iterable[str]) -> None:
        """Runs came that were not there before."""

    def heard_key(self) -> None:
        """Let a key that was pressed go before frames."""
        self._pace.heard_key()

    async def _on_idle(self, event: events.Idle) -> None:
        """Draw what a key did at once: Textual, which goes on from here, would draw at the next tick of its timer."""
        if self._pace.is_answering:
            self._on_timer_update()

    def read(self) -> set[str]:
        """Take in what was appended, in a slice of time; give the runs with anything new."""
        return self.view.refresh(SLICE_S)

    def draw(self, changed: set[str]) -> None:
        """Bring the panes up to date, those of changed runs and where clocks ran on."""
        second = time.monotonic()
        clock = second - self._clock_at >= CLOCK_S
        if not changed and not clock:
            return
        self._clock_at = second if clock else self._clock_at
        status = self.view.status
        for name, pane in self.panes.items():
            if name in changed:
                with suppress(OSError):
                    self.session.refresh_run(name, SLICE_S)  # It waited for its turn while more was printed.
                pane.pull(status)
            elif clock:
                pane.tick(status)
        self.show_sums()

    def show_all(self) -> None:
        """Bring everything up to date, whatever changed."""
        status = self.view.status
        for pane in self.panes.values():
            pane.pull(status)
        self.show_sums()

    def show_sums(self) -> None:
        """Draw the session bar, the list and the side bar."""
        note, role = self.session_note()
        if self.hidden:
            note, role = f"{note}, filtered".removeprefix(", "), "accent/bold"
        self.query_one(SessionBar).show(self.view.name, self.view.session_totals(), note, role)
        run_list = self.query_one(RunList)
        if run_list.display:
            run_list.show([pane.run_view for pane in self.panes.values()], self.current)
        self._show_side()

    def session_note(self) -> tuple[str, str]:
        """A word about the session itself, and its role."""
        if self.view.is_gone:
            return "its folder was deleted", "error/bold"
        if behind := self.session.behind:
            return f"{size(behind)} behind" if self.view.is_live else f"indexing {self.session.indexed:.0%}", "accent"
        if self.view.interrupted:
            return "interrupted", "error/bold"
        return ("", "text") if self.view.is_live else ("ended", "muted")

    def _show_side(self) -> None:
        pane = self.pane
        side = self.query_one(SideBar)
        if not side.display or pane is None:
            return
        if self._digest is None or self._digest.run != self.current:
            self._digest = Digest(self.view, self.current)
        self._digest.advance()
        stderr = self.view.stderr(self.current)
        side.show(pane.run_view, self._digest, self.session.meta(self.current), stderr)

    def work_on(self) -> bool:
        """Go on with what takes longer than one turn; give whether there is more to do."""
        if self.query_one(SideBar).display and self._digest is not None and self._digest.advance():
            self._show_side()
            return True
        return False

    def on_resize(self, event: events.Resize) -> None:
        """Fit the new size."""
        self.lay_out(event.size.width, event.size.height)

    def arrangement(self, width: int, height: int) -> Arrangement:
        """How panes stand in a terminal of this size."""
        return arrange(len(self.panes), width, height - 2)

    def lay_out(self, width: int | None = None, height: int | None = None) -> None:
        """Show the panes that fit, and hide the rest."""
        width = self.size.width if width is None else width
        height = self.size.height if height is None else height
        self.set_class(too_small(width, height), "-too-small")
        self.query_one("#too-small", Static).update(
            Content(f"This terminal is too small\n({width} by {height}).\noctui needs 40 by 10.")
        )
        choice = self.arrangement(width, height)
        alone = self.zoomed or choice.is_list
        for name, pane in self.panes.items():
            pane.display = not alone or name == self.current
        run_list, side = self.query_one(RunList), self.query_one(SideBar)
        run_list.display = choice.is_list and not self.zoomed
        run_list.styles.width = max(24, min(44, width // 3))
        side.display = self.zoomed and width >= 70
        side.styles.width = max(26, min(46, width // 3))
        columns = 1 if alone else max(1, choice.columns)
        self.query_one("#grid").styles.grid_size_columns = columns
        for index, pane in enumerate(self.panes.values(), 1):
            fills = 1 if alone or index < len(self.panes) else columns - (index - 1) % columns
            pane.styles.column_span = fills
        self.call_after_refresh(self.show_sums)

    def choose(self, name: str) -> None:
        """Make a run the current one."""
        if name not in self.panes:
            return
        if name != self.current:
            self.leave_pane()
        self.current = name
        if self.zoomed or self.arrangement(self.size.width, self.size.height).is_list:
            self.lay_out()
        self.panes[name].focus()

    def leave_pane(self) -> None:
        """Another run becomes the current one."""

    def on_pane_touched(self, message: Pane.Touched) -> None:
        """A click chose a pane."""
        self.choose(message.run)

    def on_pane_zoom_asked(self, message: Pane.ZoomAsked) -> None:
        """A double click zooms."""
        self.choose(message.run)
        self.action_zoom()

    def on_run_list_chosen(self, message: RunList.Chosen) -> None:
        """A click chose a run of the list."""
        self.choose(message.run)

    def use_palette(self, palette: Palette) -> None:
        """Draw with other colours."""
        self.palette = palette
        for drawn in self.query(Drawn):
            drawn.use_palette(palette)
        for pane in self.panes.values():
            pane.use_palette(palette)

    def action_next_pane(self, step: int) -> None:
        """Go to the next pane, or the one before."""
        names = list(self.panes)
        if names:
            self.choose(names[(names.index(self.current) + step) % len(names)])

    def action_focus_number(self, number: int) -> None:
        """Go to a pane by its number."""
        names = list(self.panes)
        if number <= len(names):
            self.choose(names[number - 1])

    def action_move_focus(self, direction: str) -> None:
        """Go to the pane in a direction; in a list, up and down."""
        names = list(self.panes)
        if not names:
            return
        choice = self.arrangement(self.size.width, self.size.height)
        columns = 1 if choice.is_list or self.zoomed else choice.columns
        index = names.index(self.current)
        step = {"left": -1, "right": 1, "up": -columns, "down": columns}[direction]
        if 0 <= index + step < len(names):
            self.choose(names[index + step])
        elif direction == "down" and index // columns < (len(names) - 1) // columns:
            self.choose(names[-1])

    def action_zoom(self) -> None:
        """Fill the screen with one run, or go back to all."""
        self.zoomed = not self.zoomed
        self.lay_out()

    def action_next_attention(self) -> None:
        """Go to the next run that needs somebody."""
        found = first_in_need([pane.run_view for pane in self.panes.values()], clean_line(self.current))
        name = next((name for name in self.panes if clean_line(name) == found), None)
        if name is None:
            self.notify("No run needs you.", markup=False)
        else:
            self.choose(name)
            self.panes[name].to_end()
