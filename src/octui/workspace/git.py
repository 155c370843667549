"""Running git so that nothing of the user's setting changes what it says, and nothing it does waits for a person."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from octui.errors import GitError, UsageError
from octui.program_output import reason

TIMEOUT_S = 60.0
"""How long one command may take, unless it has to check out or to copy a whole tree."""

LONG_TIMEOUT_S = 600.0
POLL_S = 0.05

_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSL_")
"""Of git's own variables those that say who works; those that say where (within a hook, for example) mislead it."""

_SETTINGS = {
    "color.ui": "false",
    "core.fsmonitor": "false",  # It may name a program.
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "core.safecrlf": "false",
    "diff.mnemonicPrefix": "false",
    "diff.noprefix": "false",
    "diff.orderFile": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.bareRepository": "all",  # git's own folder is worked in where the working tree is gone.
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}


def environment() -> dict[str, str]:
    """The environment, without what of git's variables would mislead git or whatever runs it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}


def git(
    folder: Path,
    *words: str | bytes | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] = MappingProxyType({}),
    good: Sequence[int] = (0,),
    timeout_s: float = TIMEOUT_S,
    heed: Callable[[], None] | None = None,
) -> bytes:
    """Run git in a folder and give what it printed.

    Args:
        folder: Where it runs.
        words: The command and its arguments.
        stdin: What it reads.
        env: More of the environment.
        good: The exit codes that are no errors.
        timeout_s: Seconds after which it is ended.
        heed: Is called again and again meanwhile; what it raises ends git and is raised on.

    Raises:
        GitError: git is not there, took too long, or refused.
    """
    done = run(folder, *words, stdin=stdin, env=env, timeout_s=timeout_s, heed=heed)
    if done.returncode not in good:
        command = _command(words)
        why = reason(done.stderr) or f"exit code {done.returncode}"
        raise GitError(f"git {command} failed in {folder}: {why}.", stderr=done.stderr)
    return done.stdout


def run(
    folder: Path,
    *words: str | bytes | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] = MappingProxyType({}),
    timeout_s: float = TIMEOUT_S,
    heed: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, whatever its exit code is; see `git`.

    Raises:
        GitError: git is not there, or took too long.
    """
    settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
    try:
        process = subprocess.Popen(
            ["git", "--no-pager", "--literal-pathspecs", *settings, *words],
            cwd=folder,
            env={
                **environment(),
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
                "GIT_OPTIONAL_LOCKS": "0",
                "GIT_EDITOR": "true",
                "LC_ALL": "C",
                **env,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise UsageError(f"{folder} does not exist.") from error
        raise GitError("There is no git here.", hint="Install git, or run without a worktree.") from error
    except OSError as error:
        raise GitError(f"git cannot be started in {folder}: {error.strerror or error}.") from error
    try:
        out, err = _communicate(process, stdin, time.monotonic() + timeout_s, heed)
    except subprocess.TimeoutExpired:
        raise GitError(f"git {_command(words)} took more than {timeout_s:g} s in {folder}.") from None
    finally:
        _end(process)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def said(out: bytes) -> str:
    """One value that git printed, without the end of its line; it may hold line ends of its own."""
    return os.fsdecode(out.removesuffix(b"\n"))


def names(out: bytes) -> list[str]:
    """The names in a list with a zero byte behind each (``-z``)."""
    return [os.fsdecode(name) for name in out.split(b"\0") if name]


def _communicate(
    process: subprocess.Popen[bytes], stdin: bytes, deadline: float, heed: Callable[[], None] | None
) -> tuple[bytes, bytes]:
    if heed is None:
        return process.communicate(stdin, timeout=max(0.0, deadline - time.monotonic()))
    sent: bytes | None = stdin
    while True:
        heed()
        try:
            return process.communicate(sent, timeout=POLL_S)
        except subprocess.TimeoutExpired:
            sent = None  # What is left of it is still sent.
            if time.monotonic() >= deadline:
                raise


def _command(words: Sequence[str | bytes | Path]) -> str:
    """Which of git's commands it is, behind the settings that come first."""
    left = [os.fsdecode(word) for word in words]
    while left[:1] == ["-c"]:
        left = left[2:]
    return left[0]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with what it started, where it is not over; every wait of it is bounded."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
