"""What a run sees of its user's home: a private data home, and a copy of the global configuration without its habits.

opencode keeps its database, its log and its logins in ``$XDG_DATA_HOME/opencode``, and reads global configuration
from ``$XDG_CONFIG_HOME/opencode`` and ``~/.opencode`` (its own idea of ``~`` being ``$OPENCODE_TEST_HOME`` where set).
A private home links every other entry of the real one, so that what an agent runs (git, package managers) still finds
its own files.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import json5
import msgspec

from octui.client import compat, logins
from octui.client.config import deep_merge

KEPT_KEYS = ("$schema", "provider", "disabled_providers", "enabled_providers")
"""What is kept of the user's global configuration: what is needed to reach a model."""

CONFIG_NAMES = ("config.json", "opencode.json", "opencode.jsonc")
DROPPED_VARIABLES = ("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "OPENCODE_CONFIG_CONTENT")


@dataclass(frozen=True, slots=True)
class Homes:
    """Where a run's homes are, and what could not be taken over.

    Attributes:
        variables: Environment variables to set.
        dropped: Environment variables to leave out.
        warnings: One sentence for each configuration file that was left out.
        data: The folder opencode keeps its log in, ``log/opencode.log``.
        providers: Those of the user's global configuration that were taken over.
    """

    data: Path
    variables: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    providers: frozenset[str] = frozenset()

    @property
    def are_private(self) -> bool:
        """Whether nothing of the user's is in them but what was taken over."""
        return self.variables.keys() >= {"XDG_DATA_HOME", "XDG_CONFIG_HOME"}


def prepare(
    folder: Path,
    environ: Mapping[str, str],
    *,
    private_data: bool,
    inherit_user_config: bool,
    data_dir: Path | None = None,
) -> Homes:
    """Lay out a run's homes in its temporary folder.

    Args:
        folder: From `octui.temporary.make_folder`.
        environ: The environment the user's homes are named in.
        private_data: Whether the run gets a data home of its own, with the real logins in reach.
        inherit_user_config: Whether the global configuration applies as it is.
        data_dir: Where a private data home stands, or is to stand, that outlives the run; None for a temporary one.

    Raises:
        OSError: The folder cannot be written.
    """
    home = Path(environ.get("HOME") or Path.home())
    data_home = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    variables: dict[str, str] = {}
    if private_data:
        private = data_dir or folder / "data"
        _mirror(data_home, private)
        own = private / "opencode"
        own.mkdir(mode=0o700, exist_ok=True)
        logins.link_logins(data_home / "opencode", own)
        variables["XDG_DATA_HOME"] = str(private)
        data_home = private
    if inherit_user_config:
        return Homes(data_home / "opencode", variables)
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    opencode_home = Path(environ.get("OPENCODE_TEST_HOME") or home)
    warnings: list[str] = []
    config = folder / "config"
    _mirror(config_home, config)
    own_home = folder / "home"
    providers: set[str] = set()
    for real, own, name in ((config_home, config, "opencode"), (opencode_home, own_home, ".opencode")):
        kept = _kept(real / name, warnings)
        _write_config(own / name, kept)
        if isinstance(named := kept.get("provider"), dict):
            providers |= named.keys()
    variables |= {"XDG_CONFIG_HOME": str(config), "OPENCODE_TEST_HOME": str(own_home)}
    return Homes(data_home / "opencode", variables, DROPPED_VARIABLES, tuple(warnings), frozenset(providers))


def _mirror(real: Path, private: Path) -> None:
    """Make a folder whose entries lead to those of the real one, but for opencode's."""
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):
        for entry in real.iterdir():
            if entry.name != "opencode":
                with suppress(FileExistsError):
                    (private / entry.name).symlink_to(entry.absolute())


def _kept(folder: Path, warnings: list[str]) -> dict[str, Any]:
    """Read a folder's configuration files as opencode does, later ones over earlier, and keep what may be kept."""
    kept: dict[str, Any] = {}
    for name in CONFIG_NAMES:
        path = folder / name
        try:
            value = json5.loads(path.read_text("utf-8-sig"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
            warnings.append(f"{path} was left out: it cannot be read as JSON ({reason}).")
            continue
        if isinstance(value, dict):
            kept = deep_merge(kept, {key: value[key] for key in KEPT_KEYS if key in value})
    return kept


def _write_config(folder: Path, config: dict[str, Any]) -> None:
    folder.mkdir(mode=0o700, parents=True)
    (folder / "node_modules").mkdir()
    for name, content in compat.INSTALLED_ALREADY.items():
        (folder / name).write_text(content)
    if config:
        path = folder / "opencode.json"
        path.touch(mode=0o600)
        path.write_bytes(msgspec.json.encode(config))
