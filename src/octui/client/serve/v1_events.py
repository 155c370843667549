"""Reading the event stream of opencode 1.x (``GET /global/event``, ``GET /event``). Pure.

A line of the stream is ``{"directory", "project", "payload": {"id", "type", "properties"}}``, or the payload alone.
Types and shapes are those of 1.18; what is not known is passed over. A malformed field never loses its event
(`octui.client.lenient_json`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from octui.client.events import NAMELESS_TOOL, Count, Moment
from octui.client.lenient_json import DecodeError, Decoder, decode_as
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    AnyServerEvent,
    Compacted,
    MessageChanged,
    Option,
    OtherEvent,
    PartChanged,
    PartGrew,
    PartKind,
    Permission,
    PermissionAsked,
    Question,
    QuestionAsked,
    QuestionItem,
    RequestClosed,
    SessionFailed,
    SessionOpened,
)

_ID_TIME = re.compile(rb'"id": ?"evt_([0-9a-f]{12})')
_ID = re.compile(rb'"id": ?"(evt_\w+)"')
_TIME_BITS = 36
_COUNTER_BITS = 12

NAMELESS_PERMISSION = "unknown"
"""Stands for the missing kind of a permission request."""

NAMELESS_QUESTION = "a question"
"""Stands for the missing text of a question."""


class _Payload(Struct, frozen=True):
    type: str = ""
    id: str = ""
    properties: Raw | UnsetType = UNSET


class _Line(Struct):
    payload: _Payload | UnsetType = UNSET
    type: str = ""
    id: str = ""
    properties: Raw | UnsetType = UNSET


class _Time(Struct, frozen=True):
    start: Moment | None = None
    end: Moment | None = None


class _State(Struct):
    status: str = ""
    input: Any = None
    output: Any = ""
    error: Any = ""
    title: str | None = None
    metadata: dict[str, Any] | None = None
    time: _Time = _Time()


class _Part(Struct, rename={"session_id": "sessionID", "message_id": "messageID"}):
    id: str = ""
    type: str = ""
    session_id: str = ""
    message_id: str = ""
    text: str = ""
    synthetic: bool = False
    tool: str = ""
    state: _State | UnsetType = UNSET
    tokens: Raw | UnsetType = UNSET
    time: _Time | None = None


class _PartUpdated(Struct, rename={"session_id": "sessionID"}):
    part: Raw
    session_id: str = ""


class _PartDelta(Struct, rename={"session_id": "sessionID", "message_id": "messageID", "part_id": "partID"}):
    part_id: str
    session_id: str = ""
    message_id: str = ""
    field: str = "text"
    delta: str = ""


class _Model(Struct, rename={"model_id": "modelID", "provider_id": "providerID"}):
    model_id: str = ""
    provider_id: str = ""


class _Info(
    Struct,
    frozen=True,
    rename={"session_id": "sessionID", "parent_id": "parentID", "model_id": "modelID", "provider_id": "providerID"},
):
    id: str = ""
    session_id: str = ""
    parent_id: str | None = None
    title: str = ""
    role: str = ""
    agent: str | None = None
    model: _Model | None = None
    model_id: str = ""
    provider_id: str = ""


class _WithInfo(Struct, rename={"session_id": "sessionID"}):
    info: _Info = _Info()
    session_id: str = ""


class _Status(Struct):
    type: str = ""
    attempt: Count = 0
    message: str = ""
    next: Moment = 0


class _StatusChanged(Struct, rename={"session_id": "sessionID"}):
    status: _Status
    session_id: str = ""


class _OfSession(Struct, rename={"session_id": "sessionID"}):
    session_id: str = ""


class _Failed(Struct, rename={"session_id": "sessionID"}):
    session_id: str = ""
    error: Raw | UnsetType = UNSET


class _ErrorName(Struct):
    name: str = ""


class _Asked(Struct, rename={"session_id": "sessionID"}):
    id: str = ""
    permission: str = NAMELESS_PERMISSION
    session_id: str = ""
    patterns: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


class _QuestionInfo(Struct):
    question: str = ""
    header: str = ""
    options: tuple[Option, ...] = ()
    multiple: bool = False
    custom: bool = True


class _Questions(Struct, rename={"session_id": "sessionID"}):
    id: str = ""
    session_id: str = ""
    questions: tuple[_QuestionInfo, ...] = ()


class _Replied(Struct, rename={"session_id": "sessionID", "request_id": "requestID"}):
    request_id: str
    session_id: str = ""
    reply: str = ""
    answers: list[list[str]] = []


_line_decoder = Decoder(_Line)
_part_decoder = Decoder(_Part)
_updated_decoder = Decoder(_PartUpdated)
_delta_decoder = Decoder(_PartDelta)
_info_decoder = Decoder(_WithInfo)
_session_decoder = Decoder(_OfSession)

_KINDS = {
    "text": PartKind.TEXT,
    "reasoning": PartKind.REASONING,
    "tool": PartKind.TOOL,
    "step-start": PartKind.STEP_START,
    "step-finish": PartKind.STEP_FINISH,
    "compaction": PartKind.COMPACTION,
}
_ACTIVITIES = {"idle": Activity.IDLE, "busy": Activity.BUSY, "retry": Activity.RETRYING}
_OVER = ("completed", "error")
_TYPES_OF_PROPERTIES = {
    "part": "message.part.updated",
    "delta": "message.part.delta",
    "permission": "permission.asked",
    "questions": "question.asked",
    "status": "session.status",
}
"""Properties that identify the type of an event."""


def decode(line: bytes, near_ms: float) -> AnyServerEvent | None:
    """Read one line of the stream; None for what is about no session, and for what is not understood.

    Args:
        line: As received, without its end.
        near_ms: Any moment within a year of it, in milliseconds since the epoch: an event's time is told by its id,
            which has room for two years only.
    """
    try:
        found = _line_decoder.decode(line)
        payload = found if found.payload is UNSET else found.payload
        if payload.properties is UNSET:
            return None
        properties = bytes(payload.properties)
        read = _READERS.get(payload.type or _missing_type(properties), _other)
        return read(properties, _time_of(payload.id, near_ms))
    except DecodeError:
        return None


def _missing_type(properties: bytes) -> str:
    """Infer the type of an event without one from its properties; empty if that is not possible."""
    found = decode_as(properties, dict[str, Raw])
    return next((kind for key, kind in _TYPES_OF_PROPERTIES.items() if key in found), "")


def time_of_line(line: bytes, near_ms: float) -> int | None:
    """When a line was sent, told by its event's id and nothing else of it; None where it has none."""
    match = _ID_TIME.search(line[:1024])
    return _expand(int(match[1], 16), near_ms) if match else None


