"""`AsyncOpenCodeClient`: run ``opencode run`` from a Python program, on asyncio or trio."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Protocol

import anyio
import anyio.to_thread

from octui.client import isolation
from octui.client.attempt import Attempt, Launch
from octui.client.binary import binary_version, find_binary
from octui.client.config import RunConfig, check
from octui.client.events import decode_dict, decode_head, decode_line
from octui.client.lines import LineFramer
from octui.client.result import RunResult, Totals
from octui.client.retry import is_worth_another_attempt
from octui.errors import ConfigError, OpenCodeProcessError, OpenCodeTimeoutError

GRACE_S = 5.0
LAST_EVENTS = 5
"""How many events an error from a stream carries."""


class OpenCodeWarning(UserWarning):
    """Something asked for is likely a mistake, or could not be taken over; the run goes on without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How an attempt ended.

    Attributes:
        exit_code: Negative where a signal ended it; None where it was not started or not seen to end.
        timed_out: Whether its time was up.
        stderr: What it wrote to stderr, at most its last MiB.
        events: How many events it printed.
    """

    exit_code: int | None
    timed_out: bool
    stderr: str
    events: int


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command of opencode printed; the exit code is negative where a signal ended it."""

    exit_code: int | None
    stdout: str
    stderr: str


class RunSink(Protocol):
    """Where a run's output goes while it happens; called in order, from the task that runs it."""

    async def attempt_started(self, attempt: int, pid: int, data: Path) -> None:
        """An attempt began, counted from 1; ``data`` is opencode's own folder, with ``log/opencode.log``."""

    async def stdout(self, data: bytes) -> None:
        """opencode printed this: as read, byte for byte; it may end within a line.

        Must not wait where a cancel may strike before the bytes are safe.
        """

    async def attempt_ended(self, attempt: int, end: AttemptEnd, retry_in_s: float | None) -> None:
        """An attempt is over, with all it started; another follows after ``retry_in_s`` seconds where that is set."""

    def warned(self, words: str) -> None:
        """Something asked for is likely a mistake, or could not be taken over."""


