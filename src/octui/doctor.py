"""What `octui doctor` looks at: everything a session needs, what was found, and what to do about what was not.

Nothing is changed by looking, and of credentials only names are told.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from octui import paths, temporary
from octui.client import logins
from octui.client.binary import binary_version, find_binary
from octui.client.compat import TESTED_RANGE, TESTED_VERSION, can_be_served, is_tested, unsupported
from octui.client.lenient_json import decode
from octui.client.user_config import read_user_config, substituted
from octui.discovery.queries import Queries
from octui.errors import OctuiError, OpenCodeBinaryNotFoundError
from octui.install import installed_binary

MIN_PYTHON = (3, 11)
MIN_SIZE = (80, 24)
"""The smallest terminal the dashboard is drawn for: columns, rows."""

_MEGABYTE = 1_000_000
_LITTLE_DISK = 1_000 * _MEGABYTE
_NO_DISK = 100 * _MEGABYTE
_RUN_MEMORY = 400 * _MEGABYTE
"""What one run of opencode 1.18 takes, measured."""

_OWN_PROVIDER = "opencode"
"""opencode's own provider, whose free models need no account."""


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        status: `Status.FAIL` where octui cannot work as it is, `Status.WARN` where something will be missing.
        found: What was found.
        advice: What to do, as one sentence; empty where there is nothing to do.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


def examine(binary: str | Path | None = None) -> list[Check]:
    """Look at everything; takes a few seconds, since opencode is asked for its models.

    Args:
        binary: The opencode to look at; None searches as every command does.
    """
    checks = [check_python(), check_terminal(), check_colours(), check_unicode()]
    opencode, path = check_opencode(binary)
    checks.append(opencode)
    checks.append(check_configuration())
    if path is not None:
        checks.append(check_providers(path))
    checks.append(check_logins())
    checks += [check_ripgrep(), check_git()]
    checks.append(check_folder("data folder", paths.data_dir(), private=True))
    checks.append(check_folder("configuration folder", paths.config_dir(), private=False))
    checks.append(check_folder("runtime folder", paths.runtime_dir(), private=True))
    checks += [check_disk(paths.data_dir()), check_memory()]
    return checks


def check_python() -> Check:
    """The interpreter octui runs on."""
    found = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] >= MIN_PYTHON:
        return Check("python", Status.OK, found)
    return Check("python", Status.FAIL, found, f"octui needs Python {'.'.join(map(str, MIN_PYTHON))} or later.")


