"""From what happens on a server to the lines ``opencode run --format json`` would have printed of it. Pure.

``opencode run`` is itself a client of a server: it prints a part when it is whole, and the session's errors
(``packages/opencode/src/cli/cmd/run.ts`` of 1.18). Doing the same here gives both backends one log, so that whatever
reads a log (panes, totals, search, replay) need not know which of them wrote it. One type comes beside run's:
``prompt``, what a user asked after the first prompt.
"""

from __future__ import annotations

import msgspec

from octui.client.serve.events import AnyServerEvent, MessageChanged, PartChanged, PartGrew, PartKind, SessionFailed

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
        self._has_prompt = False
        self._done: set[str] = set()

    def is_done(self, part_id: str) -> bool:
        """Whether a part has its line already."""
        return part_id in self._done

    def pass_over(self, event: AnyServerEvent) -> None:
        """Take it for told: it is of a session that is taken up again."""
        if isinstance(event, MessageChanged) and event.role == "user":
            self._users.add(event.message_id)
        elif isinstance(event, PartChanged) and (event.is_whole or event.message_id in self._users):
            self._done.add(event.part_id)

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

    def feed(self, event: AnyServerEvent) -> bytes:
        """Give the line an event makes, with its end; empty for none."""
        if event.session_id != self.session_id:
            if isinstance(event, PartChanged) and event.is_whole:
                self._done.add(event.part_id)
            return b""
        match event:
            case MessageChanged(role="user", message_id=message):
                self._users.add(message)
            case PartChanged(part_id=part) if part not in self._done:
                kind = self._type_of(event)
                if kind:
                    self._done.add(part)
                    return self._line(kind, event.at_ms, b"part", event.body)
            case SessionFailed(aborted=False):
                return self._line("error", event.at_ms, b"error", event.error)
        return b""

    def _type_of(self, part: PartChanged) -> str:
        """The type of the line a part makes now; empty while it makes none."""
        if part.message_id not in self._users:
            return _TYPES.get(part.kind, "") if part.is_whole else ""
        if part.kind is not PartKind.TEXT or part.is_synthetic:
            return ""
        if not self._has_prompt:
            self._has_prompt = True
            self._done.add(part.part_id)
            return ""
        return "prompt"

    def _line(self, kind: str, at_ms: int, key: bytes, body: bytes) -> bytes:
        head = b'{"type":"%b","timestamp":%d,"sessionID":%b' % (kind.encode(), at_ms, _encode(self.session_id))
        return head + b',"%b":%b}\n' % (key, body)
