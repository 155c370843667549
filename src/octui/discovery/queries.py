"""Asks the opencode executable which models and agents it offers.

Each question is a short-lived process of opencode with a data home of its own, so that it neither waits for nor
disturbs the database of the user's runs. Nothing outlives `Queries.close`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from octui import temporary
from octui.client import compat, isolation, logins
from octui.client.compat import INTERNAL_AGENTS, TEMPORARY_VARIABLE
from octui.client.environment import process_environment
from octui.client.executable import start_failure
from octui.client.lenient_json import decode
from octui.client.permissions import matches
from octui.client.serve.events import Rule
from octui.client.user_config import data_home_of
from octui.errors import OpenCodeError
from octui.program_output import reason

QUERY_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent opencode offers.

    Attributes:
        name: What ``--agent`` takes.
        mode: ``primary``, ``subagent`` or ``all``.
        rules: Its permissions, as they come to from opencode's defaults and the configuration in force.
        hidden: Whether opencode keeps it out of its own lists. It runs nevertheless where it is named.
    """

    name: str
    mode: str
    rules: tuple[Rule, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Effective:
    """What a tool's permission comes to.

    Attributes:
        action: ``allow``, ``ask`` or ``deny``.
        exceptions: Patterns with another action than that, and their action.
    """

    action: str
    exceptions: tuple[tuple[str, str], ...] = ()


def effective(rules: Iterable[Rule], tool: str) -> Effective | None:
    """Say what rules come to for a tool, as opencode matches them: by wildcard, the last one winning.

    None where no rule speaks of the tool.
    """
    action = ""
    exceptions: dict[str, str] = {}
    for rule in rules:
        if not matches(tool, rule.permission):
            continue
        if rule.pattern == "*":
            action = rule.action
            exceptions.clear()
        else:
            exceptions[rule.pattern] = rule.action
    if not action:
        return None
    return Effective(action, tuple((pattern, other) for pattern, other in exceptions.items() if other != action))


def parse_models(text: str) -> tuple[str, ...]:
    """Read the answer of ``opencode models``: one ``provider/model`` a line."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if "/" in line and " " not in line)


def parse_agents(text: str) -> tuple[Agent, ...]:
    """Read the answer of ``opencode agent list``: ``NAME (MODE)``, then its rules as JSON.

    Agents whose rules cannot be read are given without rules. Incomplete rules are skipped.
    """
    return tuple(Agent(name, mode, tuple(rules)) for name, mode, rules in compat.parse_agents(text))


def parse_hidden(text: str) -> dict[str, bool]:
    """Read which agents are configured as hidden, or as not hidden, from ``opencode debug config``."""
    try:
        agents = decode(text.encode())["agent"]
        return {name: agent["hidden"] for name, agent in agents.items() if isinstance(agent.get("hidden"), bool)}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


class Queries:
    """Questions to one opencode executable; their answers are kept. May be used from several threads.

    Args:
        binary: The executable.
        environ: The environment the questions are asked in.
        timeout_s: How long an answer may take, in seconds.
    """

    def __init__(
        self, binary: Path, *, environ: Mapping[str, str] = os.environ, timeout_s: float = QUERY_TIMEOUT_S
    ) -> None:
        self.binary = binary
        self._environ = environ
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._answers: dict[tuple[object, ...], str] = {}

    def models(self, folder: Path, *, inherit: bool = True, keep: Sequence[str] = ()) -> tuple[str, ...]:
        """The models opencode offers in a folder.

        Args:
            folder: Where a run would work; its project configuration applies.
            inherit: Whether the user's global configuration applies as it is.
            keep: Keys of it that apply in any case, beside those that reach a model.

        Raises:
            OpenCodeError: No answer.
        """
        return parse_models(self._ask(("models",), folder, inherit=inherit, keep=keep))

    def agents(self, folder: Path, *, inherit: bool, keep: Sequence[str] = ()) -> tuple[Agent, ...]:
        """The agents opencode offers in a folder, with their permissions.

        Args:
            folder: Where a run would work; its project configuration applies.
            inherit: Whether the user's global configuration applies too.
            keep: Keys of it that apply in any case.

        Raises:
            OpenCodeError: No answer.
        """
        with ThreadPoolExecutor(1) as pool:  # Each question takes opencode seconds, most of them waiting.
            asked = pool.submit(self._hidden, folder, inherit, keep)
            agents = parse_agents(self._ask(("agent", "list"), folder, inherit=inherit, keep=keep))
            hidden = asked.result()
        return tuple(replace(agent, hidden=hidden.get(agent.name, agent.name in INTERNAL_AGENTS)) for agent in agents)

    def _hidden(self, folder: Path, inherit: bool, keep: Sequence[str]) -> dict[str, bool]:
        """Return what the configuration says of hidden agents, which ``opencode agent list`` does not print."""
        with suppress(OpenCodeError):
            return parse_hidden(self._ask(("debug", "config"), folder, inherit=inherit, keep=keep))
        return {}

    def close(self) -> None:
        """End every question that is still open; none can be asked any more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _kill(process)

    def _ask(self, args: tuple[str, ...], folder: Path, *, inherit: bool, keep: Sequence[str]) -> str:
        key = (args, folder, inherit, tuple(keep))
        if (known := self._answers.get(key)) is not None:
            return known
        words = f"`opencode {' '.join(args)}`"
        with tempfile.TemporaryDirectory(prefix=temporary.prefix("ask"), ignore_cleanup_errors=True) as temp:
            turn = logins.take_turn_in_thread(self._real_data, logins.MODELS, self._timeout_s, lambda: self._closed)
            try:
                process = self._start(args, folder, self._environment(Path(temp), inherit, keep), words)
                try:
                    out, err = process.communicate(timeout=self._timeout_s)
                except subprocess.TimeoutExpired:
                    raise OpenCodeError(f"{words} gave no answer within {self._timeout_s:g} s.") from None
                finally:
                    _kill(process)
                    with self._lock:
                        self._running.discard(process)
            finally:
                turn.end()
        if process.returncode != 0:
            why = reason(err) or reason(out) or "no reason was given"
            raise OpenCodeError(f"{words} failed with exit code {process.returncode}: {why}.")
        answer = self._answers[key] = out.decode(errors="replace")
        return answer

    def _start(self, args: tuple[str, ...], folder: Path, env: dict[str, str], words: str) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise OpenCodeError(f"{words} was not asked: octui is about to end.")
            try:
                process = subprocess.Popen(
                    [self.binary, *args],
                    cwd=folder,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                why = start_failure(self.binary, error)
                raise OpenCodeError(f"{words} could not be started: {why}.") from error
            self._running.add(process)
            return process

    @property
    def _real_data(self) -> Path:
        return data_home_of(self._environ) / "opencode"

    def _environment(self, temp: Path, inherit: bool, keep: Sequence[str]) -> dict[str, str]:
        homes = isolation.prepare(temp, self._environ, private_data=True, inherit_user_config=inherit, keep=keep)
        own = {"OPENCODE_DISABLE_AUTOUPDATE": "1", TEMPORARY_VARIABLE: str(temp)}
        if not inherit:
            # opencode leaves a lock there for each new folder of configuration.
            own["XDG_STATE_HOME"] = str(temp / "state")
        return process_environment(self._environ, homes, own)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a question's process group; it was started as the leader of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
