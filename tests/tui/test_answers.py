"""The dialog that answers what runs wait for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.tui.driving import dashboard, on_dashboard, on_screen, replay, until
from tests.tui.sessions import GATEWAY, NOW
from tests.tui.talking import EDIT, ONE, PUSH, TWO, Controls, answered, asked, served
from textual.pilot import Pilot

from octui.client.serve.events import Option, Permission, Question, QuestionItem
from octui.recording.facts import SessionEnded
from octui.tui import hands
from octui.tui.app import OctuiApp
from octui.tui.screens.answers import AnswerScreen

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests press keys at once."""
    monkeypatch.setattr(hands, "TOO_SOON_S", 0.0)
    monkeypatch.setattr(hands, "HELD_S", 0.0)


def in_charge(app: OctuiApp, refusal: str = "") -> Controls:
    controls = Controls(refusal)
    on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
    return controls


def dialog(app: OctuiApp) -> str:
    """What the dialog shows, without the panes beside it."""
    left, top, width, height = app.screen.query_one(".dialog").region
    return "\n".join(row[left : left + width] for row in on_screen(app).split("\n")[top : top + height])


async def opened(pilot: Pilot[Any], key: str = "a") -> AnswerScreen:
    app = pilot.app
    await until(pilot, lambda: "waits for you" in on_screen(app))
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, AnswerScreen) and app.screen._hands.seen_at is not None)
    assert isinstance(app.screen, AnswerScreen)
    return app.screen


async def test_a_run_that_waits_is_the_loudest_thing_on_the_screen(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: " a  answer" in on_screen(app))
        shown = on_screen(app)
    for words in ("◆ api   needs you", "◆ 1 needs you", "waits for you 00:41: bash git push origin main"):
        assert words in shown


@pytest.mark.parametrize(("key", "reply"), [("y", "once"), ("A", "always"), ("n", "reject")])
async def test_a_permission_is_answered_with_one_key(tmp_path: Path, key: str, reply: str) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await opened(pilot)
        assert "always allows from now on: bash `git push *`" in on_screen(app)
        await pilot.press(key)
        await until(pilot, lambda: controls.asked == [("reply", "api", "per_push", reply, "")])
        await until(pilot, lambda: not isinstance(app.screen, AnswerScreen))


async def test_enter_and_a_click_on_the_card_open_the_dialog_too(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: " a  answer" in on_screen(app))
        await opened(pilot, "enter")
        await pilot.press("escape")
        row = next(n for n, shown in enumerate(on_screen(app).split("\n")) if "wants to run a command" in shown)
        await pilot.click(offset=(8, row))
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen))


async def test_a_rejection_can_say_why_and_escape_leaves_the_field_only(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        screen = await opened(pilot)
        await pilot.press("m", "enter")
        await until(pilot, lambda: "Write what the model shall be told" in on_screen(app))
        await pilot.press("escape")
        assert app.screen is screen
        await pilot.press("m", *"any way", "enter")
        await until(pilot, lambda: controls.asked == [("reply", "api", "per_push", "reject", "any way")])


async def test_the_dialog_is_a_queue_over_all_runs_and_closes_after_the_last(tmp_path: Path) -> None:
    journal = served(tmp_path, [("gateway", EDIT), ("api", PUSH), ("gateway", ONE)])
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await opened(pilot)
        assert "api wants to run a command" in on_screen(app)
        assert "2 of 3 waiting" in on_screen(app)
        await pilot.press("y")
        await until(pilot, lambda: "gateway wants to change a file" in on_screen(app))
        assert "1 of 2 waiting" in on_screen(app)
        await until(pilot, lambda: dialog(app).count("return 100") == 1)
        await pilot.press("tab")
        await until(pilot, lambda: "gateway asks you a question" in on_screen(app))
        await until(pilot, lambda: "2 ( ) SQLite" in dialog(app) and "more below" not in dialog(app))
        await pilot.press("d")
        await until(pilot, lambda: "gateway wants to change a file" in on_screen(app))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, AnswerScreen))
    assert [what[1:3] for what in controls.asked] == [
        ("api", "per_push"),
        ("gateway", "que_one"),
        ("gateway", "per_edit"),
    ]


async def test_the_options_of_a_question_are_there_as_soon_as_it_is_its_turn(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH), ("gateway", ONE)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        in_charge(app)
        await opened(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "gateway asks you a question" in on_screen(app))
        await until(
            pilot, lambda: re.search(r"1 .{1,4}PostgreSQL.*\n(.*\n)*.*2 .{1,4}SQLite", on_screen(app)) is not None
        )


