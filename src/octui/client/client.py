"""`AsyncOpenCodeClient`: run ``opencode run`` from a Python program, on asyncio or trio."""

from __future__ import annotations

import os
import time
import warnings
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from octui import temporary
from octui.client import compat, logins
from octui.client.attempt import Attempt, Launch
from octui.client.binary import binary_version, find_binary
from octui.client.config import RunConfig, check
from octui.client.events import decode_dict, decode_line
from octui.client.limits import EXIT_GRACE_S, Limit, Limits
from octui.client.overrides import broken_override, check_overrides, check_stored_rules
from octui.client.permissions import override_rules, undone
from octui.client.result import RunResult, Totals, final_text
from octui.client.retry import is_worth_another_attempt
from octui.client.sinks import AttemptEnd, Collector, Log, RunSink
from octui.client.skim import skim
from octui.client.user_config import read_user_config
from octui.encoding import holds_raw_bytes, readable
from octui.errors import ConfigError, OpenCodeProcessError, OpenCodeTimeoutError
from octui.program_output import plain_text, reason

GRACE_S = 5.0
LAST_EVENTS = 5
"""How many events an error from a stream carries."""


class OpenCodeWarning(UserWarning):
    """Something asked for is likely a mistake, or could not be taken over; the run goes on without it."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command of opencode printed; the exit code is negative where a signal ended it."""

    exit_code: int | None
    stdout: str
    stderr: str


