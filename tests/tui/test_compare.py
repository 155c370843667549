"""The screen of runs side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_screen, replay, until
from tests.tui.sessions import SIX, record
from tests.tui.worktrees import WORKS, Work, compared
from textual.pilot import Pilot

from octui.recording.facts import ChangesCounted, RunState, Settled, StateChanged
from octui.recording.session import Session
from octui.tui.app import OctuiApp
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.compare import CompareScreen

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)
SONNET, HAIKU, GPT = (work.name for work in WORKS)


def order(app: OctuiApp) -> list[str]:
    """The runs from top to bottom."""
    rows = on_screen(app).split("\n")[3 : 3 + len(WORKS)]
    return [name for row in rows for name in (SONNET, HAIKU, GPT) if f" {name} " in row]


async def show(app: OctuiApp, pilot: Pilot[int]) -> CompareScreen:
    await pilot.press("C")
    await until(pilot, lambda: len(order(app)) == len(WORKS))
    assert isinstance(app.screen, CompareScreen)
    return app.screen


async def test_every_column_sorts_by_its_key_and_once_more_the_other_way_around(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        assert order(app) == [SONNET, HAIKU, GPT]
        for key, arrow, expected in (
            ("6", "cost↑", [GPT, HAIKU, SONNET]),
            ("6", "cost↓", [SONNET, HAIKU, GPT]),
            ("2", "outcome↑", [SONNET, HAIKU, GPT]),
            ("0", "check↑", [SONNET, HAIKU, GPT]),
            ("r", "check↓", [HAIKU, SONNET, GPT]),
            ("right", "run↓", [GPT, HAIKU, SONNET]),
            ("left", "check↓", [HAIKU, SONNET, GPT]),
        ):
            await pilot.press(key)
            assert arrow in on_screen(app)
            assert order(app) == expected, key


async def test_a_click_on_a_head_sorts_and_one_on_a_run_chooses_it(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        screen = await show(app, pilot)
        at = on_screen(app).split("\n")[2].index("time")
        await pilot.click(offset=(at + 1, 2))
        assert order(app) == [GPT, HAIKU, SONNET]
        await pilot.click(offset=(10, 4))
        assert screen.current == HAIKU
        await until(pilot, lambda: "anthropic/claude-haiku-4-5" in on_screen(app))


async def test_a_run_that_is_chosen_shows_its_answer_its_branch_and_its_check(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await show_narrow(app, pilot)
        await pilot.press("down")
        await until(pilot, lambda: "check: pytest -q  exit code 1" in on_screen(app))
        assert "/limits-haiku" in on_screen(app)
        assert "Done." in on_screen(app)
        await pilot.press("down", "down")
        await until(pilot, lambda: "exit code 1" in on_screen(app).split("\n")[8])


async def show_narrow(app: OctuiApp, pilot: Pilot[int]) -> None:
    await pilot.press("C")
    await until(pilot, lambda: "run↑" in on_screen(app) and "esc back" in on_screen(app))


async def test_the_changes_of_two_marked_runs_stand_side_by_side(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("v")
        await until(pilot, lambda: "Mark two runs first, with space." in on_screen(app))
        await pilot.press("space", "down", "space")
        assert "marked: limits-sonnet → limits-haiku" in on_screen(app)
        await pilot.press("v")
        await until(pilot, lambda: "limits-sonnet → limits-haiku: 3 files, +5 −9" in on_screen(app))
        assert "7 -     if customer.is_trial:" in on_screen(app)
        assert any("- DEFAULT = 10 " in row and "+ DEFAULT = 100" in row for row in on_screen(app).split("\n"))
        assert "apply" not in on_screen(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


async def test_with_less_room_the_changes_of_two_runs_stand_below_each_other(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await show_narrow(app, pilot)
        await pilot.press("space", "down", "v")
        await until(pilot, lambda: "- limits-sonnet  + limits-haiku" in on_screen(app))
        rows = on_screen(app).split("\n")
        assert not any("- DEFAULT = 10 " in row and "+ DEFAULT = 100" in row for row in rows)


async def test_a_third_mark_takes_the_place_of_the_first_and_space_takes_one_away(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        screen = await show(app, pilot)
        await pilot.press("space", "j", "space", "j", "space")
        assert screen.marked == [HAIKU, GPT]
        await pilot.press("space")
        assert screen.marked == [HAIKU]


async def test_enter_opens_what_the_run_changed(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        await pilot.press("j", "enter")
        await until(pilot, lambda: "limits-haiku changed 1 file" in on_screen(app))
        assert isinstance(app.screen, ChangesScreen)


async def test_the_winner_is_applied_after_asking_and_then_says_so(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("9")
        await show(app, pilot)
        await pilot.press("a", "escape")
        assert "PAYING" not in (repository / "src/limits.py").read_text()
        await pilot.press("a", "y")
        await until(pilot, lambda: "3 files applied to" in on_screen(app))
    assert "PAYING" in (repository / "src/limits.py").read_text()
    assert Session.open(journal.folder).status.run(SONNET).settled is Settled.APPLIED


async def test_what_happens_meanwhile_is_in_the_table(tmp_path: Path) -> None:
    works = (Work("one", "a/b", {"x.py": "1\n"}, check=None), Work("two", "a/c", check=None))
    journal, _ = compared(tmp_path, works, live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("C")
        await until(pilot, lambda: "✓ two" in on_screen(app))
        journal.fact(ChangesCounted(at=1.8e9, run="two", files=7, added=77, removed=0))
        journal.fact(StateChanged(at=1.8e9, run="two", state=RunState.STOPPED))
        await until(pilot, lambda: "■ two" in on_screen(app) and "+77" in on_screen(app))
    journal.close()


async def test_a_replay_compares_what_there_was_at_its_moment(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        assert "● limits-sonnet" in on_screen(app) or "◔ limits-sonnet" in on_screen(app)
        await pilot.press("escape", "9", "C")
        await until(pilot, lambda: "succeeded" in on_screen(app))


async def test_runs_without_worktrees_are_compared_by_what_they_took(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("C")
        await until(pilot, lambda: "run↑" in on_screen(app))
        assert "files" not in on_screen(app).split("\n")[2]
        await pilot.press("a")
        await until(pilot, lambda: "it has no worktree" in " ".join(on_screen(app).replace("▌", " ").split()))
        await pilot.press("space", "j", "v")
        assert isinstance(app.screen, CompareScreen)


async def test_a_group_is_compared_alone(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    text = (journal.folder / "session.toml").read_text()
    (journal.folder / "session.toml").write_text(text.replace('group = "limits"', 'group = "others"', 1))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        await pilot.press("g")
        await until(pilot, lambda: "the 1 run of others" in on_screen(app))
        await pilot.press("g")
        await until(pilot, lambda: "the 2 runs of limits" in on_screen(app))
        await pilot.press("g")
        await until(pilot, lambda: len(order(app)) == 3)


async def test_panes_tell_in_their_heads_what_was_changed_and_what_the_check_came_to(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = dashboard(journal.folder)
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: "3 files +8 −4  ✓ check" in on_screen(app))
        assert "1 file +1 −1  ✗ check 1" in on_screen(app)
