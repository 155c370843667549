"""A run's own worktree and branch: made, found again, and removed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from octui.errors import GitError, UncommittedWorkError, WorkspaceError
from octui.names import fit
from octui.paths import make_private
from octui.program_output import reason
from octui.workspace.git import LONG_TIMEOUT_S, git, names, run, said
from octui.workspace.repository import (
    Repository,
    common_folder,
    find_commit,
    find_repository,
    locked,
    tip,
    uncommitted,
)
from octui.workspace.submodules import fill_submodules

BRANCH_PREFIX = "octui"
LONGEST_BRANCH = 40
"""Branches are read in dialogs, reports and by `git branch`; a number that makes one unique may be added."""
_LONGEST_RUN = 20
_STARTED = re.compile(r"^\d{8}-\d{6}-(?=.)")
MOST_TRIES = 100


class Made(Protocol):
    """What a recording tells of a worktree."""

    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def folder(self) -> str: ...  # noqa: D102
    @property
    def branch(self) -> str: ...  # noqa: D102
    @property
    def base(self) -> str: ...  # noqa: D102
    @property
    def repository(self) -> str: ...  # noqa: D102
    @property
    def common(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """A worktree, whether it is there still or not.

    Attributes:
        path: Where it is.
        folder: The part of it that the run works in.
        branch: Its branch, without ``refs/heads/``.
        base: The commit that begins at.
        repository: The user's working tree, or the bare repository, it was made of; it may be gone.
        common: git's own folder, as it was then; None where nobody wrote it down.
        base_name: What whoever asked for it calls the base; empty for what was checked out.
        notes: What of the user's working tree is not in it, in a sentence each.
    """

    path: Path
    folder: Path
    branch: str
    base: str
    repository: Path
    common: Path | None = None
    base_name: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def told_by(cls, made: Made) -> Worktree:
        """Give the worktree that a fact tells of."""
        return cls(
            path=Path(made.path),
            folder=Path(made.folder),
            branch=made.branch,
            base=made.base,
            repository=Path(made.repository),
            common=Path(made.common) if made.common else None,
        )

    @property
    def git_folder(self) -> Path:
        """git's own folder of its repository, whatever became of the worktree and of what it was made of.

        Raises:
            WorkspaceError: It is not where it was.
        """
        recorded = common_folder(self.common) if self.common is not None else None
        found = common_folder(self.path) or recorded or common_folder(self.repository)
        if found is None:
            raise WorkspaceError(
                f"The repository of the worktree {self.path} is not at {self.common or self.repository} any more.",
                hint="If you moved it, run `git worktree repair` in it; if it is gone, delete the worktree by hand.",
            )
        return found

    def pinned(self) -> Worktree:
        """Give it with `git_folder` as it is now, so that its branch is found once the worktree is removed.

        Raises:
            WorkspaceError: The repository is not where it was.
        """
        return replace(self, common=self.git_folder)

    @property
    def working_tree(self) -> Path:
        """The working tree that its changes belong in: what it was made of, or the main one where that was removed.

        Raises:
            WorkspaceError: Its repository is not where it was.
        """
        common = self.git_folder
        if common_folder(self.repository) == common:
            return self.repository
        if common.name == ".git":
            return common.parent
        listed = git(common, "worktree", "list", "--porcelain").split(b"\n", 1)[0]  # The main one comes first.
        return Path(os.fsdecode(listed.removeprefix(b"worktree ")))

    @property
    def is_there(self) -> bool:
        """Whether it is where it was made."""
        return (self.path / ".git").is_file()

    @property
    def head(self) -> str:
        """The commit that is checked out in it.

        Raises:
            GitError: git does not tell, as where its repository is gone.
        """
        return said(git(self.path, "rev-parse", "--verify", "HEAD"))


def make_worktree(
    folder: Path, home: Path, session: str, name: str, base: str = "", heed: Callable[[], None] | None = None
) -> Worktree:
    """Make a worktree and its branch for a run; none that is there already is touched.

    Args:
        folder: The user's folder; the worktree is of the repository it is in.
        home: The folder of all worktrees, `octui.paths.worktrees_dir`.
        session: The session's name, for the branch's and the folder's.
        name: The run's.
        base: A branch, tag or commit; empty for what is checked out.
        heed: Is called again and again meanwhile; what it raises ends git, and what was made by then is removed.

    Raises:
        WorkspaceError: It cannot be made, and why.
        OSError: Its folder cannot be.
    """
    repository = find_repository(folder)
    commit = find_commit(folder, base)
    _check_prefix(repository, commit, base)
    within = make_private(home / session)
    with locked(home, repository.common, heed):
        _check_branches(repository)
        path, branch = _free(repository, within, session, name)
        tree = Worktree(
            path=path,
            folder=path / repository.prefix,
            branch=branch,
            base=commit,
            repository=repository.top,
            common=repository.common,
            base_name=base,
        )
        try:
            _add(tree, repository.top, ["-b", branch], commit, heed)
            notes = (*_left_out(repository), *fill_submodules(path, repository.common, heed))
        except BaseException:
            with suppress(WorkspaceError):
                _remove(tree, force=True)  # Nothing but what was just checked out is in it.
                delete_branch(tree, commit)
            raise
        _side_note(path).write_text(json.dumps(asdict(tree), default=str), "utf-8")
    return replace(tree, notes=notes)


def restore_worktree(tree: Worktree, home: Path, heed: Callable[[], None] | None = None) -> None:
    """Have a worktree again that was removed, at its branch, or at its base where that is gone, too.

    Raises:
        WorkspaceError: It cannot be made.
    """
    if tree.is_there:
        return
    if os.path.lexists(tree.path):
        raise WorkspaceError(f"{tree.path} is not the worktree any more that it was.", hint="Move it away.")
    common, place = tree.git_folder, tree.working_tree
    make_private(tree.path.parent)
    with locked(home, common, heed):
        run(common, "worktree", "remove", "--force", tree.path)  # What git still knows of one that was deleted.
        if tip(common, tree.branch):
            _add(tree, place, [], tree.branch, heed)
        else:
            _add(tree, place, ["-b", tree.branch], tree.base, heed)
        fill_submodules(tree.path, common, heed)
        _side_note(tree.path).write_text(json.dumps(asdict(tree), default=str), "utf-8")


def remove_worktree(tree: Worktree, home: Path) -> None:
    """Remove a worktree; its branch stays.

    Raises:
        UncommittedWorkError: Work is in it that is in no commit, or in commits on no branch.
        WorkspaceError: git does not.
    """
    if left := uncommitted(tree.path):
        raise UncommittedWorkError(f"{tree.path} holds work that is in no commit.", left)
    if moved := _moved_submodules(tree):
        raise UncommittedWorkError(f"{tree.path} holds commits in submodules, which are nowhere else.", moved)
    if not branches_with(tree.path, tree.head):
        raise UncommittedWorkError(f"{tree.path} is at a commit that is on no branch.", [])
    with locked(home, tree.git_folder):
        # git refuses what has submodules in it, clean or not; whether it is clean was told above, submodules included.
        _remove(tree, force=(tree.path / ".gitmodules").exists())


def remove_if_untouched(tree: Worktree, home: Path) -> bool:
    """Remove a worktree and its branch if nothing was done in it; give whether it is gone.

    Raises:
        WorkspaceError: git does not.
    """
    tree = tree.pinned()
    at = (tree.head, tip(tree.path, tree.branch))
    if at != (tree.base, tree.base) or uncommitted(tree.path):
        return False
    remove_worktree(tree, home)
    delete_branch(tree, tree.base)
    return not tree.is_there


def discard_worktree(tree: Worktree, home: Path) -> None:
    """Remove a worktree and its branch, whatever is in them.

    Raises:
        WorkspaceError: git does not.
    """
    tree = tree.pinned()
    common = tree.git_folder
    with locked(home, common):
        _remove(tree, force=True)
    if found := tip(common, tree.branch):
        delete_branch(tree, found)


def branches_with(folder: Path, commit: str) -> list[str]:
    """The branches, those of remotes too, that a commit is on; without ``refs/``."""
    out = git(folder, "for-each-ref", "--format=%(refname)", "--contains", commit, "refs/heads", "refs/remotes")
    return [name.removeprefix("refs/").removeprefix("heads/") for name in said(out).split("\n") if name]


def read_side_note(path: Path) -> Worktree | None:
    """What was written beside a worktree of how it was made; None where that is not there or cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        table = json.loads(_side_note(path).read_text("utf-8"))
        return Worktree(
            path=Path(table["path"]),
            folder=Path(table["folder"]),
            branch=str(table["branch"]),
            base=str(table["base"]),
            repository=Path(table["repository"]),
            common=Path(table["common"]) if table.get("common") else None,
            base_name=str(table["base_name"]),
        )
    return None


