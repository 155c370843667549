from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's settings, themes or sessions, nor depends on the terminal's locale."""
    home = tmp_path / "octui-home"
    monkeypatch.setenv("OCTUI_HOME", str(home))
    monkeypatch.setenv("OCTUI_ASCII", "0")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return home
