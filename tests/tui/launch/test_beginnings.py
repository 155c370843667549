from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.repository import make_repository

from octui.tui.launch.beginnings import check_beginnings
from octui.tui.launch.form import Checked, LaunchForm, check_form

FORM = LaunchForm(prompt="Go.", workspaces=("a", "b"), worktree=True)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        make_repository(tmp_path / name, {"file": "x"})
    return tmp_path


def check(form: LaunchForm, base: Path) -> Checked:
    return check_beginnings(check_form(form, base))


@pytest.mark.parametrize("begin", ["", "main", "HEAD"])
def test_what_git_knows_is_a_beginning(base: Path, begin: str) -> None:
    assert check(replace(FORM, worktree_base=begin), base).plan is not None


def test_a_beginning_that_is_in_no_repository_is_told_at_its_field(base: Path) -> None:
    found = check(replace(FORM, worktree_base="mian"), base)
    assert found.plan is None
    assert found.problems == {
        "worktree_base": f"'mian' is no branch, tag or commit of the repository of {base / 'a'}.",
    }
    assert found.offers_worktrees
    assert check(replace(FORM, worktree=False, worktree_base="mian"), base).plan is not None


def test_a_repository_without_a_commit_can_have_no_worktree(base: Path) -> None:
    (base / "b" / ".git" / "HEAD").write_text("ref: refs/heads/new\n")
    found = check(FORM, base)
    assert "has no commit yet" in found.problems["worktree"]


def test_what_is_wrong_already_stays_as_it_is(base: Path) -> None:
    wrong = check_form(replace(FORM, prompt="", worktree_base="mian"), base)
    assert check_beginnings(wrong) is wrong
