"""Asking several runs the same at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_dashboard, on_screen, typed_at_once, until
from tests.tui.sessions import API, GATEWAY, NOW, PROMPT, SEARCH, START, record
from tests.tui.talking import in_charge, is_typing, served, typed

from octui.recording.facts import SessionEnded, SessionOpened, SessionStarted
from octui.tui.app import OctuiApp

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)
THREE = (API, GATEWAY, SEARCH)


def told(app: OctuiApp) -> list[str]:
    """What was told in passing, whole, however it is wrapped on the screen."""
    return [each.words for each in app.messages]


async def test_what_is_typed_once_is_sent_to_all_that_are_named_above_it(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [], THREE).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        await pilot.press("I")
        await until(pilot, lambda: "❯ to all 3 runs: api, gateway, search" in on_screen(app))
        assert "queued where at work" in on_screen(app)
        await pilot.press(*"Now the tests", "enter")
        await until(pilot, lambda: len(controls.asked) == 3)
        assert controls.asked == [("send", run.name, "Now the tests", [], "", "") for run in THREE]
        await until(pilot, lambda: "Sent to api, gateway, search." in told(app))
        assert app.focused is on_dashboard(app).panes["api"]


async def test_runs_that_cannot_be_asked_are_not_among_the_addressees(tmp_path: Path) -> None:
    journal = record(tmp_path, THREE, live=True)
    for name in ("gateway", "search"):
        journal.fact(SessionOpened(at=START + 1, run=name, session_id=f"ses_{name}", directory=str(tmp_path)))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        typed_at_once(app, "IGo on")
        await until(pilot, lambda: is_typing(app) and typed(app) == "Go on")
        assert "❯ to 2 of 3 runs: gateway, search" in on_screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: [run for _, run, *_ in controls.asked] == ["gateway", "search"])


async def test_where_only_one_run_can_be_asked_it_is_asked_as_ever(tmp_path: Path) -> None:
    journal = record(tmp_path, THREE, live=True)
    journal.fact(SessionOpened(at=START + 1, run="gateway", session_id="ses_1", directory=str(tmp_path)))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("I")
        await until(pilot, lambda: "❯ to gateway" in on_screen(app))


async def test_where_no_run_can_be_asked_nothing_is_opened(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, THREE, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("I")
        await until(pilot, lambda: "No run can be asked something more." in told(app))
        assert not is_typing(app)


async def test_who_refuses_is_told_with_the_reason_and_the_prompt_is_kept_for_that_run(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [], THREE).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        controls.refusals["gateway"] = "Its server is gone."
        await pilot.press("I", *"More", "enter")
        await until(pilot, lambda: "gateway: Its server is gone. What you wrote is kept." in told(app))
        await until(pilot, lambda: "Sent to api, search." in told(app))
        await pilot.press("i")
        await until(pilot, lambda: is_typing(app))
        assert typed(app) == "", "api has it"
        await pilot.press("escape", "2", "i")
        await until(pilot, lambda: is_typing(app) and typed(app) == "More")


async def test_what_nobody_takes_is_kept_for_all(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [], THREE).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        controls.refusals |= dict.fromkeys(["api", "gateway", "search"], "It is full.")
        await pilot.press("I", *"More", "enter")
        await until(pilot, lambda: "api, gateway, search: It is full. What you wrote is kept." in told(app))
        assert len(told(app)) == 1, "and nothing was sent"
        await pilot.press("I")
        await until(pilot, lambda: is_typing(app) and typed(app) == "More")


async def test_a_session_that_is_over_is_taken_up_once_for_all_and_keeps_what_is_refused(tmp_path: Path) -> None:
    journal = served(tmp_path, [], THREE)
    journal.fact(SessionEnded(at=NOW))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app, "It has no plan.")
        await pilot.press("I", *"More", "enter")
        await until(pilot, lambda: "It has no plan." in told(app))
        controls.refusal = ""

        async def take_up(*, resume: bool = False) -> None:
            controls.asked.append(("take_up",))
            journal.fact(SessionStarted(at=NOW, pid=os.getpid(), socket="", octui="", opencode="", runs=()))
            on_dashboard(app).session.refresh()

        controls.take_up = take_up  # type: ignore[method-assign]  # a stand-in
        await pilot.press("I")
        await until(pilot, lambda: is_typing(app) and typed(app) == "More")
        assert "ended: sending takes it up" in on_screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: [what[0] for what in controls.asked] == ["take_up", "send", "send", "send"])


async def test_a_file_is_attached_for_the_runs_in_whose_folder_it_is(tmp_path: Path) -> None:
    journal = served(tmp_path / "sessions", [], THREE)
    for name, file in (("api", "a.py"), ("gateway", "b.py"), ("search", "b.py")):
        folder = tmp_path / "work" / name
        folder.mkdir(parents=True)
        (folder / file).write_text("x")
        journal.fact(SessionOpened(at=NOW, run=name, session_id=f"ses_{name}", directory=str(folder)))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await pilot.press("I", "@")
        await until(pilot, lambda: "a.py" in on_screen(app) and "b.py" in on_screen(app))
        await pilot.press("b", "tab", "enter")
        await until(pilot, lambda: len(controls.asked) == 3)
        assert {run: files for _, run, _, files, *_ in controls.asked} == {
            "api": [],
            "gateway": ["b.py"],
            "search": ["b.py"],
        }


async def test_each_run_keeps_the_model_that_was_chosen_for_it(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [], THREE).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        on_dashboard(app).chosen["gateway"] = ("openai/gpt-5", "")
        await pilot.press("I", *"More", "enter")
        await until(pilot, lambda: len(controls.asked) == 3)
        assert [model for *_, model, _ in controls.asked] == ["", "openai/gpt-5", ""]


async def test_a_draft_for_all_is_kept_apart_and_up_recalls_what_was_asked_before(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [], THREE).folder)
    async with app.run_test(size=SIZE) as pilot:
        in_charge(app)
        await pilot.press("I")
        await until(pilot, lambda: is_typing(app))
        await pilot.press(*"half", "escape", "i")
        await until(pilot, lambda: is_typing(app) and typed(app) == "")
        await pilot.press("escape", "I")
        await until(pilot, lambda: is_typing(app) and typed(app) == "half")
        await pilot.press("up")
        assert typed(app) == PROMPT
