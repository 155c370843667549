"""From what happens on a server to the lines ``opencode run --format json`` would have printed of it. Pure.

``opencode run`` is itself a client of a server: it prints a part when it is whole, and the session's errors
(``packages/opencode/src/cli/cmd/run.ts`` of 1.18). Doing the same here gives both backends one log, so that whatever
reads a log (panes, totals, search, replay) need not know which of them wrote it. One type comes beside run's:
``prompt``, what a user asked after the first prompt. It stands where the server begins to answer it: one that is sent
while the server works is told at once, and answered later.
"""

from __future__ import annotations

import msgspec

from octui.client.serve.asked import Asked
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    AnyServerEvent,
    MessageChanged,
    PartChanged,
    PartGrew,
    PartKind,
    SessionFailed,
)

_encode = msgspec.json.Encoder().encode

_TYPES = {
    PartKind.STEP_START: "step_start",
    PartKind.STEP_FINISH: "step_finish",
    PartKind.TEXT: "text",
    PartKind.REASONING: "reasoning",
    PartKind.TOOL: "tool_use",
}


class RunLines:
    """Writes the lines of one session; each part once, however often it is told.

    Args:
        session_id: The session; what is told of others, such as those of subagents, makes no line.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self._users: set[str] = set()
        self._assistants: set[str] = set()
        self._asked = Asked()
        self._unknown: dict[str, list[PartChanged]] = {}
        self._growing: dict[str, PartChanged] = {}
        self._has_prompt = False
        self._done: set[str] = set()

    def is_done(self, part_id: str) -> bool:
        """Whether a part has its line already."""
        return part_id in self._done

    def pass_over(self, event: AnyServerEvent) -> None:
        """Take it for told: it is of a session that is taken up again."""
        if isinstance(event, MessageChanged):
            self._meet(event)
        elif isinstance(event, PartChanged) and (event.is_whole or event.message_id in self._users):
            self._finish(event)

    def is_known(self, event: AnyServerEvent) -> bool:
        """Whether an event tells nothing new: it is about a part that has its line, or about a known message of a user.

        Subagents' parts have no lines; they are told apart by being whole.
        """
        match event:
            case PartChanged(part_id=part) | PartGrew(part_id=part):
                return part in self._done
            case MessageChanged(role="user", message_id=message):
                return message in self._users
        return False

    def print_every_prompt(self) -> None:
        """Let the next message of the user make a line, too: by default the first makes none, as a run's own prompt."""
        self._has_prompt = True

    def feed(self, event: AnyServerEvent) -> list[bytes]:
        """Give the lines an event makes, each with its end."""
        if event.session_id != self.session_id:
            if isinstance(event, PartChanged) and event.is_whole:
                self._finish(event)
            return []
        match event:
            case MessageChanged(role="user", message_id=message):
                self._meet(event)
                return [line for part in self._unknown.pop(message, ()) for line in self._ask(part)]
            case MessageChanged(answers=asked):
                self._meet(event)
                self._unknown.pop(event.message_id, None)
                return self._answer(asked, event.at_ms)
            case PartChanged(part_id=part) if part not in self._done:
                return self._ask(event) if event.message_id in self._users else self._do(event)
            case PartGrew(part_id=part):
                self._growing.pop(part, None)  # What was known of it is no longer all of it.
            case ActivityChanged(activity=Activity.IDLE):
                return self.rest(event.at_ms)
            case SessionFailed(aborted=False):
                return [self._line("error", event.at_ms, b"error", event.error)]
        return []

    def rest(self, at_ms: int) -> list[bytes]:
        """Give the lines of the prompts that wait for their answer, none of which comes any more."""
        return [*self._end_texts(), *self._answer("", at_ms)]

    def _do(self, part: PartChanged) -> list[bytes]:
        kind = _TYPES.get(part.kind, "")
        if kind and part.is_whole:
            ended = self._end_texts() if part.kind is PartKind.STEP_FINISH else []
            self._finish(part)
            return [*ended, self._line(kind, part.at_ms, b"part", part.body)]
        if kind and part.text:
            self._growing[part.part_id] = part
        if part.message_id not in self._assistants:
            # In the first second of a folder 1.18 may tell a prompt's parts before the message they are of.
            self._unknown.setdefault(part.message_id, []).append(part)
        return []

    def _end_texts(self) -> list[bytes]:
        """Return lines for texts whose step has ended although their own end was not reported."""
        texts = [each for each in self._growing.values() if each.message_id in self._assistants]
        self._growing.clear()
        for each in texts:
            self._finish(each)
        return [self._line(_TYPES[each.kind], each.at_ms, b"part", each.body) for each in texts]

    def _meet(self, message: MessageChanged) -> None:
        if message.message_id:
            (self._users if message.role == "user" else self._assistants).add(message.message_id)

    def _finish(self, part: PartChanged) -> None:
        """Mark a part as printed. Parts without an id cannot be told apart and are never marked."""
        self._growing.pop(part.part_id, None)
        if part.part_id:
            self._done.add(part.part_id)

    def _ask(self, part: PartChanged) -> list[bytes]:
        if part.part_id in self._done or part.kind is not PartKind.TEXT or part.is_synthetic:
            return []
        self._finish(part)
        if not self._has_prompt:
            self._has_prompt = True
            return []
        return [] if self._asked.add(part) else [self._line("prompt", part.at_ms, b"part", part.body)]

    def _answer(self, asked: str, at_ms: int) -> list[bytes]:
        return [self._line("prompt", at_ms, b"part", part.body) for part in self._asked.answer(asked)]

    def _line(self, kind: str, at_ms: int, key: bytes, body: bytes) -> bytes:
        head = b'{"type":"%b","timestamp":%d,"sessionID":%b' % (kind.encode(), at_ms, _encode(self.session_id))
        return head + b',"%b":%b}\n' % (key, body.replace(b"\n", b" "))  # Line ends are only whitespace in JSON.
