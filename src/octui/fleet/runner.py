"""One run of a session, over all its attempts and restarts: it runs the client and writes down what happens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio

from octui.client.client import AsyncOpenCodeClient
from octui.client.config import build_config
from octui.client.limits import Limit, Limits
from octui.client.result import Totals
from octui.client.sinks import AttemptEnd
from octui.errors import OctuiError, RecordingError
from octui.fleet.attention import Raised, Watch
from octui.fleet.outcome import Outcome, judge
from octui.plan.model import RunSpec
from octui.recording.facts import (
    AnyFact,
    AttemptEnded,
    AttemptStarted,
    Attention,
    AttentionCleared,
    AttentionRaised,
    RunState,
    StateChanged,
)
from octui.recording.journal import Journal
from octui.recording.log_index import Lines

LOOK_EVERY_S = 0.5
RETRY_DELAY_S = 1.0
MCP_TIMEOUT_S = 60.0
MCP_PATIENCE_S = 10.0
"""How long a run that is over waits to be told which of its MCP servers did not start."""

LOG_TAIL_BYTES = 64 * 1024
PROJECT_CONFIGS = ("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc")


class Runner:
    """Runs one run of a plan, as often as it is asked to.

    Args:
        spec: The run.
        client: Runs opencode.
        journal: Where its output goes.
        write: Writes down a fact.
    """

    def __init__(
        self, spec: RunSpec, client: AsyncOpenCodeClient, journal: Journal, write: Callable[[AnyFact], None]
    ) -> None:
        self.spec = spec
        self.state = RunState.QUEUED
        self.life = 0
        self._client = client
        self._journal = journal
        self._write = write
        self._why = ""
        self._attention: dict[Attention, str] = {}
        self._ended_at = 0.0
        self._begin()

    def _begin(self) -> None:
        self._started_at = 0.0
        self._exit_code: int | None = None
        self._attempts = 0
        self._life_totals = Totals()
        self._data: Path | None = None
        self._watch = Watch(self.spec.silence_s, time.monotonic())
        self._stderr_begins = self._stderr_read_to = self._journal.sizes(self.spec.name)[1]

    def queue(self) -> None:
        """Be one of those that wait."""
        self._begin()
        self._attention.clear()
        self._enter(RunState.QUEUED)

    def wait(self, why: str) -> None:
        """Say why it does not start yet."""
        self._enter(RunState.QUEUED, why)

    async def run(self) -> None:
        """Live one life: from start-up to a final state, which is written down.

        Cancelling it ends opencode and all it started; the caller then says what that means with `stopped`.

        Raises:
            RecordingError: Facts cannot be written any more.
        """
        self.life += 1
        self._begin()
        self._started_at = time.time()
        try:
            self._enter(RunState.STARTING)
            outcome = await self._live()
        except (OctuiError, OSError) as error:
            outcome = Outcome(RunState.FAILED, str(error))
        self._finish(outcome)

    @property
    def _totals(self) -> Totals:
        """Of this life; those of the first are the log's, which the journal has folded already."""
        return self._life_totals if self.life > 1 else self._journal.totals(self.spec.name)

    def stopped(self, why: str) -> None:
        """Say that it was ended, or never started, because somebody asked for it."""
        self._finish(Outcome(RunState.STOPPED, why))

    def outcome(self) -> dict[str, Any] | None:
        """What it came to, for ``session.toml``; None while it is not over."""
        if not self.state.is_final:
            return None
        totals = self._totals
        return {
            "state": str(self.state),
            "why": self._why or None,
            "exit_code": self._exit_code,
            "attempts": self._attempts,
            "attention": list(self._attention.values()) or None,
            "duration_s": round(self._ended_at - self._started_at, 3) if self._started_at else 0.0,
            "turns": totals.turns,
            "tokens": totals.tokens.total,
            "cost": totals.cost,
            "cost_is_incomplete": totals.cost_is_incomplete or None,
            "tool_calls": totals.tool_calls,
            "session_id": totals.session_id or None,
        }

    async def _live(self) -> Outcome:
        spec = self.spec
        end: AttemptEnd | OctuiError | OSError
        mcp_checked = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._look)
            if _has_mcp(spec):
                group.start_soon(self._check_mcp, mcp_checked)
            else:
                mcp_checked.set()
            try:
                end = await self._client.execute(
                    spec.prompt,
                    spec.workspace,
                    sink=self,
                    run_cfg=spec.config,
                    timeout_s=spec.timeout_s,
                    max_retries=spec.max_retries,
                    retry_delay_s=RETRY_DELAY_S,
                    startup_timeout_s=spec.startup_timeout_s,
                    stderr_path=self._journal.stderr_path(spec.name),
                    isolate_db=spec.isolate_db,
                )
                with anyio.move_on_after(MCP_PATIENCE_S):
                    await mcp_checked.wait()
            except (OctuiError, OSError) as error:
                end = error  # Raised outside the group, which would wrap it.
            group.cancel_scope.cancel()
        if isinstance(end, Exception):
            raise end
        self._take(self._journal.end_stdout(spec.name))
        self._raise(self._watch.stderr(end.stderr))
        return judge(self._totals, end, Limits(timeout_s=spec.timeout_s, startup_timeout_s=spec.startup_timeout_s))

    # The client's sink

    async def attempt_started(self, attempt: int, pid: int, data: Path) -> None:
        """Write down that an attempt began."""
        self._attempts = attempt
        self._data = data
        if self.state is not RunState.STARTING:
            self._enter(RunState.STARTING)
        self._journal.begin_attempt(self.spec.name)
        stdout_offset, stderr_offset = self._journal.sizes(self.spec.name)
        self._write(
            AttemptStarted(
                at=time.time(),
                run=self.spec.name,
                attempt=attempt,
                of=self.spec.max_retries + 1,
                pid=pid,
                life=self.life,
                stdout_offset=stdout_offset,
                stderr_offset=stderr_offset,
            )
        )

    async def stdout(self, data: bytes) -> None:
        """Record what opencode printed, before anything is made of it."""
        lines = self._journal.append_stdout(self.spec.name, data)
        self._break_silence()
        self._take(lines)

    async def attempt_ended(self, attempt: int, end: AttemptEnd, retry_in_s: float | None) -> None:
        """Write down that an attempt is over."""
        self._exit_code = end.exit_code
        self._write(
            AttemptEnded(
                at=time.time(),
                run=self.spec.name,
                attempt=attempt,
                exit_code=end.exit_code,
                timed_out=end.limit in (Limit.TIME, Limit.STARTUP),
                retry_in_s=retry_in_s,
            )
        )
        if retry_in_s is not None:
            again = f"attempt {attempt + 1} of {self.spec.max_retries + 1} in {retry_in_s:g} s"
            what = "said nothing" if end.limit else "crashed at start-up"
            self._enter(RunState.RETRYING, f"opencode {what}; {again}")

    def warned(self, words: str) -> None:
        """Something was not taken over; that is a reason to look."""
        self._raise(self._watch.left_out(words))

    # What is seen

    def _take(self, lines: Lines) -> None:
        if self.state is RunState.STARTING and lines.has_event:
            self._enter(RunState.RUNNING)
        if self.life > 1:
            self._life_totals.feed_lines(*lines)

    async def _look(self) -> None:
        """Look again and again at what does not come by itself: stderr and silence."""
        while True:
            await anyio.sleep(LOOK_EVERY_S)
            path = self._journal.stderr_path(self.spec.name)
            with suppress(OSError, RecordingError):
                if path.stat().st_size > self._stderr_read_to:
                    self._raise(self._watch.stderr(_tail(path, self._stderr_begins)))
                    self._stderr_read_to = path.stat().st_size
                log = _tail(self._data / "log" / "opencode.log") if self._data else ""
                self._raise(self._watch.silence(time.monotonic(), log))

    async def _check_mcp(self, checked: anyio.Event) -> None:
        """Ask opencode which MCP servers start: ``run`` passes over those that do not, in silence."""
        with suppress(OctuiError, OSError):
            result = await self._client.async_command(
                ["mcp", "list"],
                self.spec.workspace,
                run_cfg=self.spec.config,
                timeout_s=MCP_TIMEOUT_S,
                isolate_db=True,
            )
            self._raise(self._watch.mcp(result.stdout))
        checked.set()

    def _break_silence(self) -> None:
        if self._watch.heard(time.monotonic()):
            self._attention.pop(Attention.SILENT, None)
            self._write(AttentionCleared(at=time.time(), run=self.spec.name, kind=Attention.SILENT))

    def _raise(self, found: list[Raised]) -> None:
        for kind, words in found:
            self._attention[kind] = words
            self._write(AttentionRaised(at=time.time(), run=self.spec.name, kind=kind, words=words))

    def _enter(self, state: RunState, why: str = "") -> None:
        self.state, self._why = state, why
        self._write(StateChanged(at=time.time(), run=self.spec.name, state=state, why=why))

    def _finish(self, outcome: Outcome) -> None:
        self._ended_at = time.time()
        self.state, self._why = outcome.state, outcome.why
        with suppress(RecordingError):
            self._break_silence()  # Of one that is over nobody expects a word.
            self._raise(list(outcome.attention))
            self._enter(outcome.state, outcome.why)


def _has_mcp(spec: RunSpec) -> bool:
    """Whether MCP servers may be configured for a run, by its plan or by its project."""
    servers = build_config(spec.config).get("mcp", {})
    if any(server.get("enabled", True) for server in servers.values()):
        return True
    for name in PROJECT_CONFIGS:
        with suppress(OSError):
            if b'"mcp"' in (spec.workspace / name).read_bytes():
                return True
    return spec.config.inherit_user_config


def _tail(path: Path, start: int = 0) -> str:
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
    return ""
