"""Worktrees that runs have left, on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from octui import paths
from octui.cli.report import plain
from octui.control.afterwards import add_fact
from octui.errors import OctuiError
from octui.recording.facts import Settled, WorktreeSettled
from octui.recording.session import Session
from octui.recording.writer_lock import LockWatch, hold
from octui.tui.format import size
from octui.tui.text import cut, cut_start
from octui.workspace.leftovers import Leftover, clear, leftovers

_LEAST_RUN = 12


def worktrees_of(shown: set[str], *, with_lost: bool) -> dict[str, list[Leftover]]:
    """The worktrees that are left, by session: of those shown, and of those that are no more where that is wanted."""
    kept: dict[str, list[Leftover]] = {}
    for tree in leftovers(paths.worktrees_dir()):
        if tree.session in shown or (with_lost and not (paths.sessions_dir() / tree.session).exists()):
            kept.setdefault(tree.session, []).append(tree)
    return kept


def free_worktrees(folder: Path) -> list[Leftover]:
    """The worktrees that can go, of sessions nobody is at work on."""
    found = [tree for tree in leftovers(paths.worktrees_dir()) if tree.can_go]
    return [tree for tree in found if not LockWatch(folder / tree.session).is_held]


def clear_worktree(tree: Leftover, folder: Path) -> bool:
    """Remove a worktree that can go, and write that into its session; give whether it is gone."""
    lock: int | None = None
    try:
        if (folder / tree.session).is_dir():
            lock = hold(folder / tree.session)
        clear(tree, paths.worktrees_dir())
        if lock is not None:
            session = Session.open(folder / tree.session, 0)
            how, words = (Settled.KEPT, "merged") if tree.commits else (Settled.EMPTY, "")
            at = session.ended_at or 0.0
            for run in session.run_names:
                made = session.status.run(run).worktree
                if made is not None and made.path == str(tree.path):
                    add_fact(session, WorktreeSettled(at=at, run=run, how=how, words=words))
    except (OctuiError, OSError):
        return not tree.path.exists()
    finally:
        if lock is not None:
            os.close(lock)
    return True


def worktree_line(tree: Leftover, room: int | None = None) -> str:
    """A worktree as a line: what it takes, session and run as ``octui sessions settle`` takes them, branch, contents.

    Args:
        tree: The worktree.
        room: Cells of the line; where they are too few, the branch is left out first. None for as many as it takes.
    """
    told = [f"{_files(tree.uncommitted)} not committed"] if tree.uncommitted else []
    if tree.commits:
        told.append(f"{tree.commits} commit{'s' if tree.commits > 1 else ''}{', merged' if tree.is_merged else ''}")
    words = plain(tree.trouble) or ", ".join(told) or "nothing in it"
    run, branch = plain(f"{tree.session} {tree.name}"), plain(tree.branch or str(tree.path))
    if room is not None:
        left = room - 13 - cell_len(words)
        branch = branch if cell_len(f"{run}  {branch}") <= left else ""
        run = cut_start(run, max(_LEAST_RUN, left))
    line = "  ".join(filter(None, [f"{size(tree.size):>9}", run, branch, words]))
    return line if room is None else cut(line, room)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def worktree_object(tree: Leftover) -> dict[str, Any]:
    """A worktree as ``--json`` tells it."""
    return {
        "run": tree.name,
        "path": str(tree.path),
        "branch": tree.branch,
        "base": tree.tree.base if tree.tree is not None else "",
        "repository": str(tree.tree.repository) if tree.tree is not None else "",
        "uncommitted_files": tree.uncommitted,
        "commits": tree.commits,
        "merged": tree.is_merged,
        "bytes": tree.size,
        "error": tree.trouble,
    }
