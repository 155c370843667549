"""From a `RunConfig` to the words and variables opencode is started with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from octui.client import compat
from octui.client.config import FLAGS, RunConfig, model_of
from octui.client.environment import PASSWORD, USERNAME
from octui.client.overrides import NO_AGENTS, NamedAgents, override_variables


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """How a server that runs already is reached.

    Attributes:
        url: Its URL, without a login in it.
        username: Of HTTP basic authentication.
        password: Of the same; None for none.
    """

    url: str
    username: str
    password: str | None


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
    arguments = ["run", "--format", "json", *([] if config.attach else compat.extra_flags(version))]
    variables = _variables(config, named)
    for name, flag in FLAGS.items():
        value = model_of(config) if name == "model" else getattr(config, name)
        if value not in (None, False, ()):
            arguments += flag_words(flag, value)
    if config.attach:
        login = server_login(config)
        arguments.append(f"{compat.attach_flag(version)}={login.url}")
        variables |= {USERNAME: login.username} | ({PASSWORD: login.password} if login.password is not None else {})
    for flag, value in config.cli_kwargs.items():
        arguments += flag_words(flag, value)
    return Command(arguments, variables)


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
        USERNAME: compat.SERVER_USER,
        PASSWORD: password,
    }
    return Command(arguments, variables)


def server_login(config: RunConfig, environ: Mapping[str, str] = os.environ) -> ServerLogin:
    """Return how to reach the server a configuration names: by its own words, those of the URL, or the environment."""
    url = config.attach or ""
    try:
        parts = urlsplit(url)
    except ValueError:  # Whoever connects says so.
        parts = urlsplit("")
    location = parts.netloc.rpartition("@")[2]
    return ServerLogin(
        parts._replace(netloc=location).geturl() if "@" in parts.netloc else url,
        config.username or unquote(parts.username or "") or environ.get(USERNAME) or compat.SERVER_USER,
        next(
            (each for each in (config.password, parts.password and unquote(parts.password)) if each is not None),
            environ.get(PASSWORD),
        ),
    )


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
    return variables | dict(config.extra_env)