class AsyncOpenCodeClient:
    """Runs opencode, one process a run.

    Args:
        binary: A path, or a name to look for; plain ``opencode`` searches as `find_binary` says.
        startup_concurrency: How many processes enter start-up at a time; 0 for no limit.
        startup_delay_s: For how many seconds a start-up slot is held.
        isolate_db: Whether each run gets a private data home (``XDG_DATA_HOME``), the real logins still in
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
        startup_timeout_s: float | None = None,
        grace_s: float = GRACE_S,
        exit_grace_s: float = EXIT_GRACE_S,
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
            startup_timeout_s: Seconds an attempt may take until its first event; then it is ended, and tried again as
                after a start-up crash. None for no limit.
            grace_s: Seconds between asking the run's processes to end and killing them.
            exit_grace_s: Seconds opencode may take to exit after a finished answer; then it is ended, with a warning,
                and the run counts as succeeded.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
            OpenCodeProcessError: It ended with a non-zero exit code.
            OpenCodeTimeoutError: Its time was up.
        """
        await warn_of_missing(run_cfg or RunConfig())
        with Log(log_file, log_exclude_types or ()) as log:
            sink = Collector(log, warn)
            end = await self.execute(
                prompt,
                workspace,
                sink=sink,
                run_cfg=run_cfg,
                timeout_s=timeout_s,
                max_retries=max_retries,
                retry_delay_s=retry_delay_s,
                startup_timeout_s=startup_timeout_s,
                grace_s=grace_s,
                exit_grace_s=exit_grace_s,
            )
        events = [decode_dict(line) for line in sink.lines]
        totals = Totals()
        totals.feed_lines(skim(sink.lines).kinds, sink.lines)
        limits = Limits(timeout_s=timeout_s, startup_timeout_s=startup_timeout_s, exit_grace_s=exit_grace_s)
        _judge(end, events, limits, totals.last_error)
        return RunResult(
            exit_code=0,
            final_text=final_text(reversed(sink.lines)),
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
        startup_timeout_s: float | None = None,
        grace_s: float = GRACE_S,
        exit_grace_s: float = EXIT_GRACE_S,
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
            startup_timeout_s: Seconds until the first event.
            grace_s: Seconds between asking a process to end and killing it.
            exit_grace_s: Seconds between a finished answer and the exit.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
            OpenCodeProcessError: It ended with a non-zero exit code; raised after the last event.
            OpenCodeTimeoutError: Its time was up.
        """
        limits = Limits(timeout_s=timeout_s, startup_timeout_s=startup_timeout_s, exit_grace_s=exit_grace_s)
        launch = await self._prepare(prompt, workspace, run_cfg, limits, grace_s, warn)
        await warn_of_missing(launch.config)
        await self._prove(launch)
        last: deque[dict[str, Any]] = deque(maxlen=LAST_EVENTS)
        errors = Totals()
        number = 0
        while True:
            number += 1
            await self._startup_slot()
            attempt = await _start(launch, _ignore)
            try:
                _warn_all(attempt.warnings)
                chunk = b"-"
                while chunk:
                    chunk, lines = await attempt.read()
                    for line in lines:
                        event = decode_dict(line)
                        if event.get("type") == "error":
                            errors.feed(decode_line(line))
                        last.append(event)
                        yield event
            finally:
                end = await attempt.end(_discard)
            if number > max_retries or not is_worth_another_attempt(end):
                break
            await anyio.sleep(retry_delay_s * number)
        _judge(end, list(last), limits, errors.last_error)

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
        startup_timeout_s: float | None = None,
        grace_s: float = GRACE_S,
        exit_grace_s: float = EXIT_GRACE_S,
        stderr_path: Path | None = None,
        isolate_db: bool | None = None,
        wait: Callable[[str], None] | None = None,
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
            startup_timeout_s: Seconds until the first event.
            grace_s: Seconds between asking a process to end and killing it.
            exit_grace_s: Seconds between a finished answer and the exit.
            stderr_path: A file to which stderr of all attempts is appended; None for a temporary one.
            isolate_db: Overrides the client's own choice.
            wait: Called with the reason while another run refreshes a login that this one needs.

        Returns:
            How the last attempt ended, whatever its exit code.

        Raises:
            ConfigError: The configuration or the workspace cannot be used; nothing was started.
            OpenCodeBinaryNotFoundError: There is no opencode to run.
        """
        limits = Limits(timeout_s=timeout_s, startup_timeout_s=startup_timeout_s, exit_grace_s=exit_grace_s)
        launch = await self._prepare(prompt, workspace, run_cfg, limits, grace_s, sink.warned, isolate_db, stderr_path)
        await self._prove(launch)
        number = 0
        while True:
            number += 1
            end = await self._attempt(launch, number, sink, wait or _ignore)
            retry_in_s = retry_delay_s * number if number <= max_retries and is_worth_another_attempt(end) else None
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
        limits = Limits(timeout_s=timeout_s)
        launch = await self._prepare(" ".join(arguments), workspace, run_cfg, limits, GRACE_S, _ignore, isolate_db)
        return await self._command(launch, arguments)

    async def _command(self, launch: Launch, arguments: Sequence[str]) -> CommandResult:
        attempt = await _start(replace(launch, prompt="", arguments=tuple(arguments)), _ignore)
        output: list[bytes] = []

        async def keep(data: bytes) -> None:
            output.append(data)

        try:
            chunk = b"-"
            while chunk:
                chunk, _ = await attempt.read()
                output.append(chunk)
        finally:
            end = await attempt.end(keep)
        return CommandResult(end.exit_code, b"".join(output).decode("utf-8", "replace"), end.stderr)

    async def _attempt(self, launch: Launch, number: int, sink: RunSink, wait: Callable[[str], None]) -> AttemptEnd:
        await self._startup_slot()
        attempt = await _start(launch, wait)
        try:
            for words in attempt.warnings if number == 1 else ():
                sink.warned(words)
            await sink.attempt_started(number, attempt.process.pid, attempt.data)
            while chunk := (await attempt.read())[0]:
                await sink.stdout(chunk)
        finally:
            end = await attempt.end(sink.stdout)
        return end

    async def _prepare(
        self,
        prompt: str,
        workspace: str | Path,
        run_cfg: RunConfig | None,
        limits: Limits,
        grace_s: float,
        warned: Callable[[str], None],
        isolate_db: bool | None = None,
        stderr_path: Path | None = None,
    ) -> Launch:
        """Refuse what cannot be run, before anything starts."""
        config = run_cfg or RunConfig()
        for words in check(config):
            warned(words)
        if not prompt.strip() and not config.command:
            raise ConfigError("The prompt is empty.")

        def look() -> Launch:
            folder = check_folder(workspace, config.files)
            binary = find_binary(self.binary)
            temporary.sweep_stale()
            check_stored_rules(config, folder)
            named, is_unproven = check_overrides(config, works_in(config, folder))
            isolates = self.isolate_db if isolate_db is None else isolate_db
            return Launch(
                binary=binary,
                version=binary_version(binary),
                prompt=prompt,
                workspace=folder,
                config=config,
                isolate_db=isolates,
                named=named,
                # The database that is not isolated may name an organisation whose configuration is merged last.
                is_unproven=is_unproven or (not isolates and bool(override_rules(config))),
                limits=limits,
                grace_s=grace_s,
                stderr_path=stderr_path,
            )

        launch = await anyio.to_thread.run_sync(look)
        if words := compat.unsupported(launch.version):
            if override_rules(config):
                raise ConfigError(words)
            warned(words)
        return launch

    async def _prove(self, launch: Launch) -> None:
        """Have opencode tell its agents' permissions where something that no file shows may have changed them.

        Raises:
            ConfigError: An override does not hold.
        """
        if not launch.is_unproven:
            return
        told = await self._command(launch, ("agent", "list"))
        rules = override_rules(launch.config)
        for name, _, effective in compat.parse_agents(told.stdout):
            if rule := undone(rules, effective):
                raise ConfigError(broken_override(rule, name), hint="Disable the plugin, or name another agent.")

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


def works_in(config: RunConfig, workspace: Path) -> Path:
    """Return the folder a run really works in: ``--dir`` names one below its workspace, or elsewhere."""
    return workspace / Path(str(config.remote_dir or config.cli_kwargs.get("dir") or "")).expanduser()


async def _start(launch: Launch, wait: Callable[[str], None]) -> Attempt:
    """Start an attempt when it may refresh the logins it needs, with nothing awaited after it was started."""
    turn = await _login_turn(launch, wait)
    try:
        return Attempt(launch, turn)
    except BaseException:
        turn.end()
        raise


async def _login_turn(launch: Launch, wait: Callable[[str], None]) -> logins.Turn:
    folder = logins.real_folder(os.environ)
    if launch.config.attach is not None or not logins.due_logins(folder):
        return logins.Turn()  # A server that runs already refreshes its logins itself.
    use = logins.use_of(launch.config, launch.workspace)
    if launch.arguments:
        use = use.of_a_listing
    return await logins.take_turn(folder, use, wait)


UNUSABLE_NAME_HINT = "Rename it, or let the run work in a git worktree of its own."


def unusable_name(folder: str) -> str:
    """Say why opencode cannot work in a folder of this name; empty where it can.

    Measured with 1.18: of a path that is no UTF-8 it makes another, and fails with nothing but "Unexpected server
    error". A link to the folder does not help, as it resolves links.
    """
    if not holds_raw_bytes(folder):
        return ""
    return f"opencode cannot work in {readable(folder)}: the path has bytes that are no UTF-8."


def check_folder(workspace: str | Path, files: Sequence[str | Path]) -> Path:
    """Give the folder a run works in, absolute.

    Raises:
        ConfigError: It cannot be used, or a file to attach is not there.
    """
    folder = Path(workspace).expanduser().absolute()
    if not folder.is_dir():
        raise ConfigError(f"The workspace {folder} {'is no folder' if folder.exists() else 'does not exist'}.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ConfigError(f"The workspace {folder} cannot be entered.", hint="Its permissions are in the way.")
    if why := unusable_name(str(folder)):
        raise ConfigError(why, hint=UNUSABLE_NAME_HINT)
    for file in files:
        if not (folder / Path(file).expanduser()).exists():
            raise ConfigError(f"The file {file} does not exist.")
    return folder


def _judge(end: AttemptEnd, events: Sequence[dict[str, Any]], limits: Limits, last_error: str) -> None:
    """Raise what an attempt's end calls for; where it ended well, warn of what opencode says on stderr only.

    Raises:
        OpenCodeTimeoutError: It met a limit of time.
        OpenCodeProcessError: It ended with a non-zero exit code.
    """
    if fallback := compat.unknown_agent(end.stderr):
        warn(f"{fallback}.")
    if end.limit is Limit.EXIT:
        warn(f"opencode had finished its answer but did not exit; it was ended after {limits.exit_grace_s:g} s.")
    elif end.limit is not None:
        at_start = end.limit is Limit.STARTUP
        limit_s = (limits.startup_timeout_s if at_start else limits.timeout_s) or 0.0
        raise OpenCodeTimeoutError(
            f"opencode said nothing within {limit_s:g} s." if at_start else f"opencode was ended after {limit_s:g} s.",
            timeout_s=limit_s,
            stderr=end.stderr,
            events=events,
            hint=f"Give it more time with {'startup_timeout_s' if at_start else 'timeout_s'}.",
        )
    elif end.exit_code != 0:
        why = plain_text(last_error) or reason(end.stderr)
        raise OpenCodeProcessError(
            f"opencode ended with exit code {end.exit_code}{f': {why}' if why else ''}.",
            exit_code=end.exit_code if end.exit_code is not None else -1,
            stderr=end.stderr,
            events=events,
        )


def warn(words: str) -> None:
    """Tell a program's author of what is likely a mistake."""
    warnings.warn(words, OpenCodeWarning, stacklevel=2)


async def warn_of_missing(config: RunConfig) -> None:
    """Warn of what a run may miss of the user's configuration, and say how to keep it."""
    if config.inherit_user_config or config.attach:
        return
    if words := await anyio.to_thread.run_sync(lambda: read_user_config().notice(config.keep)):
        warn(words)


def _ignore(words: str) -> None:
    """The run itself tells."""


def _warn_all(sentences: Sequence[str]) -> None:
    for words in sentences:
        warn(words)


async def _discard(data: bytes) -> None:
    """Nobody is left to take it: the consumer of the stream has gone."""