def check_terminal() -> Check:
    """Whether there is a terminal, and its size."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        advice = "Without one `octui run --headless` works; the dashboard needs one."
        return Check("terminal", Status.WARN, "no terminal", advice)
    columns, rows = shutil.get_terminal_size()
    found = f"{columns}×{rows}, TERM={os.environ.get('TERM') or 'not set'}"
    if columns < MIN_SIZE[0] or rows < MIN_SIZE[1]:
        advice = f"Make it at least {MIN_SIZE[0]}×{MIN_SIZE[1]}; smaller ones show less."
        return Check("terminal", Status.WARN, found, advice)
    return Check("terminal", Status.OK, found)


def check_colours() -> Check:
    """How many colours the terminal says it has."""
    environ = os.environ
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR"):
        return Check("colours", Status.OK, "none, as NO_COLOR asks for; every state has a sign and a word too")
    if term in ("", "dumb"):
        return Check("colours", Status.WARN, "none", "Set TERM to what your terminal is, such as xterm-256color.")
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "direct" in term:
        return Check("colours", Status.OK, "16 million")
    if "256color" in term:
        found = "256; themes are approximated"
        return Check("colours", Status.OK, found, "Set COLORTERM=truecolor if your terminal has 16 million.")
    advice = "Set COLORTERM=truecolor, or TERM=xterm-256color, if your terminal has more."
    return Check("colours", Status.WARN, "16; themes will look coarse", advice)


def check_unicode() -> Check:
    """Whether the terminal takes Unicode."""
    encoding = sys.stdout.encoding or "unknown"
    if encoding.lower().replace("-", "") == "utf8":
        return Check("unicode", Status.OK, encoding)
    return Check("unicode", Status.WARN, f"{encoding}; plain signs are used", "Set LANG to a UTF-8 locale, as C.UTF-8.")


def check_opencode(binary: str | Path | None = None) -> tuple[Check, Path | None]:
    """Which opencode is used and whether octui was tested with it; its path as well, where it runs."""
    try:
        path = find_binary(binary, [installed_binary()])
        version = binary_version(path)
    except OpenCodeBinaryNotFoundError as error:
        return Check("opencode", Status.FAIL, error.message, error.hint), None
    found = f"{version} at {path}; {_ways(version)}"
    if is_tested(version):
        return Check("opencode", Status.OK, found), path
    first, end = (".".join(map(str, bound)) for bound in TESTED_RANGE)
    if words := unsupported(version):
        return Check("opencode", Status.WARN, found, words), path
    advice = f"octui is tested with {first} up to before {end}; if runs misbehave, use opencode {TESTED_VERSION}."
    return Check("opencode", Status.WARN, found, advice), path


def _ways(version: str) -> str:
    if can_be_served(version):
        return "agents can be talked to"
    return "agents work on their own: octui cannot talk to a server of this version"


def check_configuration() -> Check:
    """What the user's own configuration of opencode says, and what runs get of it."""
    found = read_user_config()
    names = [source.name for source in found.sources]
    if found.problems:
        more = f" (and {len(found.problems) - 1} more)" if len(found.problems) > 1 else ""
        return Check("opencode config", Status.WARN, found.problems[0] + more, "Mend it: runs go without it, or fail.")
    if not names:
        return Check("opencode config", Status.OK, "none of your own")
    said = ", ".join(names)
    if isinstance(model := found.value("model"), str):
        said += f"; default model {substituted(model, os.environ)}"
    return Check("opencode config", Status.OK, said, found.notice())


def check_providers(binary: Path) -> Check:
    """Whose models opencode offers, and where credentials were found: names only."""
    try:
        keys = _credentials()
    except (OSError, ValueError) as error:
        advice = "Sign in again with `opencode auth login`."
        return Check("providers", Status.WARN, f"{_auth_file()} cannot be read: {error}", advice)
    queries = Queries(binary)
    try:
        with tempfile.TemporaryDirectory(prefix=temporary.prefix("doctor")) as empty:
            models = queries.models(Path(empty), inherit=False)
    except OctuiError as error:
        return Check("providers", Status.WARN, str(error), "Run `opencode models` to see why.")
    finally:
        queries.close()
    providers = sorted({model.partition("/")[0] for model in models})
    found = f"{len(models)} models of {', '.join(providers) or 'nobody'}; credentials: {', '.join(keys) or 'none'}"
    if set(providers) - {_OWN_PROVIDER}:
        return Check("providers", Status.OK, found)
    advice = "Sign in with `opencode auth login`; `octui demo` needs no account."
    return Check("providers", Status.WARN, found, advice)


def check_logins() -> Check:
    """Which logins are refreshed while runs work, and which MCP servers have lost theirs; names only."""
    folder = logins.real_folder(os.environ)
    found = sorted(logins.read_logins(folder), key=lambda login: login.expires_at)
    words = ", ".join(f"{login.name} {_until(login.expires_at - time.time())}" for login in found)
    if lost := logins.without_tokens(folder):
        names = ", ".join(lost)
        advice = f"Sign in with `opencode mcp auth {lost[0]}`."
        return Check("logins", Status.WARN, f"not signed in to MCP servers: {names}", advice)
    return Check("logins", Status.OK, words or "none that runs have to refresh")


def _until(seconds: float) -> str:
    if seconds <= 0:
        return "(is refreshed when it is used)"
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"(valid for {seconds / size:.0f} {unit})"
    return "(valid for less than 2 min)"


def check_ripgrep() -> Check:
    """Whether opencode's ``grep`` and ``glob`` tools have the ``rg`` they run."""
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opencode" / "bin" / "rg"
    found = shutil.which("rg") or (str(cached) if cached.is_file() else None)
    if found:
        return Check("ripgrep", Status.OK, found)
    missing = "none; opencode's grep and glob tools download it when they are first used"
    return Check("ripgrep", Status.WARN, missing, "Install ripgrep (rg) if that cannot reach the network.")


