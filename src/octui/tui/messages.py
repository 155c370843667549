"""Messages between screens and the application."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message


@dataclass
class Launched(Message):
    """The launcher started a session; its folder is to be shown."""

    session: Path
