"""The configuration opencode reads in a folder, source by source, in the order in which it merges them.

Read in 1.18's ``Config`` and ``ConfigPaths``: the user's global files, ``OPENCODE_CONFIG``, the project's
``opencode.json`` from the repository's root down to the folder, then the ``.opencode`` folders with the agents that are
Markdown files, ``OPENCODE_CONFIG_CONTENT``, and last what an administrator has laid down for the machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octui.client import user_config
from octui.client.permissions import Layer
from octui.client.user_config import CONTENT, FOLDER_NAMES, FOLDERS, MAX_CONFIG_BYTES, Source

_FRONT_MATTER = re.compile(r"---[^\n]*\n(.*?)\n---", re.DOTALL)


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


def surroundings(
    folder: Path, environ: Mapping[str, str], *, inherit_user_config: bool, keep: Sequence[str] = ()
) -> Surroundings:
    """Read what opencode reads in a folder; files that cannot be read hold nothing.

    Args:
        folder: Where the run works.
        environ: The environment octui runs in.
        inherit_user_config: Whether the user's own configuration applies.
        keep: Keys of it that apply in any case.
    """
    user = user_config.read_user_config(environ)

    def layers(sources: Iterable[Source]) -> Iterator[Layer]:
        for source in sources:
            config = {key: value for key, value in source.config.items() if inherit_user_config or key in keep}
            if config:
                yield Layer(source.name, user_config.filled_in(config, environ))

    below: list[Layer] = [*layers(user.early)]
    project: list[Path] = []
    if not _is_on(environ.get("OPENCODE_DISABLE_PROJECT_CONFIG")):
        project = _levels(folder)
        for level in reversed(project):
            below += _files(level, environ)
    own = user.folders[1:]
    folders = dict.fromkeys((user.folders[0], *(level / ".opencode" for level in project), *own))
    for each in folders:
        if each in own:
            below += layers(source for source in user.late if Path(source.name).parent == each)
        elif each != user.folders[0]:
            below += _files(each, environ)
        kinds = ("agent", "mode") if inherit_user_config or each not in user.folders else keep
        below += _markdown_agents(each, kinds)
    below += layers(source for source in user.late if source.name == CONTENT)
    managed = Path(environ.get("OPENCODE_TEST_MANAGED_CONFIG_DIR") or _managed_folder())
    above = [*_files(managed, environ)]
    has_plugins = any(layer.config.get("plugin") for layer in (*below, *above)) or any(
        _holds_plugins(each) for each in folders if inherit_user_config or "plugin" in keep or each not in user.folders
    )
    is_pure = _is_on(environ.get("OPENCODE_PURE"))
    has_unseen = (has_plugins and not is_pure) or _is_of_an_organisation(environ)
    return Surroundings(tuple(below), tuple(above), has_unseen)


def project_folders(folder: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders whose configuration is the project's, later ones merged over earlier ones."""
    levels = _levels(folder)
    own = {
        user_config.places(environ).opencode_home / ".opencode",
        user_config.places(environ).config_home / "opencode",
    }
    yield from reversed(levels)
    yield from (each for level in levels if (each := level / ".opencode") not in own)


def _is_on(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true")


def _is_of_an_organisation(environ: Mapping[str, str]) -> bool:
    """Whether a login brings remote configuration with it (``.well-known/opencode``)."""
    logins = environ.get("OPENCODE_AUTH_CONTENT") or ""
    with suppress(OSError):
        logins += _text(user_config.data_home_of(environ) / "opencode/auth.json")
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


def _files(folder: Path, environ: Mapping[str, str]) -> Iterator[Layer]:
    for source in user_config.read_folder(folder, FOLDER_NAMES, environ):
        if source.config:
            yield Layer(source.name, user_config.filled_in(source.config, environ))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_CONFIG_BYTES).decode("utf-8-sig", "replace")


def _holds_plugins(folder: Path) -> bool:
    return any(found for name in ("plugin", "plugins") for found in (folder / name).glob("*.[tj]s"))


def _markdown_agents(folder: Path, kinds: Collection[str]) -> Iterator[Layer]:
    """The agents that are Markdown files; those under ``mode`` are agents like the others when they are merged."""
    agents, modes = (FOLDERS[key] if key in kinds else () for key in ("agent", "mode"))
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
