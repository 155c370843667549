"""The check on the temporary folder, itself checked in sessions of pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

CONFTEST = """
import tests.support.leftovers as leftovers
leftovers.LEAVE_S = 0.5
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(leftovers.Leftovers())
"""
TEST = """
import pathlib, tempfile
def test_it(tmp_path):
    (tmp_path / "kept").touch()
    (pathlib.Path(tempfile.gettempdir()) / "opencode").mkdir()
"""


def run(folder: Path, test: str, workers: int) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider"]
    options = ["--rootdir", str(folder), "-c", "/dev/null", "-o", "pythonpath="]
    return subprocess.run(
        [*command, *options, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_session_that_leaves_a_file_fails_and_says_which(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, TEST + '    tempfile.mkdtemp(prefix="left-")\n', workers)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "left-" in done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("workers", [0, 1])
def test_session_that_leaves_nothing_passes(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, TEST, workers)
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "left in the temporary folder" not in done.stdout
