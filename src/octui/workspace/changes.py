"""What was changed in a worktree, file by file: against its base, or against another worktree.

Everything counts that git would take along: commits, what is staged, what is not, and untracked files. For that all of
it is made a tree of git's, in an index and an object store of its own, so that neither the worktree nor the repository
is touched, and that a diff is of one moment although an agent is at work.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from octui import temporary
from octui.errors import WorkspaceError
from octui.workspace.git import LONG_TIMEOUT_S, git, said
from octui.workspace.repository import tip
from octui.workspace.staging import stage
from octui.workspace.worktree import Worktree

Status = Literal["added", "modified", "deleted", "renamed"]

_STATUS: dict[str, Status] = {"A": "added", "D": "deleted", "R": "renamed"}
_BEGIN_OF_DIFF = re.compile(rb"^diff --git ", re.MULTILINE)
_AS_IT_IS = ("--no-ext-diff", "--no-textconv", "--no-color")
_PATCH = ("-r", "--patch", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/", "--no-relative", "--submodule=short")


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is not as it was.

    Attributes:
        path: Relative to the top of the worktree; as `os.fsdecode` gives it, so `os.fsencode` gives its bytes back.
        status: What became of it.
        added: Lines added; None for what is no text.
        removed: Lines removed; None likewise.
        old_path: What a renamed one was called; empty for others.
    """

    path: str
    status: Status
    added: int | None
    removed: int | None
    old_path: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is not as it was: files, lines added and lines removed."""

    files: int = 0
    added: int = 0
    removed: int = 0


class Comparison:
    """Two states of files, held until it is closed; see `compare` and `compare_with`.

    Attributes:
        files: What differs, in the order of their paths.
        commits: How many commits the worktree has beyond its base; 0 between two worktrees.
    """

    def __init__(self, store: Store, old: str, new: str, commits: int = 0) -> None:
        self._store = store
        self._old, self._new = old, new
        self.commits = commits
        out = store.git("diff-tree", "-r", "-z", "--raw", "--numstat", "--find-renames", *_AS_IT_IS, old, new)
        self.files = tuple(_parse(out))

    @property
    def counts(self) -> Counts:
        """How much it is."""
        added = sum(file.added or 0 for file in self.files)
        return Counts(len(self.files), added, sum(file.removed or 0 for file in self.files))

    def diff(self, file: FileChange | None = None) -> bytes:
        """Give the unified diff of a file, or of all; in the files' own encodings.

        Raises:
            GitError: git does not tell.
        """
        paths = [] if file is None else [path for path in (file.old_path, file.path) if path]
        which: list[str | bytes] = ["--", *map(os.fsencode, paths)] if paths else []
        return self._store.git("diff-tree", *_PATCH, "--find-renames", *_AS_IT_IS, self._old, self._new, *which)

    def diffs(self) -> list[bytes]:
        """Give the unified diff of every file, in the order of `files`.

        Raises:
            GitError: git does not tell.
        """
        whole = self.diff()
        begins = [found.start() for found in _BEGIN_OF_DIFF.finditer(whole)]  # No line of a file's own begins so.
        if len(begins) != len(self.files):  # One that became a link, for example, has two.
            return [self.diff(file) for file in self.files]
        return [whole[begin:end] for begin, end in pairwise([*begins, len(whole)])]

    def patch(self) -> bytes:
        """Give all of it as a patch that `git apply` takes, files that are no text included.

        Raises:
            GitError: git does not tell.
        """
        whole = ("--binary", "--full-index", "--no-renames", *_AS_IT_IS)
        return self._store.git("diff-tree", *_PATCH, *whole, self._old, self._new)

    def close(self) -> None:
        """Let go of it."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def compare(tree: Worktree, heed: Callable[[], None] | None = None) -> Comparison:
    """Compare a worktree with its base; one that is gone by its branch.

    Args:
        tree: The worktree.
        heed: See `octui.workspace.git.git`.

    Raises:
        WorkspaceError: git does not tell.
    """
    place = _place(tree)
    store = Store(place, heed=heed)
    try:
        head = "HEAD" if tree.is_there else f"refs/heads/{tree.branch}"
        commits = int(git(place, "rev-list", "--count", f"{tree.base}..{head}"))
        return Comparison(store, tree.base, store.state(tree), commits)
    except BaseException:
        store.close()
        raise


