from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_dashboard, on_screen, steady, typed_at_once, until
from tests.tui.sessions import (
    API,
    BILLING,
    GATEWAY,
    NOW,
    SEARCH,
    SIX,
    START,
    WORKER,
    Script,
    line,
    record,
    step_start,
    text,
    tool,
)
from textual.geometry import Size
from textual.widgets import Input, OptionList

from octui.errors import ControlError
from octui.recording import event_log
from octui.recording.facts import RunState, SessionEnded, StateChanged
from octui.tui import frame_pace
from octui.tui.frame_pace import PANES
from octui.tui.screens import panes
from octui.tui.screens.dialogs import AskScreen
from octui.tui.screens.text_screen import TextScreen
from octui.tui.widgets.run_list import RunList

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


class Controls:
    """Takes the place of the supervisor's socket, and notes what it is asked."""

    def __init__(self, refusal: str = "") -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.refusal = refusal

    async def _take(self, what: str, run: str | None) -> None:
        if self.refusal:
            raise ControlError(self.refusal)
        self.asked.append((what, run))

    async def stop(self, run: str | None) -> None:
        await self._take("stop", run)

    async def restart(self, run: str) -> None:
        await self._take("restart", run)

    async def shutdown(self) -> None:
        await self._take("shutdown", None)

    async def close(self) -> None:
        """Nothing is held."""


async def test_six_runs_are_seen_at_a_glance(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "explain services" in on_screen(app))
        screen = on_screen(app)
    for words in ("● api  running", "◆ worker   failed, needs you", "✓ gateway  succeeded", "○ mailer  queued"):
        assert words in screen
    assert "◆ 2 need you" in screen
    assert "claude-sonnet-4-5 · build" in screen
    assert "opencode rejected by itself" in screen


async def test_what_is_appended_appears(tmp_path: Path) -> None:
    journal = record(tmp_path, [API], live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "too late" in on_screen(app))
        journal.append_stdout("api", line(text("A word that is new."), NOW))
        await until(pilot, lambda: "A word that is new." in on_screen(app))
        journal.fact(StateChanged(at=NOW, run="api", state=RunState.STOPPED))
        await until(pilot, lambda: "■ api  stopped" in on_screen(app))


async def test_the_screen_says_how_far_behind_it_is_until_it_shows_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = record(tmp_path, [API], live=True)
    app = dashboard(journal.folder)
    seen: set[str] = set()

    def look() -> bool:
        screen = on_screen(app)
        seen.update(re.findall(r"[\d.]+ k?B behind", screen))
        return "word 999" in screen and "behind" not in screen

    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "too late" in on_screen(app))
        monkeypatch.setattr(event_log, "READ_BYTES", 400)
        monkeypatch.setattr(panes, "SLICE_S", 0.0)
        journal.append_stdout("api", b"".join(line(text(f"word {number}"), NOW) for number in range(1000)))
        await until(pilot, look)
    assert len(seen) > 3


async def test_half_a_line_is_not_shown_before_it_is_whole(tmp_path: Path) -> None:
    journal = record(tmp_path, [API], live=True)
    app = dashboard(journal.folder)
    whole = line(text("In two halves."), NOW)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "too late" in on_screen(app))
        journal.append_stdout("api", whole[:30])
        await pilot.pause(0.2)
        assert "In two" not in on_screen(app)
        journal.append_stdout("api", whole[30:])
        await until(pilot, lambda: "In two halves." in on_screen(app))


async def test_scrolled_up_a_pane_stays_and_says_how_much_is_new(tmp_path: Path) -> None:
    script = Script("api", [text(f"paragraph {n}") for n in range(80)])
    journal = record(tmp_path, [script], live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "paragraph 79" in on_screen(app))
        await pilot.press("pageup")
        before = [row for row in on_screen(app).split("\n") if "paragraph" in row]
        journal.append_stdout("api", line(text("late"), NOW) + line(text("later"), NOW))
        await until(pilot, lambda: "↓ 2 new" in on_screen(app))
        shown = on_screen(app)
        assert [row for row in shown.split("\n") if "paragraph" in row][:-1] == before[:-1]
        await pilot.press("end")
        await until(pilot, lambda: "later" in on_screen(app))
        assert "new · end" not in on_screen(app)


