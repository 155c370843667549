"""The user's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui import settings
from octui.errors import SettingsError
from octui.settings import Settings


def write(text: str) -> None:
    path = settings.path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_a_file_the_defaults_hold() -> None:
    assert settings.load() == Settings()


def test_the_bell_rings_and_the_desktop_is_told_as_chosen() -> None:
    assert (Settings().bell, Settings().notify) == (True, False)
    write("bell = false\nnotify = true\n")
    assert (settings.load().bell, settings.load().notify) == (False, True)


def test_what_is_written_is_read() -> None:
    write('theme = "octui-light"\n[keys]\n"pane.zoom" = "ctrl+z"\n')
    assert settings.load() == Settings(theme="octui-light", keys={"pane.zoom": "ctrl+z"})


def test_a_change_keeps_the_other_settings() -> None:
    write('[keys]\nx = "y"\n')
    settings.save(theme="octui-ember")
    assert settings.load() == Settings(theme="octui-ember", keys={"x": "y"})
    assert [path.name for path in settings.path().parent.iterdir()] == ["settings.toml"]


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles.toml"
    dotfiles.write_text('[keys]\nx = "y"\n')
    settings.path().parent.mkdir(parents=True)
    settings.path().symlink_to(dotfiles)
    settings.save(theme="octui-ember")
    assert settings.path().is_symlink()
    assert settings.load() == Settings(theme="octui-ember", keys={"x": "y"})


def test_a_file_that_cannot_be_used_gives_the_defaults_and_says_why() -> None:
    assert settings.load_or_default() == (Settings(), "")
    write("theme = 3")
    found, problem = settings.load_or_default()
    assert found == Settings()
    assert str(settings.path()) in problem
    assert "theme" in problem


def test_a_file_that_cannot_be_read_is_not_written_over() -> None:
    write("theme = ")
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.save(theme="octui-ember")
    assert settings.path().read_text() == "theme = "


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("them = 'x'", "Did you mean 'theme'"),
        ("theme = 3", "theme"),
        ("theme = ", "cannot be read"),
        ("keys = 1", "keys"),
    ],
)
def test_a_mistake_is_told_with_the_file_and_the_key(text: str, words: str) -> None:
    write(text)
    with pytest.raises(SettingsError, match=words) as raised:
        settings.load()
    assert str(settings.path()) in str(raised.value)
