"""A stand-in for opencode, for what the real one cannot be made to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.executables import make_script

HEAD = """
import json, os, signal, subprocess, sys, time
if sys.argv[1:] == ["--version"]:
    print("1.18.33"); sys.exit()
def say(kind, **fields):
    print(json.dumps({"type": kind, "timestamp": 1, "sessionID": "ses_1", **fields}), flush=True)
def answer(text="Done."):
    say("step_start", part={})
    say("text", part={"text": text})
    say("step_finish", part={"reason": "stop", "cost": 0.5, "tokens": {"total": 3, "input": 2, "output": 1}})
prompt = sys.stdin.read()
"""

StandIn = Callable[[str], Path]


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    """Make an executable that answers as opencode does for its version, and runs the given code otherwise."""
    return lambda code: make_script(tmp_path / "bin" / "opencode", HEAD + code)