def valid_branch(text: str) -> str:
    """Make part of a branch's name of a name of octui's: letters, digits, ``.``, ``_`` and ``-``."""
    text = fit(text)
    text = re.sub(r"\.{2,}", ".", text).strip(".")
    return re.sub(r"\.lock$", "-lock", text) or "run"


def branch_name(session: str, run: str, number: int = 1) -> str:
    """Return the branch of a run: ``octui/SESSION/RUN`` without the session's time, both cut at a word.

    Args:
        session: The name of the session's folder.
        run: The run's name.
        number: Greater than 1 where the branch of the numbers before exists.
    """
    name = valid_branch(_cut(valid_branch(run), _LONGEST_RUN))
    room = LONGEST_BRANCH - len(f"{BRANCH_PREFIX}//{name}")
    group = valid_branch(_cut(valid_branch(_STARTED.sub("", session)), room))
    return f"{BRANCH_PREFIX}/{group}{'' if number == 1 else f'-{number}'}/{name}"


def _cut(text: str, most: int) -> str:
    """Cut a text at the end of a word, unless that leaves less than half of it."""
    if len(text) <= most:
        return text
    words = re.match(rf".{{{most // 2},{most}}}(?<![-_.])(?=[-_.])", text)
    return words[0] if words else text[:most].rstrip("-_.")


