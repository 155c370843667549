"""Small git repositories to let an agent work in."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "init.defaultBranch=main"]


def make_repository(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a git repository with these files (by relative path) in one commit, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "First"]):
        subprocess.run(["git", *_IDENTITY, *command], cwd=folder, check=True, capture_output=True)
    return folder