def id_of_line(line: bytes) -> str:
    """The id of a line's event; empty where it has none."""
    match = _ID.search(line[:1024])
    return match[1].decode() if match else ""


def _time_of(event_id: str, near_ms: float) -> int:
    try:
        return _expand(int(event_id.removeprefix("evt_")[:12], 16), near_ms)
    except ValueError:
        return int(near_ms)


def _expand(digits: int, near_ms: float) -> int:
    """Give the moment an id was made, which begins with the last 36 bits of it, in milliseconds."""
    room = 1 << _TIME_BITS
    low = digits >> _COUNTER_BITS
    return low + round((near_ms - low) / room) * room


def event_id(at_ms: float, number: int = 0) -> str:
    """Make an id as the server would at a moment, for a line that was not received as an event."""
    digits = ((int(at_ms) << _COUNTER_BITS) + number) & ((1 << (_TIME_BITS + _COUNTER_BITS)) - 1)
    return f"evt_{digits:012x}octui"


def read_part(raw: bytes, session_id: str, at_ms: int) -> PartChanged:
    """Read a part as the server gives it, in an event or in a list of messages.

    Raises:
        DecodeError: It is none.
    """
    return _read_part(_part_decoder.decode(raw), raw, session_id, at_ms)


def error_name(raw: bytes) -> str:
    """Return the name in a server's error object; empty if it has none."""
    try:
        return decode_as(raw, _ErrorName).name
    except DecodeError:
        return ""


def _read_part(part: _Part, raw: bytes, session_id: str, at_ms: int) -> PartChanged:
    kind = _KINDS.get(part.type or _missing_part_type(part), PartKind.OTHER)
    state = _State() if part.state is UNSET else part.state
    status = state.status or _missing_status(state)
    time = state.time if kind is PartKind.TOOL else part.time or _Time()
    metadata = state.metadata or {}
    output = metadata.get("output", "") if status not in _OVER else state.output
    child = metadata.get("sessionId", "")
    return PartChanged(
        session_id=session_id or part.session_id,
        at_ms=at_ms,
        part_id=part.id,
        message_id=part.message_id,
        kind=kind,
        is_whole=_is_whole(kind, part, status),
        is_synthetic=part.synthetic,
        text=part.text,
        tool=part.tool or (NAMELESS_TOOL if kind is PartKind.TOOL else ""),
        status=status,
        title=state.title or "",
        input=state.input,
        output=output if isinstance(output, str) else "",
        child_id=child if isinstance(child, str) else "",
        started_ms=time.start,
        body=raw,
    )


def _missing_part_type(part: _Part) -> str:
    """Infer the type of a part without one from its content; empty if that is not possible."""
    if part.tool or part.state is not UNSET:
        return "tool"
    if part.text:
        return "text"
    return "" if part.tokens is UNSET else "step-finish"


def _missing_status(state: _State) -> str:
    """Infer the status of a tool call without one: only finished calls have an end, output or error."""
    if state.error:
        return "error"
    return "completed" if state.output or state.time.end is not None else ""