async def test_keys_and_clicks_choose_panes(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = on_dashboard(app)
        walked = []
        for key in ("tab", "shift+tab", "right", "down", "left", "up", "6", "l", "h"):
            await pilot.press(key)
            walked.append(screen.current)
        assert walked == ["worker", "api", "worker", "billing", "gateway", "api", "mailer", "mailer", "search"]
        await pilot.click(screen.panes["billing"])
        assert screen.current == "billing"
        assert screen.focused is screen.panes["billing"]


async def test_the_next_run_in_need_is_one_key_away(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = on_dashboard(app)
        walked = []
        for _ in range(3):
            await pilot.press("!")
            walked.append(screen.current)
        assert walked == ["worker", "billing", "worker"]


async def test_zoom_shows_one_run_with_its_details(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("3", "z")
        await until(pilot, lambda: "Files changed" in on_screen(app))
        shown = on_screen(app)
        assert "○ mailer" not in shown
        for words in ("Todos", "1/2", "src/limits.py", "+1 −1", "Steps", "Started with", "/srv/gateway"):
            assert words in shown
        await pilot.press("escape")
        await until(pilot, lambda: "○ mailer" in on_screen(app))


async def test_a_double_click_zooms(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.click(on_dashboard(app).panes["gateway"], times=2)
        await until(pilot, lambda: on_dashboard(app).zoomed)
        assert on_dashboard(app).current == "gateway"


async def test_enter_opens_the_event_at_the_cursor_and_a_click_closes_it(tmp_path: Path) -> None:
    event = tool("read", "a.py", input={"filePath": "a.py"}, output="the content of it")
    app = dashboard(record(tmp_path, [Script("api", [step_start(), event])], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: "the content of it" in on_screen(app))
        row = next(n for n, shown in enumerate(on_screen(app).split("\n")) if "▾ read" in shown)
        await pilot.click(offset=(8, row))
        await until(pilot, lambda: "the content of it" not in on_screen(app))
        await pilot.press("e")
        await until(pilot, lambda: "the content of it" in on_screen(app))


async def test_what_is_typed_without_a_pause_behind_the_search_key_is_searched_for(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=(120, 40)) as pilot:
        typed_at_once(app, "/quite")
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "quite")
        assert app.is_running


async def test_search_finds_marks_opens_and_walks(tmp_path: Path) -> None:
    events = [text("a Needle here"), *[text(f"hay {n}") for n in range(60)]]
    events.append(tool("read", "b.py", output="hidden needle in the output"))
    app = dashboard(record(tmp_path, [Script("api", events)], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "hay 59" in on_screen(app))
        await pilot.press("slash", *"needle")
        await until(pilot, lambda: "hidden needle in the output" in on_screen(app) and "2/2" in on_screen(app))
        await pilot.press("enter", "n")
        await until(pilot, lambda: "a Needle here" in on_screen(app) and "1/2" in on_screen(app))
        await pilot.press("N")
        await until(pilot, lambda: "2/2" in on_screen(app))
        await pilot.press("escape")
        await until(pilot, lambda: "2/2" not in on_screen(app))


async def test_a_search_for_nothing_that_is_there_says_so(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("slash", *"zebra")
        await until(pilot, lambda: "no match" in on_screen(app))


async def test_the_filter_hides_kinds_of_events_in_every_pane(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API, GATEWAY], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "▸ read" in on_screen(app))
        await pilot.press("f", "down", "down", "space", "enter")
        await until(pilot, lambda: "▸ read" not in on_screen(app) and "▾ edit" not in on_screen(app))
        assert "too late" in on_screen(app)


async def test_an_event_can_be_seen_as_it_was_printed_and_copied(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("y")
        assert "catch-all" in app.clipboard
        await pilot.press("o")
        await until(pilot, lambda: '"sessionID": "ses_1"' in on_screen(app))
        await pilot.press("escape")
        assert not isinstance(app.screen, TextScreen)


async def test_stopping_asks_first_and_then_tells_the_supervisor(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API, WORKER], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = Controls()
        on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
        await pilot.press("s", "escape")
        assert controls.asked == []
        await pilot.press("s", "y")
        await until(pilot, lambda: controls.asked == [("stop", "api")])
        await pilot.press("S", "y")
        await until(pilot, lambda: controls.asked[-1] == ("stop", None))


async def test_a_restart_asks_first_and_says_what_it_does(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API, WORKER], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = Controls()
        on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
        await pilot.press("2", "r")
        await until(pilot, lambda: "Restart worker?" in on_screen(app))
        assert "changes may be made twice" in " ".join(on_screen(app).replace("│", " ").split())
        await pilot.press("enter")
        assert controls.asked == [], "No is the default"
        await pilot.press("r", "y")
        await until(pilot, lambda: controls.asked == [("restart", "worker")])
        await pilot.press("1", "r")
        await until(pilot, lambda: "Stop and restart api?" in on_screen(app))
        await pilot.press("y")
        await until(pilot, lambda: controls.asked[-1] == ("restart", "api"))


async def test_a_pane_tells_an_error_once_its_frame_included(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [BILLING], live=True).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "The provider refuses ┛" in on_screen(app))
        assert on_screen(app).count("You exceeded your quota.") == 1


async def test_a_refused_command_is_told_in_words(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API, WORKER], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        on_dashboard(app).controls = Controls("The supervisor does not answer.")  # type: ignore[assignment]  # a stand-in
        await pilot.press("2", "r", "y")
        await until(pilot, lambda: "The supervisor does not answer." in on_screen(app))


async def test_a_session_that_ended_takes_no_commands_and_is_left_without_a_question(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [GATEWAY]).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "This session has ended." in on_screen(app))
        await pilot.press("q")
    assert app.return_value == 0


async def test_an_interrupted_session_says_so(tmp_path: Path) -> None:
    journal = record(tmp_path, [API, GATEWAY])
    journal.close()
    facts = journal.folder / "facts.jsonl"
    facts.write_bytes(b"".join(row for row in facts.read_bytes().splitlines(True) if b"session_ended" not in row))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "interrupted" in on_screen(app).split("\n")[0])
        await pilot.press("s")
        await until(pilot, lambda: "its supervisor is gone" in on_screen(app))


@pytest.mark.parametrize(
    ("key", "asked", "leaves"), [("k", [], True), ("x", [("shutdown", None)], True), ("s", [], False)]
)
async def test_leaving_live_runs_asks_what_becomes_of_them(
    tmp_path: Path, key: str, asked: list[tuple[str, str | None]], leaves: bool
) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = Controls()
        on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "1 run is still at work." in on_screen(app))
        assert app.screen.query_one(OptionList).highlighted == 0
        await pilot.press(key)
        if leaves:
            await until(pilot, lambda: app.return_value == 0)
        else:
            await until(pilot, lambda: not isinstance(app.screen, AskScreen))
        assert controls.asked == asked


async def test_where_stopping_fails_octui_stays_and_says_why(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        on_dashboard(app).controls = Controls("Nobody listens.")  # type: ignore[assignment]  # a stand-in
        await pilot.press("q", "x")
        await until(pilot, lambda: "The runs were not stopped: Nobody listens." in on_screen(app))
        assert app.return_value is None


async def test_panes_reflow_with_the_terminal(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: on_dashboard(app).panes["gateway"].region.y == 1)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not on_dashboard(app).panes["gateway"].display)
        assert "gateway" in on_screen(app)
        await pilot.press("down")
        assert on_dashboard(app).current == "worker"
        await pilot.resize_terminal(30, 8)
        await until(pilot, lambda: "too small" in on_screen(app))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "too small" not in on_screen(app))


async def test_help_and_palette_tell_every_command(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=(140, 60)) as pilot:
        offered = {command.help.partition(" (")[0] for command in app.get_system_commands(app.screen)}
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        shown = " ".join(on_screen(app).split())
        for command in on_dashboard(app).COMMANDS_TABLE:
            assert (command.help in offered) is (command.action != "acknowledge"), "nothing has to be seen here"
            if not command.id[-1].isdigit():
                assert command.help in shown


async def test_a_command_of_the_palette_does_what_its_key_does(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE):
        offered = app.get_system_commands(app.screen)
        zoom = next(command for command in offered if command.help.startswith("Show one run alone"))
        await zoom.callback()
        assert on_dashboard(app).zoomed


async def test_keys_can_be_remapped_by_the_commands_id(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        app.set_keymap({"pane.zoom": "ctrl+z"})
        await pilot.press("z")
        assert not on_dashboard(app).zoomed
        await pilot.press("ctrl+z")
        assert on_dashboard(app).zoomed


async def test_a_theme_is_seen_while_it_is_chosen_and_escape_takes_it_back(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        before = app.theme
        await pilot.press("t", "down")
        await until(pilot, lambda: app.theme != before)
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == before)
        await pilot.press("t", "down", "enter")
        await until(pilot, lambda: app.theme != before)
        chosen = app.theme
    assert dashboard(record(tmp_path / "other", [API]).folder).theme == chosen


async def test_a_theme_of_the_users_appears_while_octui_runs_and_a_broken_one_is_told(
    tmp_path: Path, own_home: Path
) -> None:
    app = dashboard(record(tmp_path, [API], live=True).folder)
    themes = own_home / "config" / "themes"
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        themes.mkdir(parents=True)
        source = (Path(__file__).parents[2] / "themes" / "octui-ember.toml").read_text()
        (themes / "mine.toml").write_text(source.replace("octui-ember", "mine"))
        await until(pilot, lambda: "mine" in app.own_themes)
        app.theme = "mine"
        (themes / "broken.toml").write_text("name = ")
        await until(pilot, lambda: "broken.toml" in on_screen(app).replace("\n", ""))
        (themes / "mine.toml").write_text(source.replace("octui-ember", "mine").replace("#1b1613", "#000000"))
        os.utime(themes / "mine.toml", ns=(1, 1))
        await until(pilot, lambda: on_dashboard(app).palette.style("text").bgcolor.name == "#000000")  # type: ignore[union-attr]  # it has one


async def test_a_session_folder_that_goes_away_is_told_and_nothing_crashes(tmp_path: Path) -> None:
    journal = record(tmp_path, [API], live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "too late" in on_screen(app))
        journal.folder.rename(tmp_path / "elsewhere")
        await pilot.press("tab", "z", "z")
        assert "api" in on_screen(app)


async def test_clocks_run_while_nothing_happens(tmp_path: Path) -> None:
    time = [START + 5.0]
    app = dashboard(record(tmp_path, [API], live=True).folder, now=lambda: time[0])
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "00:05" in on_screen(app))
        time[0] = START + 65
        await until(pilot, lambda: "01:05" in on_screen(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_without_unicode_everything_is_drawn_in_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("OCTUI_ASCII", "1")
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "! worker" in on_screen(app))
        assert on_screen(app).isascii()
        await pilot.press("3", "z")
        await until(pilot, lambda: "Files changed" in on_screen(app))
        assert on_screen(app).isascii()
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert on_screen(app).isascii()


async def test_many_panes_are_drawn_a_few_at_a_time_and_all_come_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"run-{number}" for number in range(12)]
    journal = record(tmp_path, [Script(name, [step_start()], state=RunState.RUNNING) for name in names], live=True)
    app = dashboard(journal.folder)
    groups: list[set[str]] = []
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: "run-11" in on_screen(app))
        screen = on_dashboard(app)
        draw = screen.draw

        def note(changed: set[str]) -> None:
            groups.append(changed)
            draw(changed)

        monkeypatch.setattr(screen, "draw", note)
        for name in names:
            journal.append_stdout(name, line(text(f"news of {name}!"), NOW))
        await until(pilot, lambda: all(f"news of {name}!" in on_screen(app) for name in names))
        # Panes that are painted for another reason show the news before their turn.
        await until(pilot, lambda: set().union(*groups) == set(names))
    assert max(map(len, groups)) <= PANES


