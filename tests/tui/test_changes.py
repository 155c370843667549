"""Changes in worktrees on the screen, and what becomes of them."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_screen, replay, until
from tests.tui.worktrees import WORKS, Work, compared, write_files
from tests.workspace.conftest import in_git
from textual.pilot import Pilot

from octui import paths
from octui.control.settling import settle_run
from octui.recording.facts import Settled
from octui.recording.session import Session
from octui.tui.app import OctuiApp
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.compare import CompareScreen
from octui.workspace.settle import discard
from octui.workspace.worktree import Worktree

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


def tree_of(folder: Path, run: str = "limits-sonnet") -> Worktree:
    made = Session.open(folder).status.run(run).worktree
    assert made is not None
    return Worktree.told_by(made)


def settled(folder: Path, run: str = "limits-sonnet") -> Settled | None:
    return Session.open(folder).status.run(run).settled


def words_on(app: OctuiApp) -> str:
    """What is on the screen, as if no line of a dialog had to be broken."""
    return " ".join(on_screen(app).translate(dict.fromkeys(map(ord, "▌│"), " ")).split())


def told(app: OctuiApp) -> str:
    """All messages so far."""
    return " ".join(each.words for each in app.messages)


async def show(app: OctuiApp, pilot: Pilot[int], words: str = "limits-sonnet changed 3 files") -> None:
    await pilot.press("D")
    await until(pilot, lambda: words in on_screen(app))


async def test_what_is_in_a_worktree_is_shown_file_by_file_against_its_base(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        assert "limits-sonnet changed 3 files, +8 −4" in on_screen(app)
        assert "+     if customer.is_trial:" in on_screen(app)
        await pilot.press("j")
        await until(pilot, lambda: "- print('old')" in on_screen(app))
        assert "deleted" in on_screen(app)


async def test_what_is_written_meanwhile_appears_once_the_supervisor_has_counted_it(tmp_path: Path) -> None:
    from octui.recording.facts import ChangesCounted

    journal, _ = compared(tmp_path, live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        write_files(tree_of(journal.folder), {"late.py": "late = 1\n"})
        journal.fact(ChangesCounted(at=1.8e9, run="limits-sonnet", files=4, added=9, removed=4))
        await until(pilot, lambda: "changed 4 files, +9 −4" in on_screen(app))
    journal.close()


async def test_below_a_hundred_columns_the_files_stand_above_the_diff(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await show(app, pilot)
        rows = on_screen(app).split("\n")
        assert rows[1].strip().startswith("▌src/limits.py")
        assert rows[4] == "─" * 80
        for words in ("a apply", "c commit", "b keep", "x discard", "esc back"):
            assert words in rows[-1]


async def test_applying_asks_and_brings_the_changes_into_the_working_tree(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: "Apply what limits-sonnet changed?" in on_screen(app))
        await pilot.press("n")
        await pilot.press("a", "y")
        await until(pilot, lambda: "3 files applied to" in on_screen(app))
        assert isinstance(app.screen, ChangesScreen)
    assert "PAYING" in (repository / "src/limits.py").read_text()
    assert not (repository / "src/old.py").exists()
    assert settled(journal.folder) is Settled.APPLIED


async def test_uncommitted_work_in_files_that_are_touched_is_only_joined_after_asking_again(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path, WORKS[1:])
    mine = (repository / "src/limits.py").read_text() + "\n\nMINE = 1\n"
    (repository / "src/limits.py").write_text(mine)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot, "limits-haiku changed 1 file")
        await pilot.press("a", "y")
        await until(pilot, lambda: "Apply over work of yours" in on_screen(app))
        assert "src/limits.py." in on_screen(app)
        assert (repository / "src/limits.py").read_text() == mine
        await pilot.press("y")
        await until(pilot, lambda: "1 file applied to" in on_screen(app))
    text = (repository / "src/limits.py").read_text()
    assert "MINE = 1" in text
    assert "DEFAULT = 100" in text


async def test_changes_that_conflict_are_not_applied_and_it_says_so(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path)
    (repository / "src/limits.py").write_text("all is another\n")
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("a", "y")
        await until(pilot, lambda: "Apply over work of yours" in on_screen(app))
        await pilot.press("y")
        await until(pilot, lambda: "The changes conflict" in on_screen(app))
    assert (repository / "src/limits.py").read_text() == "all is another\n"
    assert settled(journal.folder) is None


async def test_a_commit_asks_for_a_message_and_offers_what_the_run_was_asked(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path, prompt="Raise the limit.\n\nOf those who pay.")
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Commit on octui/" in on_screen(app))
        assert "Raise the limit." in on_screen(app)
        await pilot.press("backspace", *" now", "enter")
        await until(pilot, lambda: "committed as" in on_screen(app))
    branch = tree_of(journal.folder).branch
    assert in_git(repository, "log", "--format=%s", "-1", branch) == "Raise the limit now"
    assert settled(journal.folder) is Settled.COMMITTED


async def test_keeping_the_branch_asks_how_to_commit_what_is_in_no_commit(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path, prompt="Raise the limit.")
    tree = tree_of(journal.folder)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("b", "y")
        await until(pilot, lambda: "left work that is in no commit" in on_screen(app))
        assert tree.is_there
        await pilot.press("enter")
        await until(pilot, lambda: f"the branch {tree.branch} is kept" in told(app))
        await until(pilot, lambda: "limits-sonnet changed 3 files" in on_screen(app))
        await until(pilot, lambda: "b keep" not in on_screen(app))
        assert "c commit" not in on_screen(app)
        assert "a apply" in on_screen(app)
        assert "x discard" in on_screen(app)
    assert not tree.is_there
    assert "PAYING" in in_git(repository, "show", f"{tree.branch}:src/limits.py")


async def test_discarding_says_what_is_lost_before_it_asks(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path)
    tree = tree_of(journal.folder)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: "Discard what limits-sonnet changed?" in on_screen(app))
        words = words_on(app)
        for part in ("3 changed files (+8 −4)", "3 files that are in no commit", "cannot be taken back"):
            assert part in words
        await pilot.press("y")
        await until(pilot, lambda: "its branch are discarded" in told(app))
        await until(pilot, lambda: "as recorded: worktree and branch are gone" in on_screen(app))
        assert "+     if customer.is_trial:" in on_screen(app)
        for words in ("a apply", "c commit", "b keep", "x discard"):
            assert words not in on_screen(app)
        await pilot.press("x")
        assert isinstance(app.screen, ChangesScreen)
        await pilot.press("escape", "C", "a")
        assert isinstance(app.screen, CompareScreen)
    assert not tree.is_there
    assert in_git(repository, "branch", "--list", tree.branch) == ""
    assert settled(journal.folder) is Settled.DISCARDED


async def test_a_worktree_that_is_gone_with_nothing_recorded_says_why_there_is_nothing(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path)
    discard(tree_of(journal.folder), paths.worktrees_dir())
    (journal.folder / "limits-sonnet.diff").unlink()
    shutil.rmtree(repository)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot, "limits-sonnet has changed nothing")
        await until(pilot, lambda: "The repository of" in on_screen(app))
        await pilot.press("a", "y")
        await until(pilot, lambda: on_screen(app).count("The repository of") > 1)


async def test_as_long_as_git_is_at_work_it_is_said_and_the_screen_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, _ = compared(tmp_path)
    go_on = threading.Event()
    begun: list[str] = []

    def slow(*told: Any, **more: Any) -> None:
        begun.append(told[1])
        go_on.wait(60)
        settle_run(*told, **more)

    monkeypatch.setattr("octui.tui.screens.settling.settle_run", slow)
    monkeypatch.setattr("octui.tui.screens.settling.PATIENCE_S", 0.0)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        try:
            await pilot.press("a", "y")
            await until(pilot, lambda: "applying the changes; git is at work on it" in told(app))
            await pilot.press("j")
            await until(pilot, lambda: "- print('old')" in on_screen(app))
            await pilot.press("x")
            await until(pilot, lambda: told(app).count("git is at work on it") == 2)
        finally:
            go_on.set()
        await until(pilot, lambda: "3 files applied to" in on_screen(app))
    assert begun == ["limits-sonnet"]


async def test_a_screen_that_is_left_does_not_wait_for_what_a_supervisor_settles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, _ = compared(tmp_path, live=True)
    told: list[str] = []

    async def asked(session: Session, run: str, *words: object, **more: object) -> None:
        told.append(run)
        try:
            await asyncio.sleep(3600)
        finally:
            told.append("left")

    monkeypatch.setattr("octui.tui.screens.settling.have_settled", asked)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        await pilot.press("a", "y")
        await until(pilot, lambda: told == ["limits-sonnet"])
    assert told == ["limits-sonnet", "left"]
    journal.close()


async def test_what_a_live_session_refuses_is_told(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path, live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot)
        await pilot.press("a", "y")
        await until(pilot, lambda: "supervisor" in on_screen(app))
    assert "PAYING" not in (repository / "src/limits.py").read_text()
    journal.close()


async def test_names_and_contents_of_files_reach_neither_the_terminal_nor_markup(tmp_path: Path) -> None:
    name = "a\x1b]52;c;aGk=\x07\nb [@click=app.exit]x[/].py"
    work = Work("limits-sonnet", "a/b", {name: "\x1b[2Jwiped = '\x9b31m[bold]'\n", "caf\udce9.txt": "x\n"})
    journal, _ = compared(tmp_path, (work,))
    app = replay(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await show(app, pilot, "limits-sonnet changed 2 files")
        shown = on_screen(app)
        assert "wiped = '" in shown
        assert "[bold]" in shown
        assert "[@click=app.exit]" in shown
        assert not set(shown) & {"\x1b", "\x07", "\x9b"}
        await pilot.press("j")
        await until(pilot, lambda: "caf" in on_screen(app).split("\n")[1])


async def test_the_palette_offers_what_can_become_of_the_changes(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    app = replay(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot)
        offered = {command.title for command in app.get_system_commands(app.screen)}
    assert {"Apply", "Commit", "Keep the branch", "Discard"} <= offered


async def test_a_file_that_is_no_text_and_one_that_became_a_link_are_shown_as_such(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path, WORKS[2:])
    tree = tree_of(journal.folder, "limits-gpt")
    (tree.path / "logo.png").write_bytes(b"\x89PNG\0\1\2")
    (tree.path / "README.md").unlink()
    (tree.path / "README.md").symlink_to("src/limits.py")
    app = replay(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await show(app, pilot, "limits-gpt changed 2 files")
        assert "+ src/limits.py" in on_screen(app)
        await pilot.press("j")
        await until(pilot, lambda: "It is no text." in on_screen(app))
