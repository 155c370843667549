"""Worktrees on the command line: told by a run, listed, settled, pruned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.cli.test_main import run, stand_in
from tests.client.conftest import StandIn
from tests.support.repository import make_repository
from tests.workspace.conftest import commit_all, in_git

from octui import paths
from octui.recording.facts import Settled
from octui.recording.session import Session
from octui.workspace.worktree import branch_name

__all__ = ["stand_in"]

EDIT = 'open("greeter.py", "w").write(prompt) if prompt != "nothing" else None; answer()'

PLAN = """
[defaults]
workspace = { path = "repo", worktree = true, base = "HEAD" }
[[runs]]
name = "edits"
prompt = "new"
check = "grep -q new greeter.py"
[[runs]]
name = "idle"
prompt = "nothing"
check = "exit 3"
"""


@pytest.fixture
def session(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Session:
    """A session of two runs in worktrees: one that changed a file, one that changed nothing; and it is over."""
    make_repository(tmp_path / "repo", {"greeter.py": "one\ntwo\n"})
    (tmp_path / "p.toml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    options = ("--binary", str(stand_in(EDIT)), "--json", "--junit", "junit.xml", "--summary", "summary.md")
    assert run("run", "p.toml", "--headless", *options) == 0
    (path,) = paths.sessions_dir().iterdir()
    return Session.open(path)


@pytest.fixture
def tree(session: Session) -> Path:
    return paths.worktrees_dir() / session.folder.name / "edits"


def test_a_headless_run_tells_branch_changes_and_check(
    session: Session, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = capsys.readouterr()
    edits, idle = json.loads(out)["runs"]
    branch = branch_name(session.folder.name, "edits")
    assert (edits["branch"], edits["worktree"], edits["settled"]) == (branch, str(tree), "")
    assert edits["base"] == in_git(tmp_path / "repo", "rev-parse", "HEAD")
    assert edits["changes"] == {"files": 1, "added": 1, "removed": 2}
    assert (edits["check"]["command"], edits["check"]["exit_code"]) == ("grep -q new greeter.py", 0)
    assert (idle["changes"], idle["check"]["exit_code"], idle["settled"]) == (None, 3, "empty")
    assert (idle["worktree"], idle["attention"]) == ("", ["its check failed with exit code 3"])
    assert f"edits  ⎇ {branch}" in err
    assert "1 of 2 checks good" in err
    assert f"  edits  {branch}  1 file +1 -2\n" in err
    found = {
        each.attrib["name"]: {one.attrib["name"]: one.attrib["value"] for one in each.iter("property")}
        for each in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
    }
    assert found["edits"] == {"branch": branch, "base": edits["base"], "changes": "1 file +1 -2", "check": "good"}
    assert found["idle"]["check"] == "exit code 3"
    summary = (tmp_path / "summary.md").read_text().splitlines()
    assert summary[2] == "| | run | state | tokens | cost | time | branch | changes | check |"
    assert summary[3].count("|") == summary[4].count("|") == 10
    assert "1 file +1 -2 | good |" in summary[4].replace("\\", "")


def test_an_export_tells_branch_changes_and_check(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("export", str(session.folder), "--format", "json", "-o", "-") == 0
    edits, idle = json.loads(capsys.readouterr().out)["runs"]
    assert edits["branch"].endswith("/edits")
    assert edits["changes"][0]["patch"].endswith("-one\n-two\n+new\n\\ No newline at end of file\n")
    assert (edits["check"]["exit_code"], idle["check"]["exit_code"]) == (0, 3)
    assert run("export", str(session.folder), "--format", "md", "-o", "-") == 0
    text = capsys.readouterr().out
    assert f"- branch: `{edits['branch']}`" in text
    assert "- check: `grep -q new greeter.py: good`" in text
    assert "- changed: `1 file +1 −2`" in text


def test_what_is_left_is_listed_with_its_session(
    session: Session, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("sessions") == 0
    branch = branch_name(session.folder.name, "edits")
    assert f"  {session.folder.name} edits  {branch}  1 file not committed" in capsys.readouterr().out
    assert run("sessions", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["worktrees"]
    assert (told["run"], told["path"], told["uncommitted_files"], told["commits"]) == ("edits", str(tree), 1, 0)
    assert told["bytes"] > 0
    shutil.rmtree(session.folder)
    assert run("sessions", "--json") == 0
    lost = json.loads(capsys.readouterr().out)
    assert (lost["state"], lost["worktrees"]) == ("deleted", [told])


def test_a_session_whose_worktrees_hold_work_is_not_deleted(
    session: Session, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sessions", "delete", session.folder.name, "--yes") == 2
    err = capsys.readouterr().err
    assert "its worktrees hold work that is nowhere else" in err
    assert "1 file not committed" in err
    assert f"octui sessions settle {session.folder.name} edits" in err
    assert tree.is_dir()
    assert run("sessions", "settle", session.folder.name, "edits", "discard", "--yes") == 0
    assert run("sessions", "delete", session.folder.name, "--yes") == 0
    assert not session.folder.exists()


def test_only_what_is_nowhere_else_stays_when_worktrees_are_pruned(
    session: Session, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sessions", "prune") == 2, "there is nothing to go, and no rule"
    commit_all(tree)
    assert run("sessions", "prune", "--keep-days", "99", "--yes") == 0
    assert tree.is_dir(), "its commit is on no other branch"
    in_git(tmp_path / "repo", "merge", "--quiet", branch_name(session.folder.name, "edits"))
    capsys.readouterr()
    assert run("sessions", "prune") == 0
    out, err = capsys.readouterr()
    assert "would go" in out
    assert "edits  1 commit, merged" in out
    assert "Add --yes" in err
    assert tree.is_dir()
    assert run("sessions", "prune", "--yes") == 0
    assert not tree.exists()
    assert "octui/" not in in_git(tmp_path / "repo", "branch")
    session.refresh()
    assert session.status.run("edits").settled is Settled.KEPT


def test_changes_are_applied_kept_and_committed_by_command(
    session: Session, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository, name = tmp_path / "repo", session.folder.name
    (repository / "greeter.py").write_text("mine\n")
    assert run("sessions", "settle", name, "edits", "apply") == 1
    assert "There is uncommitted work in 1 file" in capsys.readouterr().err
    in_git(repository, "checkout", "greeter.py")
    ended = session.ended_at
    assert run("sessions", "settle", name, "edits", "apply") == 0
    assert (repository / "greeter.py").read_text() == "new"
    assert run("sessions", "settle", name, "edits", "keep") == 1
    assert "in no commit" in capsys.readouterr().err
    assert run("sessions", "settle", name, "edits", "commit", "-m", "Say new") == 0
    assert run("sessions", "settle", name, "edits", "keep") == 0
    assert not tree.exists()
    assert in_git(repository, "log", "-1", "--format=%s", branch_name(name, "edits")) == "Say new"
    session.refresh()
    assert session.status.run("edits").settled is Settled.KEPT
    assert session.ended_at == ended
    assert run("sessions", "settle", name, "nobody", "keep") == 2
    assert run("sessions", "settle", name, "edits", "keep") == 1


@pytest.mark.parametrize("how", ["keep", "apply", "commit", "discard"])
def test_a_run_that_changed_nothing_has_nothing_to_settle(
    session: Session, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert session.status.run("idle").settled is Settled.EMPTY
    capsys.readouterr()
    assert run("sessions", "settle", session.folder.name, "idle", how, "--yes", "-m", "x") == 1
    assert capsys.readouterr().err == "octui: idle changed nothing, so there is nothing to settle.\n"


def test_what_was_discarded_cannot_be_settled_again(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions", "settle", session.folder.name, "edits", "discard", "--yes") == 0
    capsys.readouterr()
    assert run("sessions", "settle", session.folder.name, "edits", "apply") == 1
    assert "What edits changed was discarded" in capsys.readouterr().err


def test_a_prompt_on_the_command_line_can_have_worktrees_and_commands_too(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = make_repository(tmp_path / "repo", {"greeter.py": "one\n"})
    words = ("run", "new", "-w", str(repository), "--copies", "2", "--headless", "--json", "--binary")
    extra = ("--worktree", "--base", "HEAD", "--setup", "touch made", "--check", "test -e made")
    assert run(*words, str(stand_in(EDIT)), *extra) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [each["changes"]["files"] for each in runs] == [2, 2]
    assert [each["check"]["exit_code"] for each in runs] == [0, 0]
    assert (repository / "greeter.py").read_text() == "one\n"
    assert run("run", "new", "-w", str(repository), "--base", "HEAD") == 2
    assert "--base goes with --worktree" in capsys.readouterr().err
    assert run("run", "new", "-w", "/nowhere", "--attach", "http://a:1", "--check", "true") == 2
    assert "--check works on this machine" in capsys.readouterr().err
