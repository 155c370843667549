"""What happens on a server, in words of our own, whatever version of its API it speaks. Pure.

An adapter (`octui.client.serve.v1_events`) reads the lines of one API into them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct


class PartKind(StrEnum):
    """What a part of a message is."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL = "tool"
    STEP_START = "step_start"
    STEP_FINISH = "step_finish"
    COMPACTION = "compaction"
    OTHER = "other"


class ServerEvent(Struct, frozen=True, kw_only=True):
    """Base of all: of which session, and when.

    Attributes:
        session_id: The session it is about; empty where it is about none.
        at_ms: When the server said so, in milliseconds since the epoch.
    """

    session_id: str = ""
    at_ms: int = 0


class SessionOpened(ServerEvent, frozen=True, kw_only=True):
    """A session began; a subagent's names the one it works for as ``parent_id``."""

    parent_id: str = ""
    title: str = ""
    agent: str = ""


class MessageChanged(ServerEvent, frozen=True, kw_only=True):
    """A message began, or something of it is known now.

    Attributes:
        message_id: Its id.
        role: ``user`` or ``assistant``.
        answers: The message of a user that it answers, the last one where it answers several; empty where that is not
            told.
        agent: Who says it; may be empty.
        model: ``provider/model``; may be empty.
    """

    message_id: str
    role: str
    answers: str = ""
    agent: str = ""
    model: str = ""


class PartChanged(ServerEvent, frozen=True, kw_only=True):
    """A part of a message stands like this now.

    Attributes:
        part_id: The same for every state of the part.
        message_id: The message it belongs to.
        kind: What it is.
        is_whole: Whether nothing of it will change any more.
        is_synthetic: Whether it is no word of the user's, though it stands in a message of theirs.
        text: What it says so far, for a text or reasoning.
        tool: The tool's name.
        status: ``pending``, ``running``, ``completed`` or ``error``, for a tool.
        title: What opencode calls the call; may be empty.
        input: The call's arguments; may be incomplete while it is pending.
        output: What it has printed so far, where it tells.
        child_id: The session of the subagent a ``task`` call started.
        started_ms: When it began, in milliseconds since the epoch; None where it is not told.
        body: The part as the server gave it, JSON.
    """

    part_id: str
    message_id: str
    kind: PartKind
    is_whole: bool = False
    is_synthetic: bool = False
    text: str = ""
    tool: str = ""
    status: str = ""
    title: str = ""
    input: Any = None
    output: str = ""
    child_id: str = ""
    started_ms: float | None = None
    body: bytes = b""


class PartGrew(ServerEvent, frozen=True, kw_only=True):
    """A text or reasoning goes on: some more tokens of it."""

    part_id: str
    message_id: str
    delta: str


class Activity(StrEnum):
    """Whether a session is at work."""

    IDLE = "idle"
    BUSY = "busy"
    RETRYING = "retrying"


class ActivityChanged(ServerEvent, frozen=True, kw_only=True):
    """A session works, rests, or waits to ask its provider once more.

    Attributes:
        activity: Which of them.
        attempt: The provider's next attempt, from 1, where it is retrying.
        why: What the provider said.
        next_ms: When the next attempt is, in milliseconds since the epoch.
    """

    activity: Activity
    attempt: int = 0
    why: str = ""
    next_ms: int = 0


class SessionFailed(ServerEvent, frozen=True, kw_only=True):
    """Something went wrong in a session; ``error`` is JSON as the server gave it, ``aborted`` says a user did it."""

    error: bytes
    aborted: bool = False


class Permission(Struct, frozen=True, kw_only=True):
    """A tool call that waits to be allowed.

    Attributes:
        id: Names it in an answer.
        permission: What it needs, such as ``bash`` or ``edit``.
        patterns: What it is about: commands, paths.
        always: What would be allowed from now on by ``always``.
        metadata: What else the server tells, such as the whole command or the diff; its shape varies with the tool.
    """

    id: str
    permission: str
    patterns: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


class Option(Struct, frozen=True, kw_only=True):
    """One of the answers a question offers."""

    label: str
    description: str = ""


class QuestionItem(Struct, frozen=True, kw_only=True):
    """One question; ``multiple`` allows several answers, ``custom`` one in words of one's own."""

    question: str
    header: str = ""
    options: tuple[Option, ...] = ()
    multiple: bool = False
    custom: bool = True


class Question(Struct, frozen=True, kw_only=True):
    """Questions of the model that wait for their answers, all at once; ``id`` names them in an answer."""

    id: str
    questions: tuple[QuestionItem, ...]


class PermissionAsked(ServerEvent, frozen=True, kw_only=True):
    """A tool call waits to be allowed."""

    request: Permission


class QuestionAsked(ServerEvent, frozen=True, kw_only=True):
    """The model asks."""

    request: Question


class RequestClosed(ServerEvent, frozen=True, kw_only=True):
    """A permission or question was answered, by whomever; ``answer`` says how in a word or two."""

    request_id: str
    answer: str


class Compacted(ServerEvent, frozen=True, kw_only=True):
    """The session's history was replaced by a summary of it."""


class OtherEvent(ServerEvent, frozen=True, kw_only=True):
    """Something that octui records and makes nothing of."""


AnyServerEvent = (
    SessionOpened
    | MessageChanged
    | PartChanged
    | PartGrew
    | ActivityChanged
    | SessionFailed
    | PermissionAsked
    | QuestionAsked
    | RequestClosed
    | Compacted
    | OtherEvent
)


class FileDiff(Struct, frozen=True, kw_only=True):
    """What a session changed in one file; ``status`` is ``added``, ``modified``, ``deleted`` or ``renamed``."""

    file: str
    patch: str = ""
    additions: int = 0
    deletions: int = 0
    status: str = "modified"


class Rule(Struct, frozen=True):
    """A permission rule of a session; the last one that matches wins."""

    permission: str
    pattern: str
    action: str


class InForce(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A permission that holds, as a person reads it.

    Attributes:
        tool: The tool, or a wildcard.
        pattern: What of its calls it is about.
        action: ``allow``, ``ask`` or ``deny``.
        source: The file and the key it comes from; empty for an override of the run.
    """

    tool: str
    pattern: str = "*"
    action: str
    source: str = ""

    def __str__(self) -> str:
        tool = self.tool if self.pattern == "*" else f'{self.tool} "{self.pattern}"'
        return f"{tool} = {self.action} ({self.source or 'override'})"


Answers = Sequence[Sequence[str]]
"""For each question of a request the chosen labels, or words of one's own."""