def _is_whole(kind: PartKind, part: _Part, status: str) -> bool:
    """As ``opencode run`` decides when to print a part (``packages/opencode/src/cli/cmd/run.ts``)."""
    if kind is PartKind.TOOL:
        return status in _OVER
    if kind in (PartKind.TEXT, PartKind.REASONING):
        return part.time is not None and part.time.end is not None
    return True


def _part_updated(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = _updated_decoder.decode(raw)
    return read_part(bytes(found.part), found.session_id, at_ms)


def _part_delta(raw: bytes, at_ms: int) -> AnyServerEvent | None:
    found = _delta_decoder.decode(raw)
    if found.field != "text":
        return _other(raw, at_ms)
    return PartGrew(
        session_id=found.session_id,
        at_ms=at_ms,
        part_id=found.part_id,
        message_id=found.message_id,
        delta=found.delta,
    )


def _session_created(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = _info_decoder.decode(raw)
    info = found.info
    return SessionOpened(
        session_id=info.id or found.session_id,
        at_ms=at_ms,
        parent_id=info.parent_id or "",
        title=info.title,
        agent=info.agent or "",
    )


def _message_updated(raw: bytes, at_ms: int) -> AnyServerEvent | None:
    found = _info_decoder.decode(raw)
    info = found.info
    if not info.id:
        return _other(raw, at_ms)  # Without an id it cannot be matched with its parts.
    model = info.model or _Model(info.model_id, info.provider_id)
    return MessageChanged(
        session_id=found.session_id or info.session_id,
        at_ms=at_ms,
        message_id=info.id,
        role=info.role,
        answers=info.parent_id or "",
        agent=info.agent or "",
        model=f"{model.provider_id}/{model.model_id}" if model.model_id else "",
    )


def _status(raw: bytes, at_ms: int) -> AnyServerEvent | None:
    found = decode_as(raw, _StatusChanged)
    activity = _ACTIVITIES.get(found.status.type)
    if activity is None:
        return _other(raw, at_ms)
    return ActivityChanged(
        session_id=found.session_id,
        at_ms=at_ms,
        activity=activity,
        attempt=found.status.attempt,
        why=found.status.message,
        next_ms=int(found.status.next),
    )


def _session_error(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = decode_as(raw, _Failed)
    error = b"{}" if found.error is UNSET else bytes(found.error)
    name = error_name(error)
    return SessionFailed(session_id=found.session_id, at_ms=at_ms, error=error, aborted=name == "MessageAbortedError")


def _permission_asked(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = decode_as(raw, _Asked)
    request = Permission(
        id=found.id,
        permission=found.permission or NAMELESS_PERMISSION,
        patterns=found.patterns,
        always=found.always,
        metadata=found.metadata,
    )
    return PermissionAsked(session_id=found.session_id, at_ms=at_ms, request=request)


def _permission_replied(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = decode_as(raw, _Replied)
    return RequestClosed(session_id=found.session_id, at_ms=at_ms, request_id=found.request_id, answer=found.reply)


def _question_asked(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = decode_as(raw, _Questions)
    items = tuple(
        QuestionItem(
            question=each.question or each.header or NAMELESS_QUESTION,
            header=each.header,
            options=each.options,
            multiple=each.multiple,
            custom=each.custom,
        )
        for each in found.questions
    )
    return QuestionAsked(session_id=found.session_id, at_ms=at_ms, request=Question(id=found.id, questions=items))


def _question_replied(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = decode_as(raw, _Replied)
    answer = "; ".join(", ".join(labels) for labels in found.answers)
    return RequestClosed(session_id=found.session_id, at_ms=at_ms, request_id=found.request_id, answer=answer)


def _question_rejected(raw: bytes, at_ms: int) -> AnyServerEvent:
    found = decode_as(raw, _Replied)
    return RequestClosed(session_id=found.session_id, at_ms=at_ms, request_id=found.request_id, answer="dismissed")


def _compacted(raw: bytes, at_ms: int) -> AnyServerEvent:
    return Compacted(session_id=_session_decoder.decode(raw).session_id, at_ms=at_ms)


def _other(raw: bytes, at_ms: int) -> AnyServerEvent | None:
    session_id = _session_decoder.decode(raw).session_id
    return OtherEvent(session_id=session_id, at_ms=at_ms) if session_id else None


_READERS: dict[str, Callable[[bytes, int], AnyServerEvent | None]] = {
    "session.created": _session_created,
    "session.status": _status,
    "session.error": _session_error,
    "session.compacted": _compacted,
    "message.updated": _message_updated,
    "message.part.updated": _part_updated,
    "message.part.delta": _part_delta,
    "permission.asked": _permission_asked,
    "permission.replied": _permission_replied,
    "question.asked": _question_asked,
    "question.replied": _question_replied,
    "question.rejected": _question_rejected,
}
