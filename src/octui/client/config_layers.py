"""The configuration opencode reads in a folder, source by source, in the order in which it merges them.

Read in 1.18's ``Config`` and ``ConfigPaths``: the user's global files, ``OPENCODE_CONFIG``, the project's
``opencode.json`` from the repository's root down to the folder, then the ``.opencode`` folders with the agents that are
Markdown files, ``OPENCODE_CONFIG_CONTENT``, and last what an administrator has laid down for the machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import json5

from octui.client.permissions import Layer

MAX_BYTES = 1_000_000
"""Larger files are no configuration."""

_FRONT_MATTER = re.compile(r"---[^\n]*\n(.*?)\n---", re.DOTALL)
_VARIABLE = re.compile(r"\{env:([^}]+)\}")
_AGENT_FOLDERS = (("agent", "agents"), ("mode", "modes"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run's own configuration is merged with.

    Attributes:
        below: Sources it is merged over.
        above: Sources that are merged over it.
        has_unseen: Whether plugins or an organisation's remote configuration are loaded, too, of which no file here
            says what they hold.
    """

    below: tuple[Layer, ...] = ()
    above: tuple[Layer, ...] = ()
    has_unseen: bool = False


def surroundings(folder: Path, environ: Mapping[str, str], *, inherit_user_config: bool) -> Surroundings:
    """Read what opencode reads in a folder; files that cannot be read hold nothing.

    Args:
        folder: Where the run works.
        environ: The environment octui runs in.
        inherit_user_config: Whether the user's own configuration applies.
    """
    home = Path(environ.get("OPENCODE_TEST_HOME") or environ.get("HOME") or Path.home())
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "opencode"
    below: list[Layer] = []
    folders: list[Path] = []
    if inherit_user_config:
        below += _files(config_home, "config.json", "opencode.json", "opencode.jsonc")
        if named := environ.get("OPENCODE_CONFIG"):
            below += _files(Path(named).parent, Path(named).name)
        folders.append(config_home)
    if not _is_on(environ.get("OPENCODE_DISABLE_PROJECT_CONFIG")):
        levels = _levels(folder)
        for level in reversed(levels):
            below += _files(level, "opencode.json", "opencode.jsonc")
        folders += [level / ".opencode" for level in levels]
    if inherit_user_config:
        folders.append(home / ".opencode")
        if extra := environ.get("OPENCODE_CONFIG_DIR"):
            folders.append(Path(extra))
    for each in dict.fromkeys(folders):
        if each != config_home:
            below += _files(each, "opencode.json", "opencode.jsonc")
        below += _markdown_agents(each)
    managed = Path(environ.get("OPENCODE_TEST_MANAGED_CONFIG_DIR") or _managed_folder())
    above = [*_files(managed, "opencode.json", "opencode.jsonc")]
    has_plugins = any(layer.config.get("plugin") for layer in (*below, *above)) or any(map(_holds_plugins, folders))
    is_pure = _is_on(environ.get("OPENCODE_PURE"))
    has_unseen = (has_plugins and not is_pure) or _is_of_an_organisation(home, environ)
    return Surroundings(tuple(below), tuple(above), has_unseen)


def _is_on(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true")


def _is_of_an_organisation(home: Path, environ: Mapping[str, str]) -> bool:
    """Whether a login brings remote configuration with it (``.well-known/opencode``)."""
    logins = environ.get("OPENCODE_AUTH_CONTENT") or ""
    data_home = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    with suppress(OSError):
        logins += _text(data_home / "opencode/auth.json")
    return '"wellknown"' in logins


def _managed_folder() -> str:
    return "/Library/Application Support/opencode" if sys.platform == "darwin" else "/etc/opencode"


def _levels(folder: Path) -> list[Path]:
    """The folder and those above it, up to the top of its repository; to the root where there is none."""
    levels = []
    for level in (folder, *folder.parents):
        levels.append(level)
        if (level / ".git").exists():
            break
    return levels


def _files(folder: Path, *names: str) -> Iterator[Layer]:
    for name in names:
        config = _json(folder / name)
        if config:
            yield Layer(str(folder / name), config)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json5.loads(_VARIABLE.sub(r"env:\1", _text(path)))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_BYTES).decode("utf-8-sig", "replace")


def _holds_plugins(folder: Path) -> bool:
    return any(found for name in ("plugin", "plugins") for found in (folder / name).glob("*.[tj]s"))


def _markdown_agents(folder: Path) -> Iterator[Layer]:
    """The agents that are Markdown files; those under ``mode`` are agents like the others when they are merged."""
    agents, modes = _AGENT_FOLDERS
    paths = [path for name in agents for path in sorted((folder / name).rglob("*.md"))]
    paths += [path for name in modes for path in sorted((folder / name).glob("*.md"))]
    for path in paths:
        try:
            text = _text(path)
        except OSError:
            continue
        found = _front_matter(text)
        name = found.get("name") if isinstance(found.get("name"), str) else _name_of(path, folder)
        yield Layer(str(path), {"agent": {name: found}})


def _name_of(path: Path, folder: Path) -> str:
    return path.relative_to(folder / path.relative_to(folder).parts[0]).with_suffix("").as_posix()


def _front_matter(text: str) -> dict[str, Any]:
    import yaml  # Few projects have agents that are Markdown files.

    match = _FRONT_MATTER.match(text.lstrip("\ufeff").replace("\r\n", "\n"))
    try:
        found = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        named = re.search(r"^name:\s*(\S+)\s*$", match[1] if match else "", re.MULTILINE)
        return {"name": named[1]} if named else {}
    return found if isinstance(found, dict) else {}
