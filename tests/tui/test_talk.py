"""Asking runs more, ending what they do, forking them, and what they changed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.tui.driving import dashboard, on_dashboard, on_screen, replay, typed_at_once, until
from tests.tui.sessions import API, GATEWAY, NOW, PROMPT, START, record
from tests.tui.talking import CHANGES, in_charge, is_typing, served, typed, write_changes

from octui.recording.facts import RunState, SessionEnded, SessionOpened, SessionStarted, StateChanged
from octui.recording.journal import Journal
from octui.tui.screens.changes import ChangesScreen
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.dialogs import AskScreen, PickScreen
from octui.tui.widgets.prompt_line import PromptArea

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


async def test_a_prompt_is_typed_and_sent_and_a_busy_run_takes_it_next(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        await pilot.press("i")
        await until(pilot, lambda: "queued: comes next" in on_screen(app))
        assert "❯ to api" in on_screen(app)
        await pilot.press(*"one", "ctrl+j", *"two", "enter")
        await until(pilot, lambda: controls.asked == [("send", "api", "one\ntwo", [], "", "")])
        await until(pilot, lambda: "Queued for api: comes next." in on_screen(app))
        assert app.focused is on_dashboard(app).panes["api"]
        assert "❯ to api" not in on_screen(app)


async def test_a_run_that_has_answered_can_be_asked_more(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        await pilot.press("2", "colon")
        await until(pilot, lambda: "❯ to gateway" in on_screen(app))
        assert "comes next" not in on_screen(app)
        await pilot.press("enter", *"More", "enter")
        await until(pilot, lambda: controls.asked == [("send", "gateway", "More", [], "", "")])
        await until(pilot, lambda: "Sent to gateway." in on_screen(app))


async def test_a_draft_is_kept_for_each_run_and_escape_gives_the_keys_back(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app))
        await pilot.press(*"half a", "escape", "tab", "i")
        await until(pilot, lambda: is_typing(app))
        assert typed(app) == ""
        await pilot.press("escape", "tab", "i")
        await until(pilot, lambda: is_typing(app) and typed(app) == "half a")


async def test_what_is_refused_is_told_and_kept_to_be_sent_again(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        in_charge(app, "The server is gone.")
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app))
        await pilot.press(*"Go on", "enter")
        await until(pilot, lambda: "The server is gone." in on_screen(app))
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app) and typed(app) == "Go on")


async def test_up_recalls_what_was_asked_before(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        in_charge(app)
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app))
        await pilot.press(*"First", "enter", "i")
        await until(pilot, lambda: is_typing(app))
        await pilot.press(*"new", "up")
        assert typed(app) == "First"
        await pilot.press("up", "up")
        assert typed(app) == PROMPT
        await pilot.press("down", "down")
        assert typed(app) == "new"


async def test_files_of_the_workspace_are_completed_and_attached(tmp_path: Path) -> None:
    journal = served(tmp_path / "sessions", [])
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "router.py").write_text("x")
    (work / "my notes.txt").write_text("x")
    journal.fact(SessionOpened(at=NOW, run="api", session_id="ses_api", directory=str(work)))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app))
        await pilot.press(*"See @rou")
        await until(pilot, lambda: "src/router.py" in on_screen(app))
        await pilot.press("tab")
        assert typed(app) == "See @src/router.py "
        await pilot.press("@")
        await until(pilot, lambda: "my notes.txt" in on_screen(app))
        await pilot.press("escape")
        assert is_typing(app)
        await pilot.press(*"my", "enter", "enter")
        text = 'See @src/router.py @"my notes.txt"'
        await until(pilot, lambda: controls.asked == [("send", "api", text, ["src/router.py", "my notes.txt"], "", "")])


async def test_the_line_grows_with_what_is_typed_up_to_five_rows(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app))
        line = app.focused
        assert isinstance(line, PromptArea)
        for rows in (2, 3, 4, 5, 5, 5, 5):
            await pilot.press("ctrl+j")
            await until(pilot, lambda rows=rows: line.size.height == rows)  # type: ignore[misc]  # mypy finds no type for a default
        assert line.text.count("\n") == 7


async def test_model_and_agent_are_chosen_for_what_is_asked_next(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await pilot.press("M")
        await until(pilot, lambda: isinstance(app.screen, PickScreen) and "agent  plan" in on_screen(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "❯ to api · plan" in on_screen(app))
        await pilot.press("escape", "M")
        await until(pilot, lambda: isinstance(app.screen, PickScreen))
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: "❯ to api · anthropic/claude-opus-4-5 · plan" in on_screen(app))
        await pilot.press("x", "enter")
        model = "anthropic/claude-opus-4-5"
        await until(pilot, lambda: controls.asked[-1] == ("send", "api", "x", [], model, "plan"))
        await until(pilot, lambda: "api" not in on_dashboard(app).chosen)


def fork_of(journal: Journal, name: str) -> None:
    """What the supervisor does: the run is listed, and has a state."""
    listed = [{"name": run, "prompt": PROMPT} for run in ("api", "gateway", name)]
    (journal.folder / "session.toml").write_text(tomli_w.dumps({"name": "explain services", "runs": listed}))
    journal.fact(SessionOpened(at=NOW, run=name, session_id="ses_fork", directory="/srv"))
    journal.fact(StateChanged(at=NOW, run=name, state=RunState.RUNNING))


async def test_a_fork_gets_a_pane_and_is_gone_to(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await pilot.press("F")
        await until(pilot, lambda: "in a fork of api" in on_screen(app))
        await pilot.press(*"Try", "enter")
        await until(pilot, lambda: controls.asked == [("fork", "api", "Try")])
        fork_of(journal, "api-fork")
        await until(pilot, lambda: "● api-fork  running" in on_screen(app))
        assert on_dashboard(app).current == "api-fork"
        assert app.focused is on_dashboard(app).panes["api-fork"]


async def test_a_run_that_comes_by_itself_does_not_take_the_focus(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        fork_of(journal, "later")
        await until(pilot, lambda: "● later  running" in on_screen(app))
        assert on_dashboard(app).current == "api"


async def test_a_turn_is_interrupted_after_asking(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter")
        assert controls.asked == [], "No is the default"
        journal.fact(StateChanged(at=NOW - 3, run="api", state=RunState.RUNNING))
        await until(pilot, lambda: on_dashboard(app).session.facts[-1].at == NOW - 3)
        await pilot.press("x")
        await until(pilot, lambda: "Interrupt api's current turn?" in on_screen(app))
        await pilot.press("y")
        await until(pilot, lambda: controls.asked == [("abort", "api")])
        await pilot.press("2", "x")
        await until(pilot, lambda: "gateway is idle." in on_screen(app))
        assert len(controls.asked) == 1


async def test_interrupting_a_session_that_is_over_does_not_start_it(tmp_path: Path) -> None:
    app = dashboard(ended(tmp_path))
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await pilot.press("x")
        await until(pilot, lambda: "is idle." in on_screen(app))
        assert controls.asked == []


@pytest.mark.parametrize("key", ["a", "i", "x", "F", "M", "D"])
async def test_a_run_by_opencode_run_says_why_it_cannot_be_talked_to(tmp_path: Path, key: str) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: "api runs by `opencode run`" in on_screen(app))


def ended(folder: Path) -> Path:
    journal = served(folder, [])
    journal.fact(SessionEnded(at=NOW))
    return journal.folder


async def test_a_session_that_is_over_is_taken_up_when_something_is_sent_or_says_why_not(tmp_path: Path) -> None:
    folder = ended(tmp_path)
    (folder / "session.toml").write_text("no plan")
    app = dashboard(folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("i")
        assert is_typing(app)
        assert "ended: sending takes it up" in on_screen(app)
        await pilot.press(*"Go on", "enter")
        await until(pilot, lambda: "The plan of" in on_screen(app))
        controls = in_charge(app)
        await pilot.press("i")
        assert typed(app) == "Go on"
        await pilot.press("enter")
        await until(pilot, lambda: controls.asked == [("take_up",), ("send", "api", "Go on", [], "", "")])
        await until(pilot, lambda: "Sent to api." in on_screen(app))


async def test_what_is_refused_while_the_line_is_open_again_stands_in_it(tmp_path: Path) -> None:
    app = dashboard(ended(tmp_path))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app, "It has no plan.")
        refuse = asyncio.Event()
        take = controls._take

        async def take_later(*what: Any) -> None:
            await refuse.wait()
            await take(*what)

        controls._take = take_later  # type: ignore[method-assign]
        await pilot.press("i", *"Go on", "enter", "i")
        assert typed(app) == ""
        refuse.set()
        await until(pilot, lambda: typed(app) == "Go on")


@pytest.mark.parametrize("is_over", [False, True])
@pytest.mark.parametrize("key", ["i", "F"])
async def test_what_is_typed_without_a_pause_is_in_the_prompt_and_runs_no_command(
    tmp_path: Path, key: str, is_over: bool
) -> None:
    app = dashboard(ended(tmp_path) if is_over else served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        typed_at_once(app, f"{key}quit and send words")
        await until(pilot, lambda: is_typing(app) and typed(app) == "quit and send words")
        assert app.is_running
        assert controls.asked == []


async def test_what_is_typed_while_the_prompt_is_still_mounted_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(served(tmp_path, []).folder)
    mounting, may_mount = asyncio.Event(), asyncio.Event()
    mount = DashboardScreen.mount

    async def mount_later(screen: DashboardScreen, *widgets: Any, **where: Any) -> None:
        mounting.set()
        await may_mount.wait()
        await mount(screen, *widgets, **where)

    async with app.run_test(size=SIZE) as pilot:
        monkeypatch.setattr(DashboardScreen, "mount", mount_later)
        typed_at_once(app, "idrop the dots")
        await mounting.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        may_mount.set()
        await until(pilot, lambda: is_typing(app) and typed(app) == "drop the dots")
        assert app.is_running


async def test_a_run_that_cannot_be_talked_to_says_so_at_once_and_keys_stay_commands(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        typed_at_once(app, "iz")
        await until(pilot, lambda: on_dashboard(app).zoomed)
        await until(pilot, lambda: "api runs by `opencode run`" in on_screen(app))
        assert not is_typing(app)


async def test_two_prompts_to_a_session_that_is_over_take_it_up_once(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    journal.fact(SessionEnded(at=NOW))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        is_up = asyncio.Event()

        async def take_up(*, resume: bool = False) -> None:
            controls.asked.append(("take_up",))
            await is_up.wait()
            journal.fact(SessionStarted(at=NOW, pid=os.getpid(), socket="", octui="", opencode="", runs=("api",)))
            on_dashboard(app).session.refresh()

        controls.take_up = take_up  # type: ignore[method-assign]
        await pilot.press("i", *"One", "enter", "i", *"Two", "enter")
        is_up.set()
        await until(pilot, lambda: [what[0] for what in controls.asked] == ["take_up", "send", "send"])


async def test_what_a_run_changed_is_shown_file_by_file_and_follows_what_it_does(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    write_changes(journal.folder, "api")
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("D")
        await until(pilot, lambda: "+     return 100" in on_screen(app))
        assert "api changed 3 files, +5 −2" in on_screen(app)
        await pilot.press("j", "j", "j", "k")
        await until(pilot, lambda: "assert limit(trial) == 10" in on_screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: "src/old.py" not in on_screen(app))
        await pilot.press("enter")
        write_changes(journal.folder, "api", CHANGES[1:2])
        await until(pilot, lambda: "api changed 1 file" in on_screen(app))
        assert "assert limit(trial) == 10" in on_screen(app)
        await pilot.press("escape")
        assert app.screen is on_dashboard(app)


async def test_changes_are_taken_back_after_asking_and_brought_back_at_once(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    write_changes(journal.folder, "api")
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await pilot.press("D", "u", "escape")
        assert controls.asked == []
        await pilot.press("u", "y")
        await until(pilot, lambda: controls.asked == [("revert", "api", False)])
        await pilot.press("U")
        await until(pilot, lambda: controls.asked[-1] == ("revert", "api", True))


async def test_a_replay_shows_changes_and_takes_nothing_back(tmp_path: Path) -> None:
    journal = served(tmp_path, [], [GATEWAY])
    write_changes(journal.folder, "gateway")
    journal.fact(SessionEnded(at=START + 60))
    app = replay(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("9", "D")
        await until(pilot, lambda: "gateway changed 3 files" in on_screen(app))
        assert "take back" not in on_screen(app)
        await pilot.press("u")
        assert isinstance(app.screen, ChangesScreen)


async def test_a_run_that_changed_nothing_says_so(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, []).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("D")
        await until(pilot, lambda: "api has changed nothing" in on_screen(app))
        await pilot.press("j", "enter", "pagedown")
