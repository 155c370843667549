"""What a run sees of its user's home: a private data home, and a copy of the global configuration without its habits.

opencode keeps its database, its log and its logins in ``$XDG_DATA_HOME/opencode``, and reads global configuration
from ``$XDG_CONFIG_HOME/opencode`` and ``~/.opencode`` (its own idea of ``~`` being ``$OPENCODE_TEST_HOME`` where set).
A private home links every other entry of the real one, so that what an agent runs (git, package managers) still finds
its own files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octui.client import compat, logins, user_config
from octui.client.user_config import CODE_KEYS, CONTENT, FOLDERS, Source, UserConfig
from octui.encoding import encode_json


@dataclass(frozen=True, slots=True)
class Homes:
    """Where a run's homes are, and what could not be taken over.

    Attributes:
        data: The folder opencode keeps its log in, ``log/opencode.log``.
        variables: Environment variables to set.
        warnings: One sentence for each source of configuration that was left out or cannot work.
        content: What is kept of ``OPENCODE_CONFIG_CONTENT``.
        providers: Those of the user's configuration that were taken over.
        models: The user's default models that were taken over.
        has_private_data: Whether the data home is the run's own.
        has_private_config: Whether only a part of the user's configuration was taken over.
        brings_more: Whether programs of the user's were taken over, which may bring providers.
        keeps_permission: Whether the user's own permissions apply.
    """

    data: Path
    variables: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    providers: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    has_private_data: bool = False
    has_private_config: bool = False
    brings_more: bool = False
    keeps_permission: bool = True

    @property
    def are_private(self) -> bool:
        """Whether nothing of the user's is in them but what was taken over."""
        return self.has_private_data and self.has_private_config


def prepare(
    folder: Path,
    environ: Mapping[str, str],
    *,
    private_data: bool,
    inherit_user_config: bool,
    keep: Sequence[str] = (),
    data_dir: Path | None = None,
) -> Homes:
    """Lay out a run's homes in its temporary folder.

    Args:
        folder: From `octui.temporary.make_folder`.
        environ: The environment the user's homes are named in.
        private_data: Whether the run gets a data home of its own, with the real logins in reach.
        inherit_user_config: Whether the global configuration applies as it is.
        keep: Keys of it to take over beside those that reach a model, with the files that belong to them.
        data_dir: Where a private data home stands, or is to stand, that outlives the run; None for a temporary one.

    Raises:
        OSError: The folder cannot be written.
    """
    data_home = user_config.data_home_of(environ)
    variables: dict[str, str] = {}
    if private_data:
        private = data_dir or folder / "data"
        _mirror(data_home, private)
        own = private / "opencode"
        own.mkdir(mode=0o700, exist_ok=True)
        logins.link_logins(data_home / "opencode", own)
        variables["XDG_DATA_HOME"] = str(private)
        data_home = private
    found = user_config.read_user_config(environ)
    content = next((source for source in found.late if source.name == CONTENT), Source(CONTENT))
    if inherit_user_config:
        return Homes(
            data_home / "opencode",
            variables,
            (content.problem,) if content.problem else (),
            content.config,
            has_private_data=private_data,
        )
    where = user_config.places(environ)
    config, own_home = folder / "config", folder / "home"
    _mirror(where.config_home, config)
    variables |= {"XDG_CONFIG_HOME": str(config), "OPENCODE_TEST_HOME": str(own_home)}
    copies = {
        where.config_home / "opencode": config / "opencode",
        where.opencode_home / ".opencode": own_home / ".opencode",
    }
    if where.extra is not None:
        copies[where.extra] = folder / "extra"
    for real, own in copies.items():
        _copy_folder(real, own, keep)
    written: set[Path] = set()
    for source in found.sources:
        path = Path(source.name)
        if path == where.file:
            if _write_config(own := folder / "opencode.json", source, keep):
                variables["OPENCODE_CONFIG"] = str(own)
        elif path.parent in copies and _write_config(own := copies[path.parent] / path.name, source, keep):
            written.add(own.parent)
    if where.extra is not None and (
        copies[where.extra] in written or any(own.is_symlink() for own in copies[where.extra].iterdir())
    ):
        variables["OPENCODE_CONFIG_DIR"] = str(copies[where.extra])
    return Homes(
        data_home / "opencode",
        variables,
        found.problems,
        user_config.kept(content.config, keep),
        _providers(found),
        _models(found, environ),
        has_private_data=private_data,
        has_private_config=True,
        brings_more=any(key in CODE_KEYS for key in keep),
        keeps_permission="permission" in keep,
    )


def _providers(found: UserConfig) -> frozenset[str]:
    named = (source.config.get("provider") for source in found.sources)
    return frozenset(name for each in named if isinstance(each, Mapping) for name in each)


def _models(found: UserConfig, environ: Mapping[str, str]) -> tuple[str, ...]:
    values = (found.value(key) for key in ("model", "small_model"))
    return tuple(user_config.substituted(value, environ) for value in values if isinstance(value, str))


def _mirror(real: Path, private: Path) -> None:
    """Make a folder whose entries lead to those of the real one, but for opencode's."""
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):
        for entry in real.iterdir():
            if entry.name != "opencode":
                with suppress(FileExistsError):
                    (private / entry.name).symlink_to(entry.absolute())


def _copy_folder(real: Path, own: Path, keep: Iterable[str]) -> None:
    """Lay out a configuration folder in which only what is kept leads to that of the user."""
    own.mkdir(mode=0o700, parents=True)
    (own / "node_modules").mkdir()
    for name, content in compat.INSTALLED_ALREADY.items():
        (own / name).write_text(content)
    for key in keep:
        for name in FOLDERS.get(key, ()):
            if (real / name).exists():
                (own / name).symlink_to((real / name).absolute())


def _write_config(path: Path, source: Source, keep: Iterable[str]) -> bool:
    """Write the part of a source that is kept, for its owner only: it may hold keys. Return whether there is one."""
    config = user_config.kept(source.config, keep)
    if config:
        path.touch(mode=0o600)
        path.write_bytes(encode_json(config))
    return bool(config)
