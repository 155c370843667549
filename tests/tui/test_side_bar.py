from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.tui.driving import dashboard, on_screen, until
from tests.tui.sessions import API, GATEWAY, Script, record, tool
from tests.tui.streams import Told
from tests.tui.worktrees import compared
from tests.workspace.conftest import in_git

from octui.client.serve.events import InForce
from octui.control.settling import settle_run
from octui.recording.facts import PermissionsInForce
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


def test_permissions_in_force_are_shown_with_where_they_come_from(tmp_path: Path) -> None:
    told = Told(tmp_path)
    assert "Permissions" not in shown(told)
    rules = (
        InForce(tool="edit", pattern="*.md", action="ask", source="opencode.json: permission.edit"),
        InForce(tool="bash", action="deny"),
    )
    told.journal.fact(PermissionsInForce(at=told.at_ms / 1000, run="api", agent="plan", rules=rules))
    rows = [row.split() for row in shown(told).splitlines()]
    start = rows.index(["Permissions", "plan"])
    assert rows[start + 1 :] == [
        ["edit", "*.md", "ask"],
        ["opencode.json:", "permission.edit"],
        ["bash", "deny"],
        ["override", "of", "this", "run"],
    ]


LONG = "packages/northern/src/billing/test_customers_of_the_northern_region.py"


@pytest.mark.parametrize("width", [24, 30, 44])
def test_labels_are_whole_and_files_keep_their_names_at_every_width(tmp_path: Path, width: int) -> None:
    paths = ("src/billing/northern/__init__.py", "packages/northern/src/billing/limits.py", LONG)
    edits = [
        tool("edit", path, input={"filePath": path}, metadata={"diff": "@@ -1,1 +1,1 @@\n-a\n+b\n"}) for path in paths
    ]
    session = Session.open(record(tmp_path, [Script("api", edits)]).folder)
    view = SessionView(session)
    digest = Digest(view, "api")
    while digest.advance():
        pass
    lines = [*map(plain, side_lines(view.run("api", UNICODE), digest, session.meta("api"), "", width, UNICODE))]
    assert f"{'Files changed':<{width - 1}}3" in lines
    assert any("/__init__.py" in line and line.endswith(" +1 −1") for line in lines)
    assert any("/limits.py" in line for line in lines)
    assert any(line.startswith("test_c") and ".py +1" in line for line in lines)
    assert any(line.startswith("model") and line.endswith("claude-sonnet-4-5") for line in lines)
    assert all(len(line) <= width for line in lines)


@pytest.mark.asyncio
async def test_the_side_bar_is_composed_for_the_width_it_has(tmp_path: Path) -> None:
    app = dashboard(record(tmp_path, [GATEWAY, API], live=True).folder)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("z")
        await until(pilot, lambda: re.search(r"Files changed +1 *$", on_screen(app), re.MULTILINE))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: re.search(r"src/limits.py {12,}\+1 −1", on_screen(app)))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: re.search(r"src/limits.py {1,8}\+1 −1", on_screen(app)))


def side_of(session: Session, run: str) -> str:
    view = SessionView(session)
    lines = side_lines(view.run(run, UNICODE), Digest(view, run), session.meta(run), "", 60, UNICODE)
    return "\n".join(plain(line) for line in lines)


def test_a_run_with_a_worktree_tells_where_it_is_what_was_changed_there_and_the_check(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    session = Session.open(journal.folder)
    words = side_of(session, "limits-haiku")
    for part in ("Worktree", "/limits-haiku", "1 file +1 −1", "✗ check 1", "pytest -q"):
        assert part in words
    assert session.status.run("limits-haiku").worktree.base[:10] in words  # type: ignore[union-attr]  # it has one


def test_a_worktree_that_was_kept_is_told_to_be_removed_also_after_its_branch_was_applied(tmp_path: Path) -> None:
    journal, repository = compared(tmp_path)
    session = Session.open(journal.folder)
    path = session.status.run("limits-haiku").worktree.path  # type: ignore[union-attr]  # it has one
    settle_run(session, "limits-haiku", "kept", "More")
    session.refresh()
    settle_run(session, "limits-haiku", "applied")
    session.refresh()
    assert in_git(repository, "status", "--short") == "M src/limits.py"
    assert not Path(path).exists()
    rows = [row.split() for row in side_of(session, "limits-haiku").splitlines()]
    assert ["Worktree", "applied"] in rows
    assert ["path", "removed"] in rows
