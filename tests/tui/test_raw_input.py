"""Bytes from the terminal that are no UTF-8, as from one that is set to Latin-1."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.terminal import Terminal

LOG = Path(__file__).parents[1] / "captures" / "text.jsonl"


def test_a_byte_that_is_no_utf8_does_not_end_the_screen() -> None:
    with Terminal([sys.executable, "-m", "octui", "replay", str(LOG)]) as terminal:
        terminal.wait_for("text")
        terminal.press(b"\xe9q")
        assert terminal._wait() == 0