def compare_with(old: Worktree, new: Worktree, heed: Callable[[], None] | None = None) -> Comparison:
    """Compare two worktrees with each other: what leads from the one to the other.

    Args:
        old: The one.
        new: The other.
        heed: See `octui.workspace.git.git`.

    Raises:
        WorkspaceError: git does not tell.
    """
    places = [_place(tree) for tree in (old, new)]
    store = Store(*places, heed=heed)
    try:
        return Comparison(store, store.state(old), store.state(new))
    except BaseException:
        store.close()
        raise


def count(tree: Worktree, heed: Callable[[], None] | None = None) -> Counts:
    """How much a worktree differs from its base.

    Args:
        tree: The worktree.
        heed: See `octui.workspace.git.git`.

    Raises:
        WorkspaceError: git does not tell.
    """
    with compare(tree, heed) as found:
        return found.counts


class Store:
    """An object store of its own over those of repositories: what is made in it is gone with it.

    Args:
        places: Folders in the repositories whose objects are read.
        heed: See `octui.workspace.git.git`.
    """

    def __init__(self, *places: Path, heed: Callable[[], None] | None = None) -> None:
        self._heed = heed
        self._place = places[0]
        self._indices = 0
        self._home = temporary.make_folder("diff")
        try:
            objects = self._home / "objects"
            objects.mkdir()
            known = dict.fromkeys((place / said(git(place, "rev-parse", "--git-path", "objects"))) for place in places)
            self._env = {
                "GIT_OBJECT_DIRECTORY": str(objects),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(_quoted(path.resolve()) for path in known),
            }
        except BaseException:
            self.close()
            raise

    def git(
        self, *words: str | bytes | Path, stdin: bytes = b"", index: Path | None = None, at: Path | None = None
    ) -> bytes:
        """Run git over this store.

        Args:
            words: The command.
            stdin: What it reads.
            index: The index it works with.
            at: Where it runs.

        Raises:
            GitError: It refused.
        """
        env = self._env | ({"GIT_INDEX_FILE": str(index)} if index is not None else {})
        return git(at or self._place, *words, stdin=stdin, env=env, timeout_s=LONG_TIMEOUT_S, heed=self._heed)

    def index(self, top: Path) -> Path:
        """Give a copy of a working tree's index; with it git knows which files are as they were."""
        self._indices += 1
        copy = self._home / f"index-{self._indices}"
        with suppress(FileNotFoundError):  # There is none before the first file.
            # With its time: git looks again into files that are as young as the index, and else might miss a change.
            shutil.copy2(top / said(git(top, "rev-parse", "--git-path", "index")), copy)
        return copy

    def state(self, tree: Worktree) -> str:
        """Give the tree of all that is in a worktree now; of one that is gone, that of its branch."""
        if not tree.is_there:
            return said(self.git("rev-parse", f"refs/heads/{tree.branch}^{{tree}}", at=tree.git_folder))
        index = self.index(tree.path)
        stage(tree.path, lambda *words, stdin=b"": self.git(*words, stdin=stdin, index=index, at=tree.path))
        return said(self.git("write-tree", index=index, at=tree.path))

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self._home, ignore_errors=True)


def _place(tree: Worktree) -> Path:
    """Where git is asked about a worktree.

    Raises:
        WorkspaceError: It is gone, and so is its branch or its repository.
    """
    common = tree.git_folder
    if tree.is_there:
        return tree.path
    if not tip(common, tree.branch):
        raise WorkspaceError(f"The worktree {tree.path} and its branch {tree.branch} are gone.")
    return common


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def _parse(out: bytes) -> Iterator[FileChange]:
    """Read what ``--raw --numstat -z`` gives: first a state a file, then a count a file, in the same order."""
    fields = iter(out.split(b"\0")[:-1])
    states: list[tuple[str, str]] = []
    field = next(fields, b"")
    while field.startswith(b":"):
        letter = field.rsplit(b" ", 1)[1][:1].decode()
        old = os.fsdecode(next(fields)) if letter in "RC" else ""
        next(fields)
        states.append((letter, old))
        field = next(fields, b"")
    for letter, old in states:
        added, removed, path = field.split(b"\t", 2)
        if old:
            next(fields)
            path = next(fields)
        yield FileChange(os.fsdecode(path), _STATUS.get(letter, "modified"), _number(added), _number(removed), old)
        field = next(fields, b"")


def _number(text: bytes) -> int | None:
    return None if text == b"-" else int(text)
