from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from octui.demo.repository import lay_out
from octui.errors import OctuiError


def _tests_pass(folder: Path) -> bool:
    return subprocess.run([sys.executable, "-m", "unittest"], cwd=folder, capture_output=True).returncode == 0


def test_the_repository_has_a_bug_that_its_tests_find(tmp_path: Path) -> None:
    lay_out(tmp_path / "repo")
    assert not _tests_pass(tmp_path / "repo")


def test_the_repository_is_clean_and_its_commits_need_nothing_of_the_users(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    lay_out(repo)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repo, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    subprocess.run(["git", "commit", "--allow-empty", "--quiet", "--message", "x"], cwd=repo, check=True)


def test_it_can_be_pushed_to_an_origin_of_its_own(tmp_path: Path) -> None:
    repo, origin = tmp_path / "repo", tmp_path / "origin.git"
    lay_out(repo, origin=origin)
    subprocess.run(["git", "tag", "v1"], cwd=repo, check=True)
    subprocess.run(["git", "push", "--quiet", "origin", "v1"], cwd=repo, check=True)
    tags = subprocess.run(["git", "tag", "--list"], cwd=origin, capture_output=True, text=True, check=True)
    assert tags.stdout.split() == ["v1"]


def test_a_repository_that_git_is_told_to_use_instead_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    subprocess.run(["git", "init", "--quiet", str(mine)], check=True)
    before = (mine / ".git" / "config").read_text()
    monkeypatch.setenv("GIT_DIR", str(mine / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(mine))
    lay_out(tmp_path / "repo", origin=tmp_path / "origin.git")
    assert (mine / ".git" / "config").read_text() == before
    assert (tmp_path / "repo" / ".git").is_dir()


def test_a_machine_without_git_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OctuiError, match="git"):
        lay_out(tmp_path / "repo")
