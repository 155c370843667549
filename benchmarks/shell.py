"""An agent as a shell starts it: the same opencode, words, variables and private folders, without octui."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from octui.client import isolation
from octui.client.command import build_command
from octui.client.config import RunConfig


def shell_line(folder: Path, workspace: Path, env: Mapping[str, str], config: RunConfig, binary: str) -> str:
    """Give the line that starts an agent in the background; it reads ``stdin`` and prints to ``stdout``.

    Args:
        folder: Where those files are, and what the agent gets of its own.
        workspace: Where the agent works.
        env: What it is started with, from which its folders are made.
        config: What it is given.
        binary: opencode.
    """
    homes_folder = folder / "homes"
    homes_folder.mkdir()
    homes = isolation.prepare(homes_folder, env, private_data=True, inherit_user_config=False)
    command = build_command(config)
    variables = {**homes.variables, **command.variables, "PWD": str(workspace)}
    words = ["env", *(f"{name}={value}" for name, value in variables.items()), binary, *command.arguments]
    streams = f"<{_quoted(folder / 'stdin')} >{_quoted(folder / 'stdout')} 2>{_quoted(folder / 'stderr')}"
    return f"(cd {_quoted(workspace)} && exec {shlex.join(words)} {streams}) &"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