def check_git() -> Check:
    """Whether git is there, with which opencode keeps snapshots."""
    found = shutil.which("git")
    if found:
        return Check("git", Status.OK, found)
    return Check("git", Status.WARN, "none", "Install git: agents, snapshots and the demo use it.")


def check_folder(name: str, folder: Path, *, private: bool) -> Check:
    """Whether one of octui's folders can be written, or made; nothing is created.

    Args:
        name: What the folder is called.
        folder: The folder.
        private: Whether it has to be closed to other users, since recordings or sockets are kept in it.
    """
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except FileNotFoundError:
        return _check_missing_folder(name, folder)
    except OSError as error:
        return Check(name, Status.FAIL, f"{folder}: {error.strerror}", "Make the folders above it accessible.")
    if not folder.is_dir():
        return Check(name, Status.FAIL, f"{folder} is a file", "Move it away: octui needs a folder there.")
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check(name, Status.FAIL, f"{folder} cannot be written", f"Run: chmod u+rwx {folder}")
    if private and mode & 0o077:
        found = f"{folder} is open to other users (mode {mode:04o})"
        return Check(name, Status.WARN, found, f"Run: chmod 700 {folder}")
    return Check(name, Status.OK, f"{folder} (mode {mode:04o})")


def _check_missing_folder(name: str, folder: Path) -> Check:
    parent = _existing(folder)
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return Check(name, Status.OK, f"{folder} (will be made)")
    found = f"{folder} is not there, and {parent} cannot be written"
    return Check(name, Status.FAIL, found, "Make it writable, or set OCTUI_HOME to a folder that is.")


def check_disk(folder: Path) -> Check:
    """How much room there is where sessions are kept, and where runs keep what they need while they work."""
    places = {"sessions": _existing(folder), "temporary files": Path(tempfile.gettempdir())}
    free = {what: shutil.disk_usage(place).free for what, place in places.items()}
    found = ", ".join(f"{size / 1e9:.1f} GB free for {what}" for what, size in free.items())
    least = min(free.values())
    if least < _NO_DISK:
        return Check("disk", Status.FAIL, found, "Make room: recordings would be cut short.")
    if least < _LITTLE_DISK:
        return Check("disk", Status.WARN, found, "Make room: long sessions take hundreds of megabytes.")
    return Check("disk", Status.OK, found)


def check_memory() -> Check:
    """For how many runs at once there is memory."""
    available = psutil.virtual_memory().available
    runs = available // _RUN_MEMORY
    found = f"{available / 1e9:.1f} GB available, enough for about {runs} runs at once"
    if runs < 1:
        return Check("memory", Status.WARN, found, "Close something: one run takes about 0.4 GB.")
    return Check("memory", Status.OK, found)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _auth_file() -> Path:
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "opencode" / "auth.json"


def _credentials() -> list[str]:
    """Names of the providers signed in to, then of the environment's key variables; never their values.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no JSON object.
    """
    try:
        signed_in = decode(_auth_file().read_bytes())
    except FileNotFoundError:
        signed_in = {}
    if not isinstance(signed_in, dict):
        raise ValueError("it holds no JSON object")
    variables = [name for name, value in os.environ.items() if name.endswith("_API_KEY") and value]
    return [*sorted(signed_in), *sorted(variables)]


_SIGNS = {Status.OK: "✓", Status.WARN: "!", Status.FAIL: "✗"}


def report(checks: list[Check], *, unicode: bool = True) -> str:
    """Write checks as lines of text: a sign, the name, what was found, and below it what to do.

    Args:
        checks: As from `examine`.
        unicode: Whether the signs may be others than ASCII.
    """
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        sign = _SIGNS[check.status] if unicode else f"[{check.status}]".ljust(6)
        lines.append(f"{sign} {check.name.ljust(width)}  {_one_line(check.found)}")
        if check.advice:
            lines.append(" " * (len(sign) + width + 3) + _one_line(check.advice))
    return "\n".join(lines)


def _one_line(text: str) -> str:
    """Text on one line and without control bytes: names of folders and providers may hold any."""
    return "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))
