"""What a conversation tells, kept for a test to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import msgspec

from octui.client.serve.events import AnyServerEvent, PartChanged, PartKind


class Recorder:
    """A sink that keeps everything.

    Attributes:
        stream: The lines of the server's stream.
        printed_lines: Those that ``opencode run`` would have printed.
        events: What was made of the stream.
        troubles: What was said of the connection; empty for one that is back.
    """

    def __init__(self) -> None:
        self.stream: list[bytes] = []
        self.printed_lines: list[bytes] = []
        self.events: list[AnyServerEvent] = []
        self.troubles: list[str] = []
        self._changed = anyio.Event()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The printed lines, decoded."""
        return [msgspec.json.decode(line) for line in self.printed_lines]

    @property
    def kinds(self) -> list[str]:
        """The types of the printed lines."""
        return [line["type"] for line in self.lines]

    @property
    def texts(self) -> list[str]:
        """What the assistant said."""
        return [line["part"]["text"] for line in self.lines if line["type"] == "text"]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The states of the tool calls that are over."""
        return [line["part"]["state"] for line in self.lines if line["type"] == "tool_use"]

    def has(self, kind: type[AnyServerEvent]) -> bool:
        """Whether there was an event of this kind."""
        return any(isinstance(event, kind) for event in self.events)

    def runs(self, tool: str) -> bool:
        """Whether a call of this tool is, or was, running."""
        return any(
            isinstance(event, PartChanged)
            and event.kind is PartKind.TOOL
            and (event.tool, event.status) == (tool, "running")
            for event in self.events
        )

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until something is so after an event.

        Raises:
            TimeoutError: It was not so in time.
        """
        with anyio.fail_after(timeout_s):
            while not condition():
                self._changed = anyio.Event()
                await self._changed.wait()

    def received(self, line: bytes) -> None:
        self.stream.append(line)

    def printed(self, line: bytes) -> None:
        self.printed_lines.append(line)

    def happened(self, event: AnyServerEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def connection(self, trouble: str) -> None:
        self.troubles.append(trouble)
        self._changed.set()
