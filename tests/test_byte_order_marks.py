"""Files that an editor on Windows wrote: a mark at the start, line ends of two bytes, UTF-16 of PowerShell's ``>``."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import pytest

from octui import paths, settings
from octui.plan.toml import load_plan
from octui.tui.theming import load_theme

THEME = Path(__file__).parents[1] / "themes" / "octui-dark.toml"

Encoder = Callable[[str], bytes]


@pytest.fixture(params=["plain", "bom", "utf-16", "utf-16-be"])
def encoded(request: pytest.FixtureRequest) -> Encoder:
    """Writes a text as one of these would."""
    marks = {"bom": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    codec = {"utf-16": "utf-16-le", "utf-16-be": "utf-16-be"}.get(request.param, "utf-8")
    return lambda text: marks.get(request.param, b"") + text.replace("\n", "\r\n").encode(codec)


def test_a_plan_and_its_prompt_file(tmp_path: Path, encoded: Encoder) -> None:
    (tmp_path / "plan.toml").write_bytes(encoded('name = "größer"\n[[runs]]\nworkspace = "."\nprompt_file = "p.md"\n'))
    (tmp_path / "p.md").write_bytes(encoded("Explain {{ vars.x }} größer.\nNow.\n"))
    plan = load_plan(tmp_path / "plan.toml", {"x": "it"})
    assert (plan.name, plan.runs[0].prompt) == ("größer", "Explain {{ vars.x }} größer.\nNow.\n")


def test_settings(encoded: Encoder) -> None:
    paths.make_private(paths.config_dir())
    settings.path().write_bytes(encoded('theme = "größer"\nbell = false\n'))
    assert (settings.load().theme, settings.load().bell) == ("größer", False)
    settings.save(notify=True)
    assert (settings.load().theme, settings.load().notify) == ("größer", True)


def test_a_theme(tmp_path: Path, encoded: Encoder) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(encoded(THEME.read_text("utf-8")))
    assert load_theme(path) == load_theme(THEME)
