"""From a `RunConfig` to the words and variables opencode is started with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octui.client import compat
from octui.client.config import FLAGS, RunConfig
from octui.client.overrides import NO_AGENTS, NamedAgents, override_variables


@dataclass(frozen=True, slots=True)
class Command:
    """What is started, but for where.

    Attributes:
        arguments: All words after the executable. The prompt is not among them: it goes in on stdin, as opencode alters
            one given as an argument, ``ps`` would show it, and it could not be longer than 128 KiB.
        variables: Environment variables to set.
    """

    arguments: list[str]
    variables: dict[str, str]


def build_command(
    config: RunConfig, *, version: str = compat.TESTED_VERSION, named: NamedAgents = NO_AGENTS
) -> Command:
    """Give the words and variables for a run.

    Args:
        config: A checked configuration.
        version: Of the opencode that will be started.
        named: Agents that its folder's configuration names; overrides are repeated in each.
    """
    arguments = ["run", "--format", "json", *compat.extra_flags(version)]
    for name, flag in FLAGS.items():
        value = getattr(config, name)
        if value not in (None, False, ()):
            arguments += flag_words(flag, value)
    if config.attach:
        arguments.append(f"{compat.attach_flag(version)}={config.attach}")
    for flag, value in config.cli_kwargs.items():
        arguments += flag_words(flag, value)
    return Command(arguments, _variables(config, named))


def server_command(config: RunConfig, *, password: str, named: NamedAgents = NO_AGENTS) -> Command:
    """Give the words and variables for a server of one's own.

    Args:
        config: From `octui.client.serve.shares.server_config`.
        password: What clients have to say; without one any local user could use it.
        named: Agents that the configuration of its folders names.
    """
    arguments = ["serve", "--hostname=127.0.0.1", f"--port={config.port or 0}"]
    arguments += flag_words("print-logs", config.print_logs) + flag_words("log-level", config.log_level)
    variables = {
        "OPENCODE_ENABLE_QUESTION_TOOL": "1",
        **_variables(config, named),
        "OPENCODE_SERVER_PASSWORD": password,
    }
    return Command(arguments, variables)


def flag_words(flag: str, value: Any) -> list[str]:
    """Give the words for one flag.

    ``True`` → ``--flag``, a value → ``--flag=value`` (one word, so that a value may begin with a dash), a one-letter
    flag → ``-f value``, a list → repeated, ``False`` and ``None`` → nothing.
    """
    if value is None or value is False:
        return []
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [word for inner in value for word in flag_words(flag, inner)]
    dashed = f"-{flag}" if len(flag) == 1 else f"--{flag}"
    if value is True:
        return [dashed]
    text = str(value) if not isinstance(value, Path) else str(value.expanduser())
    return [dashed, text] if len(flag) == 1 else [f"{dashed}={text}"]


def _variables(config: RunConfig, named: NamedAgents) -> dict[str, str]:
    variables = override_variables(config, named)
    if config.disable_autoupdate:
        variables["OPENCODE_DISABLE_AUTOUPDATE"] = "1"
    if config.password is not None:
        variables["OPENCODE_SERVER_PASSWORD"] = config.password
    return variables | dict(config.extra_env)
