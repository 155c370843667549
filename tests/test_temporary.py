from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.support.processes import wait_until

from octui import temporary

CODE = """
import os, sys
from octui import temporary
(temporary.make_folder("run") / "file").write_text("x")
os.close(__import__("tempfile").mkstemp(prefix=temporary.prefix("export"))[0])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("octui-*"))


def pid_of_a_process_that_left_entries() -> int:
    process = subprocess.Popen([sys.executable, "-c", CODE])
    assert process.wait() == 0
    return process.pid


def test_folder_is_closed_to_others(folder: Path) -> None:
    assert temporary.make_folder("run").stat().st_mode & 0o077 == 0


def test_sweep_removes_what_dead_processes_left_and_nothing_else(folder: Path) -> None:
    pid_of_a_process_that_left_entries()
    kept = [temporary.make_folder("run"), folder / "octui-demo-12345678", folder / f"octui-{os.getuid()}"]
    for path in kept[1:]:
        path.mkdir()
    assert len(entries(folder)) == 2 + len(kept)
    temporary.sweep_stale()
    assert entries(folder) == sorted(path.name for path in kept)


def test_sweep_removes_what_a_process_left_that_is_dead_and_not_reaped(folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", CODE])
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    temporary.sweep_stale()
    assert entries(folder) == []
    process.wait()


def test_sweep_of_another_folder(folder: Path, tmp_path: Path) -> None:
    pid_of_a_process_that_left_entries()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in entries(folder):
        (folder / name).rename(elsewhere / name)
    temporary.sweep_stale(elsewhere)
    assert entries(elsewhere) == []


def test_a_link_is_removed_and_not_what_it_leads_to(folder: Path) -> None:
    pid = pid_of_a_process_that_left_entries()
    real = folder / "real"
    (real / "inside").mkdir(parents=True)
    (folder / f"octui-run-{pid}-link").symlink_to(real)
    temporary.sweep_stale()
    assert entries(folder) == []
    assert (real / "inside").is_dir()


@pytest.mark.parametrize("make", [temporary.make_folder, lambda kind: tempfile.mkstemp(prefix=temporary.prefix(kind))])
def test_entries_of_one_process_are_removed_while_it_lives(folder: Path, make: Callable[[str], object]) -> None:
    make("run")
    other = pid_of_a_process_that_left_entries()
    temporary.remove_entries_of(os.getpid())
    assert len(entries(folder)) == 2
    assert all(f"-{other}-" in name for name in entries(folder))
