"""The JSON lines of ``opencode run --format json``, as typed values.

Shapes as printed by opencode 1.18 (``packages/opencode/src/cli/cmd/run.ts``)::

    {"type", "timestamp" (ms), "sessionID", "part": {...}}    step_start text reasoning tool_use step_finish
    {"type": "error", "timestamp", "sessionID", "error": {"name", "data": {"message", ...}}}

Beside them stands ``prompt``, a line of octui's own in the same shape: what a user asked after the first prompt.

OpenCode 2 prints ``error`` as ``{"type", "message"}``. Types and fields not known here are kept whole and never
refused: any version may bring new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

EVENT_TYPES = ("step_start", "text", "reasoning", "tool_use", "step_finish", "error", "prompt")
"""The event types this version of octui knows, in the order in which a step prints them; then its own."""

NOT_UNDERSTOOD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a line may raise; the last one for JSON that is nested without end."""

LATEST_MS = 7e13
"""A timestamp after the year 4188 is none: an index has 56 bits for it, in microseconds."""

DIAGNOSTIC = "diagnostic"
"""The type octui gives a line on stdout that is no JSON object."""

KINDS = (*EVENT_TYPES, DIAGNOSTIC)
"""The types that have a number, by their numbers: where types are a byte each, a million are looked through at once."""

UNNUMBERED = 255
"""The number of every other type."""


class Head(Struct, frozen=True):
    """The few fields of a line that state needs; the body stays undecoded."""

    type: str = ""
    timestamp: float | None = None
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

    read: int = 0
    write: int = 0


class Tokens(Struct, frozen=True, gc=False):
    """Token counts of one step, as opencode counts them."""

    total: int = 0
    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache: Cached = Cached()


class StepFinish(Struct, frozen=True, gc=False):
    """The model's answer is complete: ``reason`` is ``stop``, ``tool-calls``, ``length`` or another word."""

    reason: str = ""
    cost: float = 0.0
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
    start: float | None = None
    end: float | None = None


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
    tool: str
    state: _State


class _Line(Struct):
    type: str
    timestamp: float | None = None
    session_id: str = msgspec.field(name="sessionID", default="")
    part: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _Id(Struct):
    id: str = ""


class _PartLine(Struct):
    part: _Id | UnsetType = UNSET


class _FinishLine(Struct, gc=False):
    part: StepFinish


_head_decoder = msgspec.json.Decoder(Head)
_line_decoder = msgspec.json.Decoder(_Line)
_object_decoder = msgspec.json.Decoder(dict[str, Any])
_text_decoder = msgspec.json.Decoder(_TextPart)
_tool_decoder = msgspec.json.Decoder(_ToolPart)
_finish_line_decoder = msgspec.json.Decoder(_FinishLine)
_finish_decoder = msgspec.json.Decoder(StepFinish)
_part_line_decoder = msgspec.json.Decoder(_PartLine)


def decode_head(line: bytes | bytearray) -> Head | None:
    """Decode only what state needs of a line; None where the line is no JSON object with string type."""
    try:
        return _head_decoder.decode(line)
    except NOT_UNDERSTOOD:
        return None


def decode_dict(line: bytes) -> dict[str, Any]:
    """Give the event as opencode printed it, unknown fields and all.

    A line that is no JSON object comes as ``{"type": "diagnostic", "raw": text}``; bytes that are no UTF-8 are
    replaced in ``raw``.
    """
    try:
        return _object_decoder.decode(line)
    except NOT_UNDERSTOOD:
        return {"type": DIAGNOSTIC, "raw": line.decode("utf-8", "replace")}


def decode_line(line: bytes) -> Event:
    """Decode one line whole. Never raises: what is not understood comes as `Unknown` or `Diagnostic`."""
    try:
        head = _line_decoder.decode(line)
    except NOT_UNDERSTOOD:
        return _unknown_or_diagnostic(line)
    try:
        body = _decode_body(head)
    except NOT_UNDERSTOOD:
        body = None
    if body is None:
        return _unknown_or_diagnostic(line)
    return Event(head.type, _timestamp(head.timestamp), head.session_id, body)


def part_id_of(line: bytes) -> str:
    """The id of the part a line tells of; empty where it tells none."""
    try:
        part = _part_line_decoder.decode(line).part
    except NOT_UNDERSTOOD:
        return ""
    return "" if part is UNSET else part.id


def decode_step_finishes(lines: Sequence[bytes]) -> list[StepFinish | None]:
    """Decode the bodies of ``step_finish`` lines, and nothing else of them; None for each that is not understood.

    Args:
        lines: Each begins as an object does.
    """
    try:
        # No JSON has a line's end between a closing and an opening brace: what is decoded at once are the same lines.
        decoded = _finish_line_decoder.decode_lines(b"\n".join(lines))
        if len(decoded) == len(lines):
            return [each.part for each in decoded]
    except NOT_UNDERSTOOD:
        pass
    return [*map(_decode_step_finish, lines)]


def _decode_step_finish(line: bytes) -> StepFinish | None:
    try:
        return _finish_line_decoder.decode(line).part
    except NOT_UNDERSTOOD:
        return None


def _decode_body(line: _Line) -> Body | None:
    if line.type == "error":
        return None if line.error is UNSET else _failure(msgspec.json.decode(line.error))
    if line.type == "step_start":
        return StepStart()
    if line.part is UNSET:
        return None
    if line.type in ("text", "reasoning"):
        return Text(_text_decoder.decode(line.part).text, reasoning=line.type == "reasoning")
    if line.type == "prompt":
        return Prompt(_text_decoder.decode(line.part).text)
    if line.type == "tool_use":
        return _tool_use(_tool_decoder.decode(line.part))
    if line.type == "step_finish":
        return _finish_decoder.decode(line.part)
    return None


def _tool_use(part: _ToolPart) -> ToolUse:
    state = part.state
    return ToolUse(
        tool=part.tool,
        status=state.status,
        title=state.title or "",
        input=state.input,
        output=_as_text(state.output),
        error=_as_text(state.error),
        metadata=state.metadata or {},
        started_ms=state.time.start,
        ended_ms=state.time.end,
    )


def _failure(error: Any) -> Failure:
    """Read both shapes: 1.x ``{"name", "data": {"message"}}`` and 2.x ``{"type", "message"}``."""
    if not isinstance(error, dict):
        return Failure("Error", _as_text(error))
    name = str(error.get("name") or error.get("type") or "Error")
    data = error.get("data")
    message = error.get("message") or (data.get("message") if isinstance(data, dict) else None)
    status = data.get("statusCode") if isinstance(data, dict) else None
    return Failure(name, _as_text(message or data or name), status if isinstance(status, int) else None)


def _timestamp(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= LATEST_MS else None


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _unknown_or_diagnostic(line: bytes) -> Event:
    value = decode_dict(line)
    kind = value.get("type")
    if kind == DIAGNOSTIC and "raw" in value:
        return Event(DIAGNOSTIC, None, "", Diagnostic(value["raw"]))
    kind = kind if isinstance(kind, str) else "unknown"
    return Event(
        kind,
        _timestamp(value.get("timestamp")),
        str(value.get("sessionID") or ""),
        Unknown(kind, value),
    )
