"""One prompt of a session: what comes of it, told while it happens and put together at its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from octui.client.client import LAST_EVENTS
from octui.client.events import decode_dict
from octui.client.result import RunResult, Totals, final_text
from octui.client.serve.events import AnyServerEvent, PartChanged, PartGrew, PartKind
from octui.client.skim import skim
from octui.errors import OpenCodeProcessError

ABORTED = 130
"""The exit code of a turn that was aborted, as of a program that was interrupted."""


class Turn:
    """What comes of one prompt.

    Args:
        stream: Gets its events while they happen; None for nobody.

    Attributes:
        lines: Its events as lines of a log.
        rejected: What was asked and rejected, in words, as there was nobody to ask.
        trouble: What went wrong where the agent's requests were to be answered.
    """

    def __init__(self, stream: MemoryObjectSendStream[dict[str, Any]] | None) -> None:
        self.lines: list[bytes] = []
        self.rejected: list[str] = []
        self.trouble: Exception | None = None
        self._stream = stream
        self._last: deque[dict[str, Any]] = deque(maxlen=LAST_EVENTS)
        self._kinds: dict[str, PartKind] = {}

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events as ``opencode run`` prints them; the last few where a stream has had them."""
        return list(self._last) if self._stream is not None else [decode_dict(line) for line in self.lines]

    def print(self, line: bytes) -> None:
        """Take a line of the log."""
        if line.startswith(b'{"type":"prompt"'):
            return  # It is what was asked, which no run prints.
        self.lines.append(line)
        if self._stream is not None:
            event = decode_dict(line)
            self._last.append(event)
            self._tell(event)

    def show(self, event: AnyServerEvent) -> None:
        """Tell a stream what is under way."""
        match event:
            case PartGrew(part_id=part) if part in self._kinds:
                self._tell({"type": "delta", "part": part, "kind": self._kinds[part].value, "text": event.delta})
            case PartChanged(kind=PartKind.TOOL, is_whole=False):
                self._tell(
                    {
                        "type": "tool",
                        "part": event.part_id,
                        "tool": event.tool,
                        "status": event.status,
                        "title": event.title,
                        "input": event.input,
                        "output": event.output,
                    }
                )
            case PartChanged(kind=PartKind.TEXT | PartKind.REASONING):
                self._kinds[event.part_id] = event.kind

    def result(self, session_id: str, *, aborted: bool) -> RunResult:
        """Give what it came to.

        Args:
            session_id: opencode's session.
            aborted: Whether its end was asked for, which is no error.

        Raises:
            OpenCodeProcessError: It ended with an error.
        """
        totals = Totals()
        totals.feed_lines(skim(self.lines).kinds, self.lines)
        events = self.events
        reason = totals.last_error or ("it was cut off" if totals.open_step else "")
        if reason and not aborted:
            raise OpenCodeProcessError(f"The turn ended: {reason}.", exit_code=1, stderr="", events=events)
        return RunResult(
            exit_code=ABORTED if aborted else 0,
            final_text=final_text(reversed(self.lines)),
            events=events,
            tool_calls=[event["part"] for event in events if event.get("type") == "tool_use" and "part" in event],
            token_usage=totals.tokens,
            total_cost=totals.cost,
            turns=totals.turns,
            session_id=session_id,
            stderr="",
            rejected=tuple(self.rejected),
        )

    def _tell(self, event: dict[str, Any]) -> None:
        if self._stream is not None:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._stream.send_nowait(event)


class Background:
    """A turn that another task waits for.

    Args:
        work: The turn.
        stream: Is closed when it is over.

    Attributes:
        scope: Cancelling it ends the turn.
        over: Is set when it is over.
        error: What it ended with, where it was not cancelled.
    """

    def __init__(self, work: Callable[[], Awaitable[object]], stream: MemoryObjectSendStream[dict[str, Any]]) -> None:
        self.scope = anyio.CancelScope()
        self.over = anyio.Event()
        self.error: Exception | None = None
        self._work = work
        self._stream = stream

    async def run(self) -> None:
        """Do it; an error is kept for who waits."""
        try:
            with self.scope:
                await self._work()
        except Exception as error:
            self.error = error
        finally:
            self._stream.close()
            self.over.set()
