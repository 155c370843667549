"""Worktrees that are still there: what each holds, and which can go without loss."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from octui.errors import OctuiError, UncommittedWorkError
from octui.workspace.git import git
from octui.workspace.repository import uncommitted
from octui.workspace.worktree import Worktree, branches_with, delete_branch, read_side_note, remove_worktree


@dataclass(frozen=True, slots=True)
class Leftover:
    """A worktree that is there.

    Attributes:
        path: Where it is.
        session: The session it is of, which may be deleted.
        tree: How it was made; None where that is not known.
        uncommitted: How many files hold work that is in no commit.
        commits: How many commits it has beyond its base.
        is_merged: Whether those are on another branch, too.
        size: Bytes it takes on the disk.
        trouble: Why git does not tell of it; empty where it does.
    """

    path: Path
    session: str
    tree: Worktree | None = None
    uncommitted: int = 0
    commits: int = 0
    is_merged: bool = False
    size: int = 0
    trouble: str = ""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.path.name

    @property
    def branch(self) -> str:
        """Its branch; empty where it is not known."""
        return self.tree.branch if self.tree is not None else ""

    @property
    def can_go(self) -> bool:
        """Whether nothing in it is nowhere else."""
        return not self.trouble and not self.uncommitted and (not self.commits or self.is_merged)


def leftovers(home: Path, session: str | None = None) -> list[Leftover]:
    """Every worktree that is there, by session and name; of one session, or of all.

    Args:
        home: The folder of all worktrees.
        session: The session's name; None for all.
    """
    found = []
    for within in [home / session] if session is not None else _folders(home):
        found += [_look_at(path, within.name) for path in _folders(within)]
    return found


def clear(leftover: Leftover, home: Path) -> None:
    """Remove a worktree and its branch that can go; what is in it now counts, not what was when it was looked at.

    Raises:
        UncommittedWorkError: It holds what is nowhere else.
        WorkspaceError: git does not.
    """
    now = _look_at(leftover.path, leftover.session)
    if now.tree is None or not now.can_go:
        raise UncommittedWorkError(f"{now.path} holds work that is nowhere else.", [])
    tree = now.tree.pinned()
    head = tree.head
    remove_worktree(tree, home)
    delete_branch(tree, head)


def _folders(within: Path) -> list[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(path for path in within.iterdir() if path.is_dir() and not path.name.startswith("."))
    return []


def _look_at(path: Path, session: str) -> Leftover:
    tree, size = read_side_note(path), _size(path)
    if tree is None:
        return Leftover(path, session, size=size, trouble="octui does not know it")
    try:
        tree.git_folder  # noqa: B018  # Raises what git would say of a repository that was moved in words of its own.
        head = tree.head
        commits = int(git(path, "rev-list", "--count", f"{tree.base}..{head}"))
        others = [branch for branch in branches_with(path, head) if branch != tree.branch]
        return Leftover(path, session, tree, len(uncommitted(path)), commits, bool(others), size)
    except (OctuiError, OSError) as error:
        return Leftover(path, session, tree, size=size, trouble=str(error))


def _size(folder: Path) -> int:
    size = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found = (Path(top) / name).lstat()
                size += found.st_blocks * 512 if stat.S_ISREG(found.st_mode) else 0
    return size
