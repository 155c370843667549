"""What ``opencode export`` writes of a session, as the log ``opencode run`` would have printed of it. Pure.

Shape of 1.18: ``{"info": {...}, "messages": [{"info": {...}, "parts": [...]}]}``, parts as a server tells them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from octui.client.events import NOT_UNDERSTOOD
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    AnyServerEvent,
    MessageChanged,
    PartChanged,
    PartKind,
    SessionFailed,
)
from octui.client.serve.lines import RunLines
from octui.client.serve.v1_events import read_part

SUFFIX = ".json"


class _Time(Struct):
    created: float = 0
    completed: float | None = None
    start: float | None = None
    end: float | None = None


class _Info(Struct, rename={"model_id": "modelID", "provider_id": "providerID", "parent_id": "parentID"}, kw_only=True):
    id: str = ""
    role: str = ""
    title: str = ""
    directory: str = ""
    parent_id: str | None = None
    agent: str | None = None
    model_id: str = ""
    provider_id: str = ""
    time: _Time = msgspec.field(default_factory=_Time)
    error: Raw | UnsetType = UNSET


class _Message(Struct):
    info: _Info
    parts: list[Raw]


class _Export(Struct):
    info: _Info
    messages: list[_Message]


class _ErrorName(Struct):
    name: str = ""


class _State(Struct):
    time: _Time | None = None


class _Part(Struct):
    time: _Time | None = None
    state: _State | None = None


class Exported(Struct, frozen=True):
    """A session of opencode's own.

    Attributes:
        session_id: opencode's id of it.
        title: What opencode calls it.
        directory: The folder it worked in.
        agent: The agent, where it is told.
        model: ``provider/model`` of its last answer.
        log: Its lines, every prompt among them.
    """

    session_id: str
    title: str
    directory: str
    agent: str
    model: str
    log: bytes


_decoder = msgspec.json.Decoder(_Export)
_part_decoder = msgspec.json.Decoder(_Part)


def read(data: bytes) -> Exported | None:
    """Read what was exported; None where it is nothing that opencode exports."""
    try:
        # It is written for people; a log has each event on one line.
        export = _decoder.decode(msgspec.json.encode(msgspec.json.decode(data)))
        lines = RunLines(export.info.id)
        lines.print_every_prompt()
        log = b"".join(line for event in _events(export) for line in lines.feed(event))
    except NOT_UNDERSTOOD:
        return None
    if not export.info.id:
        return None
    models = [f"{each.info.provider_id}/{each.info.model_id}" for each in export.messages if each.info.model_id]
    return Exported(
        session_id=export.info.id,
        title=export.info.title,
        directory=export.info.directory,
        agent=export.info.agent or "",
        model=models[-1] if models else "",
        log=log,
    )


def _events(export: _Export) -> Iterator[AnyServerEvent]:
    """The session as a server would have told it, part after part."""
    session = export.info.id
    at = export.info.time.created
    for message in export.messages:
        info = message.info
        at = max(at, info.time.created)
        yield MessageChanged(
            session_id=session, at_ms=int(at), message_id=info.id, role=info.role, answers=info.parent_id or ""
        )
        for raw in message.parts:
            at = max(at, _told_at(bytes(raw)))
            part = read_part(bytes(raw), session, int(at))
            yield msgspec.structs.replace(part, is_whole=part.is_whole or _is_final(part))
        at = max(at, info.time.completed or 0)
        if info.error is not UNSET:
            error = bytes(info.error)
            aborted = msgspec.json.decode(error, type=_ErrorName).name == "MessageAbortedError"
            yield SessionFailed(session_id=session, at_ms=int(at), error=error, aborted=aborted)
    yield ActivityChanged(session_id=session, at_ms=int(at), activity=Activity.IDLE)


def _is_final(part: PartChanged) -> bool:
    """Whether a part that was cut off, as by an abort, says something all the same: nothing more of it will come."""
    return part.kind is PartKind.TOOL or (part.kind in (PartKind.TEXT, PartKind.REASONING) and bool(part.text))


def _told_at(raw: bytes) -> float:
    """When a part was whole, in milliseconds since the epoch; 0 where it does not tell."""
    part = _part_decoder.decode(raw)
    time = part.state.time if part.state else part.time
    return (time.end or time.start or 0) if time else 0
