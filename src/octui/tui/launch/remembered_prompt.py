"""The prompt that was launched last, and nothing else of the form: what the first frame of the launcher shows."""

from __future__ import annotations

from pathlib import Path

import msgspec

from octui import paths

FILE = "launcher.json"
"""Where `octui.tui.launch.last_used` keeps the form, in the user's data folder."""


class _Values(msgspec.Struct):
    prompt: str = ""


class _Form(msgspec.Struct):
    values: _Values


def load(folder: Path | None = None) -> str | None:
    """Read the prompt; None where nothing is remembered, or nothing usable."""
    try:
        data = ((folder or paths.data_dir()) / FILE).read_bytes()
        return msgspec.json.decode(data, type=_Form).values.prompt
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
