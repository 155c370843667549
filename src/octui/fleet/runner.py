"""A run by ``opencode run``, over all its attempts: it runs the client and writes down what happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio

from octui.client.client import AsyncOpenCodeClient
from octui.client.limits import Limit, Limits
from octui.client.logins import may_have_mcp
from octui.client.sinks import AttemptEnd
from octui.errors import OctuiError, RecordingError
from octui.fleet.outcome import Outcome, judge
from octui.fleet.run_life import LOOK_EVERY_S, RunLife, tail
from octui.plan.model import RunSpec
from octui.recording.facts import AnyFact, AttemptEnded, RunState
from octui.recording.journal import Journal

RETRY_DELAY_S = 1.0
MCP_TIMEOUT_S = 60.0
MCP_PATIENCE_S = 10.0
"""How long a run that is over waits to be told which of its MCP servers did not start."""


class Runner(RunLife):
    """Runs one run of a plan, a process an attempt.

    Args:
        spec: The run.
        client: Runs opencode.
        journal: Where its output goes.
        write: Writes down a fact.
    """

    def __init__(
        self, spec: RunSpec, client: AsyncOpenCodeClient, journal: Journal, write: Callable[[AnyFact], None]
    ) -> None:
        self._client = client
        super().__init__(spec, journal, write)

    def _begin(self) -> None:
        super()._begin()
        self._data: Path | None = None
        self._attempt_began = time.monotonic()
        self._stderr_begins = self._stderr_read_to = self._journal.sizes(self.spec.name)[1]

    async def _live(self) -> Outcome:
        spec = self.spec
        end: AttemptEnd | OctuiError | OSError
        mcp_checked = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(self._look)
            if may_have_mcp(spec.config, self.place.folder):
                group.start_soon(self._check_mcp, mcp_checked)
            else:
                mcp_checked.set()
            try:
                end = await self._client.execute(
                    spec.prompt,
                    self.place.folder,
                    sink=self,
                    run_cfg=spec.config,
                    timeout_s=spec.timeout_s,
                    max_retries=spec.max_retries,
                    retry_delay_s=RETRY_DELAY_S,
                    startup_timeout_s=spec.startup_timeout_s,
                    stderr_path=self._journal.stderr_path(spec.name),
                    isolate_db=spec.isolate_db,
                    wait=self.wait,
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
        self._data = data
        self._attempt_began = time.monotonic()
        if self.state is not RunState.STARTING:
            self._enter(RunState.STARTING)
        self._write_attempt(attempt, self.spec.max_retries + 1, pid)

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

    async def _look(self) -> None:
        """Look again and again at what does not come by itself: stderr and silence."""
        while True:
            await anyio.sleep(LOOK_EVERY_S)
            with suppress(RecordingError):
                self._spend_time(time.monotonic() - self._attempt_began)
            path = self._journal.stderr_path(self.spec.name)
            with suppress(OSError, RecordingError):
                if path.stat().st_size > self._stderr_read_to:
                    self._raise(self._watch.stderr(tail(path, self._stderr_begins)))
                    self._stderr_read_to = path.stat().st_size
                log = tail(self._data / "log" / "opencode.log") if self._data else ""
                self._raise(self._watch.silence(time.monotonic(), log))

    async def _check_mcp(self, checked: anyio.Event) -> None:
        """Ask opencode which MCP servers start: ``run`` passes over those that do not, in silence."""
        with suppress(OctuiError, OSError):
            result = await self._client.async_command(
                ["mcp", "list"],
                self.place.folder,
                run_cfg=self.spec.config,
                timeout_s=MCP_TIMEOUT_S,
                isolate_db=True,
            )
            self._raise(self._watch.mcp(result.stdout))
        checked.set()