async def test_moving_the_focus_does_not_repaint_the_whole_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "explain services" in on_screen(app))
        await steady(pilot)
        full: list[str] = []
        monkeypatch.setattr(app.screen._compositor, "render_full_update", lambda *_: full.append("painted"))
        await pilot.press("tab")
        await until(pilot, lambda: on_dashboard(app).current == "worker")
        await pilot.pause(0.2)
        assert full == []


async def test_the_list_of_runs_can_be_drawn_at_a_new_height_before_it_is_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=(50, 24)) as pilot:
        await until(pilot, lambda: on_dashboard(app).query_one(RunList).rows_each == 2)
        run_list = on_dashboard(app).query_one(RunList)
        monkeypatch.setattr(RunList, "size", Size(20, 5))
        assert [run.name in run_list.render_line(at * 2).text for at, run in enumerate(run_list.runs)] == [True] * 6


async def test_what_a_key_does_is_drawn_at_once_and_not_at_the_next_tick_of_a_timer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = dashboard(record(tmp_path, SIX, live=True).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "explain services" in on_screen(app))
        await steady(pilot)
        screen = on_dashboard(app)
        ticks: list[str] = []
        monkeypatch.setattr(screen._update_timer, "resume", lambda: ticks.append("waited for"))
        monkeypatch.setattr(frame_pace, "KEY_S", 60)
        await pilot.press("tab")
        await until(pilot, lambda: screen.panes["worker"].has_focus)
        await pilot.pause()
        assert not screen._dirty_widgets
        assert ticks == []


