"""What becomes of changes: kept, applied, committed, discarded."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.executables import make_script
from tests.workspace.conftest import commit_all, in_git

from octui.errors import ConflictError, UncommittedWorkError, WorkspaceError
from octui.workspace.settle import apply, commit, discard, keep
from octui.workspace.worktree import Worktree, make_worktree


@pytest.fixture
def tree(repository: Path, trees: Path) -> Worktree:
    return make_worktree(repository, trees, "s", "fix")


def test_a_kept_branch_can_be_checked_out(tree: Worktree, repository: Path, trees: Path) -> None:
    (tree.path / "a.txt").write_text("x\n")
    assert keep(tree, trees, "Mend it\n\nWith a reason.") == tree.branch
    assert not tree.path.exists()
    in_git(repository, "checkout", "--quiet", tree.branch)
    assert (repository / "a.txt").read_text() == "x\n"
    assert in_git(repository, "log", "-1", "--format=%B") == "Mend it\n\nWith a reason."


def test_uncommitted_work_is_not_left_behind_by_keeping(tree: Worktree, trees: Path) -> None:
    (tree.path / "new.txt").write_text("x\n")
    with pytest.raises(UncommittedWorkError) as raised:
        keep(tree, trees)
    assert raised.value.files == ("new.txt",)
    assert (tree.path / "new.txt").exists()


def test_commits_beside_the_branch_are_brought_to_it(tree: Worktree, repository: Path, trees: Path) -> None:
    in_git(tree.path, "checkout", "--quiet", "--detach")
    (tree.path / "a.txt").write_text("x\n")
    head = commit_all(tree.path)
    keep(tree, trees)
    assert in_git(repository, "rev-parse", tree.branch) == head


def test_commits_that_do_not_go_on_from_the_branch_are_not_lost(tree: Worktree, trees: Path) -> None:
    in_git(tree.path, "commit", "--quiet", "--allow-empty", "--message", "on the branch")
    in_git(tree.path, "checkout", "--quiet", "--detach", tree.base)
    (tree.path / "a.txt").write_text("x\n")
    commit_all(tree.path)
    with pytest.raises(UncommittedWorkError, match="does not go on from"):
        keep(tree, trees)
    assert tree.is_there


def test_a_commit_needs_no_identity_and_runs_no_hook(
    tree: Worktree, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_script(repository / ".git" / "hooks" / "pre-commit", "raise SystemExit(1)")
    for key, value in {"user.useConfigOnly": "true", "commit.gpgSign": "true", "gpg.program": "false"}.items():
        in_git(repository, "config", key, value)
    (tree.path / "-new\nfile").write_text("x\n")
    done = commit(tree, "# not a comment")
    assert in_git(tree.path, "log", "-1", "--format=%H %an %s") == f"{done} octui # not a comment"
    assert in_git(tree.path, "status", "--porcelain") == ""


def test_there_is_no_commit_without_changes_or_message(tree: Worktree) -> None:
    with pytest.raises(WorkspaceError, match="nothing to commit"):
        commit(tree, "x")
    with pytest.raises(WorkspaceError, match="needs a message"):
        commit(tree, " ")


def test_changes_are_applied_to_the_working_tree_and_the_index_stays(
    tree: Worktree, repository: Path, trees: Path
) -> None:
    (tree.path / "a.txt").write_text("one\n2\nthree\n")
    commit_all(tree.path)
    (tree.path / "x.bin").write_bytes(bytes(range(256)) * 9)
    (tree.path / "x.bin").chmod(0o755)
    (tree.path / "empty").touch()
    (tree.path / "services/api/main.py").rename(tree.path / "-né\nw")
    (repository / "mine.txt").write_text("mine\n")
    files = apply(tree, trees)
    assert {*files} == {"a.txt", "x.bin", "empty", "services/api/main.py", "-né\nw"}
    assert (repository / "a.txt").read_text() == "one\n2\nthree\n"
    assert (repository / "x.bin").read_bytes() == bytes(range(256)) * 9
    assert os.access(repository / "x.bin", os.X_OK)
    assert (repository / "empty").exists()
    assert (repository / "-né\nw").read_text() == "print(1)\n"
    assert (repository / "mine.txt").read_text() == "mine\n"
    assert in_git(repository, "diff", "--cached") == ""
    assert tree.is_there


def test_a_folder_within_the_repository_is_applied_to_as_well(repository: Path, trees: Path) -> None:
    tree = make_worktree(repository / "services" / "api", trees, "s", "api")
    (tree.folder / "main.py").write_text("print(2)\n")
    apply(tree, trees)
    assert (repository / "services/api/main.py").read_text() == "print(2)\n"


def test_uncommitted_work_is_not_written_over_without_asking(tree: Worktree, repository: Path, trees: Path) -> None:
    (tree.path / "a.txt").write_text("one\ntwo\nthree\nagent\n")
    (repository / "a.txt").write_text("mine\none\ntwo\nthree\n")
    with pytest.raises(UncommittedWorkError) as raised:
        apply(tree, trees)
    assert raised.value.files == ("a.txt",)
    assert (repository / "a.txt").read_text() == "mine\none\ntwo\nthree\n"
    apply(tree, trees, anyway=True)
    assert (repository / "a.txt").read_text() == "mine\none\ntwo\nthree\nagent\n"


@pytest.mark.parametrize("is_committed", [True, False])
def test_changes_that_do_not_fit_change_nothing(
    tree: Worktree, repository: Path, trees: Path, is_committed: bool
) -> None:
    (tree.path / "a.txt").write_text("agent\ntwo\nthree\n")
    (tree.path / "new.txt").write_text("agent\n")
    (repository / "a.txt").write_text("mine\ntwo\nthree\n")
    if is_committed:
        commit_all(repository)
    before = in_git(repository, "status", "--porcelain")
    with pytest.raises(ConflictError) as raised:
        apply(tree, trees, anyway=True)
    assert raised.value.files == ("a.txt",)
    assert (repository / "a.txt").read_text() == "mine\ntwo\nthree\n"
    assert in_git(repository, "status", "--porcelain") == before
    assert not (repository / "new.txt").exists()


def test_a_file_that_git_ignores_is_not_written_over_either(tree: Worktree, repository: Path, trees: Path) -> None:
    (tree.path / "x.log").write_text("agent\n")
    in_git(tree.path, "add", "--force", "x.log")
    (repository / "x.log").write_text("mine\n")
    with pytest.raises(ConflictError):
        apply(tree, trees, anyway=True)
    assert (repository / "x.log").read_text() == "mine\n"


def test_changes_are_joined_with_those_that_were_committed_since(tree: Worktree, repository: Path, trees: Path) -> None:
    lines = [f"{number}\n" for number in range(9)]
    (repository / "long.txt").write_text("".join(lines))
    commit_all(repository)
    tree = make_worktree(repository, trees, "s", "later")
    (tree.path / "long.txt").write_text("".join([*lines[:8], "agent\n"]))
    (repository / "long.txt").write_text("".join([*lines[:6], "mine\n", *lines[7:]]))
    commit_all(repository)
    assert subprocess.run(
        ["git", "apply", "--check"], input=in_git(tree.path, "diff").encode() + b"\n", cwd=repository
    ).returncode
    apply(tree, trees)
    assert (repository / "long.txt").read_text() == "".join([*lines[:6], "mine\n", lines[7], "agent\n"])
    assert in_git(repository, "diff", "--cached") == ""


def test_what_is_there_already_is_applied_by_doing_nothing(tree: Worktree, repository: Path, trees: Path) -> None:
    for folder in (tree.path, repository):
        (folder / "a.txt").write_text("same\n")
    commit_all(repository)
    assert apply(tree, trees) == ("a.txt",)
    assert in_git(repository, "status", "--porcelain") == ""


def test_there_is_nothing_to_apply_without_changes_or_a_working_tree(
    tree: Worktree, repository: Path, trees: Path, tmp_path: Path
) -> None:
    with pytest.raises(WorkspaceError, match="nothing was changed"):
        apply(tree, trees)
    in_git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    bare = make_worktree(tmp_path / "bare.git", trees, "s", "bare")
    (bare.path / "a.txt").write_text("x\n")
    with pytest.raises(WorkspaceError, match="is bare"):
        apply(bare, trees)


def test_discarding_takes_branch_and_worktree(tree: Worktree, repository: Path, trees: Path) -> None:
    (tree.path / "a.txt").write_text("x\n")
    discard(tree, trees)
    assert not tree.path.exists()
    assert tree.branch not in in_git(repository, "branch")
