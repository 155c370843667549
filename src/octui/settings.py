"""The user's settings: ``settings.toml`` in octui's configuration folder. Every setting may be left out."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from octui import paths
from octui.encoding import decode_file
from octui.errors import SettingsError

FILE = "settings.toml"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a user can choose.

    Attributes:
        theme: The name of a theme, ours or the user's own.
        keys: For each command's id, the key or keys (separated by commas) it is bound to instead of its own.
        bell: Whether the terminal's bell rings when a run begins to wait for an answer.
        notify: Whether the desktop is told of it too.
        keep_days: Sessions that were not used for so many days are deleted when a new one begins; None keeps them.
        keep_mb: Of all sessions together so many megabytes are kept at most, the newest; None keeps all.
    """

    theme: str = "octui-dark"
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    bell: bool = True
    notify: bool = False
    keep_days: Annotated[float, msgspec.Meta(ge=0)] | None = None
    keep_mb: Annotated[float, msgspec.Meta(ge=0)] | None = None


def path() -> Path:
    """Where the settings are."""
    return paths.config_dir() / FILE


def load() -> Settings:
    """Read the settings; the defaults where there is no file.

    Raises:
        SettingsError: The file cannot be used, with the place and what is wrong.
    """
    try:
        values = _read()
    except FileNotFoundError:
        return Settings()
    for key in values:
        if key not in Settings.__struct_fields__:
            near = difflib.get_close_matches(key, Settings.__struct_fields__, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise SettingsError(f"{path()}: {key!r} is no setting of octui.{meant}")
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        words = re.sub(r" - at `[$][.]?(.*)`", r" (\1)", str(error))
        raise SettingsError(f"{path()}: {words}.", hint="Mend it or remove it.") from None


def load_or_default() -> tuple[Settings, str]:
    """Read the settings as `load` does; where they cannot be used, give the defaults and a sentence that says why."""
    try:
        return load(), ""
    except SettingsError as error:
        return Settings(), str(error)


def save(**changes: Any) -> None:
    """Change some settings and keep the others, in one step.

    Raises:
        SettingsError: The file cannot be read as it is, or cannot be written.
    """
    import tomli_w  # Here, as every start reads settings and hardly any writes them.

    try:
        values = _read()
    except FileNotFoundError:
        values = {}
    text = tomli_w.dumps({**values, **changes})
    try:
        paths.make_private(path().parent)
        _replace(path().resolve(), text)  # Where it is a link, as into a folder of dotfiles, it stays one.
    except OSError as error:
        raise SettingsError(f"{path()} cannot be written: {error.strerror or error}.") from error


def _replace(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".settings-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _read() -> dict[str, Any]:
    try:
        return tomllib.loads(decode_file(path().read_bytes()).replace("\r\n", "\n"))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path()} cannot be read: {error}.", hint="Mend it or remove it.") from error
