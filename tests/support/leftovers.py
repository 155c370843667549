"""Fails a session of pytest that leaves something in the temporary folder.

The temporary folder of a session, its workers and all they start is a new one; what is in it after the last test was
left by octui, by opencode or by a test. pytest's own folders, which keep what failed tests wrote, stay where they are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest

from octui import temporary

LEAVE_S = 15.0
"""How long what the last tests started may take to clean up: guardians end processes first."""

SHOWN = 40
"""How many paths are listed."""


class Leftovers:
    """A plugin for the process that runs the session, not for its workers."""

    def __init__(self) -> None:
        outer = tempfile.gettempdir()
        self.folder = temporary.make_folder("test")
        self._left: list[str] = []
        self._environ = {"TMPDIR": str(self.folder)}
        if "PYTEST_DEBUG_TEMPROOT" not in os.environ:
            self._environ["PYTEST_DEBUG_TEMPROOT"] = outer
        self._patch = pytest.MonkeyPatch()
        for name, value in self._environ.items():
            self._patch.setenv(name, value)
        self._patch.setattr(tempfile, "tempdir", str(self.folder))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look once the workers are gone."""
        deadline = time.monotonic() + LEAVE_S
        while (left := left_in(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._left = left
        if left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List what was left."""
        if not self._left:
            return
        terminalreporter.section("left in the temporary folder", red=True)
        for path in self._left[:SHOWN]:
            terminalreporter.write_line(path)
        if len(self._left) > SHOWN:
            terminalreporter.write_line(f"and {len(self._left) - SHOWN} more")

    def pytest_unconfigure(self) -> None:
        """Remove the folder."""
        self._patch.undo()
        shutil.rmtree(self.folder, ignore_errors=True)


def left_in(folder: Path) -> list[str]:
    """Return the paths below a temporary folder, but for empty folders that are shared on purpose.

    These are opencode's own and octui's runtime folder, which is there where ``XDG_RUNTIME_DIR`` is not set.
    """
    shared = ("opencode", f"octui-{os.getuid()}")
    walk = os.walk(folder)
    found = [Path(root, name).relative_to(folder) for root, folders, files in walk for name in (*folders, *files)]
    return sorted(str(path) for path in found if str(path) not in shared)
