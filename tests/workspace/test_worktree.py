"""Worktrees: made, found again, removed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.executables import make_script
from tests.support.repository import make_repository
from tests.workspace.conftest import commit_all, in_git

from octui.errors import GitError, UncommittedWorkError, WorkspaceError
from octui.workspace.worktree import (
    LONGEST_BRANCH,
    Worktree,
    branch_name,
    discard_worktree,
    make_worktree,
    read_side_note,
    remove_if_untouched,
    remove_worktree,
    restore_worktree,
    valid_branch,
)


def make(folder: Path, trees: Path, name: str = "fix", base: str = "") -> Worktree:
    return make_worktree(folder, trees, "20261124-run", name, base)


def branches(folder: Path) -> list[str]:
    return in_git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n")


def test_a_worktree_is_outside_of_the_repository_on_a_branch_of_its_own(repository: Path, trees: Path) -> None:
    tree = make(repository, trees)
    assert tree.path == trees / "20261124-run" / "fix"
    assert (tree.path / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert in_git(tree.path, "branch", "--show-current") == tree.branch == "octui/20261124-run/fix"
    assert (tree.base, tree.repository, tree.notes) == (in_git(repository, "rev-parse", "main"), repository, ())
    assert stat.S_IMODE(trees.stat().st_mode) == stat.S_IMODE(tree.path.parent.stat().st_mode) == 0o700
    assert in_git(repository, "status", "--porcelain") == ""


def test_a_folder_within_the_repository_is_the_same_folder_of_the_worktree(repository: Path, trees: Path) -> None:
    tree = make(repository / "services" / "api", trees)
    assert tree.folder == tree.path / "services" / "api"
    assert (tree.folder / "main.py").exists()


def test_a_folder_that_is_not_in_the_base_is_told(repository: Path, trees: Path) -> None:
    (repository / "new").mkdir()
    with pytest.raises(WorkspaceError, match=r"^new is no folder of the last commit in "):
        make(repository / "new", trees)
    assert branches(repository) == ["main"]


@pytest.mark.parametrize("base", ["main", "v1", "upstream", "origin/upstream", "SHA"])
def test_a_base_is_a_branch_a_tag_a_commit_or_a_branch_of_a_remote(repository: Path, trees: Path, base: str) -> None:
    first = in_git(repository, "rev-parse", "HEAD")
    in_git(repository, "tag", "v1")
    in_git(repository, "update-ref", "refs/remotes/origin/upstream", first)
    in_git(repository, "checkout", "--quiet", "-b", "later")
    (repository / "a.txt").write_text("later\n")
    later = commit_all(repository)
    assert make(repository, trees, "now").base == later
    assert make(repository, trees, base=first if base == "SHA" else base).base == first


@pytest.mark.parametrize("base", ["nowhere", "-f", "--help", "main^{tree}", "a b"])
def test_an_unknown_base_is_told(repository: Path, trees: Path, base: str) -> None:
    with pytest.raises(WorkspaceError, match="is no branch, tag or commit"):
        make(repository, trees, base=base)


def test_uncommitted_work_is_not_in_it_and_that_is_told(repository: Path, trees: Path) -> None:
    (repository / "a.txt").write_text("mine\n")
    (repository / "new.txt").write_text("mine\n")
    tree = make(repository, trees)
    assert tree.notes == (f"uncommitted work in 2 files of {repository} is not in the worktree",)
    assert (tree.path / "a.txt").read_text() == "one\ntwo\nthree\n"
    assert (repository / "a.txt").read_text() == "mine\n"


def test_a_detached_head_is_a_base(repository: Path, trees: Path) -> None:
    in_git(repository, "checkout", "--quiet", "--detach")
    assert make(repository, trees).base == in_git(repository, "rev-parse", "HEAD")


def test_a_bare_repository_can_be_the_folder(repository: Path, trees: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    in_git(tmp_path, "clone", "--quiet", "--bare", str(repository), str(bare))
    tree = make(bare, trees)
    assert (tree.folder, tree.repository) == (tree.path, bare)
    assert (tree.path / "a.txt").exists()


def test_a_repository_without_a_commit_is_told(tmp_path: Path, trees: Path) -> None:
    in_git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(WorkspaceError, match="has no commit yet"):
        make(tmp_path / "empty", trees)


def test_a_folder_in_no_repository_is_told(tmp_path: Path, trees: Path) -> None:
    with pytest.raises(WorkspaceError, match="is in no git repository") as raised:
        make(tmp_path, trees)
    assert "git init" in raised.value.hint


def test_gits_own_folder_is_refused(repository: Path, trees: Path) -> None:
    with pytest.raises(WorkspaceError, match="within git's own folder"):
        make(repository / ".git", trees)


def test_a_worktree_of_a_worktree_begins_at_what_is_checked_out_there(repository: Path, trees: Path) -> None:
    first = make(repository, trees, "first")
    (first.path / "a.txt").write_text("first\n")
    base = commit_all(first.path)
    second = make(first.folder, trees, "second")
    assert (second.base, second.repository) == (base, first.path)


def test_a_shallow_clone_will_do(repository: Path, trees: Path, tmp_path: Path) -> None:
    (repository / "a.txt").write_text("later\n")
    commit_all(repository)
    in_git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    assert (make(tmp_path / "shallow", trees).path / "a.txt").read_text() == "later\n"


def test_names_that_git_would_not_take_are_made_valid() -> None:
    for name in ("a..b", "x.lock", "end.", "-dash", "a@{b", "~^:?*[", "é", "支付", "Заказы", "@", "\u202ex"):
        subprocess.run(["git", "check-ref-format", f"refs/heads/octui/s/{valid_branch(name)}"], check=True)


def test_nothing_that_is_there_already_is_touched(repository: Path, trees: Path) -> None:
    (trees / "20261124-run" / "fix").mkdir(parents=True)
    in_git(repository, "branch", "octui/20261124-run/fix")
    in_git(repository, "branch", "octui/20261124-run-2")
    tree = make(repository, trees)
    assert (tree.path.name, tree.branch) == ("fix-2", "octui/20261124-run-3/fix")
    assert in_git(repository, "rev-parse", "octui/20261124-run/fix") == tree.base


LONG = "20261201-041234-name-this-service-s-three-riskiest-fun"


@pytest.mark.parametrize(
    ("session", "run", "branch"),
    [
        (LONG, "api", "octui/name-this-service-s-three/api"),
        (LONG, "payments-gateway-adapter-2", "octui/name-this-service/payments-gateway"),
        ("20261201-041234-fix", "api", "octui/fix/api"),
        ("20261201-041234-session-2", "api", "octui/session-2/api"),
        (f"20261201-041234-{'x' * 40}", "y" * 64, f"octui/{'x' * 13}/{'y' * 20}"),
        ("20261201-041234-", "a.lock", "octui/20261201-041234-/a-lock"),
    ],
)
def test_branch_name_is_short_and_cut_at_a_word(session: str, run: str, branch: str) -> None:
    assert branch_name(session, run) == branch
    assert len(branch) <= LONGEST_BRANCH


@given(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True), st.text("ab-._é/ ", max_size=60))
def test_branch_name_is_valid_and_short(run: str, session: str) -> None:
    branch = branch_name(session, run)
    assert len(branch) <= LONGEST_BRANCH
    # The rules of git-check-ref-format that such names could break.
    assert not re.search(r"\.\.|\.lock(/|$)|/\.|\.$|//|/$", branch)


def test_runs_whose_names_are_cut_to_the_same_have_branches_of_their_own(repository: Path, trees: Path) -> None:
    names = [f"explain-the-whole-router-{number}" for number in (1, 2)]
    made = [make_worktree(repository, trees, LONG, name) for name in names]
    assert [tree.path.name for tree in made] == names
    assert [tree.branch for tree in made] == [
        "octui/name-this/explain-the-whole",
        "octui/name-this-2/explain-the-whole",
    ]


def test_a_branch_that_stands_where_the_branches_would_go_is_told(repository: Path, trees: Path) -> None:
    in_git(repository, "branch", "octui")
    with pytest.raises(WorkspaceError, match="There is a branch called 'octui'"):
        make(repository, trees)


def test_many_at_once_do_not_get_in_each_others_way(repository: Path, trees: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = [*pool.map(lambda _: make(repository, trees), range(6))]
    assert len({tree.path for tree in made}) == len({tree.branch for tree in made}) == 6
    assert all(tree.is_there for tree in made)


def test_variables_hooks_and_settings_of_git_do_not_mislead_it(
    repository: Path, trees: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "post-index-change"):
        make_script(repository / ".git" / "hooks" / hook, f"open({str(ran)!r}, 'w')")
    tree = make(repository, trees)
    assert (tree.path / "a.txt").exists()
    assert not ran.exists()


def test_a_missing_git_is_told(repository: Path, trees: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(GitError, match="There is no git here"):
        make(repository, trees)


def test_whoever_gives_up_meanwhile_leaves_nothing_behind(repository: Path, trees: Path) -> None:
    class GivenUpError(Exception):
        pass

    calls = iter([None, None])

    def heed() -> None:
        try:
            next(calls)
        except StopIteration:
            raise GivenUpError from None

    make_slow(repository)
    with pytest.raises(GivenUpError):
        make_worktree(repository, trees, "s", "fix", heed=heed)
    assert branches(repository) == ["main"]
    assert in_git(repository, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert not (trees / "s").exists()


def make_slow(repository: Path) -> None:
    """Have a filter that a checkout waits for."""
    in_git(repository, "config", "filter.slow.smudge", f"{sys.executable} -c 'import time; time.sleep(60)'")
    (repository / ".gitattributes").write_text("a.txt filter=slow\n")
    commit_all(repository)


def test_an_untouched_one_goes_with_its_branch(repository: Path, trees: Path) -> None:
    tree = make(repository, trees)
    (tree.path / "made.log").write_text("ignored\n")
    assert remove_if_untouched(tree, trees)
    assert not tree.path.parent.exists()
    assert branches(repository) == ["main"]


@pytest.mark.parametrize("what", ["changed", "untracked", "committed", "staged", "detached", "within"])
def test_one_with_anything_in_it_stays(repository: Path, trees: Path, what: str) -> None:
    tree = make(repository, trees)
    if what in ("changed", "committed", "staged", "detached"):
        (tree.path / "a.txt").write_text("x\n")
    if what == "untracked":
        (tree.path / "-n\néw").write_text("x\n")
    if what == "staged":
        in_git(tree.path, "add", "a.txt")
        (tree.path / "a.txt").write_text("one\ntwo\nthree\n")
    if what == "detached":
        in_git(tree.path, "checkout", "--quiet", "--detach")
    if what in ("committed", "detached"):
        commit_all(tree.path)
    if what == "within":
        make_repository(tree.path / "cloned", {"x": "x"})
    assert not remove_if_untouched(tree, trees)
    assert tree.is_there
    if what != "committed":
        with pytest.raises(UncommittedWorkError):
            remove_worktree(tree, trees)
        assert tree.is_there


def test_a_discarded_one_goes_with_all_that_is_in_it(repository: Path, trees: Path) -> None:
    tree = make(repository, trees)
    (tree.path / "a.txt").write_text("x\n")
    commit_all(tree.path)
    (tree.path / "b.txt").write_text("x\n")
    discard_worktree(tree, trees)
    assert not os.path.lexists(tree.path)
    assert branches(repository) == ["main"]


def test_a_branch_that_is_checked_out_elsewhere_stays(repository: Path, trees: Path) -> None:
    tree = make(repository, trees)
    in_git(tree.path, "checkout", "--quiet", "--detach")
    in_git(repository, "checkout", "--quiet", tree.branch)
    discard_worktree(tree, trees)
    assert tree.branch in branches(repository)
    with pytest.raises(WorkspaceError, match=f"The branch {tree.branch} is checked out in {repository}"):
        restore_worktree(tree, trees)


def test_one_that_was_removed_is_restored_at_its_branch_or_base(repository: Path, trees: Path) -> None:
    tree = make(repository, trees)
    assert remove_if_untouched(tree, trees)
    restore_worktree(tree, trees)
    assert tree.head == tree.base
    (tree.path / "a.txt").write_text("x\n")
    head = commit_all(tree.path)
    remove_worktree(tree, trees)
    restore_worktree(tree, trees)
    assert (tree.head, read_side_note(tree.path)) == (head, tree)


def test_one_that_was_deleted_by_hand_is_restored(repository: Path, trees: Path) -> None:
    tree = make(repository, trees)
    shutil.rmtree(tree.path)
    restore_worktree(tree, trees)
    assert in_git(tree.path, "branch", "--show-current") == tree.branch


def test_submodules_are_filled_without_the_network(tmp_path: Path, trees: Path) -> None:
    inner = make_repository(tmp_path / "inner", {"deep.txt": "deep\n"})
    library = make_repository(tmp_path / "library", {"lib.txt": "lib\n"})
    allowed = ("-c", "protocol.file.allow=always")
    in_git(library, *allowed, "submodule", "add", "--quiet", str(inner), "inner")
    commit_all(library)
    outer = make_repository(tmp_path / "outer", {"a.txt": "a\n"})
    in_git(outer, *allowed, "submodule", "add", "--quiet", str(library), "libs/l b")
    in_git(outer, *allowed, "submodule", "update", "--quiet", "--init", "--recursive")
    commit_all(outer)
    for gone in (inner, library):
        gone.rename(gone.with_name(f"{gone.name} away"))
    tree = make(outer, trees)
    assert tree.notes == ()
    assert (tree.path / "libs/l b/lib.txt").read_text() == "lib\n"
    assert (tree.path / "libs/l b/inner/deep.txt").read_text() == "deep\n"
    assert in_git(tree.path / "libs/l b", "remote", "get-url", "origin") == str(library)
    assert in_git(outer, "config", "submodule.libs/l b.url") == str(library)
    assert remove_if_untouched(tree, trees)


def test_a_submodule_that_is_nowhere_is_told(tmp_path: Path, trees: Path) -> None:
    library = make_repository(tmp_path / "library", {"lib.txt": "lib\n"})
    outer = make_repository(tmp_path / "outer", {"a.txt": "a\n"})
    in_git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(library), "lib")
    commit_all(outer)
    in_git(tmp_path, "clone", "--quiet", str(outer), "clone")
    tree = make(tmp_path / "clone", trees)
    assert tree.notes == ("the submodule lib is empty in the worktree: it is not checked out in yours either",)


def test_commits_in_a_submodule_are_not_thrown_away(tmp_path: Path, trees: Path) -> None:
    library = make_repository(tmp_path / "library", {"lib.txt": "lib\n"})
    outer = make_repository(tmp_path / "outer", {"a.txt": "a\n"})
    in_git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(library), "lib")
    commit_all(outer)
    tree = make(outer, trees)
    (tree.path / "lib" / "lib.txt").write_text("mine\n")
    with pytest.raises(UncommittedWorkError):
        remove_worktree(tree, trees)
    commit_all(tree.path / "lib")
    commit_all(tree.path)
    with pytest.raises(UncommittedWorkError, match="commits in submodules"):
        remove_worktree(tree, trees)
