"""The JSON lines of ``opencode run --format json``, as typed values.

Shapes as printed by opencode 1.18 (``packages/opencode/src/cli/cmd/run.ts``)::

    {"type", "timestamp" (ms), "sessionID", "part": {...}}    step_start text reasoning tool_use step_finish
    {"type": "error", "timestamp", "sessionID", "error": {"name", "data": {"message", ...}}}

Beside them stands ``prompt``, a line of octui's own in the same shape: what a user asked after the first prompt.

OpenCode 2 prints ``error`` as ``{"type", "message"}``. Types and fields not known here are kept whole and never
refused: any version may bring new ones. A malformed field never loses its event (`octui.client.lenient_json`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from octui.client.lenient_json import DecodeError, Decoder, decode, decode_as, fit

EVENT_TYPES = ("step_start", "text", "reasoning", "tool_use", "step_finish", "error", "prompt")
"""The event types this version of octui knows, in the order in which a step prints them; then its own."""

LATEST_MS = 7e13
"""A timestamp after the year 4188 is none: an index has 56 bits for it, in microseconds."""

Moment = Annotated[float, Meta(ge=0, le=LATEST_MS)]
"""Milliseconds since the epoch."""

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
"""A number of things. JavaScript has exact integers up to 2**53."""

Cost = Annotated[float, Meta(ge=0, le=1e9)]
"""US dollars."""

DIAGNOSTIC = "diagnostic"
"""The type octui gives a line on stdout that is no JSON object."""

KINDS = (*EVENT_TYPES, DIAGNOSTIC)
"""The types that have a number, by their numbers: where types are a byte each, a million are looked through at once."""

UNNUMBERED = 255
"""The number of every other type."""


class Head(Struct, frozen=True):
    """The few fields of a line that state needs; the body stays undecoded."""

    type: str = ""
    timestamp: Moment | None = None
    session_id: str = msgspec.field(name="sessionID", default="")


class Text(Struct, frozen=True):
    """A complete text part of the assistant's answer, or of its reasoning."""

    text: str
    reasoning: bool = False


class Prompt(Struct, frozen=True):
    """What a user asked after the first prompt."""

    text: str


class ToolUse(Struct, frozen=True):
    """A finished tool call.

    Attributes:
        tool: The tool's name; ``invalid`` where the model called one it does not have.
        status: ``completed`` or ``error``.
        title: What opencode calls this call; may be empty.
        input: The arguments, as the model gave them.
        output: What the tool answered; empty for an error.
        error: Why it failed; empty for a completed call.
        metadata: Tool-specific facts (exit code, diff, counts); shape varies with the tool.
        started_ms: Start, in milliseconds since the epoch; None where it is not told.
        ended_ms: End, likewise.
    """

    tool: str
    status: str
    title: str
    input: Any
    output: str
    error: str
    metadata: dict[str, Any]
    started_ms: float | None
    ended_ms: float | None

    @property
    def duration_ms(self) -> float | None:
        """How long the call took, in milliseconds; None where opencode does not tell."""
        if self.started_ms is None or self.ended_ms is None:
            return None
        return max(0.0, self.ended_ms - self.started_ms)


class StepStart(Struct, frozen=True):
    """The model was asked."""


class Cached(Struct, frozen=True, gc=False):
    """Tokens that were read from the provider's cache, and written to it."""

    read: Count = 0
    write: Count = 0


class Tokens(Struct, frozen=True, gc=False):
    """Token counts of one step, as opencode counts them; a missing count is 0."""

    total: Count = 0
    input: Count = 0
    output: Count = 0
    reasoning: Count = 0
    cache: Cached = Cached()

    @property
    def overall(self) -> int:
        """All tokens of the step. Recordings of 2025 have no total, so their counts are added up."""
        return self.total or self.input + self.output + self.reasoning + self.cache.read + self.cache.write


class StepFinish(Struct, frozen=True, gc=False):
    """The model's answer is complete.

    Attributes:
        reason: ``stop``, ``tool-calls``, ``length`` or another word; empty if missing, as in recordings of 2025.
        cost: In US dollars; 0 if missing.
        tokens: Token counts; 0 each if missing.
    """

    reason: str = ""
    cost: Cost = 0.0
    tokens: Tokens = Tokens()


class Failure(Struct, frozen=True):
    """An ``error`` event: what went wrong, by name and in words, and the provider's HTTP status where one is told."""

    name: str
    message: str
    status: int | None = None


class Unknown(Struct, frozen=True):
    """An event of a type, or of a shape, this version does not know; ``value`` is the whole line decoded."""

    type: str
    value: dict[str, Any]


class Diagnostic(Struct, frozen=True):
    """A line on stdout that is no JSON object; ``text`` is the line, with undecodable bytes replaced."""

    text: str


Body = Text | Prompt | ToolUse | StepStart | StepFinish | Failure | Unknown | Diagnostic


class Event(Struct, frozen=True):
    """One line, decoded.

    Attributes:
        type: The event's type as printed, or ``diagnostic``.
        timestamp: Milliseconds since the epoch; None where the line carries none.
        session_id: opencode's session; empty where the line carries none.
        body: What the event says.
    """

    type: str
    timestamp: float | None
    session_id: str
    body: Body


class _Time(Struct):
    start: Moment | None = None
    end: Moment | None = None


class _State(Struct):
    status: str = ""
    input: Any = None
    output: Any = ""
    error: Any = ""
    title: str | None = None
    metadata: dict[str, Any] | None = None
    time: _Time = msgspec.field(default_factory=_Time)


class _TextPart(Struct):
    text: str


class _ToolPart(Struct):
    tool: str = ""
    state: _State | UnsetType = UNSET


