from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.tui.driving import on_dashboard, on_screen, replay, until
from tests.tui.sessions import API, GATEWAY, START, WORKER, Script, line, record, text

from octui.recording import event_log
from octui.recording.replay import Timeline
from octui.recording.session import Session
from octui.tui.app import OctuiApp
from octui.tui.glyphs import ASCII, UNICODE, Glyphs
from octui.tui.render.lines import width_of
from octui.tui.screens import replay as replay_module
from octui.tui.screens.replay import ReplayScreen, parse_time
from octui.tui.widgets.transport import TransportState, transport_lines

SIZE = (120, 40)


def on_replay(app: OctuiApp) -> ReplayScreen:
    screen = on_dashboard(app)
    assert isinstance(screen, ReplayScreen)
    return screen


@pytest.mark.asyncio
async def test_at_its_start_a_replay_shows_nothing_that_came_later(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API, WORKER, GATEWAY]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "00:00 /" in on_screen(app))
        shown = on_screen(app)
        assert "router." not in shown
        assert "needs you" not in shown
        assert "0 tok" in shown


@pytest.mark.asyncio
async def test_seeking_shows_every_state_as_it_was(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API, WORKER, GATEWAY]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("right")
        await until(pilot, lambda: "▾ edit" in on_screen(app))
        assert "● worker  running" in on_screen(app)
        await pilot.press("right")
        await until(pilot, lambda: "◆ worker   failed, needs you" in on_screen(app))
        await pilot.press("left")
        await until(pilot, lambda: "● worker  running" in on_screen(app))
        await pilot.press("0")
        await until(pilot, lambda: "▾ edit" not in on_screen(app))


@pytest.mark.asyncio
async def test_a_step_is_one_event(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [Script("api", [text("one"), text("two"), text("three")])]).folder)
    async with app.run_test(size=SIZE) as pilot:
        counts = []
        for key in ("full_stop", "full_stop", "full_stop", "comma"):
            await pilot.press(key)
            counts.append(on_replay(app).view.visible("api"))
        assert counts[-1] == counts[-2] - 1
        assert sorted(set(counts)) == counts[: len(set(counts))]


@pytest.mark.asyncio
async def test_it_plays_to_its_end_as_fast_as_it_can_and_then_again_from_the_start(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API, GATEWAY]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("m", "space")
        await until(pilot, lambda: "✓ gateway  succeeded" in on_screen(app) and "too late" in on_screen(app))
        clock = on_replay(app).clock
        await until(pilot, lambda: not clock.playing)
        await pilot.press("m", "space")
        await until(pilot, lambda: clock.playing and clock.position < clock.end)


