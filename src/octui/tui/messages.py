"""Messages between screens and the application."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message


@dataclass
class Launched(Message):
    """The launcher started a session; its folder is to be shown."""

    session: Path


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to the user.

    Attributes:
        words: Clean text.
        severity: ``information``, ``warning`` or ``error``.
        timeout_s: Seconds after which it goes by itself.
        at: When it came, in seconds since the epoch.
    """

    words: str
    severity: str
    timeout_s: float
    at: float


@dataclass
class Told(Message):
    """A message to the user is to be shown."""

    notice: Notice
