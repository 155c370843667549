"""The user's settings."""

from __future__ import annotations

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


def test_what_is_written_is_read() -> None:
    write('theme = "octui-light"\n[keys]\n"pane.zoom" = "ctrl+z"\n')
    assert settings.load() == Settings(theme="octui-light", keys={"pane.zoom": "ctrl+z"})


def test_a_change_keeps_the_other_settings() -> None:
    write('[keys]\nx = "y"\n')
    settings.save(theme="octui-ember")
    assert settings.load() == Settings(theme="octui-ember", keys={"x": "y"})
    assert [path.name for path in settings.path().parent.iterdir()] == ["settings.toml"]


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
