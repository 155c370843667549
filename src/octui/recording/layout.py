"""The names of things in a session folder."""

from __future__ import annotations

from pathlib import Path

SESSION_FILE = "session.toml"
FACTS_FILE = "facts.jsonl"
LOG_SUFFIX = ".jsonl"
INDEX_SUFFIX = ".index"
TOTALS_SUFFIX = ".totals"
STDERR_SUFFIX = ".stderr"
LOCK_FILE = "lock"
SUPERVISOR_LOG = "supervisor.log"


def log_path(folder: Path, run: str) -> Path:
    """What opencode wrote to stdout, byte for byte."""
    return folder / f"{run}{LOG_SUFFIX}"


def stderr_path(folder: Path, run: str) -> Path:
    """What opencode wrote to stderr, all attempts one after another."""
    return folder / f"{run}{STDERR_SUFFIX}"


def index_path(log: Path) -> Path:
    """Where the lines of a log begin."""
    return log.with_name(f"{log.stem}{INDEX_SUFFIX}")


def totals_path(log: Path) -> Path:
    """What a log's events came to, every so many of them."""
    return log.with_name(f"{log.stem}{TOTALS_SUFFIX}")
