"""What one does with events: open, copy, see as printed, filter, search."""

from __future__ import annotations

from collections.abc import Callable

from octui.tui.document import FILTERS
from octui.tui.screens.panes import PanesScreen
from octui.tui.search import Search
from octui.tui.widgets.pane import Pane
from octui.tui.widgets.search_line import SearchLine

_KIND_WORDS = {
    "text": "Answers",
    "reasoning": "Reasoning",
    "tool_use": "Tool calls",
    "step_finish": "Ends of steps",
    "error": "Errors",
    "diagnostic": "Lines that are no events",
    "other": "Events not known to octui",
}


class EventsScreen(PanesScreen):
    """Panes whose events can be handled."""

    search: Search | None = None

    def work_on(self) -> bool:
        """Go on with the search, and what else takes longer than one turn."""
        more = super().work_on()
        if self.search is None:
            return more
        before = len(self.search.hits), int(self.search.done * 100)
        searching = self.search.advance()
        if (len(self.search.hits), int(self.search.done * 100)) != before or not searching:
            self._say_search()
        return more or searching

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

    def action_search(self) -> None:
        """Open the search line."""
        self.query_one(SearchLine).open()

    def on_search_line_typed(self, message: SearchLine.Typed) -> None:
        """Search anew for what is typed."""
        pane = self.pane
        if pane is None:
            return
        self.search = Search(pane.document, message.query) if message.query.strip() else None
        pane.search_for(message.query if self.search else "")
        self._say_search()
        if self.search is not None:
            self.search.advance()
            self._go_to_hit(-1, start=pane.document.last)

    def on_search_line_submitted(self, message: SearchLine.Submitted) -> None:
        """Give the keys back to the pane."""
        if self.search is None:
            self._stop_search()
        elif self.pane is not None:
            self.pane.focus()

    def action_search_next(self, step: int) -> None:
        """Go to the next match, or the one before."""
        if self.search is None:
            self.action_search()
        elif self.pane is not None:
            self._go_to_hit(step, start=self.pane.current)

    def _go_to_hit(self, step: int, start: int) -> None:
        pane, search = self.pane, self.search
        if pane is None or search is None:
            return
        hit = search.next(start, step)
        if hit is not None:
            shown = "\n".join("".join(text for text, _ in line) for line in pane.document.lines(hit, 200))
            if search.query.casefold() not in shown.casefold() and pane.document.is_foldable(hit):
                pane.document.open(hit)
            pane.go_to(hit)
        self._say_search()

    def _say_search(self) -> None:
        search, pane = self.search, self.pane
        words = ""
        if search is not None and pane is not None:
            found = len(search.hits)
            place = search.place(pane.current)
            searching = search.searched + 1 < pane.document.last
            words = f"{place}/{found}  n N" if found else "searching" if searching else "no match"
            if searching:
                words += f"  {int(search.done * 100)}%"
        self.query_one(SearchLine).say(words)

    def _stop_search(self) -> None:
        self.search = None
        line = self.query_one(SearchLine)
        if line.display:
            line.close()
        if self.pane is not None:
            self.pane.search_for("")
            self.pane.focus()
