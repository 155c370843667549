"""What becomes of what a run changed in its worktree: kept as a branch, applied, committed, or discarded.

Nothing here takes away or writes over work that is nowhere else, unless it was asked to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from octui.errors import ConflictError, GitError, UncommittedWorkError, WorkspaceError
from octui.workspace.changes import Comparison, Store, compare
from octui.workspace.git import LONG_TIMEOUT_S, git, names, run, said
from octui.workspace.repository import find_repository, locked, tip, uncommitted
from octui.workspace.staging import stage
from octui.workspace.worktree import Worktree, branches_with, discard_worktree, remove_worktree

_IDENTITY = {"NAME": "octui", "EMAIL": "octui@localhost"}
"""Who commits where git does not know who the user is."""


How = Literal["kept", "applied", "committed", "discarded"]
"""What can be asked for, by what is said of it afterwards."""


def settle(tree: Worktree, home: Path, how: How, message: str = "", *, anyway: bool = False) -> str:
    """Do what was asked for with what was changed in a worktree; give what came of it in a word or some.

    Args:
        tree: The worktree.
        home: The folder of all worktrees.
        how: ``kept`` keeps the branch and removes the worktree, ``applied`` brings the changes into the user's working
            tree, ``committed`` commits them in the worktree, ``discarded`` removes branch and worktree.
        message: For a commit.
        anyway: See `apply`.

    Raises:
        WorkspaceError: It cannot be done, and why.
    """
    common, is_there = tree.git_folder, tree.is_there
    if not is_there and not tip(common, tree.branch):
        raise WorkspaceError(
            f"There is nothing to settle: the worktree {tree.path} and its branch {tree.branch} are gone."
        )
    if how == "discarded":
        discard(tree, home)
        return ""
    if not is_there and how != "applied":
        raise WorkspaceError(f"The worktree {tree.path} is not there any more.")
    if how == "kept":
        return keep(tree, home, message)
    if how == "committed":
        return commit(tree, message)
    files, top = apply(tree, home, anyway=anyway), tree.working_tree
    return _count([*files]) + ("" if top == tree.repository else f" in {top}")


def commit(tree: Worktree, message: str) -> str:
    """Commit all that is in a worktree and in no commit yet; give the commit. No hook of the repository runs.

    Raises:
        WorkspaceError: There is nothing to commit, no message, or git does not.
    """
    if not message.strip():
        raise WorkspaceError("A commit needs a message.")
    stage(tree.path, lambda *words, stdin=b"": git(tree.path, *words, stdin=stdin, timeout_s=LONG_TIMEOUT_S))
    if run(tree.path, "diff", "--cached", "--quiet", "HEAD").returncode == 0:
        raise WorkspaceError(f"There is nothing to commit in {tree.path}.")
    env = {}
    if run(tree.path, "var", "GIT_COMMITTER_IDENT").returncode:
        env = {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in _IDENTITY.items()}
    words = ("--quiet", "--no-verify", "--no-gpg-sign", "--cleanup=whitespace", "--file=-")
    git(tree.path, "commit", *words, stdin=message.encode("utf-8", "replace"), env=env)
    return tree.head


def keep(tree: Worktree, home: Path, message: str = "") -> str:
    """Keep a worktree's branch and remove the worktree, so that the branch can be checked out; give the branch.

    Args:
        tree: The worktree.
        home: The folder of all worktrees.
        message: For a commit of what is in none; empty refuses where there is such work.

    Raises:
        UncommittedWorkError: There is such work, and no message.
        WorkspaceError: git does not.
    """
    if message and uncommitted(tree.path):
        commit(tree, message)
    head = tree.head
    if not branches_with(tree.path, head):
        _bring_branch_to(tree, head)
    remove_worktree(tree, home)
    return tree.branch


def apply(tree: Worktree, home: Path, *, anyway: bool = False) -> tuple[str, ...]:
    """Bring what was changed in a worktree into `Worktree.working_tree`, uncommitted; give the files.

    It is checked first, and is done whole or not at all. Where the files there are not those of the base any more, both
    changes are joined, if that can be done without a conflict. The worktree stays as it is.

    Args:
        tree: The worktree.
        home: The folder of all worktrees.
        anyway: Whether to go on where files that it touches hold work of the user's that is in no commit.

    Raises:
        UncommittedWorkError: They do, and it is not ``anyway``.
        ConflictError: The changes do not fit.
        WorkspaceError: There are none, there is no working tree, or git does not.
    """
    repository = find_repository(tree.working_tree)
    if repository.is_bare:
        raise WorkspaceError(f"{repository.top} is bare: it has no working tree.", hint="Keep the branch instead.")
    with compare(tree) as found, locked(home, repository.common):
        files = tuple(dict.fromkeys(path for file in found.files for path in (file.old_path, file.path) if path))
        if not files:
            raise WorkspaceError("There is nothing to apply: nothing was changed.")
        top = repository.top
        at_risk = sorted({*uncommitted(top)} & {*files})
        if at_risk and not anyway:
            raise UncommittedWorkError(
                f"There is uncommitted work in {_count(at_risk)} of {top} that it touches.",
                at_risk,
                hint="Commit it first, or apply anyway.",
            )
        patch = found.patch()
        if not _fits(top, patch):
            patch = _joined(top, patch)
            if patch and not _fits(top, patch):
                raise ConflictError(f"The changes do not fit into what is in {top} now.", at_risk)
        if patch:  # Otherwise all of it is there already.
            git(top, "apply", "--whitespace=nowarn", "--binary", "-", stdin=patch, timeout_s=LONG_TIMEOUT_S)
        return files


def discard(tree: Worktree, home: Path) -> None:
    """Remove a worktree and its branch with all that is in them.

    Raises:
        WorkspaceError: git does not.
    """
    discard_worktree(tree, home)


def _bring_branch_to(tree: Worktree, head: str) -> None:
    """Have the branch at a commit that was made beside it, where that goes on from it."""
    at = tip(tree.path, tree.branch)
    if at and run(tree.path, "merge-base", "--is-ancestor", at, head).returncode:
        raise UncommittedWorkError(
            f"{tree.path} is at a commit that is on no branch, and does not go on from {tree.branch}.",
            [],
            hint="Give it a branch there: git branch NAME",
        )
    git(tree.path, "update-ref", f"refs/heads/{tree.branch}", head, *([at] if at else []))


def _fits(top: Path, patch: bytes) -> bool:
    return run(top, "apply", "--check", "--binary", "-", stdin=patch, timeout_s=LONG_TIMEOUT_S).returncode == 0


def _joined(top: Path, patch: bytes) -> bytes:
    """Give a patch that brings in the same changes where others were made since; nothing of the user's is touched.

    Raises:
        ConflictError: They cannot be joined.
    """
    store = Store(top)
    try:
        index = store.index(top)
        stage(top, lambda *words, stdin=b"": store.git(*words, stdin=stdin, index=index, at=top))
        try:
            before = said(store.git("write-tree", index=index, at=top))
            words = ("apply", "--3way", "--cached", "--whitespace=nowarn", "--binary", "-")
            store.git(*words, stdin=patch, index=index, at=top)
        except GitError as error:
            unmerged = names(store.git("ls-files", "--unmerged", "-z", index=index, at=top))
            files = list(dict.fromkeys(entry.partition("\t")[2] for entry in unmerged))
            raise ConflictError(
                f"The changes conflict with what is in {top} now.", files, hint="Keep the branch, and merge it by hand."
            ) from error
        after = said(store.git("write-tree", index=index, at=top))
        with Comparison(store, before, after) as found:
            return found.patch()
    finally:
        store.close()


def _count(files: list[str]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"
