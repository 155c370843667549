"""Says what opencode will be given, secrets masked."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from octui.client.command import build_command
from octui.client.config import RunConfig, build_config
from octui.discovery.folders import shorten
from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import mask, mask_text, plan_secrets

_CONTENT = "OPENCODE_CONFIG_CONTENT"


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
            if (first.config, first.prompt, first.isolate_db) == (run.config, run.prompt, run.isolate_db):
                alike.append(run)
                break
        else:
            groups.append((run, [run]))
    return mask_text("\n\n\n".join(_describe(first, alike, base) for first, alike in groups), plan_secrets(plan))


def _describe(first: RunSpec, alike: list[RunSpec], base: Path) -> str:
    width = max(len(run.name) for run in alike)
    runs = "\n".join(f"  {run.name:<{width}}  {shorten(run.workspace, base)}" for run in alike)
    command, environment = describe_command(first.config)
    private = "  XDG_DATA_HOME=(a private folder for each run)\n" if first.isolate_db else ""
    left_out = "" if first.config.inherit_user_config else "  XDG_CONFIG_HOME=(a copy with your providers only)\n"
    size = len(first.prompt.encode())
    config = mask(build_config(first.config))
    content = json.dumps(config, indent=2, ensure_ascii=False) if config else "  nothing is overridden"
    return (
        f"Runs\n{runs}\n\n"
        f"Command\n  {command}\n  the prompt ({size:,} bytes) goes in on stdin, to the letter\n\n"
        f"Environment, added\n{environment}{private}{left_out}\n"
        f"{_CONTENT}\n{content}"
    )


def describe_command(config: RunConfig) -> tuple[str, str]:
    """Give the command line, and the lines of the environment it adds but for the configuration."""
    command = build_command(config)
    shown = {**mask(command.variables), **mask({"extra_env": dict(config.extra_env)})["extra_env"]}
    lines = "".join(f"  {name}={value}\n" for name, value in shown.items() if name != _CONTENT)
    return shlex.join(["opencode", *command.arguments]), lines
