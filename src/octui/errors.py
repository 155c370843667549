"""Every error octui raises, in one tree.

::

    OctuiError
    ├── UsageError                         what was asked for cannot be done as asked (exit status 2)
    │   ├── ConfigError (also ValueError)  a RunConfig that opencode must not be given
    │   ├── PlanError                      a plan with mistakes: all of them, each with its place
    │   └── SettingsError                  a settings file or theme that cannot be used
    ├── OpenCodeError                      opencode itself
    │   ├── OpenCodeBinaryNotFoundError    no usable opencode executable
    │   ├── OpenCodeProcessError           a run ended with a non-zero exit code
    │   ├── OpenCodeTimeoutError           a run was ended because its time was up
    │   └── ServerError                    an opencode server refuses, is gone or is none
    ├── WorkspaceError                     a worktree that cannot be made, read or settled
    │   ├── GitError                       git is missing, took too long or refused
    │   ├── UncommittedWorkError           work that is nowhere else would be lost or overwritten
    │   └── ConflictError                  changes that do not fit into what stands there now
    ├── RecordingError                     a session folder or recording that cannot be read or written
    └── ControlError                       no answer, or a refusal, from a session's supervisor

Each error carries one sentence for the user and, where there is one, the next step (``hint``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class OctuiError(Exception):
    """Base of all errors of octui.

    Args:
        message: One sentence that says what is wrong.
        hint: What to do next, as one sentence; empty where there is nothing to advise.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(OctuiError):
    """What was asked for cannot be done as asked."""


class ConfigError(UsageError, ValueError):
    """A run configuration that opencode must not be given; the message names the place."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a plan.

    Attributes:
        where: The key as a person would write it, such as ``runs[2].permission.bash``.
        message: One sentence that says what is wrong and what is right.
        line: Line in the file, from 1; None where it is not known.
    """

    where: str
    message: str
    line: int | None = None


class PlanError(UsageError):
    """A plan with mistakes: all of them at once, in ``problems``."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = "1 mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        lines = [f"{source} has {count}; nothing was started."]
        for problem in self.problems:
            place = source if problem.line is None else f"{source}:{problem.line}"
            lines.append(f"  {place}: {problem.where}: {problem.message}")
        super().__init__("\n".join(lines))


class SettingsError(UsageError):
    """A settings file or a theme that cannot be used."""


class OpenCodeError(OctuiError):
    """Base of the errors that come from opencode or from looking for it."""


class OpenCodeBinaryNotFoundError(OpenCodeError):
    """No usable opencode executable was found."""


class OpenCodeProcessError(OpenCodeError):
    """A run ended with a non-zero exit code.

    Attributes:
        exit_code: As the process gave it; negative where a signal ended it.
        stderr: What the last attempt wrote to stderr, as text.
        events: Event dicts: all of them from ``async_run``, the last few from a stream.
    """

    def __init__(
        self, message: str, *, exit_code: int, stderr: str, events: Sequence[dict[str, Any]], hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code
        self.stderr = stderr
        self.events = list(events)


class OpenCodeTimeoutError(OpenCodeError):
    """A run was ended because its time was up.

    Attributes:
        timeout_s: The limit, in seconds.
        stderr: What the last attempt wrote to stderr, as text.
        events: Event dicts seen until then: all of them from ``async_run``, the last few from a stream.
    """

    def __init__(
        self, message: str, *, timeout_s: float, stderr: str, events: Sequence[dict[str, Any]], hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.timeout_s = timeout_s
        self.stderr = stderr
        self.events = list(events)


class ServerError(OpenCodeError):
    """An opencode server refuses, is not there, or answers what octui does not understand.

    Attributes:
        status: The HTTP status of a refusal; None where there was no answer.
        is_gone: Whether there was no answer, so that it may be worth asking again.
    """

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, is_gone: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.is_gone = is_gone


class WorkspaceError(OctuiError):
    """A git worktree that cannot be made, read or settled."""


class GitError(WorkspaceError):
    """git is missing, took too long or refused.

    Attributes:
        stderr: What it said.
    """

    def __init__(self, message: str, *, hint: str = "", stderr: bytes = b"") -> None:
        super().__init__(message, hint=hint)
        self.stderr = stderr


class UncommittedWorkError(WorkspaceError):
    """Work that is nowhere else would be lost or overwritten.

    Attributes:
        files: The files it is in, relative to their working tree.
    """

    def __init__(self, message: str, files: Sequence[str], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.files = tuple(files)


class ConflictError(WorkspaceError):
    """Changes that do not fit into what stands there now; nothing was changed.

    Attributes:
        files: The files they do not fit into, where git names them.
    """

    def __init__(self, message: str, files: Sequence[str] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.files = tuple(files)


class RecordingError(OctuiError):
    """A session folder or a recording that cannot be read or written."""


class ControlError(OctuiError):
    """No answer, or a refusal, from the supervisor of a session."""
