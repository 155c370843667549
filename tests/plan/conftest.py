"""What the tests of plans share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two that agents can work in."""
    for name in ("api", "worker"):
        (tmp_path / name).mkdir()
    return tmp_path
