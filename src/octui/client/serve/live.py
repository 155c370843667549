"""What is under way in a session right now: text as it comes, tools that run, a provider that is asked again. Pure.

Feeding the same events always gives the same state, live or replayed. What is whole is not kept: it stands in the log.
A step of the run's own session begins anew: what of the one before is not whole by then never will be. So the state at
any moment is told by the events since the last such step, and the message it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from octui.client.serve.asked import Asked
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    AnyServerEvent,
    Compacted,
    MessageChanged,
    PartChanged,
    PartGrew,
    PartKind,
    SessionOpened,
)

_SHOWN = (PartKind.TEXT, PartKind.REASONING, PartKind.TOOL)

COMPACTION_AGENT = "compaction"
"""Who opencode lets sum up a session's history."""


@dataclass(slots=True)
class LivePart:
    """A part that is not whole yet.

    Attributes:
        kind: Text, reasoning or a tool call.
        tool: The tool's name.
        status: ``pending`` or ``running``, for a tool.
        title: What opencode calls the call; may be empty.
        input: The call's arguments so far.
        output: What it has printed so far.
        child_id: The session of the subagent it started.
        started_ms: When it began, in milliseconds since the epoch.
    """

    kind: PartKind
    tool: str = ""
    status: str = ""
    title: str = ""
    input: Any = None
    output: str = ""
    child_id: str = ""
    started_ms: float = 0
    _text: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What it says so far."""
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0] if self._text else ""

    @property
    def pieces(self) -> int:
        """Another number whenever there is more text; for whoever keeps what was made of it."""
        return sum(map(len, self._text))


@dataclass(slots=True)
class Child:
    """A subagent's session: what it is called, and what of it is under way."""

    title: str = ""
    agent: str = ""
    calls: int = 0
    parts: dict[str, LivePart] = field(default_factory=dict)
    last: str = ""


class Live:
    """What is under way in a run's session and those of its subagents.

    Args:
        session_id: The run's own session.

    Attributes:
        activity: Whether it works.
        retry: What the provider was last asked again for; None while it answers.
        parts: What is under way, by part, the oldest first.
        children: Its subagents' sessions, by id.
        compacting: Whether the session's history is being replaced by a summary of it.
        events: How many events it was fed.
        model: The model that answers, as ``provider/model``; empty before it is told.
        agent: The agent that works; likewise.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.activity = Activity.IDLE
        self.retry: ActivityChanged | None = None
        self.parts: dict[str, LivePart] = {}
        self.children: dict[str, Child] = {}
        self.compacting = False
        self.events = 0
        self.model = ""
        self.agent = ""
        self._whole: set[str] = set()
        self._users: set[str] = set()
        self._asked = Asked()
        self._has_begun = False

    @property
    def queued(self) -> dict[str, str]:
        """What a user asked that is not answered yet, by message, the oldest first.

        The first prompt of all is the run's own, and known without.
        """
        return {part.message_id: part.text for part in self._asked.parts.values()}

    def feed(self, event: AnyServerEvent) -> None:
        """Take one event into account."""
        self.events += 1
        match event:
            case SessionOpened(parent_id=parent) if parent:
                self.children[event.session_id] = Child(event.title, event.agent)
            case ActivityChanged() if event.session_id == self.session_id:
                self._change_activity(event)
            case MessageChanged(role="user", message_id=message):
                if message:
                    self._users.add(message)
            case MessageChanged() if event.session_id == self.session_id:
                self._answer(event)
            case Compacted() if event.session_id == self.session_id:
                self.compacting = False
            case PartChanged():
                self._change(event)
            case PartGrew() if (parts := self._parts_of(event.session_id)) is not None:
                if (part := parts.get(event.part_id)) is not None:
                    part._text.append(event.delta)

    def is_whole(self, part_id: str) -> bool:
        """Whether a part of this step is whole: its line stands in the log, or will in a moment."""
        return part_id in self._whole

    def _ask(self, part: PartChanged) -> None:
        if part.kind is PartKind.TEXT and not part.is_synthetic and self._has_begun:
            self._asked.add(part)

    def _answer(self, message: MessageChanged) -> None:
        self._has_begun = True
        self._asked.answer(message.answers)
        self.compacting = message.agent == COMPACTION_AGENT
        if not self.compacting:
            self.model, self.agent = message.model or self.model, message.agent or self.agent

    def _begin_step(self) -> None:
        self.activity = Activity.BUSY
        self.retry = None
        self.parts.clear()
        self.children.clear()
        self._whole.clear()

    def _parts_of(self, session_id: str) -> dict[str, LivePart] | None:
        if session_id == self.session_id:
            return self.parts
        child = self.children.get(session_id)
        return None if child is None else child.parts

    def _change_activity(self, event: ActivityChanged) -> None:
        self.activity = event.activity
        self.retry = event if event.activity is Activity.RETRYING else None
        if event.activity is Activity.IDLE:
            self._asked.answer("")
            self.compacting = False  # Parts stay: those of a turn that was aborted become whole a moment later.

    def _change(self, event: PartChanged) -> None:
        if event.session_id == self.session_id and event.message_id in self._users:
            self._ask(event)
            return
        if event.session_id == self.session_id and event.kind is PartKind.STEP_START:
            self._begin_step()
        parts = self._parts_of(event.session_id)
        if parts is None or event.kind not in _SHOWN or event.message_id in self._users or event.part_id in self._whole:
            return
        if event.session_id == self.session_id:
            self.retry = None
        if event.is_whole:
            if event.part_id:
                self._whole.add(event.part_id)
            parts.pop(event.part_id, None)
            child = self.children.get(event.session_id)
            if child is not None:
                child.calls += event.kind is PartKind.TOOL
                child.last = f"{event.tool} {event.title}".strip() if event.tool else event.text[-200:]
            return
        part = parts.setdefault(event.part_id, LivePart(event.kind))
        part.tool, part.status, part.title = event.tool, event.status, event.title or part.title
        part.input = event.input if event.input is not None else part.input
        part.output = event.output or part.output
        part.child_id = event.child_id or part.child_id
        part.started_ms = part.started_ms or event.started_ms or event.at_ms
        if event.kind is not PartKind.TOOL:
            part._text = [event.text] if event.text else []
