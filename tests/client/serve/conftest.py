"""What the real server sent, and what of it a run prints."""

from __future__ import annotations

from pathlib import Path

import msgspec

from octui.client.serve import v1_events
from octui.client.serve.api import Received
from octui.client.serve.events import AnyServerEvent, SessionOpened
from octui.client.serve.lines import RunLines

CAPTURES = Path(__file__).parents[2] / "captures"
STREAMS = sorted(path.stem for path in (CAPTURES / "streams").glob("*.jsonl"))
NEAR_MS = 1_795_431_600_000
"""About when they were recorded."""


def received(name: str) -> list[Received]:
    """Give a stream as the adapter does."""
    lines = (CAPTURES / "streams" / f"{name}.jsonl").read_bytes().splitlines()
    return [Received(line, v1_events.decode(line, NEAR_MS), v1_events.id_of_line(line)) for line in lines]


def events(name: str) -> list[AnyServerEvent]:
    """Give the events of a stream that octui has a use for."""
    return [what.event for what in received(name) if what.event is not None]


def root_of(name: str) -> str:
    """Give the session a stream is about, its subagents' left out."""
    opened = (each for each in events(name) if isinstance(each, SessionOpened))
    return next(each.session_id for each in opened if not each.parent_id)


def lines_of(session_id: str, told: list[AnyServerEvent]) -> list[bytes]:
    """Give the lines a session's events make."""
    lines = RunLines(session_id)
    return [line for event in told for line in lines.feed(event)]


def printed(name: str) -> list[bytes]:
    """Give the lines of a recorded run."""
    return (CAPTURES / f"{name}.jsonl").read_bytes().splitlines()


def kinds(lines: list[bytes]) -> list[str]:
    """Give the types of lines."""
    return [msgspec.json.decode(line)["type"] for line in lines]
