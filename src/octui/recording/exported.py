"""What ``opencode export`` writes of a session, as the log ``opencode run`` would have printed of it. Pure.

Shape of 1.18: ``{"info": {...}, "messages": [{"info": {...}, "parts": [...]}]}``, parts as a server tells them. A
complete message without a step start or end, as in exports of 2025, gets them in the log.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct, structs

from octui.client.events import Cost, Moment, Tokens
from octui.client.lenient_json import DecodeError, Decoder, reformat
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
from octui.client.serve.v1_events import error_name, read_part

SUFFIX = ".json"


class _Time(Struct, frozen=True):
    created: Moment = 0
    completed: Moment | None = None
    start: Moment | None = None
    end: Moment | None = None


class _Info(
    Struct,
    frozen=True,
    kw_only=True,
    rename={"session_id": "sessionID", "model_id": "modelID", "provider_id": "providerID", "parent_id": "parentID"},
):
    id: str = ""
    session_id: str = ""
    role: str = ""
    title: str = ""
    directory: str = ""
    parent_id: str | None = None
    agent: str | None = None
    model_id: str = ""
    provider_id: str = ""
    time: _Time = _Time()
    finish: str = ""
    cost: Cost = 0.0
    tokens: Tokens = Tokens()
    error: Raw = Raw(b"null")

    @property
    def has_failed(self) -> bool:
        return bytes(self.error) != b"null"

    @property
    def is_of_user(self) -> bool:
        """Whether it is a prompt. A message without a role is one unless it has a field that only answers have."""
        return not (self.parent_id or self.model_id or self.time.completed) if not self.role else self.role == "user"


class _Message(Struct):
    info: _Info = _Info()
    parts: list[Raw] = []


class _Export(Struct):
    info: _Info = _Info()
    messages: list[_Message] = []

    @property
    def session_id(self) -> str:
        return self.info.id or next((each.info.session_id for each in self.messages if each.info.session_id), "")


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


_decoder = Decoder(_Export)
_part_decoder = Decoder(_Part)


def read(data: bytes) -> Exported | None:
    """Read what was exported; None where it is nothing that opencode exports."""
    try:
        # It is written for people; a log has each event on one line.
        export = _decoder.decode(reformat(data, indent=-1))
    except DecodeError:
        return None
    if not export.session_id:
        return None
    lines = RunLines(export.session_id)
    lines.print_every_prompt()
    models = [f"{each.info.provider_id}/{each.info.model_id}" for each in export.messages if each.info.model_id]
    return Exported(
        session_id=export.session_id,
        title=export.info.title,
        directory=export.info.directory,
        agent=export.info.agent or "",
        model=models[-1] if models else "",
        log=b"".join(line for event in _events(export) for line in lines.feed(event)),
    )


def _events(export: _Export) -> Iterator[AnyServerEvent]:
    """The session as a server would have told it, part after part."""
    session = export.session_id
    at: float = export.info.time.created
    for message in export.messages:
        info = message.info
        at = max(at, info.time.created)
        role = "user" if info.is_of_user else "assistant"
        yield MessageChanged(
            session_id=session, at_ms=int(at), message_id=info.id, role=role, answers=info.parent_id or ""
        )
        parts = []
        for raw in map(bytes, message.parts):
            try:
                at = max(at, _told_at(raw))
                parts.append(read_part(raw, session, int(at)))
            except DecodeError:
                continue  # Not an object, so it holds nothing to show.
        at = max(at, info.time.completed or 0)
        if not info.is_of_user:
            parts = _with_steps(parts, info, session, int(at))
        for part in parts:
            yield structs.replace(
                part, message_id=part.message_id or info.id, is_whole=part.is_whole or _is_final(part)
            )
        if info.has_failed:
            error = bytes(info.error)
            aborted = error_name(error) == "MessageAbortedError"
            yield SessionFailed(session_id=session, at_ms=int(at), error=error, aborted=aborted)
    yield ActivityChanged(session_id=session, at_ms=int(at), activity=Activity.IDLE)


def _with_steps(parts: list[PartChanged], info: _Info, session: str, at: int) -> list[PartChanged]:
    """Return the parts of an answer, adding a missing step start or end if the message is complete."""
    if not parts or not info.time.completed or info.has_failed:
        return parts
    steps = [part.kind for part in parts if part.kind in (PartKind.STEP_START, PartKind.STEP_FINISH)]
    if PartKind.STEP_START not in steps:
        parts = [_step(PartKind.STEP_START, info, session, parts[0].at_ms), *parts]
    if steps[-1:] != [PartKind.STEP_FINISH]:
        told: dict[str, object] = {"reason": info.finish or "stop"}
        if PartKind.STEP_FINISH not in steps:
            told |= {"cost": info.cost, "tokens": info.tokens}
        parts = [*parts, _step(PartKind.STEP_FINISH, info, session, at, **told)]
    return parts


def _step(kind: PartKind, info: _Info, session: str, at: int, **told: object) -> PartChanged:
    named = {"sessionID": session, "messageID": info.id, "type": kind.replace("_", "-")}
    body = msgspec.json.encode({**named, **told})
    return PartChanged(
        session_id=session, at_ms=at, part_id="", message_id=info.id, kind=kind, is_whole=True, body=body
    )


def _is_final(part: PartChanged) -> bool:
    """Whether a part that was cut off, as by an abort, says something all the same: nothing more of it will come."""
    return part.kind is PartKind.TOOL or (part.kind in (PartKind.TEXT, PartKind.REASONING) and bool(part.text))


def _told_at(raw: bytes) -> float:
    """When a part was whole, in milliseconds since the epoch; 0 where it does not tell."""
    part = _part_decoder.decode(raw)
    time = part.state.time if part.state else part.time
    return (time.end or time.start or 0) if time else 0
