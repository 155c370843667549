"""One clock over all runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.recording.conftest import line

from octui.recording.replay import GAP_KEPT_S, ReplayClock, Timeline
from octui.recording.session import Session

START = 1000.0
SAMPLE = Path(__file__).parents[2] / "sample_sessions" / "fix-a-bug"


@pytest.fixture
def timeline(tmp_path: Path) -> Timeline:
    """Something happens after 0, 1, 61 and 62 seconds."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"".join(line("text", at, text="x") for at in (START, START + 1, START + 61, START + 62)))
    return Timeline(Session.open(path))


def test_it_plays_at_its_speed_and_stops_at_the_end(timeline: Timeline) -> None:
    clock = ReplayClock(timeline)
    assert clock.tick(5) == START
    clock.play()
    assert clock.tick(0.5) == START + 0.5
    clock.set_speed(64)
    assert clock.tick(10) == START + 62
    assert not clock.playing


def test_as_fast_as_it_can_is_the_end_at_once(timeline: Timeline) -> None:
    clock = ReplayClock(timeline)
    clock.play()
    clock.set_speed(None)
    assert clock.tick(0.05) == clock.end


def test_gaps_are_shortened_and_what_follows_is_seen_to_come(timeline: Timeline) -> None:
    clock = ReplayClock(timeline, gap_s=2.0)
    clock.play()
    clock.tick(1.0)
    clock.tick(1.5)
    assert clock.position - START == pytest.approx(2.5)
    clock.tick(0.6)
    assert clock.position - START == pytest.approx(61 - GAP_KEPT_S + 0.1, abs=0.01)


def test_a_gap_is_shortened_in_one_long_tick_too(timeline: Timeline) -> None:
    clock = ReplayClock(timeline, gap_s=2.0)
    clock.play()
    assert clock.tick(1 + 2 + GAP_KEPT_S) - START == pytest.approx(61, abs=0.01)


def test_steps_go_from_event_to_event_and_pause(timeline: Timeline) -> None:
    clock = ReplayClock(timeline)
    clock.play()
    positions = []
    for _ in range(4):
        clock.step(1)
        positions.append(clock.position - START)
    assert positions == [1, 61, 62, 62]
    assert not clock.playing
    clock.step(-1)
    clock.step(-1)
    assert clock.position == START + 1


def test_one_cannot_leave_the_recording(timeline: Timeline) -> None:
    clock = ReplayClock(timeline)
    clock.seek(START - 5)
    assert clock.position == START
    clock.seek(START + 999)
    assert clock.position == START + 62
    clock.play()
    assert not clock.playing


def test_activity_counts_each_runs_events_in_its_part() -> None:
    session = Session.open(SAMPLE)
    timeline = Timeline(session)
    for run in session.run_names:
        counts = timeline.activity(run, 10)
        assert len(counts) == 10
        assert sum(counts) == len(session.log(run))
