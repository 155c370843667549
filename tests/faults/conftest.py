"""What the fault suite shares: stand-ins, fleets of them, and short graces."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from tests.client.conftest import stand_in
from tests.fleet.conftest import make_fleet

__all__ = ["make_fleet", "stand_in"]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own: whatever a run leaves there is seen."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def run_folders(temporary: Path) -> list[Path]:
    """The temporary folders of runs that are there."""
    return list(temporary.glob("octui-run-*"))
