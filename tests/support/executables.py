"""Stand-in executables, for what the real ones do not do on demand."""

from __future__ import annotations

import sys
from pathlib import Path


def make_script(path: Path, code: str) -> Path:
    """Write an executable Python script and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)
    return path