async def test_what_did_not_succeed_is_resumed_after_asking_where_nobody_is_at_work(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [API, GATEWAY, WORKER]).folder)
    async with app.run_test(size=(200, 40), notifications=True) as pilot:
        asked: list[str] = []

        class Resumes(Controls):
            async def take_up(self, *, resume: bool = False) -> None:
                asked.append("resume" if resume else "take up")

        on_dashboard(app).controls = Resumes()  # type: ignore[assignment]  # a stand-in
        await until(pilot, lambda: "R resume" in on_screen(app))
        await pilot.press("R")
        await until(pilot, lambda: "2 of 3 runs begin anew. What 1 came to is kept" in on_screen(app))
        await pilot.press("n")
        assert asked == []
        await pilot.press("R", "y")
        await until(pilot, lambda: asked == ["resume"] and "2 runs begin anew." in on_screen(app))


@pytest.mark.parametrize(
    ("scripts", "why"),
    [
        ([GATEWAY], "All runs have succeeded: there is nothing to resume."),
        ([WORKER, API], "api is still active. r restarts one run."),
        ([WORKER, API, SEARCH], "2 runs are still active. r restarts one run."),
    ],
)
async def test_resume_says_why_it_cannot_be_done(tmp_path: Path, scripts: list[Script], why: str) -> None:
    app = dashboard(record(tmp_path, scripts, live=True).folder)
    async with app.run_test(size=(200, 40)) as pilot:
        await until(pilot, lambda: "q quit" in on_screen(app))
        assert "R resume" not in on_screen(app)
        await pilot.press("R")
        await until(pilot, lambda: why in on_screen(app))
        assert not isinstance(app.screen, AskScreen)


async def test_resume_restarts_runs_of_a_live_session_that_are_all_over(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [WORKER, GATEWAY, BILLING], live=True).folder)
    async with app.run_test(size=(200, 40)) as pilot:
        controls = Controls()
        on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
        await until(pilot, lambda: "R resume" in on_screen(app))
        await pilot.press("R")
        await until(pilot, lambda: "2 of 3 runs begin anew." in on_screen(app))
        await pilot.press("y")
        await until(pilot, lambda: sorted(controls.asked) == [("restart", "billing"), ("restart", "worker")])


async def test_the_keys_offer_to_resume_once_the_session_is_over(tmp_path: Path) -> None:
    journal = record(tmp_path, [API, WORKER], live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=(200, 40)) as pilot:
        await until(pilot, lambda: "q quit" in on_screen(app))
        assert "R resume" not in on_screen(app)
        journal.fact(SessionEnded(at=NOW))
        journal.close()
        await until(pilot, lambda: "R resume" in on_screen(app))
