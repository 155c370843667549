"""Submodules of a worktree, filled from what the user's working tree has of them: git alone would ask the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from octui.errors import GitError
from octui.workspace.git import LONG_TIMEOUT_S, git, names, run


def fill_submodules(path: Path, common: Path, heed: Callable[[], None] | None = None) -> list[str]:
    """Check out the submodules of a worktree; give a sentence for each that stays empty.

    Args:
        path: The worktree.
        common: `Repository.common` of what it was made of.
        heed: See `octui.workspace.git.git`.
    """
    return _fill(path, common / "modules", "", heed)


def _fill(path: Path, modules: Path, above: str, heed: Callable[[], None] | None) -> list[str]:
    notes = []
    for name, place in _listed(path).items():
        had = modules / name
        url = run(path, "config", "--file", ".gitmodules", f"submodule.{name}.url").stdout.removesuffix(b"\n")
        words = f"the submodule {above}{place} is empty in the worktree"
        if not (had / "HEAD").is_file():
            notes.append(f"{words}: it is not checked out in yours either")
            continue
        allowed = ("-c", "protocol.file.allow=always", "-c", b"submodule." + name.encode() + b".url=" + bytes(had))
        try:
            git(
                path,
                *allowed,
                "submodule",
                "--quiet",
                "update",
                "--init",
                "--",
                place,
                timeout_s=LONG_TIMEOUT_S,
                heed=heed,
            )
        except GitError:
            notes.append(f"{words}: the commit it is at is not here")
            continue
        run(path / place, "remote", "set-url", "origin", url)
        notes += _fill(path / place, had / "modules", f"{above}{place}/", heed)
    return notes


def _listed(path: Path) -> dict[str, str]:
    """The submodules by name, and where each is."""
    if not (path / ".gitmodules").is_file():
        return {}
    out = run(path, "config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$").stdout
    found = {}
    for entry in names(out):
        key, _, place = entry.partition("\n")
        found[key.removeprefix("submodule.").removesuffix(".path")] = place
    return found
