"""Runs over a server for the tests of screens: what it told is recorded as the supervisor records it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from tests.tui.sessions import MODEL, NOW, PROMPT, START

from octui.client.config import RunConfig
from octui.client.serve.lines import RunLines
from octui.client.serve.v1_events import decode, event_id, time_of_line
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import AttemptStarted, RunState, SessionEnded, SessionOpened, SessionStarted, StateChanged
from octui.recording.journal import Journal
from octui.recording.layout import stream_path

CAPTURED = Path(__file__).parents[1] / "captures" / "streams"
ROOT = "ses_root"
CHILD = "ses_child"


def captured(name: str) -> list[bytes]:
    """The lines a real server sent."""
    return (CAPTURED / f"{name}.stream").read_bytes().splitlines(keepends=True)


def root_of(lines: list[bytes]) -> str:
    """The session a captured stream is about."""
    first = next(line for line in lines if b'"session.created"' in line)
    found: str = msgspec.json.decode(first)["properties"]["sessionID"]
    return found


class Told:
    """A session with runs over a server, told event by event.

    Args:
        folder: Where sessions are kept.
        runs: Their names.
        session_id: What the first run's session is called; those of others have its name behind it.
        at: When it began, in seconds since the epoch.
    """

    def __init__(
        self, folder: Path, runs: tuple[str, ...] = ("api",), *, session_id: str = ROOT, at: float = START
    ) -> None:
        specs = tuple(
            RunSpec(
                name=name,
                workspace=Path("/srv") / name,
                prompt=PROMPT,
                config=RunConfig(model=MODEL, agent="build"),
            )
            for name in runs
        )
        plan = Plan(name="explain services", runs=specs)
        self.journal = Journal.create(
            folder, plan, opencode_version="1.18.33", binary="opencode", octui_version="0.1.0"
        )
        self.sessions = {name: session_id if name == runs[0] else f"{session_id}_{name}" for name in runs}
        self.lines = {name: RunLines(session) for name, session in self.sessions.items()}
        self.at_ms = round(at * 1000)
        self._numbers = 0
        self.journal.fact(
            SessionStarted(at=at, pid=os.getpid(), socket="", octui="0.1.0", opencode="1.18.33", runs=runs)
        )
        for name in runs:
            self.journal.fact(StateChanged(at=at, run=name, state=RunState.STARTING))
            self.journal.fact(AttemptStarted(at=at, run=name, attempt=1, of=1, pid=1))
            self.journal.fact(StateChanged(at=at, run=name, state=RunState.RUNNING))
            self.journal.fact(SessionOpened(at=at, run=name, session_id=self.sessions[name], directory=f"/srv/{name}"))

    @property
    def folder(self) -> Path:
        """The session's folder."""
        return self.journal.folder

    def write(self, line: bytes, run: str = "api") -> bytes:
        """Append a line of the stream; give what comes of it in the log, which is not written yet."""
        with stream_path(self.folder, run).open("ab") as file:
            file.write(line)
        self.at_ms = max(self.at_ms, time_of_line(line, self.at_ms) or 0)
        event = decode(line.rstrip(b"\n"), self.at_ms)
        return b"" if event is None else b"".join(self.lines[run].feed(event))

    def hear(self, line: bytes, run: str = "api") -> None:
        """Record a line as the supervisor does: the stream first, then the log."""
        if logged := self.write(line, run):
            self.journal.append_stdout(run, logged)

    def tell(self, kind: str, properties: dict[str, Any], *, after_ms: int = 10, run: str = "api") -> None:
        """Record an event of a server that comes so long after the one before."""
        self.hear(self.event(kind, properties, after_ms=after_ms), run)

    def event(self, kind: str, properties: dict[str, Any], *, after_ms: int = 10) -> bytes:
        """A line of the stream."""
        self.at_ms += after_ms
        self._numbers += 1
        return (
            msgspec.json.encode(
                {"id": event_id(self.at_ms, self._numbers % 4096), "type": kind, "properties": properties}
            )
            + b"\n"
        )

    def message(
        self, message: str, role: str = "assistant", *, session: str = ROOT, run: str = "api", **more: Any
    ) -> None:
        """A message began."""
        info = {"id": message, "role": role, "agent": "build", "modelID": "claude-sonnet-4-5", **more}
        self.tell("message.updated", {"sessionID": session, "info": {"providerID": "anthropic", **info}}, run=run)

    def part(
        self,
        part: str,
        kind: str,
        *,
        message: str = "m1",
        session: str = ROOT,
        run: str = "api",
        after_ms: int = 10,
        **body: Any,
    ) -> None:
        """A part stands like this now."""
        whole = {"id": part, "messageID": message, "sessionID": session, "type": kind, **body}
        self.tell("message.part.updated", {"sessionID": session, "part": whole}, run=run, after_ms=after_ms)

    def step(self, *, message: str = "m1", session: str = ROOT, run: str = "api") -> None:
        """The model was asked."""
        self.message(message, session=session, run=run)
        self.part(f"{message}-step", "step-start", message=message, session=session, run=run)

    def text(
        self, part: str, words: str, *, kind: str = "text", whole: bool = False, session: str = ROOT, run: str = "api"
    ) -> None:
        """A text with some words, whole or still to grow."""
        time = {"start": self.at_ms, "end": self.at_ms + 5} if whole else {"start": self.at_ms}
        self.part(part, kind, text=words, time=time, session=session, run=run)

    def grow(self, part: str, words: str, *, session: str = ROOT, run: str = "api") -> None:
        """Some more words of a text."""
        delta = {"sessionID": session, "messageID": "m1", "partID": part, "field": "text", "delta": words}
        self.tell("message.part.delta", delta, run=run)

    def tool(
        self,
        part: str,
        tool: str,
        status: str,
        *,
        session: str = ROOT,
        run: str = "api",
        after_ms: int = 10,
        **state: Any,
    ) -> None:
        """A tool call stands like this now."""
        self.part(
            part, "tool", tool=tool, state={"status": status, **state}, session=session, run=run, after_ms=after_ms
        )

    def status(self, kind: str, *, session: str = ROOT, run: str = "api", **more: Any) -> None:
        """The session works, rests, or waits for its provider."""
        self.tell("session.status", {"sessionID": session, "status": {"type": kind, **more}}, run=run)

    def subagent(self, title: str, agent: str, *, run: str = "api", session: str = CHILD, parent: str = ROOT) -> None:
        """A subagent's session began."""
        info = {"id": session, "parentID": parent, "title": title, "agent": agent}
        self.tell("session.created", {"sessionID": session, "info": info}, run=run)

    def end(self, run: str = "api", state: RunState = RunState.SUCCEEDED) -> None:
        """The run came to an end, and the session."""
        at = self.at_ms / 1000
        self.journal.fact(StateChanged(at=at + 0.5, run=run, state=state))
        self.journal.fact(SessionEnded(at=at + 1))


