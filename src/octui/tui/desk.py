"""Where requests come from, and where answers go: what the dialog knows of the screen below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from octui.tui.requests import Waiting

Reply = Literal["once", "always", "reject"]


class Desk(Protocol):
    """Where requests come from, and where answers go."""

    def pending(self) -> list[Waiting]:
        """What waits, the oldest first, without what was answered here already."""

    def reply_to(self, waiting: Waiting, reply: Reply, message: str = "") -> None:
        """Answer a permission."""

    def answer_to(self, waiting: Waiting, answers: Sequence[Sequence[str]] | None) -> None:
        """Answer questions; None dismisses them."""

    def how_closed(self, waiting: Waiting) -> str:
        """Say how a request was answered, or that nobody waits for it any more."""

    def moment(self) -> float:
        """The time, in seconds since the epoch."""
