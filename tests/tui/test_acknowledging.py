"""Saying that one has seen why a run needs somebody."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_dashboard, on_screen, replay, until
from tests.tui.sessions import API, GATEWAY, NOW, WORKER, record
from tests.tui.talking import PUSH, in_charge, served

from octui.recording.facts import Attention, AttentionCleared, AttentionRaised
from octui.recording.listing import summarize
from octui.recording.session import Session
from octui.recording.writer_lock import hold

pytestmark = pytest.mark.asyncio
SIZE = (140, 40)
WHY = "opencode rejected by itself"
REJECTED = Attention.PERMISSION_REJECTED


def needing(folder: Path) -> Session:
    """A session that is over, of which one run needs somebody."""
    journal = record(folder, [WORKER, GATEWAY])
    journal.close()
    return Session.open(journal.folder)


def keys_line(screen: str) -> str:
    return screen.splitlines()[-1]


async def test_a_run_that_was_seen_needs_nobody_any_more(tmp_path: Path) -> None:
    journal = record(tmp_path, [API, WORKER], live=True)
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        controls = in_charge(app)
        await until(pilot, lambda: "1 needs you" in on_screen(app))
        assert "v seen" not in keys_line(on_screen(app)), "the current run needs nobody"
        await pilot.press("v")
        assert controls.asked == []
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "v seen" in keys_line(on_screen(app)))
        await pilot.press("v")
        await until(pilot, lambda: "worker: seen." in on_screen(app))
        assert controls.asked == [("acknowledge", "worker", [REJECTED])]
        assert "1 needs you" in on_screen(app), "only what is written down counts"
        journal.fact(AttentionCleared(at=NOW, run="worker", kind=REJECTED, seen=True))
        await until(pilot, lambda: "needs you" not in on_screen(app))
        await until(pilot, lambda: "v seen" not in keys_line(on_screen(app)))


async def test_what_a_run_asks_cannot_be_seen_away(tmp_path: Path) -> None:
    journal = served(tmp_path, [("api", PUSH)])
    journal.fact(AttentionRaised(at=NOW, run="api", kind=Attention.PERMISSION_ASKED, words="bash git push"))
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        controls = in_charge(app)
        await until(pilot, lambda: "1 needs you" in on_screen(app))
        await pilot.press("v")
        assert controls.asked == []
        journal.fact(AttentionRaised(at=NOW, run="api", kind=Attention.MCP_NOT_STARTED, words="MCP did not start: x"))
        await until(pilot, lambda: "v seen" in keys_line(on_screen(app)))
        await pilot.press("v")
        await until(pilot, lambda: controls.asked == [("acknowledge", "api", [Attention.MCP_NOT_STARTED])])
        journal.fact(AttentionCleared(at=NOW, run="api", kind=Attention.MCP_NOT_STARTED, seen=True))
        await until(pilot, lambda: "MCP did not start" not in on_screen(app))
        assert "1 needs you" in on_screen(app)


async def test_a_run_of_a_session_that_is_over_is_seen_for_good(tmp_path: Path) -> None:
    session = needing(tmp_path)
    ended = session.ended_at
    app = dashboard(session.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "v seen" in keys_line(on_screen(app)) and WHY in on_screen(app))
        await pilot.press("v")
        await until(pilot, lambda: "worker: seen." in on_screen(app))
        await until(pilot, lambda: "needs you" not in on_screen(app) and WHY not in on_screen(app))
    again = Session.open(session.folder)
    assert (summarize(session).attention, summarize(again).attention) == (1, 0)
    assert again.ended_at == ended
    assert not again.is_live


async def test_what_a_run_asked_whose_supervisor_was_killed_can_be_seen(tmp_path: Path) -> None:
    journal = served(tmp_path, [("api", PUSH)])
    journal.fact(AttentionRaised(at=NOW, run="api", kind=Attention.PERMISSION_ASKED, words="bash git push"))
    journal.close()
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "interrupted" in on_screen(app) and "1 needs you" in on_screen(app))
        await pilot.press("v")
        await until(pilot, lambda: "needs you" not in on_screen(app))


async def test_a_replay_shows_when_a_run_needed_somebody_and_that_it_was_seen_at_the_end(tmp_path: Path) -> None:
    app = replay(needing(tmp_path).folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        assert "v seen" not in on_screen(app), "at its start nothing has happened"
        length = on_dashboard(app).clock.end  # type: ignore[attr-defined]  # A replay has one.
        await pilot.press("9")
        await until(pilot, lambda: "1 needs you" in on_screen(app) and "v seen" in on_screen(app))
        await pilot.press("v")
        await until(pilot, lambda: "worker: seen, from the end of the recording on." in on_screen(app))
        assert "1 needs you" in on_screen(app), "it still did then"
        await until(pilot, lambda: "v seen" not in on_screen(app))
        await pilot.press("right", "right")
        await until(pilot, lambda: "needs you" not in on_screen(app))
        assert on_dashboard(app).clock.end == length  # type: ignore[attr-defined]  # as above


async def test_a_recording_of_opencode_alone_has_nothing_to_be_written_into(tmp_path: Path) -> None:
    journal = record(tmp_path, [API])
    log = journal.stdout_path("api")
    log.write_bytes(log.read_bytes() + b'{"type":"text","timesta')
    app = replay(log)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("9", "right", "right", "right", "right")
        await until(pilot, lambda: "1 needs you" in on_screen(app))
        before = log.read_bytes()
        await pilot.press("v")
        assert "v seen" not in on_screen(app)
        assert log.read_bytes() == before


async def test_a_session_that_somebody_else_has_taken_up_says_so(tmp_path: Path) -> None:
    session = needing(tmp_path)
    app = dashboard(session.folder)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "v seen" in keys_line(on_screen(app)))
        lock = hold(session.folder)  # Its first fact is not written yet.
        await pilot.press("v")
        await until(pilot, lambda: "is live again" in " ".join(on_screen(app).replace("│", " ").split()))
        assert lock
        assert "1 needs you" in on_screen(app)


async def test_what_is_to_be_seen_while_somebody_types_is_on_the_keys_line_afterwards(tmp_path: Path) -> None:
    journal = served(tmp_path, [])
    app = dashboard(journal.folder)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "i send" in keys_line(on_screen(app)))
        await pilot.press("i")
        journal.fact(AttentionRaised(at=NOW, run="api", kind=Attention.MCP_NOT_STARTED, words="MCP did not start: x"))
        await until(pilot, lambda: "1 needs you" in on_screen(app))
        assert "i send" in keys_line(on_screen(app))
        await pilot.press("escape")
        await until(pilot, lambda: "v seen" in keys_line(on_screen(app)))
        assert "i send" in keys_line(on_screen(app))
