from __future__ import annotations

from octui.tui.hands import HELD_S, TOO_SOON_S, Hands


def test_a_key_is_too_soon_until_what_it_answers_could_be_read() -> None:
    now = [100.0]
    hands = Hands(lambda: now[0], ())
    assert hands.are_too_soon
    hands.saw()
    now[0] += TOO_SOON_S - 0.01
    assert hands.are_too_soon
    now[0] += 0.02
    assert not hands.are_too_soon
    hands.shows_another()
    assert hands.are_too_soon


def test_a_key_held_down_since_the_request_before_is_no_answer_until_it_is_let_go() -> None:
    now = [100.0]
    hands = Hands(lambda: now[0], ())
    hands.pressed("once")
    hands.saw()
    for _ in range(5):
        now[0] += HELD_S - 0.1
        assert hands.hold_down("once")
    now[0] += HELD_S + 0.1
    assert not hands.hold_down("once")


def test_another_key_is_meant_even_soon_after() -> None:
    hands = Hands(lambda: 100.0, {"once"})
    hands.saw()
    assert not hands.hold_down("reject")
    assert not hands.hold_down("once")
