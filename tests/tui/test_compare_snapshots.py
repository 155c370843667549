"""How changes in worktrees and the comparison of runs look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_screen, steady, until
from tests.tui.worktrees import compared
from textual.pilot import Pilot

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])


def shown(snap_compare: Any, folder: Path, size: tuple[int, int], words: str, *keys: str) -> bool:
    """Compare the dashboard over a session whose runs had worktrees, after some keys, once it says these words."""
    journal, _ = compared(folder)
    app = dashboard(journal.folder)

    async def press(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: "limits-haiku" in on_screen(app))
        for key in keys:
            await pilot.press(key)
            await steady(pilot, looks=1)
        await until(pilot, lambda: words in on_screen(app))
        await steady(pilot)

    return bool(snap_compare(app, terminal_size=size, run_before=press))


@SIZES
def test_heads_of_panes(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, "+8 −4")


@SIZES
def test_table(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, "cost↓", "C", "6", "r", "space", "down")


@SIZES
def test_changes_in_a_worktree(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, "if customer.is_trial", "D")


@SIZES
def test_two_runs_against_each_other(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shown(snap_compare, tmp_path, size, "DEFAULT = 100", "C", "space", "down", "space", "v")
