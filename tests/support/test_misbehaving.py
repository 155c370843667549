"""That the stand-ins do wrong what they are said to."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.client.conftest import StandIn, stand_in
from tests.support import misbehaving
from tests.support.faults import MARK
from tests.support.processes import processes_marked, wait_until

__all__ = ["stand_in"]


def run(binary: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([binary], input=b"x", capture_output=True, check=False)


def test_the_stubborn_one_outlives_term_and_its_child_outlives_it(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = str(tmp_path)
    monkeypatch.setenv(MARK, mark)
    with subprocess.Popen(
        [stand_in(misbehaving.STUBBORN)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        for _ in range(4):
            process.stdout.readline()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        time.sleep(0.2)
        assert process.poll() is None
        process.kill()
        process.wait()
    (left,) = processes_marked(MARK, mark)
    left.kill()


def test_the_one_that_lingers_has_answered(stand_in: StandIn) -> None:
    with subprocess.Popen([stand_in(misbehaving.LINGERS)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert b'"reason": "stop"' in lines[-1]
        assert process.poll() is None
        process.kill()


def test_it_crashes_so_often_and_no_more(stand_in: StandIn) -> None:
    binary = stand_in(misbehaving.crashes(2) + "answer()")
    assert [run(binary).returncode for _ in range(3)] == [1, 1, 0]


def test_floods_have_their_size(stand_in: StandIn) -> None:
    assert run(stand_in(misbehaving.floods(2500))).stdout.count(b"\n") == 2500
    assert len(run(stand_in(misbehaving.floods_stderr(1_000_000))).stderr) > 900_000
    assert 1_000_000 < len(run(stand_in(misbehaving.prints_a_line_of(1_000_000))).stdout) < 1_001_000
    assert run(stand_in(misbehaving.prints(b"\xff\x00{"))).stdout == b"\xff\x00{"


def test_the_one_that_closes_stdout_lives_on(stand_in: StandIn) -> None:
    with subprocess.Popen(
        [stand_in(misbehaving.CLOSES_STDOUT)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read().count(b"\n") == 3
        assert process.poll() is None
        wait_until(lambda: process.poll() == 0)


def test_the_mute_one_says_nothing(stand_in: StandIn) -> None:
    with subprocess.Popen([stand_in(misbehaving.MUTE)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        time.sleep(0.3)
        assert process.stdout.read() is None
        process.kill()
