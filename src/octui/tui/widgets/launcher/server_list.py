"""The MCP overrides: servers to switch on and off, and to add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from octui.discovery.config_files import FoundServer
from octui.tui.launch.servers import Kind, ServerRow, check_server, describe, merge_found, toggled
from octui.tui.text import clean_line, cut, pad
from octui.tui.widgets.launcher.row_list import Row, RowList

NAME_CELLS = 16
_ADDING: tuple[tuple[Kind, str], ...] = (("local", "+ add a local server"), ("remote", "+ add a remote server"))
_SOURCES = {"user": "yours", "project": "project", "new": "new"}


class ServerList(RowList):
    """The servers found in the configuration and those the form brings, each on or off."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "on or off", show=False),
        Binding("enter", "open", "edit or add", show=False),
        Binding("e", "edit", "edit", show=False),
        Binding("plus,l", "add('local')", "add a local server", show=False),
        Binding("r", "add('remote')", "add a remote server", show=False),
        Binding("delete,backspace,x", "remove", "remove", show=False),
    ]

    class EditWanted(Message):
        """A server is to be edited, or a new one of a kind to be made."""

        def __init__(self, kind: Kind, row: ServerRow | None, taken: frozenset[str]) -> None:
            super().__init__()
            self.kind = kind
            self.row = row
            self.taken = taken

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._servers: tuple[ServerRow, ...] = ()
        self._found: tuple[FoundServer, ...] = ()
        self._inherit = False

    @property
    def servers(self) -> tuple[ServerRow, ...]:
        """The overrides."""
        return self._servers

    def show_servers(self, servers: tuple[ServerRow, ...]) -> None:
        """Show other overrides, among the servers that the configuration names."""
        self._servers = merge_found(servers, self._found)
        self.redraw()

    def show_found(self, found: Iterable[FoundServer]) -> None:
        """Show the servers that the configuration names now; what was chosen stays."""
        self._found = tuple(found)
        self.show_servers(self._servers)

    def show_inherit(self, inherit: bool) -> None:
        """Show what is on when the user's configuration is kept, or left out."""
        self._inherit = inherit
        self.redraw()

    def rows(self) -> Sequence[Row]:
        """A row a server, then those that add one."""
        rows = [Row(self._line(row), "edit " if row.source == "new" and row.config else "") for row in self._servers]
        return rows + [Row(Content.assemble((f" {words}", "$accent"))) for _, words in _ADDING]

    def _line(self, row: ServerRow) -> Content:
        on = row.is_on(self._inherit)
        box = ("[x] " if on else "[ ] ", "$accent" if on else "$text-muted")
        name = (pad(cut(clean_line(row.name), NAME_CELLS - 2), NAME_CELLS), "bold" if self._is_set(row) else "")
        line = Content.assemble(" ", box, name, (f"{_SOURCES[row.source]:<8} {row.kind:<7} ", "$text-muted"))
        if on and row.source == "new" and row.config and (problems := check_server(row)):
            return Content.assemble(line, ("✗ " + clean_line(next(iter(problems.values()))), "$error"))
        return Content.assemble(line, (clean_line(describe(row)), "$text-muted"))

    @staticmethod
    def _is_set(row: ServerRow) -> bool:
        return row.choice is not None or row.source == "new"

    def press(self, index: int, x: int, at_action: bool) -> None:
        """A click on the box switches, one on the word edits, one on the last rows adds."""
        if at_action or index >= len(self._servers):
            self.action_open()
        elif x < 5:
            self.action_switch()

    def _current(self) -> ServerRow | None:
        return self._servers[self.cursor] if self.cursor < len(self._servers) else None

    def action_switch(self) -> None:
        """Switch the server on or off; on the last rows, add one."""
        row = self._current()
        if row is None:
            self.action_open()
        else:
            self._put(row, toggled(row, self._inherit))

    def action_open(self) -> None:
        """Edit a server of the form, switch one of the configuration, or add one."""
        row = self._current()
        if row is None:
            self.action_add(_ADDING[self.cursor - len(self._servers)][0])
        elif row.source == "new" and row.config:
            self.action_edit()
        else:
            self.action_switch()

    def action_edit(self) -> None:
        """Edit a server that the form brings."""
        row = self._current()
        if row is None:
            return
        if row.source != "new" or not row.config:
            self.notify("This server comes from a configuration file: switch it on or off here.", markup=False)
            return
        others = frozenset(other.name for other in self._servers if other is not row)
        self.post_message(self.EditWanted("local" if row.kind == "local" else "remote", row, others))

    def action_add(self, kind: Kind) -> None:
        """Ask for a new server."""
        self.post_message(self.EditWanted(kind, None, frozenset(row.name for row in self._servers)))

    def action_remove(self) -> None:
        """Remove a server that the form brings; one of the configuration goes back to as it is configured."""
        row = self._current()
        if row is None:
            return
        if row.source == "new":
            self._servers = tuple(other for other in self._servers if other is not row)
            self.redraw()
            self.post_message(self.Changed())
        else:
            self._put(row, replace(row, choice=None))

    def put_edited(self, before: ServerRow | None, row: ServerRow) -> None:
        """Put in a server that was edited, or a new one, and go to it."""
        if before is None:
            self._servers = (*self._servers, row)
        else:
            self._servers = tuple(row if other.name == before.name else other for other in self._servers)
        self.cursor = self._servers.index(row)
        self.redraw()
        self.post_message(self.Changed())

    def _put(self, before: ServerRow, row: ServerRow) -> None:
        self._servers = tuple(row if other is before else other for other in self._servers)
        self.redraw()
        self.post_message(self.Changed())
