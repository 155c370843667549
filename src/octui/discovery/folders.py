"""Folders to work in: what is typed becomes folders, and what could be typed is suggested."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path

MAX_MATCHES = 256
"""A glob is followed up to so many folders."""
_SKIPPED = frozenset({"node_modules", "__pycache__", ".venv", "venv"})


class FolderFault(StrEnum):
    """Why a typed path or glob names no folder to work in, as the start of a sentence that ends with its name."""

    NOT_FOUND = "Folder not found"
    NOT_A_FOLDER = "Not a folder"
    NO_MATCH = "No folder matches"
    TOO_MANY = f"More than {MAX_MATCHES} folders match"


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
    # os.path, as a Path raises where a folder above may not be entered.
    if os.path.isdir(path):  # noqa: PTH112
        return [path]
    if not glob.has_magic(typed):
        return []
    found = glob.iglob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
    folders = (Path(match) for match in found if os.path.isdir(match))  # noqa: PTH112
    return sorted(dict.fromkeys(islice(folders, MAX_MATCHES + 1)))


def fault_of(typed: str, base: Path, found: Sequence[Path]) -> FolderFault | None:
    """Say why a typed path or glob cannot be used; None where it can.

    Args:
        typed: What `expand` was given.
        base: Likewise.
        found: What it returned.
    """
    if found:
        return FolderFault.TOO_MANY if len(found) > MAX_MATCHES else None
    if os.path.exists(absolute(typed, base)):  # noqa: PTH110
        return FolderFault.NOT_A_FOLDER
    return FolderFault.NO_MATCH if glob.has_magic(typed) else FolderFault.NOT_FOUND


def describe_faults(faults: Mapping[str, FolderFault]) -> str:
    """Name everything that cannot be used, a sentence for each kind of fault; empty for nothing."""
    sentences = []
    for fault in FolderFault:
        if names := [f"`{typed}`" for typed, found in faults.items() if found is fault]:
            sentences.append(f"{fault}: {', '.join(names)}.")
    return " ".join(sentences)


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
    levels = (folder, *folder.parents)
    return next((level for level in levels if os.path.exists(level / ".git")), None)  # noqa: PTH110


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