async def test_what_is_answered_elsewhere_is_told_and_the_next_one_shown(tmp_path: Path) -> None:
    journal = served(tmp_path, [("api", PUSH), ("gateway", EDIT)])
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot)
        journal.fact(answered("api", PUSH, "always"))
        await until(pilot, lambda: "gateway wants to change a file" in on_screen(app))
        await until(pilot, lambda: "api was answered elsewhere: always." in on_screen(app))
        journal.fact(SessionEnded(at=NOW))
        await until(pilot, lambda: not isinstance(app.screen, AnswerScreen))


async def test_an_answer_that_is_refused_is_told_and_asked_for_again(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        in_charge(app, "The server is gone.")
        await opened(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "The server is gone." in on_screen(app))
        await opened(pilot)


async def test_a_key_that_comes_before_anybody_can_have_read_it_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "TOO_SOON_S", 0.3)
    now = [100.0]
    app = dashboard(served(tmp_path, [("api", PUSH), ("gateway", EDIT)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await until(pilot, lambda: "waits for you" in on_screen(app))
        desk = on_dashboard(app)
        screen = AnswerScreen(desk, desk.pending()[0], app.palette, app.glyphs, now=lambda: now[0])
        await app.push_screen(screen)
        await until(pilot, lambda: screen._hands.seen_at == 100.0)
        now[0] = 100.29
        await pilot.press("y", "n", "m", "tab")
        assert controls.asked == []
        assert "1 of 2 waiting" in on_screen(app)
        now[0] = 100.31
        await pilot.press("y")
        await until(pilot, lambda: screen._hands.seen_at == 100.31)
        await pilot.press("y")
        now[0] = 100.62
        await pilot.press("n")
        await until(pilot, lambda: len(controls.asked) == 2)
        assert [what[2:4] for what in controls.asked] == [("per_push", "once"), ("per_edit", "reject")]


async def test_a_key_that_is_held_down_does_not_answer_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "HELD_S", 0.7)
    now = [100.0]
    app = dashboard(served(tmp_path, [("api", PUSH), ("gateway", EDIT)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await until(pilot, lambda: "waits for you" in on_screen(app))
        desk = on_dashboard(app)
        screen = AnswerScreen(desk, desk.pending()[0], app.palette, app.glyphs, now=lambda: now[0])
        await app.push_screen(screen)
        await until(pilot, lambda: screen._hands.seen_at == 100.0)
        await pilot.press("y")
        await until(pilot, lambda: "gateway wants to change a file" in on_screen(app))
        await until(pilot, lambda: screen._hands.seen_at == 100.0)
        for passed in (0.5, 1.0, 1.5):
            now[0] = 100 + passed
            await pilot.press("y")
        assert len(controls.asked) == 1
        now[0] = 102.3
        await pilot.press("y")
        await until(pilot, lambda: [what[2] for what in controls.asked] == ["per_push", "per_edit"])


async def test_the_key_that_opens_the_dialog_answers_nothing_in_it_however_often_it_is_pressed(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        screen = await opened(pilot)
        await pilot.press("a", "a", "a")
        assert controls.asked == []
        assert app.screen is screen
        assert re.search(r"\bA.always", dialog(app))


async def test_questions_come_one_after_another_and_are_sent_at_once(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", TWO)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await opened(pilot)
        assert "question 1 of 2: Tests" in on_screen(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Tick what applies first" in on_screen(app))
        await pilot.press("3", "up", "up", "space", "enter")
        await until(pilot, lambda: "question 2 of 2: Name" in on_screen(app))
        await pilot.press(*"Ember 2", "enter")
        wanted = ("answer", "api", "que_two", [["Router", "Migrations"], ["Ember 2"]])
        await until(pilot, lambda: controls.asked == [wanted])


async def test_one_choice_is_walked_to_and_sent_and_a_click_is_as_good(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", ONE)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        screen = await opened(pilot)
        row = next(n for n, shown in enumerate(on_screen(app).split("\n")) if "2 ( ) SQLite" in shown)
        await pilot.click(offset=(20, row))
        await until(pilot, lambda: "2 (•) SQLite" in on_screen(app))
        assert app.screen is screen
        await pilot.press("up", "enter")
        await until(pilot, lambda: controls.asked == [("answer", "api", "que_one", [["PostgreSQL"]])])


async def test_later_answers_nothing(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", ONE)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await opened(pilot)
        await pilot.press("escape")
        assert not isinstance(app.screen, AnswerScreen)
        assert controls.asked == []


async def test_a_new_request_rings_once_and_is_counted_in_the_terminals_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = served(tmp_path, [])
    app = dashboard(journal.folder)
    rings: list[str] = []
    monkeypatch.setattr(app, "bell", lambda: rings.append("rung"))
    async with app.run_test(size=SIZE) as pilot:
        app.set_terminal_title("octui: explain")
        journal.fact(asked("api", PUSH))
        await until(pilot, lambda: app.window_title == "◆ 1 octui: explain")
        journal.fact(asked("gateway", EDIT))
        await until(pilot, lambda: app.window_title == "◆ 2 octui: explain")
        await until(pilot, lambda: len(rings) == 2)
        journal.fact(answered("api", PUSH))
        journal.fact(answered("gateway", EDIT))
        await until(pilot, lambda: app.window_title == "octui: explain")
    assert len(rings) == 2


async def test_the_bell_can_be_switched_off(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own_home / "config").mkdir(parents=True)
    (own_home / "config" / "settings.toml").write_text("bell = false\n")
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    rings: list[str] = []
    monkeypatch.setattr(app, "bell", lambda: rings.append("rung"))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.window_title.startswith("◆ 1"))
    assert rings == []


async def test_the_longest_waiting_run_is_one_key_away(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("gateway", EDIT), ("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "2 need you" in on_screen(app))
        on_dashboard(app).choose("gateway")
        on_dashboard(app).choose("api")
        walked = []
        for _ in range(3):
            await pilot.press("!")
            walked.append(on_dashboard(app).current)
    assert walked == ["gateway", "api", "gateway"]


async def test_a_replay_shows_what_was_asked_and_neither_rings_nor_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = served(tmp_path, [("gateway", EDIT)], [GATEWAY])
    journal.fact(answered("gateway", EDIT))
    journal.fact(SessionEnded(at=NOW))
    app = replay(journal.folder)
    monkeypatch.setattr(app, "bell", lambda: pytest.fail("it rang"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("9")
        await until(pilot, lambda: "wants to change a file" in on_screen(app))
        shown = on_screen(app)
        assert "answer" not in shown
        await pilot.press("a", "enter")
        row = next(n for n, line in enumerate(shown.split("\n")) if "wants to change a file" in line)
        await pilot.click(offset=(8, row))
        assert not isinstance(app.screen, AnswerScreen)
        assert not app.window_title.startswith("◆")


async def test_the_keys_of_the_dialog_can_be_remapped_and_are_shown_as_they_are(tmp_path: Path) -> None:
    app = dashboard(served(tmp_path, [("api", PUSH)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        app.set_keymap({"answer.once": "o", "talk.answer": "w"})
        await opened(pilot, "w")
        await until(pilot, lambda: "o\N{NO-BREAK SPACE}allow" in on_screen(app))
        await pilot.press("y")
        assert controls.asked == []
        await pilot.press("o")
        await until(pilot, lambda: [what[3] for what in controls.asked] == ["once"])


async def test_hostile_text_in_a_request_never_reaches_the_terminal(tmp_path: Path) -> None:
    evil = "\x1b]52;c;eA==\x07\x9b2J[@click=app.quit]x[/]\u202e"
    permission = Permission(
        id="per_evil",
        permission=f"bash{evil}",
        patterns=(evil,),
        always=(evil,),
        metadata={"command": f"echo {evil}", "diff": f"@@ -1 +1 @@\n-{evil}\n+{evil}\n"},
    )
    option = Option(label=f"A{evil}", description=evil)
    question = Question(id="que_evil", questions=(QuestionItem(question=evil, header=evil, options=(option,)),))
    app = dashboard(served(tmp_path, [("api", permission), ("gateway", question)]).folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await until(pilot, lambda: "waits for you" in on_screen(app))
        seen = [on_screen(app)]
        await opened(pilot)
        await until(pilot, lambda: "It holds characters that are not shown" in on_screen(app))
        seen.append(on_screen(app))
        await pilot.press("tab")
        await until(pilot, lambda: "gateway asks you a question" in on_screen(app))
        seen.append(on_screen(app))
        await pilot.press("enter")
        await until(pilot, lambda: controls.asked == [("answer", "gateway", "que_evil", [[f"A{evil}"]])])
    assert all(shown.replace("\n", "").isprintable() for shown in (each.replace("\xa0", " ") for each in seen))
    assert "[@click=app.quit]x[/]" in seen[1]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_without_unicode_the_dialogs_are_drawn_in_ascii(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("OCTUI_ASCII", "1")
    app = dashboard(served(tmp_path, [("api", EDIT), ("api", TWO)]).folder)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.pause(0.1)
        assert on_screen(app).isascii()
        await pilot.press("tab")
        await until(pilot, lambda: "[ ] in words of your own" in on_screen(app))
        await pilot.press("up")
        await pilot.pause(0.1)
        assert on_screen(app).isascii()
        await pilot.press("escape", "i")
        await until(pilot, lambda: "esc leaves" in on_screen(app))
        assert on_screen(app).isascii()
        await pilot.press("escape", "D")
        await until(pilot, lambda: "has changed nothing" in on_screen(app))
        assert on_screen(app).isascii()
