"""Worktrees whose source was removed or moved: what is sound can be settled, and the rest is told in a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.workspace.conftest import commit_all, in_git

from octui.errors import WorkspaceError
from octui.workspace.changes import compare, compare_with, count
from octui.workspace.leftovers import clear, leftovers
from octui.workspace.settle import settle
from octui.workspace.worktree import Worktree, make_worktree, read_side_note, remove_if_untouched, restore_worktree


@pytest.fixture
def feature(repository: Path, tmp_path: Path) -> Path:
    """A linked worktree of the user's own, which runs are started in."""
    path = tmp_path / "feat"
    in_git(repository, "worktree", "add", "--quiet", "-b", "feat", str(path))
    return path


@pytest.fixture(params=["recorded", "before it was recorded"])
def tree(request: pytest.FixtureRequest, repository: Path, feature: Path, trees: Path) -> Worktree:
    """A run's worktree that was made of it, with one new file; the user's own is removed."""
    made = make_worktree(feature, trees, "s", "run")
    (made.path / "new.txt").write_text("new\n")
    in_git(repository, "worktree", "remove", "--force", str(feature))
    return made if request.param == "recorded" else replace(made, common=None)


def branches(repository: Path) -> list[str]:
    return in_git(repository, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()


def test_what_it_holds_is_told(tree: Worktree, trees: Path) -> None:
    assert count(tree).files == 1
    with compare_with(tree, tree) as found:
        assert found.files == ()
    (left,) = leftovers(trees)
    assert (left.uncommitted, left.commits, left.trouble) == (1, 0, "")


def test_it_is_kept_and_its_branch_is_there(tree: Worktree, trees: Path, repository: Path) -> None:
    assert settle(tree, trees, "kept", "work") == tree.branch
    assert not tree.path.exists()
    assert tree.branch in branches(repository)


def test_it_is_committed(tree: Worktree, trees: Path, repository: Path) -> None:
    assert settle(tree, trees, "committed", "work") == in_git(repository, "rev-parse", tree.branch)


def test_it_is_discarded(tree: Worktree, trees: Path, repository: Path) -> None:
    settle(tree, trees, "discarded")
    assert not tree.path.exists()
    assert branches(repository) == ["feat", "main"]


def test_it_is_applied_to_the_main_working_tree_and_that_is_told(tree: Worktree, trees: Path, repository: Path) -> None:
    assert settle(tree, trees, "applied") == f"1 file in {repository}"
    assert (repository / "new.txt").read_text() == "new\n"


def test_it_is_cleared_once_it_is_merged(tree: Worktree, trees: Path, repository: Path) -> None:
    commit_all(tree.path)
    in_git(repository, "merge", "--quiet", tree.branch)
    (left,) = leftovers(trees)
    clear(left, trees)
    assert not tree.path.exists()
    assert branches(repository) == ["feat", "main"]


def test_it_goes_by_itself_where_nothing_was_done(tree: Worktree, trees: Path, repository: Path) -> None:
    (tree.path / "new.txt").unlink()
    assert remove_if_untouched(tree, trees)
    assert tree.branch not in branches(repository)


def test_it_is_restored_compared_and_applied_once_it_is_gone_too(repository: Path, feature: Path, trees: Path) -> None:
    tree = make_worktree(feature, trees, "s", "run")
    (tree.path / "new.txt").write_text("new\n")
    settle(tree, trees, "kept", "work")
    in_git(repository, "worktree", "remove", "--force", str(feature))
    with compare(tree) as found:
        assert [file.path for file in found.files] == ["new.txt"]
    assert settle(tree, trees, "applied") == f"1 file in {repository}"
    restore_worktree(tree, trees)
    assert (tree.path / "new.txt").exists()
    noted = read_side_note(tree.path)
    assert noted is not None
    assert noted.common == repository / ".git"
    settle(tree, trees, "discarded")
    assert branches(repository) == ["feat", "main"]


def test_git_that_refuses_bare_repositories_it_finds_by_itself_works_all_the_same(
    tree: Worktree, trees: Path, repository: Path, home: Path
) -> None:
    (home / ".gitconfig").write_text("[safe]\n\tbareRepository = explicit\n")
    settle(tree, trees, "kept", "work")
    assert tree.branch in branches(repository)


def test_of_a_bare_repository_there_is_no_working_tree_to_apply_to(
    repository: Path, trees: Path, tmp_path: Path
) -> None:
    bare, feature = tmp_path / "bare.git", tmp_path / "feat"
    in_git(tmp_path, "clone", "--quiet", "--bare", str(repository), str(bare))
    in_git(bare, "worktree", "add", "--quiet", "-b", "feat", str(feature))
    tree = make_worktree(feature, trees, "s", "run")
    (tree.path / "new.txt").write_text("new\n")
    shutil.rmtree(feature)
    with pytest.raises(WorkspaceError, match=f"{bare} is bare: it has no working tree"):
        settle(tree, trees, "applied")
    assert settle(tree, trees, "kept", "work") == tree.branch


ACTIONS: list[Callable[[Worktree, Path], object]] = [
    lambda tree, trees: settle(tree, trees, "kept", "work"),
    lambda tree, trees: settle(tree, trees, "applied"),
    lambda tree, trees: settle(tree, trees, "committed", "work"),
    lambda tree, trees: settle(tree, trees, "discarded"),
    lambda tree, trees: count(tree),
    lambda tree, trees: remove_if_untouched(tree, trees),
]


@pytest.mark.parametrize("act", ACTIONS, ids=["keep", "apply", "commit", "discard", "count", "leave"])
def test_a_moved_repository_is_told_and_works_once_it_is_repaired(
    act: Callable[[Worktree, Path], object], repository: Path, trees: Path, tmp_path: Path
) -> None:
    tree = make_worktree(repository, trees, "s", "run")
    (tree.path / "new.txt").write_text("new\n")
    repository.rename(tmp_path / "moved")
    with pytest.raises(WorkspaceError) as raised:
        act(tree, trees)
    assert raised.value.message == f"The repository of the worktree {tree.path} is not at {repository}/.git any more."
    assert "`git worktree repair`" in raised.value.hint
    assert (tree.path / "new.txt").exists()
    in_git(tmp_path / "moved", "worktree", "repair")
    act(tree, trees)


def test_what_is_gone_with_its_branch_is_told_as_that(repository: Path, trees: Path) -> None:
    tree = make_worktree(repository, trees, "s", "run")
    assert remove_if_untouched(tree, trees)
    for act in ("kept", "applied", "committed", "discarded"):
        with pytest.raises(WorkspaceError, match=r"There is nothing to settle: the worktree .* are gone"):
            settle(tree, trees, act, "x")
    with pytest.raises(WorkspaceError, match="and its branch octui/s/run are gone"):
        count(tree)
