"""The files of a workspace, to choose from by name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

MAX_FILES = 20_000
"""So many files are offered at most."""

MAX_WALKED = 5_000
"""Without git, so many are looked at."""

GIT_TIMEOUT_S = 5.0
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "dist", "build", "target"})


def workspace_files(folder: Path) -> list[str]:
    """Give the files below a folder, as paths from it: those git knows or would take, or else those of a short walk."""
    return _known_to_git(folder) or sorted(islice(_walk(folder), MAX_WALKED))


def _known_to_git(folder: Path) -> list[str]:
    command = [
        "git",
        "-C",
        str(folder),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [os.fsdecode(name) for name in done.stdout.split(b"\0", MAX_FILES)[:MAX_FILES] if name]


def _walk(folder: Path) -> Iterator[str]:
    """The files below a folder, the nearest first; hidden folders and those of build tools are left out."""
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(names):
            yield os.path.relpath(Path(top) / name, folder)


def matching(files: list[str], typed: str, limit: int) -> list[str]:
    """Give the files whose path holds what is typed: those first in which it begins the name, then the path."""
    needle = typed.casefold()
    found = [path for path in files if needle in path.casefold()]

    def rank(path: str) -> tuple[bool, bool, int, str]:
        folded = path.casefold()
        return not folded.rpartition("/")[2].startswith(needle), not folded.startswith(needle), len(path), path

    return sorted(found, key=rank)[:limit]
