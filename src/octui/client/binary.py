"""Finding opencode, and asking it for its version."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from octui import temporary
from octui.client.compat import TEMPORARY_VARIABLE, read_version
from octui.client.environment import inherited
from octui.client.executable import run_failure, start_failure
from octui.encoding import decode_json, encode_json
from octui.errors import OpenCodeBinaryNotFoundError

NAME = "opencode"
VARIABLE = "OPENCODE_BINARY"
VERSION_TIMEOUT_S = 30.0
_HINT = "Install it from https://opencode.ai, or say where it is with --binary or OPENCODE_BINARY."

_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe")
"""How executables of Linux and macOS begin."""

_Told = tuple[int, int, str]
"""When an executable was changed, in nanoseconds, its size in bytes, and the version it told then."""

_decoder = msgspec.json.Decoder(dict[str, _Told])

_known: dict[str, _Told] = {}
"""What was told, by path."""


def find_binary(explicit: str | Path | None = None, extra: Iterable[Path] = ()) -> Path:
    """Find the opencode executable.

    Args:
        explicit: A path, or a name to look for on ``PATH``; nothing else is then tried. ``None`` and plain
            ``opencode`` search: ``OPENCODE_BINARY``, ``PATH``, ``~/.opencode/bin``, then ``extra``.
        extra: Further places, such as a copy octui installed.

    Raises:
        OpenCodeBinaryNotFoundError: None is there, or the one asked for cannot be executed.
    """
    if explicit is not None and str(explicit) != NAME:
        return _usable(str(explicit), "as asked for")
    if named := os.environ.get(VARIABLE):
        return _usable(named, f"named by {VARIABLE}")
    on_path = shutil.which(NAME)
    places = [Path.home() / ".opencode" / "bin" / NAME, *extra]
    for place in [Path(on_path)] if on_path else places:
        if os.access(place, os.X_OK) and place.is_file():
            return place.absolute()
    raise OpenCodeBinaryNotFoundError("opencode was not found.", hint=_HINT)


def _usable(name: str, why: str) -> Path:
    path = Path(name).expanduser()
    if found := shutil.which(path if "/" in name else name):
        return Path(found).absolute()
    if path.is_dir():
        reason = "is a folder"
    elif path.exists():
        reason = "cannot be executed"
    else:
        reason = "is not there"
    raise OpenCodeBinaryNotFoundError(f"opencode {why} ({name}) {reason}.", hint=_HINT)


def binary_version(path: Path, notes: Path | None = None) -> str:
    """Ask an executable for its version, such as ``1.18.33``; asked once for each state of the file.

    Args:
        path: The executable.
        notes: A file in which answers are kept for other processes: opencode takes half a second for one.

    Raises:
        OpenCodeBinaryNotFoundError: It does not answer as opencode does.
    """
    stat = path.stat()
    name, state = str(path), (stat.st_mtime_ns, stat.st_size)
    if not _is_known(name, state) and notes is not None:
        _known.update(_read(notes))
    if not _is_known(name, state):
        _known[name] = (*state, _ask_version(path))
        if notes is not None and _is_program(path):
            _write(notes, {**_read(notes), name: _known[name]})
    return _known[name][2]


def _is_known(name: str, state: tuple[int, int]) -> bool:
    return name in _known and _known[name][:2] == state


def _is_program(path: Path) -> bool:
    """Whether it is opencode itself: a script that starts one stays as it is when that one changes."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _PROGRAMS
    except OSError:
        return False


def _read(notes: Path) -> dict[str, _Told]:
    try:
        return decode_json(notes.read_bytes(), _decoder)
    except (OSError, ValueError):
        return {}


def _write(notes: Path, told: dict[str, _Told]) -> None:
    beside = notes.with_name(f"{notes.name}.{os.getpid()}")
    try:
        notes.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_bytes(encode_json(told))
        beside.replace(notes)
    except OSError:  # It will be asked again.
        with suppress(OSError):
            beside.unlink()


def _ask_version(path: Path) -> str:
    try:
        with tempfile.TemporaryDirectory(prefix=temporary.prefix("ask"), ignore_cleanup_errors=True) as temp:
            done = subprocess.run(
                [path, "--version"],
                env={**inherited(os.environ), TEMPORARY_VARIABLE: temp},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=VERSION_TIMEOUT_S,
                check=False,
            )
    except OSError as error:
        raise OpenCodeBinaryNotFoundError(f"{path} does not run: {start_failure(path, error)}.", hint=_HINT) from error
    except subprocess.TimeoutExpired as error:
        words = f"{path} does not run: asked for its version, it gave none within {VERSION_TIMEOUT_S:g} s."
        raise OpenCodeBinaryNotFoundError(words, hint=_HINT) from error
    if done.returncode != 0:
        why = run_failure(done.returncode, done.stderr or done.stdout)
        raise OpenCodeBinaryNotFoundError(f"{path} does not run: {why}.", hint=_HINT)
    version = read_version(done.stdout)
    if version is None:
        raise OpenCodeBinaryNotFoundError(
            f"{path} is not opencode: asked for its version, it gave no version number.", hint=_HINT
        )
    return version
