"""Questions about what a form overrides, for the launcher: a permission's pattern, and an MCP server."""

from __future__ import annotations

from functools import partial

from textual.screen import Screen

from octui.tui.launch.permissions import check_pattern
from octui.tui.screens.launcher_dialogs import AskLineScreen, ServerScreen
from octui.tui.text import clean_line
from octui.tui.widgets.launcher.permission_table import PermissionTable
from octui.tui.widgets.launcher.server_list import ServerList


def ask_pattern(screen: Screen[None], event: PermissionTable.PatternWanted, table: PermissionTable) -> None:
    """Ask for a pattern over a screen, and add it to a table of permissions."""
    tool = event.tool
    screen.app.push_screen(
        AskLineScreen(
            f"A pattern for {clean_line(tool.tool)}",
            "Such as `git push *`; * stands for anything. It is denied at first, and a later pattern wins.",
            partial(check_pattern, tool),
        ),
        lambda typed: table.add_pattern(tool.tool, typed) if typed else None,
    )


def edit_server(screen: Screen[None], event: ServerList.EditWanted, servers: ServerList) -> None:
    """Edit a server over a screen, or make one, and put it into a list."""
    screen.app.push_screen(
        ServerScreen(event.kind, event.row, event.taken),
        lambda row: servers.put_edited(event.row, row) if row else None,
    )
