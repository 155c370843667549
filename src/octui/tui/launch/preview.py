"""Says what opencode will be given, secrets masked."""

from __future__ import annotations

import json
import os
import shlex
from contextlib import suppress
from pathlib import Path

from rich.cells import cell_len

from octui.client.command import Command, build_command, server_command
from octui.client.config import RunConfig
from octui.client.overrides import NO_AGENTS, NamedAgents, check_overrides
from octui.client.permissions import override_rules
from octui.client.serve.shares import server_config
from octui.client.user_config import CONTENT, read_user_config
from octui.discovery.folders import shorten
from octui.errors import ConfigError
from octui.plan.model import Plan, RunSpec
from octui.plan.preview import permissions_in_words
from octui.plan.secrets import MASK, mask, mask_text, plan_secrets
from octui.tui.text import pad

_NOTHING = "  nothing is overridden"
_OF_SESSION = ("model", "agent", "variant", "title", "command", "session_id")
_SWITCHES = ("continue_session", "fork", "share")


def preview_text(plan: Plan, base: Path) -> str:
    """Describe a plan: the command, what is added to its environment, its configuration, and its runs.

    Runs that get the same are described once. Secrets are masked.

    Args:
        plan: The plan.
        base: What workspaces are written from.
    """
    groups: list[tuple[RunSpec, list[RunSpec]]] = []
    for run in plan.runs:
        for first, alike in groups:
            if _what_it_gets(first) == _what_it_gets(run):
                alike.append(run)
                break
        else:
            groups.append((run, [run]))
    return mask_text("\n\n\n".join(_describe(first, alike, base) for first, alike in groups), plan_secrets(plan))


def _what_it_gets(run: RunSpec) -> tuple[object, ...]:
    return run.config, run.prompt, run.isolate_db, run.backend, _permissions(run)


def _describe(first: RunSpec, alike: list[RunSpec], base: Path) -> str:
    width = max(cell_len(run.name) for run in alike)
    runs = "\n".join(f"  {pad(run.name, width)}  {shorten(run.workspace, base)}" for run in alike)
    given = _describe_served(first) if first.backend == "serve" else _describe_run(first)
    return f"Runs\n{runs}\n\n{_permissions(first)}\n\n{given}"


def _describe_run(first: RunSpec) -> str:
    command = build_command(first.config, named=_named(first))
    words, environment = _in_words(command, first.config)
    private = "  XDG_DATA_HOME=(a private folder for each run)\n" if first.isolate_db else ""
    left_out = _config_home(first.config)
    return (
        f"Command\n  {words}\n  the prompt ({_size(first)}) goes in on stdin, to the letter\n\n"
        f"Environment, added\n{environment}{private}{left_out}\n"
        f"{CONTENT}\n{_content(command)}"
    )


def _config_home(config: RunConfig) -> str:
    """What a run gets of the user's configuration, and what it may miss."""
    if config.inherit_user_config:
        return ""
    kept = " and ".join(filter(None, ("your providers and default models", ", ".join(config.keep))))
    notice = read_user_config().notice(config.keep)
    return f"  XDG_CONFIG_HOME=(a copy with {kept} only)\n" + (f"  {notice}\n" if notice else "")


def _describe_served(first: RunSpec) -> str:
    config = first.config
    if config.attach:
        server = f"Server\n  {mask(config.attach)}, which runs already\n\n"
    else:
        shared = server_config(config)
        command = server_command(shared, password=MASK, named=_named(first))
        words, environment = _in_words(command, shared)
        private = "  XDG_DATA_HOME=(a private folder)\n" if first.isolate_db else ""
        left_out = _config_home(config)
        server = (
            f"Server, for all runs that want the same of it\n  {words}\n\n"
            f"Environment, added\n{environment}{private}{left_out}\n"
            f"{CONTENT}\n{_content(command)}\n\n"
        )
    values = {key: getattr(config, key) for key in _OF_SESSION if getattr(config, key)}
    switches = [key for key in _SWITCHES if getattr(config, key)]
    lines = [f"  {key}: {value}" for key, value in values.items()]
    lines += [f"  {key}" for key in switches] + [f"  file: {file}" for file in config.files]
    lines.append(f"  the prompt ({_size(first)}) is sent to the letter")
    settings = "\n".join(lines)
    return f"{server}Session of each run\n{settings}"


def _permissions(run: RunSpec) -> str:
    """What the agent may do, and where that comes from."""
    found = permissions_in_words(run, os.environ)
    if run.config.attach:
        found = "\n".join(f"{rule.permission} {rule.pattern} = {rule.action}" for rule in override_rules(run.config))
    lines = "\n".join(f"  {line}" for line in found.splitlines())
    return f"Permissions, but for opencode's defaults\n{lines or _NOTHING}"


def _size(run: RunSpec) -> str:
    return f"{len(run.prompt.encode()):,} bytes"


def _named(run: RunSpec) -> NamedAgents:
    """The agents overrides are repeated in; what undoes one is told among the permissions."""
    with suppress(ConfigError):
        return check_overrides(run.config, run.workspace)[0]
    return NO_AGENTS


def _content(command: Command) -> str:
    content = mask(json.loads(command.variables.get(CONTENT, "{}")))
    return json.dumps(content, indent=2, ensure_ascii=False) if content else _NOTHING


def _in_words(command: Command, config: RunConfig) -> tuple[str, str]:
    shown = {**mask(command.variables), **mask({"extra_env": dict(config.extra_env)})["extra_env"]}
    lines = "".join(f"  {name}={value}\n" for name, value in shown.items() if name != CONTENT)
    return shlex.join(["opencode", *command.arguments]), lines
