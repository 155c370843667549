"""Session folders for the tests of screens: recorded by the journal, with times that never change."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import (
    AttemptStarted,
    Attention,
    AttentionRaised,
    RunState,
    SessionEnded,
    SessionStarted,
    StateChanged,
)
from octui.recording.journal import Journal

START = 1_795_430_400.0
"""Seconds since the epoch at which every session of the tests began."""
NOW = START + 90
MODEL = "anthropic/claude-sonnet-4-5"
PROMPT = "Explain this service and list its three riskiest functions."


def step_start() -> dict[str, Any]:
    return {"type": "step_start", "part": {"type": "step-start"}}


def step_finish(tokens: int = 1200, cost: float = 0.01, reason: str = "tool-calls") -> dict[str, Any]:
    counts = {"total": tokens, "input": tokens - 200, "output": 200, "reasoning": 0, "cache": {"read": 0, "write": 0}}
    return {"type": "step_finish", "part": {"reason": reason, "cost": cost, "tokens": counts}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "part": {"type": "text", "text": words}}


def tool(name: str, title: str, *, took_ms: int = 12, **state: Any) -> dict[str, Any]:
    times = {"start": 1000, "end": 1000 + took_ms}
    whole = {"status": "completed", "input": {}, "output": "", "title": title, "metadata": {}, "time": times, **state}
    return {"type": "tool_use", "part": {"type": "tool", "tool": name, "state": whole}}


@dataclass
class Script:
    """What one run of a test session does: its events come two seconds apart, from one second after the start."""

    name: str
    events: Sequence[dict[str, Any]] = ()
    state: RunState = RunState.RUNNING
    why: str = ""
    attention: Sequence[tuple[Attention, str]] = ()
    stderr: str = ""
    prompt: str = PROMPT
    config: RunConfig = field(default_factory=lambda: RunConfig(model=MODEL, agent="build"))
    raw: bytes = b""


def line(event: dict[str, Any], at: float) -> bytes:
    """An event as opencode prints it, at seconds since the epoch."""
    return (
        json.dumps({**event, "timestamp": round(at * 1000), "sessionID": "ses_1"}, ensure_ascii=False).encode() + b"\n"
    )


def record(folder: Path, scripts: Sequence[Script], *, live: bool = False, name: str = "explain services") -> Journal:
    """Record a session; a live one names this process as its supervisor."""
    runs = tuple(
        RunSpec(name=script.name, workspace=Path("/srv") / script.name, prompt=script.prompt, config=script.config)
        for script in scripts
    )
    plan = Plan(name=name, runs=runs)
    journal = Journal.create(folder, plan, opencode_version="1.18.33", binary="opencode", octui_version="0.1.0")
    facts: list[Any] = []
    end = START
    for script in scripts:
        at = START + 1
        if script.events or script.state is not RunState.QUEUED:
            facts.append(StateChanged(at=START, run=script.name, state=RunState.STARTING))
            facts.append(AttemptStarted(at=START, run=script.name, attempt=1, of=3, pid=1))
            facts.append(StateChanged(at=at, run=script.name, state=RunState.RUNNING))
        for event in script.events:
            at += 2
            journal.append_stdout(script.name, line(event, at))
        if script.raw:
            journal.append_stdout(script.name, script.raw)
        if script.stderr:
            journal.stderr_path(script.name).write_text(script.stderr)
        for kind, words in script.attention:
            facts.append(AttentionRaised(at=at, run=script.name, kind=kind, words=words))
        if script.state.is_final:
            facts.append(StateChanged(at=at + 1, run=script.name, state=script.state, why=script.why))
        end = max(end, at + 1)
    journal.fact(
        SessionStarted(
            at=START,
            pid=os.getpid() if live else 1,
            socket="",
            octui="0.1.0",
            opencode="1.18.33",
            runs=tuple(script.name for script in scripts),
        )
    )
    for fact in sorted(facts, key=lambda fact: fact.at):
        journal.fact(fact)
    if not live:
        journal.fact(SessionEnded(at=end + 1))
    return journal


ANSWER = """I'll start with the **router** and follow one request.

1. `api/router.py` registers the catch-all *first*
2. so `/users/7` never reaches its handler

```python
app.get("/users/{id}")(show_user)  # too late
```
"""

API = Script(
    "api",
    [
        step_start(),
        text("I'll look at the router."),
        tool("read", "src/router.py", metadata={"display": {"totalLines": 212}}),
        tool("grep", "@route", took_ms=8, input={"pattern": "@route"}, metadata={"matches": 31}),
        step_finish(12_400, 0.041),
        step_start(),
        tool(
            "bash",
            "pytest -q tests/api",
            took_ms=4200,
            input={"command": "pytest -q tests/api"},
            output="F..\nE   assert 404 == 200\n",
            metadata={"exit": 1},
        ),
        text(ANSWER),
    ],
)
WORKER = Script(
    "worker",
    [
        step_start(),
        tool(
            "bash",
            "",
            status="error",
            input={"command": "alembic upgrade head"},
            error="The user rejected permission to use this specific tool call.",
        ),
        step_finish(9000, 0.02),
    ],
    RunState.FAILED,
    "the run ended without a final answer",
    [(Attention.PERMISSION_REJECTED, "opencode rejected by itself: bash (alembic upgrade head)")],
    "! permission requested: bash (alembic upgrade head); auto-rejecting\n",
)
GATEWAY = Script(
    "gateway",
    [
        step_start(),
        tool(
            "edit",
            "src/limits.py",
            input={"filePath": "src/limits.py"},
            metadata={"diff": "@@ -12,2 +12,2 @@\n def limit():\n-    return 10\n+    return 100\n"},
        ),
        tool(
            "todowrite",
            "2 todos",
            metadata={
                "todos": [
                    {"content": "raise the limit", "status": "completed"},
                    {"content": "test it", "status": "in_progress"},
                ]
            },
        ),
        step_finish(20_100, 0.07),
        step_start(),
        text("Done. The limit is 100 now."),
        step_finish(21_000, 0.08, "stop"),
    ],
    RunState.SUCCEEDED,
)
BILLING = Script(
    "billing",
    [{"type": "error", "error": {"name": "APIError", "data": {"message": "You exceeded your quota."}}}],
    RunState.FAILED,
    "exit code 1",
    [(Attention.PROVIDER_REFUSES, "The provider refuses: You exceeded your quota.")],
)
SEARCH = Script("search", [step_start(), tool("read", "README.md"), step_finish(5000, 0.01), step_start()])
MAILER = Script("mailer", state=RunState.QUEUED)
SIX = (API, WORKER, GATEWAY, BILLING, SEARCH, MAILER)