@pytest.mark.asyncio
async def test_speed_goes_from_a_half_to_64(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("minus", "minus")
        await until(pilot, lambda: "0.5×" in on_screen(app))
        await pilot.press(*["plus"] * 9)
        await until(pilot, lambda: "64×" in on_screen(app))


@pytest.mark.asyncio
async def test_idle_gaps_are_shortened_until_one_wants_them(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "idle gaps at most 2 s" in on_screen(app))
        await pilot.press("i")
        await until(pilot, lambda: "idle gaps kept" in on_screen(app))


@pytest.mark.asyncio
async def test_one_can_go_to_a_time_and_a_wrong_one_is_explained(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("g", *"soon", "enter")
        await until(pilot, lambda: "Write a time as 1:30" in on_screen(app))
        await pilot.press(*["backspace"] * 4, *"0:09", "enter")
        await until(pilot, lambda: "00:09 /" in on_screen(app))


@pytest.mark.asyncio
async def test_a_click_on_the_bar_seeks(tmp_path: Path) -> None:
    app = replay(record(tmp_path, [API]).folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "00:00 /" in on_screen(app))
        await pilot.click(offset=(118, 38))
        clock = on_replay(app).clock
        await until(pilot, lambda: clock.position == clock.end)


@pytest.mark.asyncio
async def test_a_bare_recording_is_replayed_too(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_bytes(line(text("from a file"), START) + line(text("and more"), START + 4) + b"no event\n")
    app = replay(path)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("9", "right")
        await until(pilot, lambda: "from a file" in on_screen(app) and "no event" in on_screen(app))
        await pilot.press("q")
    assert app.return_value == 0


@pytest.mark.asyncio
async def test_a_replay_starts_to_play_by_itself(tmp_path: Path) -> None:
    folder = record(tmp_path, [API]).folder
    app = OctuiApp(lambda app: ReplayScreen(Session.open(folder), app.palette, app.glyphs))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: on_replay(app).clock.position > on_replay(app).clock.start)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("90", 90),
        ("1:30", 90),
        ("1:02:30", 3750),
        ("0:09", 9),
        ("7.5", 7.5),
        ("soon", None),
        ("", None),
        ("1:2:3:4", None),
    ],
)
def test_times_are_read_as_people_write_them(words: str, seconds: float | None) -> None:
    assert parse_time(words) == seconds


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("length", [0.0, 133.0])
def test_the_transport_fits_any_width(width: int, length: float, glyphs: Glyphs) -> None:
    state = TransportState(True, 47.0, length, None, 2.0, (("api", (0, 1, 5, 2)), ("한국어이름이깁니다", (0, 0, 0, 0))))
    for shown in transport_lines(state, width, glyphs):
        assert width_of(shown) <= width


@pytest.mark.asyncio
async def test_a_long_log_is_indexed_while_it_is_shown_and_the_screen_says_how_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "READ_BYTES", 400)
    monkeypatch.setattr(replay_module, "SLICE_S", 0.0)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"".join(line(text(f"word {number}"), START + number) for number in range(3000)))
    session = Session.open(path, 0.0)
    assert 0 < session.indexed < 0.1
    app = OctuiApp(lambda app: ReplayScreen(session, app.palette, app.glyphs, playing=False))
    seen: set[str] = set()

    def look() -> bool:
        screen = on_screen(app)
        seen.update(re.findall(r"indexing \d+%", screen))
        return session.indexed == 1 and "indexing" not in screen

    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "49:59" in on_screen(app))
        await until(pilot, look)
        await pilot.press("9")
        await until(pilot, lambda: "word 2699" in on_screen(app))
    assert len(seen) > 2


def test_the_timeline_tells_moments_though_its_log_is_not_indexed_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "READ_BYTES", 400)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"".join(line(text("x"), START + number) for number in range(300)))
    session = Session.open(path, 0.0)
    timeline = Timeline(session)
    assert session.indexed < 0.1
    assert (timeline.start, timeline.end) == (START, START + 299)
    session.refresh()
    assert timeline.after(START + 150.5) == START + 151
    assert timeline.before(START + 150.5) == START + 150


@pytest.mark.asyncio
async def test_a_replay_of_what_is_not_done_is_resumed_and_goes_on_as_the_dashboard(tmp_path: Path) -> None:
    folder = record(tmp_path, [GATEWAY, WORKER]).folder
    app = replay(folder)
    async with app.run_test(size=SIZE) as pilot:
        asked: list[bool] = []

        class Resumes:
            async def take_up(self, *, resume: bool = False) -> None:
                asked.append(resume)

            async def close(self) -> None:
                """Nothing is held."""

        on_replay(app).controls = Resumes()  # type: ignore[assignment]  # a stand-in
        await until(pilot, lambda: "R resume" in on_screen(app))
        await pilot.press("R", "y")
        await until(pilot, lambda: not isinstance(on_dashboard(app), ReplayScreen))
        assert asked == [True]


@pytest.mark.asyncio
async def test_a_replay_of_opencode_alone_cannot_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "api.jsonl"
    path.write_bytes(line(text("half"), START))
    app = replay(path)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "? help" in on_screen(app))
        assert "R resume" not in on_screen(app)
        await pilot.press("R")
        await until(pilot, lambda: "it cannot be resumed" in on_screen(app))
