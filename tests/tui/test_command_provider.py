"""The command palette: what finds a command, and how its keys are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_screen, until
from tests.tui.sessions import API, WORKER, record
from tests.tui.talking import PUSH, served
from textual.command import CommandPalette

from octui.tui.app import OctuiApp
from octui.tui.command_provider import SYNONYMS, CommandProvider
from octui.tui.keymap import screens_with_commands
from octui.tui.keys import DASHBOARD_COMMANDS, REPLAY_COMMANDS
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.text_screen import TextScreen

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


async def found(app: OctuiApp, query: str) -> list[str]:
    """The help of what a query finds, the best first."""
    hits = [hit async for hit in CommandProvider(app.screen).search(query)]
    return [str(hit.help) for hit in sorted(hits, key=lambda hit: -hit.score)]


@pytest.mark.parametrize(
    ("query", "does"),
    [
        ("diff", "Show what the run changed."),
        ("merge", "Show what the run changed."),
        ("worktree", "Show what the run changed."),
        ("undo", "Show what the run changed."),
        ("kill", "Stop the run, after asking."),
        ("cancel", "Stop the run, after asking."),
        ("log", "Show the event as printed."),
        ("json", "Show the event as printed."),
        ("approve", "Answer what runs wait for."),
        ("permission", "Answer what runs wait for."),
        ("deny", "Answer what runs wait for."),
        ("new", "Start a new session."),
        ("settings", "Show the settings and their file."),
        ("keymap", "Show the settings and their file."),
        ("exit", "Quit; asks where runs are active."),
        ("detach", "Quit; asks where runs are active."),
        ("retry", "Start the run anew."),
        ("rerun", "Start the run anew."),
        ("follow-up", "Ask the run something more."),
        ("shortcuts", "Show every key."),
        ("find", "Search in the pane."),
        ("dark", "Choose a theme."),
        ("expand", "Open or close the event."),
        ("Stop Everything", "Stop all runs, after asking."),
        ("zoo", "Show one run alone, or all again."),
        ("?", "Show every key."),
    ],
)
async def test_a_command_is_found_by_what_people_call_it(tmp_path: Path, query: str, does: str) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE):
        assert any(each.startswith(does) for each in await found(app, query))
        assert not await found(app, "xyzzy")


async def test_in_changes_merge_and_delete_find_what_can_become_of_them(tmp_path: Path) -> None:
    screens = {binding.id: binding for screen in screens_with_commands() for binding in screen}
    for word, command in (("merge", "changes.apply"), ("delete", "changes.discard"), ("undo", "changes.revert")):
        assert command in screens
        assert word in SYNONYMS[command].split()
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE):
        assert not await found(app, "throw away")


async def test_every_synonym_belongs_to_a_command_there_is() -> None:
    ids = {binding.id for screen in screens_with_commands() for binding in screen} | {"app.settings"}
    assert set(SYNONYMS) <= ids


async def test_keys_are_told_as_people_know_them(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API, WORKER], live=True).folder)
    async with app.run_test(size=SIZE):
        told = {each.help for each in app.get_system_commands(app.screen)}
    assert "Show every key. (? F1)" in told
    assert "Go to the run that waited longest. (!)" in told
    for command in (*DASHBOARD_COMMANDS, *REPLAY_COMMANDS):
        for name in ("question_mark", "exclamation_mark", "full_stop", "slash", "colon", "escape", "pageup"):
            assert not any(name in each for each in told), command.id


async def test_the_palette_runs_what_it_found(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"keymap")
        await until(pilot, lambda: "Show the settings and their file." in on_screen(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await until(pilot, lambda: "keep_days = (not set)" in on_screen(app))
        await pilot.press("escape", "d")
        await until(pilot, lambda: isinstance(app.screen, ChangesScreen))
