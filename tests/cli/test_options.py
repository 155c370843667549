"""Finding opencode for a command, and the offer to install it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from octui import paths
from octui.cli.options import Common, opencode_path
from octui.errors import OpenCodeBinaryNotFoundError

INSTALLED = Path("/home/dev/.local/share/octui/opencode/bin/opencode")


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """A machine without opencode, and a person at its terminal; give what is installed on it."""
    done: list[Path] = []

    def install() -> Path:
        done.append(INSTALLED)
        return INSTALLED

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("octui.cli.options.on_terminal", lambda: True)
    monkeypatch.setattr("octui.install.install_opencode", install)
    return done


def ask(monkeypatch: pytest.MonkeyPatch, answer: bool, options: Common) -> tuple[str, list[str]]:
    """Look for opencode as a command does; give the path, and what was asked meanwhile."""
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr("click.confirm", confirm)
    with click.Context(click.Command("run"), obj=options):
        return opencode_path(), asked


def test_a_missing_opencode_is_installed_when_somebody_agrees(
    installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, (question,) = ask(monkeypatch, True, Common())
    assert path == str(INSTALLED)
    assert str(paths.opencode_install_dir()) in question
    assert installs == [INSTALLED]


@pytest.mark.parametrize(
    ("answer", "terminal", "binary"), [(False, True, None), (True, False, None), (True, True, "/nowhere")]
)
def test_nothing_is_installed_that_nobody_agreed_to(
    answer: bool, terminal: bool, binary: str | None, installs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.cli.options.on_terminal", lambda: terminal)
    with pytest.raises(OpenCodeBinaryNotFoundError):
        ask(monkeypatch, answer, Common(binary=binary))
    assert installs == []
