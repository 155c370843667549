"""The user's own opencode configuration: where it stands, what it says, and which part of it a run gets.

The one reader of it: discovery, the doctor and isolation all look through it. opencode 1.18 merges, later ones over
earlier ones: the files in ``$XDG_CONFIG_HOME/opencode``, the file ``OPENCODE_CONFIG`` names, the project's own files,
``~/.opencode`` (its own idea of ``~`` being ``$OPENCODE_TEST_HOME`` where set), the folder ``OPENCODE_CONFIG_DIR``
names, and the text in ``OPENCODE_CONFIG_CONTENT``. Each folder may also hold agents, commands, plugins and the like as
files of their own.

``{env:NAME}`` and ``{file:PATH}`` are replaced by opencode in the text, before it is parsed: a relative path starts
from the file it stands in (read in 1.18: ``ConfigVariable.substitute``).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_CONFIG_BYTES = 1_000_000
GLOBAL_NAMES = ("config.json", "opencode.json", "opencode.jsonc")
FOLDER_NAMES = ("opencode.json", "opencode.jsonc")
CONTENT = "OPENCODE_CONFIG_CONTENT"

KEPT_KEYS = ("$schema", "provider", "disabled_providers", "enabled_providers", "model", "small_model")
"""What a run always gets of the user's configuration: what is needed to reach a model."""

FOLDERS: Mapping[str, tuple[str, ...]] = {
    "agent": ("agent", "agents"),
    "mode": ("mode", "modes"),
    "command": ("command", "commands"),
    "plugin": ("plugin", "plugins"),
    "tool": ("tool", "tools"),
    "skills": ("skill", "skills"),
    "instructions": ("AGENTS.md",),
}
"""Files and folders beside the configuration files that belong to a key, ``tool`` being no key of the files."""

MISSED_KEYS = ("plugin", "agent", "mode", "command", "tool", "skills", "permission", "tools")
"""What a run may miss with no word from opencode: plugins that bring a provider or a login, what it names, rules."""

CODE_KEYS = ("plugin", "tool")
"""Keys whose files are programs, which may need the packages beside them."""

