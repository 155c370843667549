"""Worktrees that are left: what each holds, and which can go."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.workspace.conftest import commit_all, in_git

from octui.errors import UncommittedWorkError
from octui.workspace.leftovers import clear, leftovers
from octui.workspace.worktree import make_worktree


def test_each_is_told_with_what_it_holds(repository: Path, trees: Path) -> None:
    for name in ("clean", "dirty", "ahead", "merged"):
        tree = make_worktree(repository, trees, "s", name)
        if name != "clean":
            (tree.path / "a.txt").write_text(f"{name}\n")
        if name in ("ahead", "merged"):
            commit_all(tree.path)
    in_git(repository, "merge", "--quiet", "octui/s/merged")
    found = {each.name: (each.uncommitted, each.commits, each.is_merged, each.can_go) for each in leftovers(trees)}
    assert found == {
        "clean": (0, 0, True, True),
        "dirty": (1, 0, True, False),
        "ahead": (0, 1, False, False),
        "merged": (0, 1, True, True),
    }
    assert all(each.size > 0 and each.session == "s" for each in leftovers(trees, "s"))
    assert leftovers(trees, "another") == leftovers(trees / "nowhere") == []


def test_what_can_go_goes_with_its_branch_and_nothing_else(repository: Path, trees: Path) -> None:
    make_worktree(repository, trees, "s", "clean")
    make_worktree(repository, trees, "s", "soon-dirty")
    clean, soon_dirty = leftovers(trees)
    (soon_dirty.path / "a.txt").write_text("just now\n")
    clear(clean, trees)
    with pytest.raises(UncommittedWorkError):
        clear(soon_dirty, trees)
    assert [each.name for each in leftovers(trees)] == ["soon-dirty"]
    assert in_git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads/octui") == "octui/s/soon-dirty"


def test_what_git_or_octui_does_not_know_is_told_and_stays(repository: Path, trees: Path) -> None:
    make_worktree(repository, trees, "s", "orphan")
    (trees / "s" / "stranger").mkdir()
    shutil.rmtree(repository)
    orphan, stranger = leftovers(trees)
    assert f"The repository of the worktree {orphan.path} is not at {repository}/.git any more." in orphan.trouble
    assert stranger.trouble == "octui does not know it"
    assert not orphan.can_go
    assert not stranger.can_go
