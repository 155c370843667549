"""Repositories to make worktrees of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.support.repository import make_repository

_IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "init.defaultBranch=main"]

FILES = {"a.txt": "one\ntwo\nthree\n", "services/api/main.py": "print(1)\n", ".gitignore": "*.log\n"}


def in_git(folder: Path, *words: str | bytes) -> str:
    """Run git as a user would, and give what it says."""
    done = subprocess.run(["git", *_IDENTITY, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def commit_all(folder: Path, message: str = "More") -> str:
    in_git(folder, "add", "--all")
    in_git(folder, "commit", "--quiet", "--message", message)
    return in_git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, in a folder with a space and an accent in its name."""
    folder = make_repository(tmp_path / "my répo", FILES)
    in_git(folder, "branch", "-M", "main")
    return folder


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """Where worktrees go."""
    return tmp_path / "home of trees"
