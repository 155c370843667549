"""What one does with events: open, copy, see as printed, filter, search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from textual.worker import Worker

from octui.tui.passing import FILTERS
from octui.tui.screens.panes import BETWEEN_SLICES_S, PanesScreen
from octui.tui.scroller import Spot
from octui.tui.search import Search
from octui.tui.widgets.pane import Pane
from octui.tui.widgets.search_line import SearchLine

_KIND_WORDS = {
    "text": "Answers",
    "reasoning": "Reasoning",
    "tool_use": "Tool calls",
    "step_finish": "Ends of steps",
    "error": "Errors",
    "prompt": "Further prompts",
    "diagnostic": "Lines that are no events",
    "other": "Events not known to octui",
}


_WIDE = 200
"""Cells in which a closed block shows most of what it has to show."""


class Awaited(NamedTuple):
    """An older hit that somebody asked for and that is not found yet.

    Attributes:
        start: The item before which it stands.
        position: Where the pane stood when it was asked for.
    """

    start: int
    position: tuple[bool, int | None, Spot | None]


class EventsScreen(PanesScreen):
    """Panes whose events can be handled."""

    search: Search | None = None
    _worker: Worker[None] | None = None
    _awaited: Awaited | None = None

    def work_on(self) -> bool:
        """Go on with what takes longer than one turn; a search for itself, and again where events came."""
        if self.search is not None and self.search.is_behind and (self._worker is None or self._worker.is_finished):
            self._worker = self.run_worker(self._search_on(self.search), group="search", exclusive=True)
        return super().work_on()

    async def _search_on(self, search: Search) -> None:
        """Search to the end, in slices, unless something else is searched meanwhile."""
        while self.search is search:
            if not self._pace.gives_way:
                is_behind = search.advance()
                self._go_to_awaited()
                self._say_search()
                if not is_behind:
                    return
            await asyncio.sleep(BETWEEN_SLICES_S)

    def leave_pane(self) -> None:
        """A search belongs to one pane."""
        if self.search is not None or self.query_one(SearchLine).display:
            self._stop_search()

    def action_back(self) -> None:
        """Leave the search, then the zoom."""
        if self.search is not None or self.query_one(SearchLine).display:
            self._stop_search()
        elif self.zoomed:
            self.action_zoom()

    def _on_pane(self, act: Callable[[Pane], object]) -> None:
        if self.pane is not None:
            act(self.pane)

    def action_move_cursor(self, step: int) -> None:
        """Move the event cursor."""
        self._on_pane(lambda pane: pane.move_cursor(step))

    def action_open_event(self) -> None:
        """Open or close the current event."""
        self._on_pane(lambda pane: pane.toggle())

    def action_toggle_all(self) -> None:
        """Open or close every event of the pane."""
        self._on_pane(lambda pane: pane.toggle_all())

    def action_page(self, direction: int) -> None:
        """Scroll by a page."""
        self._on_pane(lambda pane: pane.page(direction))

    def action_scroll_home(self) -> None:
        """Go to the start of the run."""
        self._on_pane(lambda pane: pane.to_start())

    def action_scroll_end(self) -> None:
        """Follow the newest event."""
        self._on_pane(lambda pane: pane.to_end())

    def action_raw(self) -> None:
        """Show the current event as opencode printed it."""
        if (pane := self.pane) is None:
            return
        item = pane.current
        raw = pane.document.raw(item)
        if raw is None:
            self.notify("There is no event here.", markup=False)
            return
        from octui.tui.screens.sheets import raw_screen

        when = self.view.log(self.current).time(item - 1)
        self.app.push_screen(raw_screen(pane.run_view.name, item, raw, when, self.palette))

    def action_copy(self) -> None:
        """Copy the text of the current event."""
        if (pane := self.pane) is not None and (text := pane.document.text(pane.current)):
            self.app.copy_to_clipboard(text)
            self.notify("Copied.", markup=False, timeout=2)

    def action_filter(self) -> None:
        """Choose which kinds of events are shown, in all panes."""

        def apply(hidden: frozenset[str] | None) -> None:
            if hidden is None:
                return
            self.hidden = hidden
            for pane in self.panes.values():
                pane.document.hidden = hidden
                pane.to_end()
            self.show_sums()

        from octui.tui.screens.dialogs import FilterScreen

        self.app.push_screen(FilterScreen([(kind, _KIND_WORDS[kind]) for kind in FILTERS], self.hidden), apply)

    async def action_search(self) -> None:
        """Open the search line."""
        await self.query_one(SearchLine).open()

    def on_search_line_typed(self, message: SearchLine.Typed) -> None:
        """Search anew for what is typed."""
        pane = self.pane
        if pane is None:
            return
        self.search = Search(pane.document, message.query) if message.query.strip() else None
        self._awaited = None
        pane.search_for(message.query if self.search else "")
        if self.search is not None:
            self.search.advance()
            self._go_to_hit(-1, start=pane.document.last)
            if self.search.is_behind:
                self._worker = self.run_worker(self._search_on(self.search), group="search", exclusive=True)
        self._say_search()

    def on_search_line_submitted(self, message: SearchLine.Submitted) -> None:
        """Give the keys back to the pane."""
        if self.search is None:
            self._stop_search()
        elif self.pane is not None:
            self.pane.focus()

    async def action_search_next(self, step: int) -> None:
        """Go to the next match, or the one before."""
        if self.search is None:
            await self.action_search()
        elif self.pane is not None:
            self._go_to_hit(step, start=self.pane.current)

    def _go_to_hit(self, step: int, start: int) -> None:
        """Go to the next hit, or the one before; where that is not found yet, go as soon as it is."""
        pane, search = self.pane, self.search
        if pane is None or search is None:
            return
        hit = search.next(start, step, around=step > 0 or not search.is_behind)
        if hit is None:
            self._awaited = Awaited(start, pane.scroller.position)
        else:
            self._awaited = None
            self._show_hit(pane, hit, search.query)
        self._say_search()

    def _show_hit(self, pane: Pane, hit: int, query: str) -> None:
        """Go to where an item shows the words; open it where they do not stand in what is shown of it."""
        document = pane.document
        if document.is_foldable(hit) and not document.is_open(hit) and document.find(hit, _WIDE, query) is None:
            document.open(hit)
            pane.redraw(everything=True)
        pane.go_to(hit, query)

    def _go_to_awaited(self) -> None:
        """Go to the older hit that is awaited, unless somebody went elsewhere meanwhile."""
        awaited, pane = self._awaited, self.pane
        if awaited is None or pane is None:
            return
        if pane.scroller.position == awaited.position:
            self._go_to_hit(-1, start=awaited.start)
        else:
            self._awaited = None

    def _say_search(self) -> None:
        search, pane = self.search, self.pane
        words = ""
        if search is not None and pane is not None:
            found = search.found
            words = f"{search.place(pane.current)}/{found}  n N" if found else "no match"
            if search.is_behind:
                words = f"{words if found else 'searching'}  {search.done:.0%}".replace("%", " %")
        self.query_one(SearchLine).say(words)

    def _stop_search(self) -> None:
        self.search = self._awaited = None
        line = self.query_one(SearchLine)
        if line.display:
            line.close()
        if self.pane is not None:
            self.pane.search_for("")
            self.pane.focus()
