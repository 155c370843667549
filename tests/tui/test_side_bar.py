from __future__ import annotations

from pathlib import Path

from tests.tui.streams import Told

from octui.recording.session import Session
from octui.tui.digest import Digest
from octui.tui.glyphs import UNICODE
from octui.tui.render.lines import plain
from octui.tui.view import SessionView
from octui.tui.widgets.side_bar import side_lines


def shown(told: Told) -> str:
    view = SessionView(Session.open(told.folder), now=lambda: told.at_ms / 1000)
    run, digest = view.run("api", UNICODE), Digest(view, "api")
    return "\n".join(plain(line) for line in side_lines(run, digest, view.session.meta("api"), "", 40, UNICODE))


def test_the_model_and_agent_in_force_are_named_where_they_are_others_than_at_the_start(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.message("m1")
    assert "now" not in shown(told)
    told.message("m2", agent="plan", modelID="claude-opus-4-5")
    assert "model now" in shown(told)
    assert "claude-opus-4-5" in shown(told)
    assert "agent now" in shown(told)
