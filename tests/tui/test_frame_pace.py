"""How often panes are drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from octui.tui.frame_pace import (
    CLEARLY_BEHIND_S,
    FASTEST_S,
    KEY_S,
    NARROW_S,
    PANES,
    PARTS,
    RARELY_S,
    SLOWEST_S,
    STARVED_S,
    FramePace,
    backed_up,
)


class Clock:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.worked = 0.0

    def pace(self) -> FramePace:
        return FramePace(lambda: self.now, lambda: self.worked)


def due(pace: FramePace, part: float = 1.0, *, rarely: bool = False, is_backed_up: bool = False) -> bool:
    return pace.may_draw(part, rarely=rarely, is_backed_up=is_backed_up)


def test_frames_come_at_their_pace_and_parts_of_them_sooner() -> None:
    clock = Clock()
    pace = clock.pace()
    assert due(pace)
    pace.began()
    clock.now += FASTEST_S / 2
    assert not due(pace)
    assert due(pace, 0.5)
    clock.now += FASTEST_S / 2
    assert due(pace)


def test_dear_frames_come_more_rarely_but_not_too_rarely() -> None:
    clock = Clock()
    pace = clock.pace()
    for _ in range(20):
        pace.began()
        clock.worked += 0.06
        pace.ended(1.0)
    assert FASTEST_S < pace.interval_s < SLOWEST_S
    for _ in range(20):
        pace.began()
        clock.worked += 0.5
        pace.ended(0.5)
    assert pace.interval_s == SLOWEST_S


def test_behind_a_dialog_frames_are_rare() -> None:
    clock = Clock()
    pace = clock.pace()
    pace.began()
    clock.now += RARELY_S - 0.1
    assert due(pace)
    assert not due(pace, rarely=True)
    clock.now += 0.2
    assert due(pace, rarely=True)


def test_a_terminal_that_is_behind_gets_a_frame_now_and_then_only() -> None:
    clock = Clock()
    pace = clock.pace()
    pace.began()
    clock.now += RARELY_S
    assert due(pace)
    assert not due(pace, is_backed_up=True)
    clock.now += RARELY_S
    assert due(pace, is_backed_up=True)


def test_frames_are_small_for_a_while_after_the_terminal_was_behind() -> None:
    clock = Clock()
    pace = clock.pace()
    assert (pace.panes(8), pace.panes(64)) == (PANES, 64 // PARTS)
    due(pace, is_backed_up=True)
    assert not pace.is_narrow, "the frame may be about to be taken"
    clock.now += CLEARLY_BEHIND_S
    due(pace, is_backed_up=True)
    assert pace.panes(32) == 1
    clock.now += NARROW_S
    assert pace.panes(8) == PANES


def test_a_key_goes_before_frames_but_typing_does_not_stop_them() -> None:
    clock = Clock()
    pace = clock.pace()
    pace.began()
    assert not pace.gives_way
    pace.heard_key()
    assert pace.gives_way
    clock.now += KEY_S
    assert not pace.gives_way
    clock.now += STARVED_S
    pace.heard_key()
    assert not pace.gives_way


def test_a_terminal_is_behind_while_frames_wait_for_it() -> None:
    def app(waiting: int) -> Any:
        writer = SimpleNamespace(_queue=SimpleNamespace(qsize=lambda: waiting))
        return cast(Any, SimpleNamespace(_driver=SimpleNamespace(_writer_thread=writer)))

    assert not backed_up(app(0))
    assert backed_up(app(1))
    assert not backed_up(cast(Any, SimpleNamespace(_driver=None)))


def test_a_key_is_being_answered_for_a_moment_only() -> None:
    clock = Clock()
    pace = clock.pace()
    assert not pace.is_answering
    pace.heard_key()
    assert pace.is_answering
    clock.now += KEY_S
    assert not pace.is_answering
