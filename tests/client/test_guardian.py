"""The guardian, as seen from the program it belongs to; what it does when that program dies is in ``tests/faults``."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.processes import processes_marked, wait_until

TEST_MARK = "OCTUI_TEST_MARK"
WATCH = """
import os, signal, subprocess, sys, time
from pathlib import Path
from octui.client.guardian import guardian
from octui.client.process import MARK
folder = Path(sys.argv[1])
mark = folder.name
def sleeper():
    return subprocess.Popen(["sleep", "300"], env={**os.environ, MARK: mark}, start_new_session=True)
guardian.watch(mark, folder)
"""


def program(code: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, TEST_MARK: str(folder)}
    command = [sys.executable, *options, "-c", WATCH + code, str(folder)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def left(folder: Path) -> int:
    """How many processes of a program are left in the end; ending them takes a moment."""
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not processes_marked(TEST_MARK, str(folder)))
    return len(processes_marked(TEST_MARK, str(folder)))


def test_a_program_that_ends_in_order_is_warned_of_nothing(tmp_path: Path) -> None:
    done = program("guardian.release(mark)", tmp_path, "-X", "dev", "-W", "error")
    assert (done.returncode, done.stderr) == (0, "")
    assert left(tmp_path) == 0


def test_what_a_program_leaves_behind_is_ended_and_its_folder_removed(tmp_path: Path) -> None:
    done = program("process = sleeper(); os._exit(3)", tmp_path)
    assert done.returncode == 3
    assert left(tmp_path) == 0
    wait_until(lambda: not tmp_path.exists(), what="the folder is still there")


def test_a_guardian_that_was_killed_is_replaced_and_told_what_it_has_to_know(tmp_path: Path) -> None:
    code = """
process = sleeper()
guardian._process.kill(); guardian._process.wait()
guardian.watch("other", folder / "other"); guardian.release("other")
os._exit(3)
"""
    program(code, tmp_path)
    assert left(tmp_path) == 0


def test_a_forked_child_has_a_guardian_of_its_own_and_leaves_its_parents_alone(tmp_path: Path) -> None:
    code = """
process = sleeper()
parents = guardian._process.pid
if os.fork() == 0:
    guardian.watch("child", folder / "child")
    os._exit(guardian._process.pid == parents)
_, status = os.wait()
time.sleep(0.3)
alive = process.poll() is None
process.kill(); process.wait(); guardian.release(mark)
sys.exit(os.waitstatus_to_exitcode(status) or not alive)
"""
    done = program(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert left(tmp_path) == 0


def test_other_temporary_entries_of_a_program_that_is_gone_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    watched = tmp_path / "watched"
    watched.mkdir()
    code = "from octui import temporary; print(temporary.make_folder('ask'), flush=True); os._exit(3)"
    done = program(code, watched)
    unwatched = Path(done.stdout.strip())
    assert unwatched.parent == tmp_path
    wait_until(lambda: not unwatched.exists() and not watched.exists(), what="a folder is still there")
