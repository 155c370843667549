from __future__ import annotations

import subprocess
import sys
import time

import pytest

from octui.errors import RecordingError
from octui.fleet.leftovers import wait_until_gone
from octui.recording.facts import AnyFact, AttemptStarted, SessionStarted


def facts(pid: int, at: float) -> list[AnyFact]:
    begun = SessionStarted(at=at, pid=1, socket="", octui="0", opencode="1", runs=("a",))
    return [begun, AttemptStarted(at=at, run="a", attempt=1, of=1, pid=pid)]


def test_a_process_that_is_still_there_is_waited_for_and_then_told() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        now = time.time()
        with pytest.raises(RecordingError, match=f"process {process.pid}"):
            wait_until_gone(facts(process.pid, now), 0.2)
        wait_until_gone(facts(process.pid, now - 3600), 0)  # Its number was another's then.
        wait_until_gone([*facts(process.pid, now), *facts(0, now)], 0)  # An earlier supervisor's.
        process.kill()
        wait_until_gone(facts(process.pid, now), 10)
