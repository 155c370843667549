from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.support.processes import wait_until

from octui.demo.hosting import ModelProcess, wait_for_end
from octui.errors import OctuiError


@pytest.fixture
def someone() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def _answers(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=10):
            return True
    except urllib.error.URLError:
        return False


def _is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_model_is_served_within_the_block_and_gone_after_it(tmp_path: Path) -> None:
    with ModelProcess(tmp_path) as model:
        assert _answers(model.base_url)
    assert _is_gone(model.pid)


def test_the_model_lives_as_long_as_whom_it_follows(tmp_path: Path, someone: subprocess.Popen[bytes]) -> None:
    with ModelProcess(tmp_path) as model:
        model.follow(someone.pid)
    assert _answers(model.base_url)
    someone.kill()
    someone.wait()
    wait_until(lambda: _is_gone(model.pid), what="the model outlived whom it followed")


@pytest.mark.parametrize(("name", "stays"), [("octui-demo-x", False), ("mine", True)])
def test_the_demos_own_folder_goes_with_whom_it_follows(
    name: str, stays: bool, tmp_path: Path, someone: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with ModelProcess(folder) as model:
        model.follow(someone.pid)
    assert folder.exists()
    someone.kill()
    someone.wait()
    wait_until(lambda: _is_gone(model.pid), what="the model outlived whom it followed")
    assert folder.exists() is stays


def test_the_model_dies_with_its_starter_when_it_follows_nobody(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "from octui.demo.hosting import ModelProcess\n"
        "print(ModelProcess(pathlib.Path(sys.argv[1])).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    wait_until(lambda: _is_gone(int(done.stdout)), what="the model outlived its starter")


def test_a_model_that_has_ended_follows_nobody(tmp_path: Path) -> None:
    with ModelProcess(tmp_path) as model:
        psutil.Process(model.pid).kill()
        # Told once the last thread is gone, and its pipes with it; a zombie may still hold them.
        os.waitid(os.P_PID, model.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(OctuiError, match="has ended"):
            model.follow(os.getpid())


def test_modules_in_the_current_folder_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "http.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    with ModelProcess(tmp_path) as model:
        assert _answers(model.base_url)


def test_a_zombie_counts_as_ended(someone: subprocess.Popen[bytes]) -> None:
    someone.kill()
    wait_for_end(someone.pid)
    assert someone.wait() == -9


def test_a_process_that_never_was_counts_as_ended() -> None:
    wait_for_end(2**22 + 1)
