"""Folders to work in: what is typed becomes folders, and what could be typed is suggested."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

MAX_MATCHES = 256
"""A glob is followed up to so many folders."""
_SKIPPED = frozenset({"node_modules", "__pycache__", ".venv", "venv"})


def absolute(typed: str, base: Path) -> Path:
    """Give a typed path as an absolute one, ``~`` and ``..`` resolved but no links."""
    try:
        path = Path(typed).expanduser()
    except RuntimeError:  # ``~name`` of nobody here
        path = Path(typed)
    return Path(os.path.normpath(base / path))


def expand(typed: str, base: Path) -> list[Path]:
    """Give the folders that a typed path or glob names, absolute; empty where there is none.

    Args:
        typed: A path, ``~`` and globs such as ``services/*`` included; hidden folders need to be named.
        base: Where relative paths start.
    """
    path = absolute(typed, base)
    if path.is_dir():
        return [path]
    if not glob.has_magic(typed):
        return []
    found = glob.iglob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    folders = (Path(match) for match in found)
    return sorted(dict.fromkeys(islice((path for path in folders if path.is_dir()), MAX_MATCHES + 1)))


def shorten(path: Path, base: Path) -> str:
    """Write a folder as a person would: from ``base`` where it is in it, from ``~`` where it is there."""
    home = Path.home()
    if path == base:
        return "."
    if path.is_relative_to(base):
        return str(path.relative_to(base))
    if path != home and path.is_relative_to(home):
        return f"~/{path.relative_to(home)}"
    return str(path)


def repository_of(folder: Path) -> Path | None:
    """Give the top of the git repository a folder is in; None where it is in none. git is not asked."""
    return next((level for level in (folder, *folder.parents) if (level / ".git").exists()), None)


def complete(typed: str, base: Path, limit: int = 50) -> list[str]:
    """Give the folders whose path begins with what is typed, written in the same manner."""
    head, _, start = typed.rpartition("/")
    lead = f"{head}/" if "/" in typed else ""
    parent = absolute(lead, base)
    try:
        with os.scandir(parent) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if entry.name.lower().startswith(start.lower())
                and (start.startswith(".") or not entry.name.startswith("."))
                and entry.name not in _SKIPPED
                and entry.is_dir()
            )
    except (OSError, ValueError):
        return []
    return [f"{lead}{name}" for name in names[:limit]]


def suggest(base: Path, recent: Sequence[str], limit: int = 30) -> list[str]:
    """Give the folders one is likely to want: this one, those used before, and repositories below this one."""
    seen: dict[str, None] = {".": None}
    for folder in recent:
        if expand(folder, base):
            seen[folder] = None
    for folder in _repositories(base):
        seen[folder] = None
    return list(islice(seen, limit))


def _repositories(base: Path) -> Iterable[str]:
    for first in complete("", base, MAX_MATCHES):
        if (base / first / ".git").exists():
            yield first
            continue
        for second in complete(f"{first}/", base, MAX_MATCHES):
            if (base / second / ".git").exists():
                yield second