def at_work(folder: Path) -> Told:
    """Four runs in the middle of something: an answer, a command, a provider that is waited for, a subagent."""
    told = Told(folder, ("api", "worker", "gateway", "search"), at=NOW - 4)
    for run in ("api", "worker", "gateway", "search"):
        told.status("busy", session=told.sessions[run], run=run)
        told.step(session=told.sessions[run], run=run)
        told.text(f"{run}-0", "I'll look at the router first.", whole=True, session=told.sessions[run], run=run)
    _think_and_answer(told)
    _run_a_command(told, "worker")
    _wait_for_provider(told, "gateway")
    _have_a_subagent(told, "search")
    return told


def _think_and_answer(told: Told) -> None:
    told.text("r", "", kind="reasoning")
    told.grow("r", "The catch-all comes before the users' route.\nThen no request for a user gets there.\n")
    told.grow("r", "What else is registered late?\nThe limits are, and the health check.")
    told.text("a", "")
    told.grow(
        "a", 'The route is registered **after** the catch-all:\n\n```python\napp.get("/{rest:path}")(fall_back)\n'
    )
    told.grow("a", 'app.get("/users/{id}")(show_user)\n```\n\nSo `/users/7` never reaches its')


def _run_a_command(told: Told, run: str) -> None:
    session = told.sessions[run]
    given = {"command": "pytest -q tests/api", "description": "run the tests"}
    state: dict[str, Any] = {"input": given, "title": "run the tests", "time": {"start": told.at_ms}}
    told.tool("w1", "bash", "running", session=session, run=run, **state, metadata={"output": ""})
    told.tool("w2", "read", "pending", session=session, run=run, input={})
    output = (
        "collected 212 items\n\ntests/api/test_users.py F..\ntests/api/test_limits.py ....\ntests/api/test_health.py .."
    )
    told.tool("w1", "bash", "running", session=session, run=run, **state, metadata={"output": output})


def _wait_for_provider(told: Told, run: str) -> None:
    told.tell(
        "message.updated",
        {
            "sessionID": told.sessions[run],
            "info": {"id": "u1", "role": "user"},
        },
        run=run,
    )
    for part, words in (("q0", PROMPT), ("q1", "Raise the limit to 100, and test it.")):
        body = {"id": part, "messageID": "u1", "type": "text", "text": words}
        told.tell("message.part.updated", {"sessionID": told.sessions[run], "part": body}, run=run)
    next_ms = round(NOW * 1000) + 3000
    told.status("retry", session=told.sessions[run], run=run, attempt=2, message="scripted failure 503", next=next_ms)


def _have_a_subagent(told: Told, run: str) -> None:
    session = told.sessions[run]
    told.subagent("find every caller (@explore subagent)", "explore", run=run, parent=session)
    given = {"description": "find every caller", "prompt": "Find all callers of show_user.", "subagent_type": "explore"}
    state: dict[str, Any] = {
        "input": given,
        "title": "find every caller",
        "metadata": {"sessionId": CHILD},
        "time": {"start": told.at_ms},
    }
    told.tool("s1", "task", "running", session=session, run=run, **state)
    told.tool("c0", "glob", "completed", session=CHILD, run=run, input={"pattern": "*.py"}, title="*.py", output="")
    told.tool(
        "c1", "grep", "running", session=CHILD, run=run, input={"pattern": "show_user"}, time={"start": told.at_ms}
    )
    told.text("c2", "Two of them are in tests; I look", session=CHILD, run=run)
