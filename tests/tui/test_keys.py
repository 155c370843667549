from __future__ import annotations

import pytest

from octui.tui.keys import DASHBOARD_COMMANDS, GROUPS, REPLAY_COMMANDS, Command, key_name
from octui.tui.render.lines import plain, width_of
from octui.tui.screens.sheets import help_lines

TABLES = {"dashboard": DASHBOARD_COMMANDS, "replay": REPLAY_COMMANDS}


@pytest.mark.parametrize("commands", TABLES.values(), ids=TABLES)
def test_no_key_is_given_twice_and_every_command_has_an_id_of_its_own(commands: tuple[Command, ...]) -> None:
    keys = [key for command in commands for key in command.keys.split(",")]
    assert len(keys) == len(set(keys))
    assert len({command.id for command in commands}) == len(commands)
    assert {command.group for command in commands} <= set(GROUPS)


@pytest.mark.parametrize("commands", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("width", [34, 72, 100, 130])
def test_the_help_tells_every_command_whole(commands: tuple[Command, ...], width: int) -> None:
    lines = help_lines(commands, {}, width, "● running")
    text = " ".join(" ".join(plain(line).split()) for line in lines)
    for command in commands:
        if not command.id[-1].isdigit():
            assert command.help in text
    assert all(width_of(line) <= width for line in lines)


def test_the_help_shows_keys_as_they_are_bound_now() -> None:
    lines = help_lines(DASHBOARD_COMMANDS, {"pane.zoom": ["Z"]}, 100, "")
    assert any("Z  Show one run alone" in plain(line) for line in lines)


def test_keys_have_the_names_people_know() -> None:
    assert [key_name(key) for key in ("exclamation_mark", "left", "z")] == ["!", "←", "z"]
