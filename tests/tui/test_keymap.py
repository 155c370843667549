"""Keys of the user's own: what is used, and that nothing is left out without a word."""

from __future__ import annotations

import pytest
from textual.binding import Binding

from octui.tui.keymap import screens_with_commands, usable_keys

SCREENS = (
    [Binding("z", "zoom", id="zoom"), Binding("s", "stop", id="stop"), Binding("?,f1", "help", id="help")],
    [Binding("s", "slower", id="slower"), Binding("x", "close")],
)


@pytest.mark.parametrize(
    ("chosen", "used"),
    [
        ({"zoom": "f11"}, {"zoom": "f11"}),
        ({"zoom": "ctrl+x, !"}, {"zoom": "ctrl+x,exclamation_mark"}),
        ({"zoom": "ctrl+backslash,é,comma,shift+f5,alt+1"}, {"zoom": "ctrl+backslash,é,comma,shift+f5,alt+1"}),
        ({"zoom": "s", "stop": "z"}, {"zoom": "s", "stop": "z"}),
        ({"zoom": "x"}, {"zoom": "x"}),
        ({"help": "f1,h"}, {"help": "f1,h"}),
        ({"zoom": "?"}, {"zoom": "question_mark"}),
    ],
)
def test_keys_that_can_be_used_are(chosen: dict[str, str], used: dict[str, str]) -> None:
    assert usable_keys(chosen, SCREENS) == (used, ())


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"zoon": "a"}, "No command is called 'zoon'. Did you mean 'zoom'?"),
        ({"zoom": "crtl+x"}, "'crtl+x' for 'zoom' is no key."),
        ({"zoom": "pagedwn"}, "'pagedwn' for 'zoom' is no key."),
        ({"zoom": ""}, "'' for 'zoom' is no key."),
        ({"zoom": "a,,b"}, "'' for 'zoom' is no key."),
        ({"zoom": "s"}, "'s' for 'zoom' is the key of 'stop', which needs another one first."),
        (
            {"zoom": "question_mark,f1"},
            "'question_mark' for 'zoom' is the key of 'help', which needs another one first.",
        ),
        ({"slower": "x"}, "'x' for 'slower' is the key of 'close', which needs another one first."),
    ],
)
def test_keys_that_cannot_be_used_are_told(chosen: dict[str, str], problem: str) -> None:
    assert usable_keys({**chosen, "stop": "f9"} if "s" not in chosen.values() else chosen, SCREENS)[1] == (problem,)


def test_of_two_own_keys_that_clash_one_is_used() -> None:
    used, problems = usable_keys({"zoom": "a", "stop": "a"}, SCREENS)
    assert used == {"zoom": "a"}
    assert len(problems) == 1


def test_the_default_keys_of_every_screen_can_be_chosen() -> None:
    screens = screens_with_commands()
    for screen in screens:
        chosen: dict[str, str] = {}
        for binding in screen:
            if binding.id:
                chosen[binding.id] = ",".join(filter(None, (chosen.get(binding.id), binding.key)))
        assert usable_keys(chosen, [screen])[1] == ()