_REFERENCE = re.compile(r"\{file:((?:\{env:[^}]+\}|[^}])+)\}")
_VARIABLE = re.compile(r"\{env:([^}]+)\}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|\{(env|file):([^}]+)\}', re.DOTALL)
"""Strings and comments, which are left as they are, and references that stand outside of them."""

_NEEDS_ESCAPE = re.compile(r'["\\}\x00-\x1f]')
"""What a path cannot hold in a reference, which opencode reads in the text as it stands."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place that configuration comes from.

    Attributes:
        name: The file's path, or the variable's name.
        config: What it says; references to files are absolute, values of variables are not filled in.
        problem: Why it cannot be used, as a sentence; empty where it can.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class UserConfig:
    """The user's configuration, the project's left out.

    Attributes:
        early: Sources below the project's: the global files, and the one ``OPENCODE_CONFIG`` names.
        late: Sources over the project's: those of `late_folders`, and ``OPENCODE_CONFIG_CONTENT``.
        folders: The folders that may hold agents, commands and the like, in opencode's order.
    """

    early: tuple[Source, ...]
    late: tuple[Source, ...]
    folders: tuple[Path, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """All sources, in opencode's order."""
        return (*self.early, *self.late)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each source that cannot be used as it is."""
        return tuple(source.problem for source in self.sources if source.problem)

    def value(self, key: str) -> Any:
        """Return the value that wins for a key; None where no source has it."""
        values = [source.config[key] for source in self.sources if source.config.get(key) is not None]
        return values[-1] if values else None

    def left_out(self, keep: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
        """Return what a run may miss that does not get the whole configuration: each key, and where it is set."""
        kept = set(keep)
        found: dict[str, list[str]] = {}
        for key in MISSED_KEYS:
            if key in kept:
                continue
            places = [source.name for source in self.sources if source.config.get(key)]
            places += [str(path) for folder in self.folders for path in present(folder, key)]
            if places:
                found[key] = places
        return {key: tuple(places) for key, places in found.items()}

    def notice(self, keep: Iterable[str] = ()) -> str:
        """Return one line about what a run may miss and how to keep it; empty where it misses nothing."""
        missing = self.left_out(keep)
        if not missing:
            return ""
        keys = ", ".join(json.dumps(key) for key in dict.fromkeys((*keep, *missing)))
        return (
            f"Not used from your opencode configuration: {', '.join(missing)}. "
            f"To use it, set keep = [{keys}] or inherit_user_config = true."
        )


@dataclass(frozen=True, slots=True)
class Places:
    """Where opencode looks for the user's configuration.

    Attributes:
        config_home: Holds the folder of the global files, ``opencode``.
        opencode_home: Holds the other global folder, ``.opencode``.
        file: The file that ``OPENCODE_CONFIG`` names.
        extra: The folder that ``OPENCODE_CONFIG_DIR`` names.
    """

    config_home: Path
    opencode_home: Path
    file: Path | None
    extra: Path | None


def home_of(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder in an environment."""
    return Path(environ.get("HOME") or Path.home())


def data_home_of(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds opencode's own folder of data, ``opencode``, in an environment."""
    return Path(environ.get("XDG_DATA_HOME") or home_of(environ) / ".local" / "share")


def places(environ: Mapping[str, str]) -> Places:
    """Return where opencode looks for the user's configuration in an environment."""
    home = home_of(environ)
    named, extra = environ.get("OPENCODE_CONFIG"), environ.get("OPENCODE_CONFIG_DIR")
    return Places(
        config_home=Path(environ.get("XDG_CONFIG_HOME") or home / ".config"),
        opencode_home=Path(environ.get("OPENCODE_TEST_HOME") or home),
        file=Path(named).absolute() if named else None,
        extra=Path(extra).absolute() if extra else None,
    )


def read_user_config(environ: Mapping[str, str] = os.environ) -> UserConfig:
    """Read the user's configuration; sources that cannot be used are named, not fatal."""
    where = places(environ)
    global_folder, own_folder = where.config_home / "opencode", where.opencode_home / ".opencode"
    early = read_folder(global_folder, GLOBAL_NAMES, environ)
    if where.file is not None:
        early += [read_source(where.file, environ)]
    late = read_folder(own_folder, FOLDER_NAMES, environ)
    folders = [global_folder, own_folder]
    if where.extra is not None:
        late += read_folder(where.extra, FOLDER_NAMES, environ)
        folders.append(where.extra)
    if text := environ.get(CONTENT):
        late.append(_read_content(text, environ))
    return UserConfig(tuple(early), tuple(late), tuple(folders))


def read_folder(folder: Path, names: Iterable[str], environ: Mapping[str, str]) -> list[Source]:
    """Read the configuration files of a folder that are there."""
    return [read_source(path, environ) for name in names if os.path.lexists(path := folder / name)]


def read_source(path: Path, environ: Mapping[str, str]) -> Source:
    """Read a configuration file; what is wrong with it is said in the source."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise ValueError(f"it is larger than {MAX_CONFIG_BYTES} bytes")
        config = parse(data.decode("utf-8-sig"), environ, path.parent)
    except (OSError, ValueError, RecursionError) as error:
        return Source(str(path), problem=f"{path} cannot be used: {_reason(error)}.")
    missing = [name for name in _references(config) if not Path(name).is_file()]
    problem = f"{path} refers to {missing[0]}, which is not there." if missing else ""
    return Source(str(path), config, problem)


def parse(text: str, environ: Mapping[str, str], folder: Path | None) -> dict[str, Any]:
    """Parse configuration as opencode does.

    Args:
        text: JSON with comments and trailing commas.
        environ: For variables that stand outside of strings, and for ``~``.
        folder: What relative references start from; None leaves them as they are.

    Raises:
        OSError: A file that is referred to outside of a string cannot be read.
        ValueError: It is no JSON object.
        RecursionError: It is nested too deeply.
    """

    def fill_in(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        if kind is None:
            return match[0]
        if kind == "env":
            return environ.get(name, "")
        path = _absolute(name, folder or Path.cwd(), environ)
        return json.dumps(path.read_text("utf-8").strip(), ensure_ascii=False)[1:-1]

    import json5  # It takes a while, and what checks a run's own configuration needs none of it.

    config = json5.loads(_TOKEN.sub(fill_in, text))
    if not isinstance(config, dict):
        raise ValueError("it holds no JSON object")
    if folder is None:
        return config
    moved = _moved(config, folder, environ)
    assert isinstance(moved, dict)
    if isinstance(plugins := moved.get("plugin"), list):
        moved["plugin"] = [_absolute_plugin(plugin, folder) for plugin in plugins]
    return moved


def substituted(value: str, environ: Mapping[str, str]) -> str:
    """Return a value with its ``{env:NAME}`` filled in."""
    return _VARIABLE.sub(lambda match: environ.get(match[1], ""), value)


def filled_in(config: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return a configuration with every ``{env:NAME}`` in it filled in, for looking at it; it may hold secrets then."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return substituted(value, environ)
        if isinstance(value, Mapping):
            return {key: fill(inner) for key, inner in value.items()}
        return [*map(fill, value)] if isinstance(value, list) else value

    return {key: fill(value) for key, value in config.items()}


def present(folder: Path, key: str) -> Iterator[Path]:
    """Yield the files and folders of a configuration folder that belong to a key and hold something."""
    for name in FOLDERS.get(key, ()):
        path = folder / name
        try:
            if path.is_file() or (path.is_dir() and any(path.iterdir())):
                yield path
        except OSError:
            continue


def kept(config: Mapping[str, Any], keep: Iterable[str] = ()) -> dict[str, Any]:
    """Return the part of a source that a run gets."""
    keys = {*KEPT_KEYS, *keep}
    return {key: value for key, value in config.items() if key in keys}


def _read_content(text: str, environ: Mapping[str, str]) -> Source:
    """Read ``OPENCODE_CONFIG_CONTENT``; its references start from the folder a run works in, and stay as they are."""
    try:
        return Source(CONTENT, parse(text, environ, None))
    except (OSError, ValueError, RecursionError) as error:
        return Source(CONTENT, problem=f"{CONTENT} cannot be used: {_reason(error)}.")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0][:120].rstrip(".") if str(error) else type(error).__name__


def _absolute(name: str, folder: Path, environ: Mapping[str, str]) -> Path:
    name = substituted(name, environ)
    return home_of(environ) / name[2:] if name.startswith("~/") else Path(os.path.normpath(folder / name))


def _moved(value: Any, folder: Path, environ: Mapping[str, str]) -> Any:
    """Return a value whose references to files do not depend on where it stands."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _absolute_reference(match[1], folder, environ), value)
    if isinstance(value, dict):
        return {_moved(key, folder, environ): _moved(inner, folder, environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, folder, environ) for inner in value]
    return value


def _absolute_reference(name: str, folder: Path, environ: Mapping[str, str]) -> str:
    path = _absolute(name, folder, environ)
    if _NEEDS_ESCAPE.search(str(path)):
        return path.read_text("utf-8").strip()
    return f"{{file:{path}}}"


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _absolute_plugin(plugin: Any, folder: Path) -> Any:
    """Return a plugin, alone or with its options, whose path does not depend on where it stands."""
    if isinstance(plugin, list) and plugin:
        return [_absolute_plugin(plugin[0], folder), *plugin[1:]]
    if isinstance(plugin, str) and plugin.startswith("."):
        return str(Path(os.path.normpath(folder / plugin)))
    return plugin