def _moved_submodules(tree: Worktree) -> list[str]:
    """Submodules that are at another commit than at the base: only the worktree has the repositories they are in."""
    out = names(git(tree.path, "diff-tree", "-r", "-z", "--no-renames", tree.base, tree.head))
    return [name for told, name in zip(out[::2], out[1::2], strict=True) if told.split()[1] == "160000"]


def _side_note(path: Path) -> Path:
    return path.with_name(f".{path.name}.json")


def _check_prefix(repository: Repository, commit: str, base: str) -> None:
    if repository.prefix:
        asked = run(repository.top, "cat-file", "-t", f"{commit}:{repository.prefix.rstrip('/')}")
        if asked.stdout.strip() != b"tree":
            raise WorkspaceError(
                f"{repository.prefix.rstrip('/')} is no folder of {base or 'the last commit'} in {repository.top}.",
                hint="Commit it, or name another base.",
            )


def _check_branches(repository: Repository) -> None:
    """Refuse where a branch is called as the folder of branches would have to be."""
    if tip(repository.top, BRANCH_PREFIX):
        raise WorkspaceError(
            f"There is a branch called {BRANCH_PREFIX!r}, so there can be none below it.", hint="Rename that branch."
        )


def _free(repository: Repository, within: Path, session: str, name: str) -> tuple[Path, str]:
    """A path and a branch that are not there yet."""
    numbers = range(1, MOST_TRIES + 1)
    paths = (within / (name if number == 1 else f"{name}-{number}") for number in numbers)
    path = next((path for path in paths if not os.path.lexists(path)), None)
    branch = next(
        (each for number in numbers if _is_free(repository, each := branch_name(session, name, number))), None
    )
    if path is None or branch is None:
        raise WorkspaceError(f"There are {MOST_TRIES} worktrees called {name} already.")
    return path, branch


def _is_free(repository: Repository, branch: str) -> bool:
    """Whether neither the branch is there nor one that is called as the folder it goes into."""
    return not tip(repository.top, branch) and not tip(repository.top, branch.rpartition("/")[0])


def _add(tree: Worktree, place: Path, options: list[str], at: str, heed: Callable[[], None] | None) -> None:
    words = ["worktree", "add", "--no-track", *options] if options else ["worktree", "add"]
    try:
        git(place, *words, tree.path, at, timeout_s=LONG_TIMEOUT_S, heed=heed)
    except GitError as error:
        text = error.stderr.decode("utf-8", "replace")
        if found := re.search(r"already (?:checked out|used by worktree) at '(.*)'", text):
            raise WorkspaceError(
                f"The branch {tree.branch} is checked out in {found[1]}.", hint="Check out another branch there."
            ) from error
        raise


def _left_out(repository: Repository) -> list[str]:
    if repository.is_bare or not (left := uncommitted(repository.top)):
        return []
    count = "1 file" if len(left) == 1 else f"{len(left)} files"
    return [f"uncommitted work in {count} of {repository.top} is not in the worktree"]


def _remove(tree: Worktree, *, force: bool) -> None:
    words = ["--force", "--force"] if force else []
    common = tree.git_folder
    done = run(common, "worktree", "remove", *words, tree.path, timeout_s=LONG_TIMEOUT_S)
    if done.returncode and not force:
        why = reason(done.stderr) or f"exit code {done.returncode}"
        raise GitError(f"git does not remove the worktree {tree.path}: {why}.", stderr=done.stderr)
    if os.path.lexists(tree.path) and force:
        shutil.rmtree(tree.path, ignore_errors=True)  # One that git does not know, such as half of one.
        run(common, "worktree", "remove", *words, tree.path)
    if os.path.lexists(tree.path):
        raise WorkspaceError(f"{tree.path} cannot be removed.")
    _side_note(tree.path).unlink(missing_ok=True)
    with suppress(OSError):
        tree.path.parent.rmdir()  # The session's last.


def delete_branch(tree: Worktree, at: str) -> None:
    """Delete the branch, unless it is elsewhere by now or checked out in another worktree."""
    common = tree.git_folder
    out = git(common, "for-each-ref", "--format=%(worktreepath)", f"refs/heads/{tree.branch}")
    if not said(out) and tip(common, tree.branch) == at:
        git(common, "update-ref", "-d", f"refs/heads/{tree.branch}", at)
