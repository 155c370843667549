"""octui's own copy of opencode, installed with npm into octui's data folder: only when asked, never system-wide."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from octui import paths, temporary
from octui.client.binary import binary_version
from octui.client.compat import TEMPORARY_VARIABLE, TESTED_VERSION
from octui.errors import OpenCodeBinaryNotFoundError, OpenCodeError
from octui.program_output import reason

PACKAGE = "opencode-ai"
TIMEOUT_S = 600.0
"""How long npm may take, in seconds; the package has 180 MB."""

_BINARY = Path("node_modules/.bin/opencode")


def installed_binary() -> Path:
    """Where octui's own copy is, if it was installed: the ``extra`` place for `octui.client.binary.find_binary`."""
    return paths.opencode_install_dir() / _BINARY


def install_opencode(version: str = TESTED_VERSION, *, timeout_s: float = TIMEOUT_S) -> Path:
    """Install opencode with npm into octui's data folder, and return the executable.

    A copy that was there is replaced once the new one has answered; an install that fails or is interrupted leaves
    everything as it was.

    Args:
        version: The version of the npm package ``opencode-ai``.
        timeout_s: How long npm may take, in seconds.

    Raises:
        OpenCodeError: npm is missing, fails or takes too long, or what it installed does not run.
        OSError: The data folder cannot be written.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise OpenCodeError(
            "npm was not found, and octui installs opencode with it.",
            hint="Install Node.js, or install opencode yourself from https://opencode.ai.",
        )
    target = paths.opencode_install_dir()
    paths.make_private(target.parent)
    temporary.sweep_stale(target.parent)  # An install that was killed leaves 180 MB.
    with tempfile.TemporaryDirectory(
        prefix=temporary.prefix("install"), dir=target.parent, ignore_cleanup_errors=True
    ) as temp:
        fresh = Path(temp) / "new"
        fresh.mkdir()
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        _run([npm, "install", "--prefix", str(fresh), *quiet, f"{PACKAGE}@{version}"], fresh, timeout_s, temp)
        _finish(fresh, version, timeout_s, temp)
        if target.exists():
            target.rename(Path(temp) / "old")
        fresh.rename(target)
    return target / _BINARY


def _finish(folder: Path, version: str, timeout_s: float, temp: str) -> None:
    """See that the executable answers; where npm ran no scripts it is a placeholder, which the package can replace."""
    if _answers(folder, version):
        return
    package = folder / "node_modules" / PACKAGE
    node = shutil.which("node")
    if node is not None and (package / "postinstall.mjs").is_file():
        _run([node, "postinstall.mjs"], package, timeout_s, temp)
    if not _answers(folder, version):
        raise OpenCodeError(
            f"npm installed {PACKAGE}@{version}, but it does not run on this machine.",
            hint="Install opencode yourself from https://opencode.ai.",
        )


def _answers(folder: Path, version: str) -> bool:
    try:
        return binary_version(folder / _BINARY) == version
    except (OpenCodeBinaryNotFoundError, OSError):
        return False


def _run(command: Sequence[str], folder: Path, timeout_s: float, temp: str) -> None:
    name = f"{Path(command[0]).name} {command[1]}"
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, TEMPORARY_VARIABLE: temp},  # npm's scripts start opencode.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise OpenCodeError(
            f"`{name}` was ended: it took more than {timeout_s:g} s.", hint="Look at the network and try again."
        ) from None
    finally:
        # npm has children; on an interrupt or a timeout none of them may go on.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode != 0:
        why = reason(output) or f"exit code {process.returncode}, and it gave no reason"
        raise OpenCodeError(f"`{name}` failed: {why}.", hint="Look at the network and try again.")
