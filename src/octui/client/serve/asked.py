"""The prompts of a session that are not answered yet. Pure."""

from __future__ import annotations

from octui.client.serve.events import PartChanged


class Asked:
    """Prompts that wait, in the order they were asked.

    An answer names the last prompt it is for, and is one to all before it: ids of messages are in the order of time.

    Attributes:
        parts: What waits, by part, the oldest first.
    """

    def __init__(self) -> None:
        self.parts: dict[str, PartChanged] = {}
        self._answered = ""

    def add(self, part: PartChanged) -> bool:
        """Have a part of a prompt wait; give whether it does: its answer may have begun before it is told."""
        if part.message_id <= self._answered:
            return False
        self.parts[part.part_id or part.message_id] = part
        return True

    def answer(self, message_id: str) -> list[PartChanged]:
        """An answer to a prompt begins; give what it is an answer to. Where none is named, none comes any more."""
        self._answered = max(self._answered, message_id)
        begun = [key for key, part in self.parts.items() if not message_id or part.message_id <= self._answered]
        return [self.parts.pop(key) for key in begun]
