"""What runs wait for: the queue of requests over all runs, and each of them in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from octui.client.serve.events import Permission, Question
from octui.plan.secrets import mask
from octui.recording.status import RunStatus, SessionStatus
from octui.tui.text import clean_line

Request = Permission | Question

_LOOKED_AT = 2_000
"""Characters of a request that are looked at for a line about it."""

_WISHES = {
    "bash": "wants to run a command",
    "edit": "wants to change a file",
    "read": "wants to read a file",
    "glob": "wants to search for files",
    "grep": "wants to search in files",
    "list": "wants to list a folder",
    "task": "wants to start a subagent",
    "webfetch": "wants to fetch a page",
    "websearch": "wants to search the web",
    "external_directory": "wants to work outside of its folder",
    "doom_loop": "repeats the same call, and wants to go on",
}


class Waiting(NamedTuple):
    """A request that waits for an answer: of which run, and since when, in seconds since the epoch."""

    run: str
    request: Request
    since: float


def waiting_of(status: RunStatus) -> list[Waiting]:
    """What a run waits for, the oldest first."""
    found = [Waiting(status.name, request, since) for request, since in status.requests.values()]
    return sorted(found, key=lambda each: each.since)


def queue(status: SessionStatus, runs: Iterable[str]) -> list[Waiting]:
    """What all runs wait for, the oldest first."""
    found = [each for run in runs for each in waiting_of(status.run(run))]
    return sorted(found, key=lambda each: each.since)


def in_words(request: Request) -> str:
    """What is asked, on one clean line without secrets: ``bash git push``, or the question."""
    if isinstance(request, Question):
        words = request.questions[0].question if request.questions else "a question"
        more = len(request.questions) - 1
        return f"{shown(words)}{f' (and {more} more)' if more > 0 else ''}"
    return f"{clean_line(request.permission)} {shown(subject(request))}".strip()


def wish(request: Request) -> str:
    """What a run wants, to come after its name: ``wants to run a command``."""
    if isinstance(request, Question):
        count = len(request.questions)
        return "asks you a question" if count == 1 else f"asks you {count} questions"
    return _WISHES.get(request.permission) or f"asks for a permission: {clean_line(request.permission)}"


def subject(request: Permission) -> str:
    """What a permission is about, to the letter: the whole command, the path, or its patterns."""
    for key in ("command", "filepath", "filePath", "path", "url"):
        if isinstance(value := request.metadata.get(key), str) and value:
            return value
    return "\n".join(request.patterns)


def shown(text: str) -> str:
    """The beginning of a text as one clean line, its secrets masked."""
    return clean_line(masked(text[:_LOOKED_AT])).strip()


def masked(text: str) -> str:
    """A text with the secrets in it masked, as far as they can be told."""
    return str(mask(text))
