"""What was changed, file by file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.repository import make_repository
from tests.workspace.conftest import commit_all, in_git

from octui.workspace.changes import Counts, FileChange, compare, compare_with, count
from octui.workspace.worktree import Worktree, make_worktree, remove_worktree

STRANGE = [
    "with space",
    "-dash",
    'quo"te',
    "new\nline",
    "tab\there",
    "é ünï",
    ":colon",
    "*star",
    "\x1b[31mred",
    "back\\slash",
]


@pytest.fixture
def tree(repository: Path, trees: Path) -> Worktree:
    return make_worktree(repository, trees, "s", "fix")


def test_everything_git_would_take_along_counts(tree: Worktree) -> None:
    (tree.path / "a.txt").write_text("one\n2\nthree\n")
    commit_all(tree.path)
    (tree.path / "staged.txt").write_text("a\nb\n")
    in_git(tree.path, "add", "staged.txt")
    (tree.path / "a.txt").write_text("one\n2\nthree\nfour\n")
    (tree.path / "new.txt").write_text("no end")
    (tree.path / "x.log").write_text("ignored\n")
    (tree.path / "services/api/main.py").unlink()
    with compare(tree) as found:
        assert found.files == (
            FileChange("a.txt", "modified", 2, 1),
            FileChange("new.txt", "added", 1, 0),
            FileChange("services/api/main.py", "deleted", 0, 1),
            FileChange("staged.txt", "added", 2, 0),
        )
        assert (found.commits, found.counts) == (1, Counts(4, 5, 2))
        assert b"-two\n+2\n three\n+four\n" in found.diff(found.files[0])
        assert b"\\ No newline at end of file" in found.diff(found.files[1])
        assert found.diffs() == [found.diff(file) for file in found.files]


def test_a_worktree_in_which_nothing_was_done_has_no_changes(tree: Worktree) -> None:
    assert count(tree) == Counts()


def test_neither_the_worktree_nor_the_repository_is_touched(tree: Worktree, repository: Path) -> None:
    def state() -> tuple[str, str, list[str]]:
        objects = sorted(str(path) for path in (repository / ".git" / "objects").rglob("*"))
        return in_git(tree.path, "status", "--porcelain"), in_git(tree.path, "ls-files", "--stage"), objects

    (tree.path / "new.txt").write_text("new\n")
    (tree.path / "a.txt").write_text("x\n")
    before = state()
    with compare(tree) as found:
        found.diff()
        found.patch()
    assert state() == before


@pytest.mark.parametrize("name", [*map(os.fsencode, STRANGE), b"not \xff utf-8"], ids=ascii)
def test_names_are_bytes_of_any_kind(tree: Worktree, name: bytes) -> None:
    path = os.fsencode(tree.path) + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(b"one\n")
    with compare(tree) as found:
        (change,) = found.files
        assert os.fsencode(change.path) == name
        assert (change.status, change.added, change.removed) == ("added", 1, 0)
        assert b"+one\n" in found.diff(change)


def test_a_renamed_file_is_one_change(tree: Worktree) -> None:
    (tree.path / "a.txt").rename(tree.path / "b.txt")
    with compare(tree) as found:
        assert found.files == (FileChange("b.txt", "renamed", 0, 0, "a.txt"),)
        assert b"rename from a.txt\nrename to b.txt\n" in found.diff(found.files[0])


def test_what_is_no_text_has_no_lines(tree: Worktree) -> None:
    (tree.path / "x.bin").write_bytes(bytes(range(256)))
    with compare(tree) as found:
        assert found.files == (FileChange("x.bin", "added", None, None),)
        assert found.counts == Counts(1, 0, 0)


def test_links_and_modes_are_changes(tree: Worktree) -> None:
    (tree.path / "a.txt").chmod(0o755)
    (tree.path / "link").symlink_to("/etc/passwd")
    with compare(tree) as found:
        assert [(file.path, file.status, file.added) for file in found.files] == [
            ("a.txt", "modified", 0),
            ("link", "added", 1),
        ]


def test_a_repository_within_it_does_not_stand_in_the_way(tree: Worktree) -> None:
    make_repository(tree.path / "cloned", {"x": "x\n"})
    in_git(tree.path, "init", "--quiet", "without-commit")
    (tree.path / "new.txt").write_text("x\n")
    assert count(tree) == Counts(1, 1, 0)


def test_settings_of_the_user_do_not_change_what_a_diff_looks_like(tree: Worktree) -> None:
    for key, value in {
        "color.ui": "always",
        "diff.noprefix": "true",
        "diff.external": "false",
        "diff.context": "0",
        "diff.renames": "false",
        "core.quotePath": "true",
        "core.pager": "false",
    }.items():
        in_git(tree.path, "config", key, value)
    (tree.path / "a.txt").write_text("one\n2\nthree\n")
    with compare(tree) as found:
        assert found.diff().endswith(b"--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n")


def test_two_worktrees_can_be_compared_with_each_other(tree: Worktree, repository: Path, trees: Path) -> None:
    other = make_worktree(repository, trees, "s", "other")
    (tree.path / "a.txt").write_text("mine\n")
    (other.path / "a.txt").write_text("yours\n")
    (other.path / "both.txt").write_text("same\n")
    (tree.path / "both.txt").write_text("same\n")
    with compare_with(tree, other) as found:
        assert found.files == (FileChange("a.txt", "modified", 1, 1),)
        assert found.diff().endswith(b"-mine\n+yours\n")


def test_one_that_is_gone_is_what_its_branch_is(tree: Worktree, repository: Path, trees: Path) -> None:
    (tree.path / "a.txt").write_text("kept\n")
    commit_all(tree.path)
    remove_worktree(tree, trees)
    assert count(tree) == Counts(1, 1, 3)
    other = make_worktree(repository, trees, "s", "other")
    with compare_with(other, tree) as found:
        assert found.diff().endswith(b"-one\n-two\n-three\n+kept\n")
