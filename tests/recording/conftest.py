"""Sessions to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.recording.journal import Journal

CAPTURES = Path(__file__).parents[1] / "captures"


def line(kind: str, at: float, **part: Any) -> bytes:
    """An event as opencode prints it, at so many seconds."""
    event = {"type": kind, "timestamp": at * 1000, "sessionID": "ses_1", "part": part}
    return json.dumps(event).encode() + b"\n"


def answer(at: float, text: str = "Done.") -> bytes:
    """A whole step with an answer, over two seconds."""
    tokens = {"total": 3, "input": 2, "output": 1}
    return (
        line("step_start", at)
        + line("text", at + 1, text=text)
        + line("step_finish", at + 2, reason="stop", cost=0.5, tokens=tokens)
    )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    config = RunConfig(model="a/b", mcp={"x": {"type": "remote", "url": "https://x", "headers": {"K": "sesame-open"}}})
    runs = [RunSpec(name=name, workspace=tmp_path, prompt="Do it.", config=config) for name in ("api", "worker")]
    return Plan(name="Two runs!", runs=tuple(runs))


@pytest.fixture
def journal(tmp_path: Path, plan: Plan) -> Journal:
    return Journal.create(
        tmp_path / "sessions", plan, opencode_version="1.18.33", binary="/bin/opencode", octui_version="0.1.0"
    )
