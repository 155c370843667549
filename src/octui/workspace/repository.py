"""The repository a folder is in, and what is asked of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from octui.errors import GitError, WorkspaceError
from octui.paths import make_private
from octui.program_output import reason
from octui.workspace.git import LONG_TIMEOUT_S, git, names, run, said

LOCK_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a folder is.

    Attributes:
        top: The working tree it is in, or the bare repository.
        common: git's own folder, which all worktrees of the repository share.
        prefix: The folder within the working tree; empty at its top.
        is_bare: Whether there is no working tree.
    """

    top: Path
    common: Path
    prefix: str
    is_bare: bool


def find_repository(folder: Path) -> Repository:
    """Find the repository of a folder.

    Raises:
        WorkspaceError: There is none, or git cannot tell.
    """
    asked = run(folder, "rev-parse", "--is-bare-repository")
    if asked.returncode:
        if b"not a git repository" in asked.stderr:
            raise WorkspaceError(
                f"{folder} is in no git repository, so no worktree can be made of it.",
                hint="`git init` and a first commit make it one; or leave worktree out.",
            )
        why = reason(asked.stderr) or f"exit code {asked.returncode}"
        raise GitError(f"git does not open {folder}: {why}.", stderr=asked.stderr)
    common = (folder / said(git(folder, "rev-parse", "--git-common-dir"))).resolve()
    if said(asked.stdout) == "true":
        return Repository(common, common, "", True)
    if said(git(folder, "rev-parse", "--is-inside-work-tree")) != "true":
        raise WorkspaceError(f"{folder} is within git's own folder; name the working tree.")
    top = Path(said(git(folder, "rev-parse", "--show-toplevel")))
    return Repository(top, common, said(git(folder, "rev-parse", "--show-prefix")), False)


def common_folder(folder: Path) -> Path | None:
    """Find git's own folder, which all worktrees of a repository share, without asking git.

    Args:
        folder: The top of a working tree, of a worktree, or of a bare repository.

    Returns:
        The folder; None where it is not there, as after it was moved, or ``folder`` is none of these.
    """
    try:
        found = folder / ".git"
        if found.is_file():
            found = folder / os.fsdecode(found.read_bytes().removeprefix(b"gitdir: ").removesuffix(b"\n"))
        elif not found.is_dir():
            found = folder
        if (found / "commondir").is_file():
            found /= os.fsdecode((found / "commondir").read_bytes().removesuffix(b"\n"))
        return found.resolve(strict=True) if (found / "HEAD").is_file() and (found / "objects").is_dir() else None
    except (OSError, ValueError):
        return None


def find_commit(folder: Path, name: str = "") -> str:
    """Give the id of a commit by the name of a branch, a tag or itself; else by that of a remote's branch.

    Args:
        folder: In the repository.
        name: Empty for what is checked out.

    Raises:
        WorkspaceError: There is no such commit.
    """
    for known in (name, f"refs/remotes/origin/{name}") if name else ("HEAD",):
        found = None if known.startswith("-") else _verify(folder, known)
        if found:
            return found
    if not name:
        raise WorkspaceError(
            f"The repository of {folder} has no commit yet, so no worktree can begin there.",
            hint="Make a first commit, or name a base.",
        )
    raise WorkspaceError(
        f"{name!r} is no branch, tag or commit of the repository of {folder}.",
        hint="`git branch --all` lists branches.",
    )


def tip(folder: Path, branch: str) -> str:
    """The commit a branch is at; empty where there is no such branch."""
    return _verify(folder, f"refs/heads/{branch}")


def uncommitted(folder: Path) -> list[str]:
    """The files of a working tree with work in them that is in no commit, untracked ones too; ignored ones are none.

    A repository within it, which git would not take along, is one of them, with ``/`` behind its name.
    """
    out = git(
        folder, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none"
    )
    return [entry[3:] for entry in names(out)]


@contextmanager
def locked(home: Path, common: Path, heed: Callable[[], None] | None = None) -> Iterator[None]:
    """Be the only octui that makes or removes worktrees of a repository.

    Args:
        home: A folder for locks, made where it is not there.
        common: The repository's `Repository.common`.
        heed: See `git`.
    """
    make_private(home)
    digest = hashlib.sha256(os.fsencode(common)).hexdigest()[:16]
    handle = os.open(home / f".lock-{digest}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + LONG_TIMEOUT_S
        while True:
            if heed is not None:
                heed()
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WorkspaceError(f"Another octui is busy with the worktrees of {common}.") from None
                time.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(handle)


def _verify(folder: Path, name: str) -> str:
    done = run(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return said(done.stdout) if done.returncode == 0 else ""