class _Line(Struct):
    type: str = ""
    timestamp: Moment | None = None
    session_id: str = msgspec.field(name="sessionID", default="")
    part: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _PartHead(Struct, frozen=True):
    id: str = ""
    type: str = ""


class _PartLine(Struct):
    part: _PartHead = _PartHead()


class _FinishLine(Struct, gc=False):
    part: StepFinish = StepFinish()


class _ErrorData(Struct):
    message: Any = None
    status: int | None = msgspec.field(name="statusCode", default=None)


class _Error(Struct):
    name: str = ""
    type: str = ""
    message: Any = None
    data: Any = None


_head_decoder = Decoder(Head)
_line_decoder = Decoder(_Line)
_object_decoder = Decoder(dict[str, Any])
_text_decoder = Decoder(_TextPart)
_tool_decoder = Decoder(_ToolPart)
_finish_line_decoder = Decoder(_FinishLine)
_finish_decoder = Decoder(StepFinish)
_part_line_decoder = Decoder(_PartLine)

_TYPES_OF_PARTS = {
    "step-start": "step_start",
    "text": "text",
    "reasoning": "reasoning",
    "tool": "tool_use",
    "step-finish": "step_finish",
}

NAMELESS_TOOL = "unknown"
"""Name of a tool call that carries no tool name."""

NO_REASON = "no reason is given"
"""Message of an ``error`` event that carries no error."""


def decode_head(line: bytes | bytearray) -> Head | None:
    """Decode only what state needs of a line; None where the line is no JSON object with string type."""
    try:
        return _head_decoder.decode(line)
    except DecodeError:
        return None


def decode_dict(line: bytes) -> dict[str, Any]:
    """Give the event as opencode printed it, unknown fields and all.

    A line that is no JSON object comes as ``{"type": "diagnostic", "raw": text}``; bytes that are no UTF-8 are
    replaced in ``raw``.
    """
    try:
        return _object_decoder.decode(line)
    except DecodeError:
        return {"type": DIAGNOSTIC, "raw": line.decode("utf-8", "replace")}


def decode_line(line: bytes) -> Event:
    """Decode one line whole. Never raises: what is not understood comes as `Unknown` or `Diagnostic`."""
    try:
        head = _line_decoder.decode(line)
        kind = head.type or _missing_type(head)
        body = _decode_body(kind, head)
    except DecodeError:
        body = None
    if body is None:
        return _unknown_or_diagnostic(line)
    return Event(kind, head.timestamp, head.session_id, body)


def part_id_of(line: bytes) -> str:
    """The id of the part a line tells of; empty where it tells none."""
    try:
        return _part_line_decoder.decode(line).part.id
    except DecodeError:
        return ""


def decode_step_finishes(lines: Sequence[bytes]) -> list[StepFinish] | None:
    """Decode only the bodies of ``step_finish`` lines. Return None if one of the lines is not JSON.

    Args:
        lines: Each begins as an object does.
    """
    try:
        return [each.part for each in _finish_line_decoder.decode_lines(lines)]
    except DecodeError:
        return None


def _missing_type(line: _Line) -> str:
    """Infer the type of a line without one from its content; empty if that is not possible."""
    if line.part is UNSET:
        return "" if line.error is UNSET else "error"
    return _TYPES_OF_PARTS.get(decode_as(line.part, _PartHead).type, "")


def _decode_body(kind: str, line: _Line) -> Body | None:
    if kind == "error":
        return Failure("Error", NO_REASON) if line.error is UNSET else _failure(decode(line.error))
    if kind == "step_start":
        return StepStart()
    if kind == "step_finish":
        return _step_finish(line.part)
    if line.part is UNSET:
        return None
    if kind in ("text", "reasoning"):
        return Text(_text_decoder.decode(line.part).text, reasoning=kind == "reasoning")
    if kind == "prompt":
        return Prompt(_text_decoder.decode(line.part).text)
    if kind == "tool_use":
        return _tool_use(_tool_decoder.decode(line.part))
    return None


def _step_finish(part: Raw | UnsetType) -> StepFinish:
    """Decode a step's end. The step has ended even if its body is missing or is no object."""
    try:
        return StepFinish() if part is UNSET else _finish_decoder.decode(part)
    except DecodeError:
        return StepFinish()


def _tool_use(part: _ToolPart) -> ToolUse | None:
    if part.state is UNSET:
        if not part.tool:
            return None
        state = _State()
    else:
        state = part.state
    return ToolUse(
        tool=part.tool or NAMELESS_TOOL,
        status=state.status or ("error" if state.error else "completed"),
        title=state.title or "",
        input=state.input,
        output=_as_text(state.output),
        error=_as_text(state.error),
        metadata=state.metadata or {},
        started_ms=state.time.start,
        ended_ms=state.time.end,
    )


def _failure(told: Any) -> Failure:
    """Read both shapes: 1.x ``{"name", "data": {"message"}}`` and 2.x ``{"type", "message"}``."""
    if not isinstance(told, dict):
        return Failure("Error", _as_text(told) or NO_REASON)
    error = fit(told, _Error)
    name = error.name or error.type or "Error"
    data = fit(error.data, _ErrorData) if isinstance(error.data, dict) else _ErrorData()
    return Failure(name, _as_text(error.message or data.message or error.data or name), data.status)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _unknown_or_diagnostic(line: bytes) -> Event:
    value = decode_dict(line)
    if value.get("type") == DIAGNOSTIC and "raw" in value:
        return Event(DIAGNOSTIC, None, "", Diagnostic(value["raw"]))
    head = fit(value, Head)
    kind = head.type or "unknown"
    return Event(kind, head.timestamp, head.session_id, Unknown(kind, value))
