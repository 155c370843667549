"""Where octui keeps things: the user's data, configuration and runtime folders.

``OCTUI_HOME`` puts all of them under one folder; it serves tests, demos and people who want octui on a stick.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

_APP = "octui"


def _folder(kind: str, default: str) -> Path:
    home = os.environ.get("OCTUI_HOME")
    return Path(home).expanduser() / kind if home else Path(default)


def data_dir() -> Path:
    """Sessions, the last used launcher values and octui's own copy of opencode."""
    return _folder("data", platformdirs.user_data_dir(_APP, appauthor=False))


def sessions_dir() -> Path:
    """One folder a session."""
    return data_dir() / "sessions"


def worktrees_dir() -> Path:
    """The git worktrees of runs, in a folder a session."""
    return data_dir() / "worktrees"


def opencode_install_dir() -> Path:
    """The npm prefix of the opencode that octui installed for the user, if it did."""
    return data_dir() / "opencode"


def versions_file() -> Path:
    """Where the versions of the executables that were asked are kept."""
    return data_dir() / "opencode-versions.json"


def config_dir() -> Path:
    """``settings.toml`` and the user's own themes."""
    return _folder("config", platformdirs.user_config_dir(_APP, appauthor=False))


def user_themes_dir() -> Path:
    """The user's own ``*.toml`` themes."""
    return config_dir() / "themes"


def runtime_dir() -> Path:
    """Control sockets. Kept short: a Unix socket's path may have about 100 bytes only."""
    home = os.environ.get("XDG_RUNTIME_DIR")
    if home and len(os.fsencode(home)) < 60 and Path(home).is_dir():
        return Path(home) / _APP
    return Path(tempfile.gettempdir()) / f"{_APP}-{os.getuid()}"


def package_data_dir(name: str) -> Path:
    """A folder shipped with octui (``themes``, ``sample_sessions``): in the wheel, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    shipped = here / "_data" / name
    return shipped if shipped.is_dir() else here.parents[1] / name


def make_private(folder: Path) -> Path:
    """Create a folder that only the user can enter, and so each parent that is not there yet; give it back.

    Raises:
        OSError: Where it cannot be created.
    """
    if not folder.parent.is_dir():
        make_private(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder
