from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from octui.discovery import files
from octui.discovery.files import matching, workspace_files


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_in_a_repository_git_says_which_files_there_are(tmp_path: Path) -> None:
    make(tmp_path, "src/a.py", "new.txt", "build.log", ".gitignore")
    (tmp_path / ".gitignore").write_text("*.log\n")
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "add", "src"], check=True)
    assert sorted(workspace_files(tmp_path)) == [".gitignore", "new.txt", "src/a.py"]


def test_elsewhere_the_folders_are_walked_but_for_hidden_ones_and_those_of_tools(tmp_path: Path) -> None:
    make(tmp_path, "b/c.txt", "a.txt", ".hidden/x", "node_modules/y")
    assert workspace_files(tmp_path) == ["a.txt", "b/c.txt"]


def test_a_walk_comes_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_WALKED", 3)
    make(tmp_path, *(f"{number}.txt" for number in range(9)))
    assert len(workspace_files(tmp_path)) == 3


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert workspace_files(tmp_path / "gone") == []


def test_files_whose_name_begins_as_typed_come_first() -> None:
    found = matching(["docs/about.md", "src/bout.py", "b/route.py", "src/other.py"], "bout", 10)
    assert found == ["src/bout.py", "docs/about.md"]
    assert matching(["b/x", "a/Bx", "c"], "b", 1) == ["a/Bx"]
