"""The names of things in a session folder."""

from __future__ import annotations

import re
from pathlib import Path

from octui.names import fit, shorten

SESSION_FILE = "session.toml"
FACTS_FILE = "facts.jsonl"
LOG_SUFFIX = ".jsonl"
INDEX_SUFFIX = ".index"
TOTALS_SUFFIX = ".totals"
STDERR_SUFFIX = ".stderr"
STREAM_SUFFIX = ".stream"
DIFF_SUFFIX = ".diff"
SETUP_SUFFIX = ".setup"
CHECK_SUFFIX = ".check"
SERVER_FOLDER = "server"
LOCK_FILE = "lock"
SUPERVISOR_LOG = "supervisor.log"

SLUG_CHARACTERS = 40
SLUG_BYTES = 80

_PUNCTUATION = re.compile(r"[-._]+")


def slug(name: str) -> str:
    """What of a session's name stands in its folder's: its letters and digits, in lower case."""
    plain = _PUNCTUATION.sub("-", fit(name.lower())).strip("-")
    return shorten(plain, SLUG_CHARACTERS, SLUG_BYTES).rstrip("-") or "session"


def log_path(folder: Path, run: str) -> Path:
    """What opencode wrote to stdout, byte for byte."""
    return folder / f"{run}{LOG_SUFFIX}"


def stderr_path(folder: Path, run: str) -> Path:
    """What opencode wrote to stderr, all attempts one after another."""
    return folder / f"{run}{STDERR_SUFFIX}"


def stream_path(folder: Path, run: str) -> Path:
    """What a server sent of a run, a line an event, byte for byte; there is none for a run without a server."""
    return folder / f"{run}{STREAM_SUFFIX}"


def diff_path(folder: Path, run: str) -> Path:
    """What a run over a server has changed so far, file by file: a JSON list of `FileDiff`."""
    return folder / f"{run}{DIFF_SUFFIX}"


def setup_path(folder: Path, run: str) -> Path:
    """What the commands that come before a run printed, byte for byte, one after another."""
    return folder / f"{run}{SETUP_SUFFIX}"


def check_path(folder: Path, run: str) -> Path:
    """What the checks of a run printed, byte for byte, one after another."""
    return folder / f"{run}{CHECK_SUFFIX}"


def server_folder(folder: Path, number: int) -> Path:
    """The data home of a session's server; a later server goes on with what is in it."""
    return folder / f"{SERVER_FOLDER}-{number}"


def index_path(log: Path) -> Path:
    """Where the lines of a log begin."""
    return log.with_name(f"{log.stem}{INDEX_SUFFIX}")


def totals_path(log: Path) -> Path:
    """What a log's events came to, every so many of them."""
    return log.with_name(f"{log.stem}{TOTALS_SUFFIX}")
