"""Where a run's output goes while it happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from octui.client.events import decode_head
from octui.client.limits import Limit
from octui.client.lines import LineFramer


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How an attempt ended.

    Attributes:
        exit_code: Negative where a signal ended it; None where it was not started or not seen to end.
        limit: The limit it met and was ended for; None where it ended by itself.
        stderr: What it wrote to stderr, at most its last MiB.
        has_spoken: Whether it printed an event.
    """

    exit_code: int | None
    limit: Limit | None = None
    stderr: str
    has_spoken: bool

    @property
    def ended_well(self) -> bool:
        """Whether it exited with 0, or had finished its answer and only did not exit."""
        return self.limit is Limit.EXIT or (self.limit is None and self.exit_code == 0)


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


@dataclass
class Log:
    """The file a run's lines are appended to, if there is one.

    Attributes:
        path: The file; None for none.
        exclude: Event types that are left out.
    """

    path: str | Path | None
    exclude: Collection[str]
    _file: IO[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> Log:
        if self.path is not None:
            self._file = Path(self.path).expanduser().open("ab", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, line: bytes) -> None:
        """Append a line."""
        if self._file is None:
            return
        head = decode_head(line)
        if head is None or head.type not in self.exclude:
            self._file.write(line + b"\n")


class Collector:
    """Keeps a run's lines, of its last attempt's and all before it.

    Args:
        log: Gets each line as well.
        warn: Is told the warnings.
    """

    def __init__(self, log: Log, warn: Callable[[str], None]) -> None:
        self.lines: list[bytes] = []
        self.warned = warn
        self._log = log
        self._framer = LineFramer()

    async def attempt_started(self, attempt: int, pid: int, data: Path) -> None:
        """Nothing is made of it."""

    async def stdout(self, data: bytes) -> None:
        """Keep the lines that are whole."""
        self._take(self._framer.feed(data))

    async def attempt_ended(self, attempt: int, end: AttemptEnd, retry_in_s: float | None) -> None:
        """Keep what is left of a last line."""
        self._take(self._framer.end())

    def _take(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self.lines.append(line)
            self._log.write(line)
