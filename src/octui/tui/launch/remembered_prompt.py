"""The prompt that the launcher begins with in a folder, read apart from the form: the first frame needs no more."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from octui import paths

FOLDER = "launcher"
"""Where `octui.tui.launch.last_used` keeps a form for each folder, in the user's data folder."""


class _Values(msgspec.Struct):
    prompt: str = ""


class _Form(msgspec.Struct):
    launched: _Values | None = None
    draft: _Values | None = None


def file_of(base: Path, data: Path | None = None) -> Path:
    """Return the file that keeps the form of a folder.

    Args:
        base: The folder octui was started in.
        data: octui's data folder; the user's by default.
    """
    name = hashlib.sha256(os.fsencode(os.path.realpath(base))).hexdigest()[:32]
    return (data or paths.data_dir()) / FOLDER / f"{name}.json"


def load(base: Path, data: Path | None = None) -> str:
    """Return the prompt of a folder's draft, or of what was launched there last; empty where there is neither."""
    try:
        form = msgspec.json.decode(file_of(base, data).read_bytes(), type=_Form)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    values = form.draft or form.launched
    return values.prompt if values else ""
