from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, TextArea


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's settings, themes or sessions, nor depends on the terminal's locale."""
    home = tmp_path / "octui-home"
    monkeypatch.setenv("OCTUI_HOME", str(home))
    monkeypatch.setenv("OCTUI_ASCII", "0")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return home


@pytest.fixture(autouse=True)
def steady_cursors(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks: what a picture shows must not depend on how long it took.

    Switching ``cursor_blink`` off once a field is there is too late. Where its cursor has just blinked off, `TextArea`
    goes on to draw the line from its cache, without the cursor.
    """
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda area: None)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda line: None)
