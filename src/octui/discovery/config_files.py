"""Reads opencode's own configuration files for what a launcher can offer: MCP servers and the default model.

Where opencode 1.18 looks: global files in ``$XDG_CONFIG_HOME/opencode`` and ``~/.opencode``, what ``OPENCODE_CONFIG``
and ``OPENCODE_CONFIG_DIR`` add, then the project's files from the top of its repository down to the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import json5

MAX_CONFIG_BYTES = 1_000_000
_NAMES = ("opencode.json", "opencode.jsonc")

Scope = Literal["user", "project"]


@dataclass(frozen=True, slots=True)
class FoundServer:
    """An MCP server of opencode's configuration.

    Attributes:
        name: Its key under ``mcp``.
        config: Its value, later files merged over earlier ones.
        scope: Whether the user's or the project's files name it; the project's where both do.
    """

    name: str
    config: Mapping[str, Any]
    scope: Scope


@dataclass(frozen=True, slots=True)
class FoundConfig:
    """What the files hold.

    Attributes:
        servers: MCP servers in the order in which they are named.
        model: The default model, ``provider/model``; empty where none is set.
        problems: A sentence for each file that could not be used.
    """

    servers: tuple[FoundServer, ...] = ()
    model: str = ""
    problems: tuple[str, ...] = field(default=())


def read_config(folder: Path, environ: Mapping[str, str] = os.environ) -> FoundConfig:
    """Read every configuration file that opencode would read in a folder; broken ones are named, not fatal."""
    servers: dict[str, FoundServer] = {}
    model = ""
    problems = []
    for scope, path in _files(folder, environ):
        try:
            config = _read(path)
        except (OSError, ValueError, RecursionError) as error:
            problems.append(f"{path} cannot be used: {error}")
            continue
        named = config.get("model")
        model = named if isinstance(named, str) else model
        mcp = config.get("mcp")
        for name, value in mcp.items() if isinstance(mcp, dict) else ():
            if isinstance(value, dict):
                before = servers[name].config if name in servers else {}
                servers[name] = FoundServer(name, {**before, **value}, scope)
    return FoundConfig(tuple(servers.values()), model, tuple(problems))


def _files(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[Scope, Path]]:
    home = Path(environ.get("OPENCODE_TEST_HOME") or environ.get("HOME") or Path.home())
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "opencode"
    own = [config_home / name for name in ("config.json", *_NAMES)]
    own += [home / ".opencode" / name for name in _NAMES]
    if named := environ.get("OPENCODE_CONFIG"):
        own.append(Path(named))
    if extra := environ.get("OPENCODE_CONFIG_DIR"):
        own += [Path(extra) / name for name in _NAMES]
    yield from (("user", path) for path in own if path.is_file())
    for level in reversed(_levels(folder)):
        places = [level] if level == home else [level, level / ".opencode"]
        yield from (("project", path) for place in places for name in _NAMES if (path := place / name).is_file())


def _levels(folder: Path) -> list[Path]:
    """The folder and those above it, up to the top of its repository; to the root where there is none."""
    levels = []
    for level in (folder, *folder.parents):
        levels.append(level)
        if (level / ".git").exists():
            break
    return levels


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(MAX_CONFIG_BYTES + 1)
    if len(data) > MAX_CONFIG_BYTES:
        raise ValueError(f"it is larger than {MAX_CONFIG_BYTES} bytes")
    config = json5.loads(data.decode("utf-8-sig"))
    if not isinstance(config, dict):
        raise ValueError("it holds no object")
    return config
