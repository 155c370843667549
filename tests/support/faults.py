"""The fault suite: tests marked ``fault`` measure what is left after a fault, and stand in one table.

``make faults`` prints it. A test marked ``@pytest.mark.fault(GROUP, "what goes wrong")`` asks for the fixture
``fault`` to say what octui did, in a few words, and how many bytes were lost; processes are counted by an environment
variable that everything the test starts inherits, and files in the temporary folder, which is the test's own. With
``OCTUI_FULL_FAULTS=1`` floods have their full size.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.support.leftovers import LEAVE_S as FILES_LEAVE_S
from tests.support.leftovers import left_in
from tests.support.processes import processes_marked

MARK = "OCTUI_FAULT_MARK"
LEAVE_S = 2.0
"""How long after the test a process may take to be gone."""

FULL = os.environ.get("OCTUI_FULL_FAULTS") == "1"

Row = dict[str, Any]


@dataclass
class Fault:
    """What came of a fault.

    Attributes:
        did: What octui did, in a few words, the same on every backend.
        lost: How many bytes of what opencode printed were lost.
        temporary: The temporary folder, empty when the test begins.
        mark: What the processes of the test bear in their environment.
    """

    temporary: Path
    did: str = ""
    lost: int = 0
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def left(self) -> list[str]:
        """The names of the processes that the test has started and that live."""
        names = []
        for process in processes_marked(MARK, self.mark):
            with suppress(psutil.NoSuchProcess):
                names.append(process.name())
        return names

    def left_in_the_end(self) -> list[str]:
        """Those that live after they had time to leave."""
        return _in_the_end(self.left, LEAVE_S)

    def files_in_the_end(self) -> list[str]:
        """What is in the temporary folder after those who clean up had time to."""
        return _in_the_end(lambda: left_in(self.temporary), FILES_LEAVE_S)


def _in_the_end(look: Callable[[], list[str]], leave_s: float) -> list[str]:
    deadline = time.monotonic() + leave_s
    while (left := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.fixture
def fault(
    request: pytest.FixtureRequest, temporary: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> Iterator[Fault]:
    """What the table says of this test; fails it where a process or a file is left or a byte is missing."""
    report = Fault(temporary)
    monkeypatch.setenv(MARK, report.mark)
    yield report
    left, files = report.left_in_the_end(), report.files_in_the_end()
    marker = request.node.get_closest_marker("fault")
    group, words = marker.args
    backend = request.node.callspec.params.get("anyio_backend", "") if hasattr(request.node, "callspec") else ""
    row = {"group": group, "fault": words, "backend": backend, "did": report.did, "left": len(left)}
    record_property("fault", {**row, "files": len(files), "lost": report.lost})
    assert left == []
    assert files == []
    assert report.lost == 0


def rows_of(reports: Iterable[Any], failed: Iterable[str]) -> list[Row]:
    """The table's rows: one a fault, its backends together, in the order of their groups.

    Args:
        reports: Reports of pytest that carry what `fault` has recorded.
        failed: The ids of the tests that failed.
    """
    rows: dict[tuple[int, str], Row] = {}
    failed = set(failed)
    for report in reports:
        for name, found in report.user_properties:
            if name != "fault":
                continue
            row = rows.setdefault((found["group"], found["fault"]), {**found, "backends": set(), "handled": True})
            row["backends"].add(found["backend"])
            row["did"] = row["did"] or found["did"]
            for key in ("left", "files", "lost"):
                row[key] = max(row[key], found[key])
            row["handled"] = row["handled"] and report.nodeid not in failed
    return [rows[key] for key in sorted(rows)]


def table(rows: list[Row]) -> Iterator[str]:
    """The table as lines of text, with its sum below."""
    head = ("", "fault", "on", "what octui did", "left", "files", "lost")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    handled = sum(row["handled"] for row in rows)
    left, files, lost = (sum(row[key] for row in rows) for key in ("left", "files", "lost"))
    yield f"{handled} of {len(rows)} faults handled, {left} processes and {files} files left, {lost} bytes lost"


def _cells(row: Row) -> tuple[str, ...]:
    backends = "+".join(sorted(filter(None, row["backends"])))
    did = row["did"] if row["handled"] else "NOT HANDLED"
    return str(row["group"]), row["fault"], backends, did, str(row["left"]), str(row["files"]), str(row["lost"])