class AsyncOpenCodeClient:
    """Runs opencode, one process a run.

    Args:
        binary: A path, or a name to look for; plain ``opencode`` searches as `find_binary` says.
        startup_concurrency: How many processes enter start-up at a time; 0 for no limit.
        startup_delay_s: For how many seconds a start-up slot is held.
        isolate_db: Whether each run gets a private data home (``XDG_DATA_HOME``), the real ``auth.json`` still in
            reach. A run that goes on with an earlier session needs the database it is in, and gets none.
    """

    def __init__(
        self,
        binary: str | Path = "opencode",
        startup_concurrency: int = 1,
        startup_delay_s: float = 0.3,
        isolate_db: bool = True,
    ) -> None:
        if startup_concurrency < 0 or startup_delay_s < 0:
            raise ConfigError("startup_concurrency and startup_delay_s must not be negative.")
        self.binary = binary
        self.isolate_db = isolate_db
        self._startup_delay_s = startup_delay_s
        self._slots = [0.0] * startup_concurrency

    async def async_run(
        self,
        prompt: str,
        workspace: str | Path,
        *,
        run_cfg: RunConfig | None = None,
        timeout_s: float | None = None,
        log_file: str | Path | None = None,
        log_exclude_types: Collection[str] | None = None,
        max_retries: int = 2,
        retry_delay_s: float = 1.0,
    ) -> RunResult:
        """Run one agent to its end.

        Args:
            prompt: Reaches the model to the letter, whatever it holds and however long it is.
            workspace: The folder the agent works in.
            run_cfg: How opencode is started.
            timeout_s: Limit of an attempt, in seconds; None for none.
            log_file: A file to which every line is appended as it arrives.
            log_exclude_types: Event types to leave out of it.
            max_retries: How often the start-up crash of runs that share a database is tried again. No other failure
                is, and no attempt that has printed an event.
            retry_delay_s: Seconds before the second attempt; twice as long before the next, and so on.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
            OpenCodeProcessError: It ended with a non-zero exit code.
            OpenCodeTimeoutError: Its time was up.
        """
        with _Log(log_file, log_exclude_types or ()) as log:
            sink = _Collector(log)
            end = await self.execute(
                prompt,
                workspace,
                sink=sink,
                run_cfg=run_cfg,
                timeout_s=timeout_s,
                max_retries=max_retries,
                retry_delay_s=retry_delay_s,
            )
        events = [decode_dict(line) for line in sink.lines]
        totals = Totals()
        for line in sink.lines:
            totals.feed(decode_line(line))
        _raise_for(end, events, timeout_s, totals.last_error)
        return RunResult(
            exit_code=end.exit_code or 0,
            final_text=totals.final_text,
            events=events,
            tool_calls=[event["part"] for event in events if event.get("type") == "tool_use" and "part" in event],
            token_usage=totals.tokens,
            total_cost=totals.cost,
            turns=totals.turns,
            session_id=totals.session_id,
            stderr=end.stderr,
        )

    async def async_stream(
        self,
        prompt: str,
        workspace: str | Path,
        *,
        run_cfg: RunConfig | None = None,
        timeout_s: float | None = None,
        max_retries: int = 2,
        retry_delay_s: float = 1.0,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Give a run's events as they arrive, one dict an event.

        A line that is no JSON object comes as ``{"type": "diagnostic", "raw": text}``. Nothing is held back or kept. A
        consumer that is slow slows opencode down; one that leaves the loop ends the run and all it started.

        Args:
            prompt: As for `async_run`, and so are the others.
            workspace: The folder the agent works in.
            run_cfg: How opencode is started.
            timeout_s: Limit of an attempt, in seconds; the time a consumer takes counts.
            max_retries: How often the start-up crash is tried again.
            retry_delay_s: Seconds before the second attempt.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
            OpenCodeProcessError: It ended with a non-zero exit code; raised after the last event.
            OpenCodeTimeoutError: Its time was up.
        """
        launch = await self._prepare(prompt, workspace, run_cfg, None, _warn)
        last: deque[dict[str, Any]] = deque(maxlen=LAST_EVENTS)
        totals = Totals()
        number = 0
        while True:
            number += 1
            await self._startup_slot()
            attempt = Attempt(launch)
            exit_code, stderr, count, timed_out = None, "", 0, False
            try:
                _warn_all(attempt.warnings)
                deadline = anyio.current_time() + timeout_s if timeout_s is not None else float("inf")
                framer = LineFramer()
                while True:
                    chunk = b""
                    with anyio.CancelScope(deadline=deadline) as scope:
                        chunk = await attempt.process.read()
                    timed_out = scope.cancelled_caught
                    lines = framer.feed(chunk) if chunk else framer.end()
                    for line in lines:
                        event = decode_dict(line)
                        count += decode_head(line) is not None
                        if event.get("type") == "error":
                            totals.feed(decode_line(line))
                        last.append(event)
                        yield event
                    if not chunk:
                        break
                exit_code = attempt.process.exit_code
            finally:
                stderr = await attempt.end(GRACE_S, _discard)
            end = AttemptEnd(exit_code=exit_code, timed_out=timed_out, stderr=stderr, events=count)
            if number > max_retries or not _may_retry(end):
                break
            await anyio.sleep(retry_delay_s * number)
        _raise_for(end, list(last), timeout_s, totals.last_error)

    async def execute(
        self,
        prompt: str,
        workspace: str | Path,
        *,
        sink: RunSink,
        run_cfg: RunConfig | None = None,
        timeout_s: float | None = None,
        max_retries: int = 2,
        retry_delay_s: float = 1.0,
        stderr_path: Path | None = None,
        grace_s: float = GRACE_S,
        isolate_db: bool | None = None,
    ) -> AttemptEnd:
        """Run one agent to its end, its output going to a sink; what `async_run` and the supervisor stand on.

        Cancelling it stops the run: when it returns, by whatever way, no process of the run is left.

        Args:
            prompt: As for `async_run`, and so are the others not named here.
            workspace: The folder the agent works in.
            sink: Gets the output while it happens.
            run_cfg: How opencode is started.
            timeout_s: Limit of an attempt, in seconds.
            max_retries: How often the start-up crash is tried again.
            retry_delay_s: Seconds before the second attempt.
            stderr_path: A file to which stderr of all attempts is appended; None for a temporary one.
            grace_s: Seconds between asking a process to end and killing it.
            isolate_db: Overrides the client's own choice.

        Returns:
            How the last attempt ended, whatever its exit code.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
        """
        launch = await self._prepare(prompt, workspace, run_cfg, stderr_path, sink.warned, isolate_db)
        number = 0
        while True:
            number += 1
            end = await self._attempt(launch, number, sink, timeout_s, grace_s)
            retry_in_s = retry_delay_s * number if number <= max_retries and _may_retry(end) else None
            await sink.attempt_ended(number, end, retry_in_s)
            if retry_in_s is None:
                return end
            await anyio.sleep(retry_in_s)

    async def async_command(
        self,
        arguments: Sequence[str],
        workspace: str | Path,
        *,
        run_cfg: RunConfig | None = None,
        timeout_s: float | None = None,
        isolate_db: bool | None = None,
    ) -> CommandResult:
        """Call another command of opencode, such as ``mcp list``, in the surroundings of a run with ``run_cfg``.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
        """
        launch = await self._prepare(" ".join(arguments), workspace, run_cfg, None, _ignore, isolate_db)
        attempt = Attempt(replace(launch, prompt="", arguments=tuple(arguments)))
        output: list[bytes] = []

        async def keep(data: bytes) -> None:
            output.append(data)

        stderr = ""
        try:
            with anyio.move_on_after(timeout_s):
                while chunk := await attempt.process.read():
                    output.append(chunk)
        finally:
            stderr = await attempt.end(GRACE_S, keep)
        return CommandResult(attempt.process.exit_code, b"".join(output).decode("utf-8", "replace"), stderr)

    async def _attempt(
        self, launch: Launch, number: int, sink: RunSink, timeout_s: float | None, grace_s: float
    ) -> AttemptEnd:
        await self._startup_slot()
        counter = _EventCounter(sink)
        stderr = ""
        attempt = Attempt(launch)
        try:
            for words in attempt.warnings if number == 1 else ():
                sink.warned(words)
            await sink.attempt_started(number, attempt.process.pid, attempt.data)
            with anyio.move_on_after(timeout_s) as limit:
                while chunk := await attempt.process.read():
                    await counter.stdout(chunk)
        finally:
            stderr = await attempt.end(grace_s, counter.stdout)
        counter.finish()
        return AttemptEnd(
            exit_code=attempt.process.exit_code,
            timed_out=limit.cancelled_caught,
            stderr=stderr,
            events=counter.events,
        )

    async def _prepare(
        self,
        prompt: str,
        workspace: str | Path,
        run_cfg: RunConfig | None,
        stderr_path: Path | None,
        warned: Callable[[str], None],
        isolate_db: bool | None = None,
    ) -> Launch:
        """Refuse what cannot be run, before anything starts."""
        config = run_cfg or RunConfig()
        for words in check(config):
            warned(words)
        if not prompt.strip() and not config.command:
            raise ConfigError("The prompt is empty.")

        def look() -> Launch:
            folder = _check_folder(workspace, config.files)
            binary = find_binary(self.binary)
            isolation.sweep_stale()
            return Launch(
                binary=binary,
                version=binary_version(binary),
                prompt=prompt,
                workspace=folder,
                config=config,
                isolate_db=self.isolate_db if isolate_db is None else isolate_db,
                stderr_path=stderr_path,
            )

        return await anyio.to_thread.run_sync(look)

    async def _startup_slot(self) -> None:
        """Wait for a slot to start in; it is then held for ``startup_delay_s``.

        Slots are moments, not locks, so that one client serves several event loops, one after another or side by side.
        """
        if not self._slots:
            return
        slot = min(range(len(self._slots)), key=self._slots.__getitem__)
        start = max(time.monotonic(), self._slots[slot])
        self._slots[slot] = start + self._startup_delay_s
        await anyio.sleep(max(0.0, start - time.monotonic()))


def _check_folder(workspace: str | Path, files: Sequence[str | Path]) -> Path:
    folder = Path(workspace).expanduser().absolute()
    if not folder.is_dir():
        raise ConfigError(f"The workspace {folder} {'is no folder' if folder.exists() else 'does not exist'}.")
    for file in files:
        if not (folder / Path(file).expanduser()).exists():
            raise ConfigError(f"The file {file} does not exist.")
    return folder


def _may_retry(end: AttemptEnd) -> bool:
    return not end.timed_out and is_worth_another_attempt(exit_code=end.exit_code, events=end.events, stderr=end.stderr)


def _raise_for(end: AttemptEnd, events: Sequence[dict[str, Any]], timeout_s: float | None, last_error: str) -> None:
    """Raise what an attempt's end calls for; return where it ended well."""
    if end.timed_out:
        raise OpenCodeTimeoutError(
            f"opencode was ended after {timeout_s:g} s.",
            timeout_s=timeout_s or 0.0,
            stderr=end.stderr,
            events=events,
            hint="Give it more time with timeout_s.",
        )
    if end.exit_code != 0:
        rows = [row.strip() for row in end.stderr.splitlines() if row.strip()]
        reason = last_error or (rows[-1] if rows else "")
        raise OpenCodeProcessError(
            f"opencode ended with exit code {end.exit_code}{f': {reason}' if reason else ''}.",
            exit_code=end.exit_code if end.exit_code is not None else -1,
            stderr=end.stderr,
            events=events,
        )


def _warn(words: str) -> None:
    warnings.warn(words, OpenCodeWarning, stacklevel=2)


def _ignore(words: str) -> None:
    """The run itself tells."""


def _warn_all(sentences: Sequence[str]) -> None:
    for words in sentences:
        _warn(words)


async def _discard(data: bytes) -> None:
    """Nobody is left to take it: the consumer of the stream has gone."""


class _EventCounter:
    """Passes output on and counts the events in it."""

    def __init__(self, sink: RunSink) -> None:
        self._sink = sink
        self._framer = LineFramer()
        self.events = 0

    async def stdout(self, data: bytes) -> None:
        await self._sink.stdout(data)
        self._count(self._framer.feed(data))

    def finish(self) -> None:
        self._count(self._framer.end())

    def _count(self, lines: Sequence[bytes]) -> None:
        if lines:
            self.events += sum(1 for line in lines if decode_head(line) is not None)


@dataclass
class _Log:
    """The file a run's lines are appended to, if there is one."""

    path: str | Path | None
    exclude: Collection[str]
    _file: IO[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> _Log:
        if self.path is not None:
            self._file = Path(self.path).expanduser().open("ab", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, line: bytes) -> None:
        if self._file is None:
            return
        head = decode_head(line)
        if head is None or head.type not in self.exclude:
            self._file.write(line + b"\n")


class _Collector:
    """Keeps a run's lines, of its last attempt's and all before it."""

    def __init__(self, log: _Log) -> None:
        self.lines: list[bytes] = []
        self._log = log
        self._framer = LineFramer()

    async def attempt_started(self, attempt: int, pid: int, data: Path) -> None:
        pass

    async def stdout(self, data: bytes) -> None:
        self._take(self._framer.feed(data))

    async def attempt_ended(self, attempt: int, end: AttemptEnd, retry_in_s: float | None) -> None:
        self._take(self._framer.end())

    def warned(self, words: str) -> None:
        _warn(words)

    def _take(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self.lines.append(line)
            self._log.write(line)
