from __future__ import annotations

from pathlib import Path

from tests.tui.streams import Told
from tests.tui.worktrees import compared

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


def test_a_run_with_a_worktree_tells_where_it_is_what_was_changed_there_and_the_check(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    view = SessionView(Session.open(journal.folder))
    digest = Digest(view, "limits-haiku")
    lines = side_lines(view.run("limits-haiku", UNICODE), digest, view.session.meta("limits-haiku"), "", 60, UNICODE)
    words = "\n".join(plain(line) for line in lines)
    for part in ("Worktree", "/limits-haiku", "1 file +1 −1", "✗ check 1", "pytest -q"):
        assert part in words
    assert view.session.status.run("limits-haiku").worktree.base[:10] in words  # type: ignore[union-attr]  # it has one
