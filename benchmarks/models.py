"""The list of models of a user's opencode: one that has been on the network once keeps it in its home.

Benchmarks are not on the network; the list is the one opencode carries within itself for that case.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_LIST = re.compile(
    rb'ModelsDev\.fetchApi".{0,2000}?\.sync\(\(\)=>\((\{.*?\})\)\),\w+=\w+\.fn\("ModelsDev\.fetchAndWrite"', re.DOTALL
)


def lay_list(home: Path, binary: str) -> None:
    """Lay it where opencode looks for it in a home.

    Raises:
        SystemExit: This opencode carries none that can be read.
    """
    path = home / ".cache" / "opencode" / "models.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(_carried(binary))


@cache
def _carried(binary: str) -> bytes:
    found = _LIST.search(Path(binary).resolve().read_bytes())
    node = shutil.which("node")
    if found is None or node is None:
        sys.exit(f"The list of models that {binary} carries cannot be read{'' if node else ' without node'}.")
    with tempfile.NamedTemporaryFile(suffix=".js") as script:
        script.write(b"process.stdout.write(JSON.stringify(" + found[1] + b"))")
        script.flush()
        return subprocess.run([node, script.name], capture_output=True, check=True).stdout
