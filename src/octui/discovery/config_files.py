"""Reads opencode's own configuration files for what a launcher can offer: MCP servers and the default model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from octui.client import user_config
from octui.client.config_layers import project_folders
from octui.client.user_config import FOLDER_NAMES, MAX_CONFIG_BYTES, Source

__all__ = ["MAX_CONFIG_BYTES", "FoundConfig", "FoundServer", "read_config"]

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
        left_out: Keys of the user's configuration that a run may miss unless it keeps them.
    """

    servers: tuple[FoundServer, ...] = ()
    model: str = ""
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def read_config(folder: Path, environ: Mapping[str, str] = os.environ) -> FoundConfig:
    """Read every configuration file that opencode would read in a folder; broken ones are named, not fatal."""
    user = user_config.read_user_config(environ)
    project = [*_of_project(folder, environ)]
    servers: dict[str, FoundServer] = {}
    model = ""
    problems = []
    for scope, source in _scoped(user.early, project, user.late):
        if source.problem:
            problems.append(source.problem)
        named = source.config.get("model")
        model = user_config.substituted(named, environ) if isinstance(named, str) else model
        mcp = source.config.get("mcp")
        for name, value in mcp.items() if isinstance(mcp, dict) else ():
            if isinstance(value, dict):
                before = servers.get(name)
                scope_of_both: Scope = "project" if before is not None and before.scope == "project" else scope
                servers[name] = FoundServer(name, {**(before.config if before else {}), **value}, scope_of_both)
    return FoundConfig(tuple(servers.values()), model, tuple(problems), tuple(user.left_out()))


def _scoped(
    early: Iterable[Source], project: Iterable[Source], late: Iterable[Source]
) -> Iterator[tuple[Scope, Source]]:
    yield from (("user", source) for source in early)
    yield from (("project", source) for source in project)
    yield from (("user", source) for source in late)


def _of_project(folder: Path, environ: Mapping[str, str]) -> Iterator[Source]:
    """The project's own files, later ones over earlier ones."""
    for each in project_folders(folder, environ):
        yield from user_config.read_folder(each, FOLDER_NAMES, environ)
