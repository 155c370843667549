"""``python -m octui.demo FOLDER SECONDS_PER_TURN``: the process behind `octui.demo.hosting.ModelProcess`."""

from __future__ import annotations

import sys
from pathlib import Path

from octui.demo.hosting import serve

if __name__ == "__main__":
    serve(Path(sys.argv[1]), float(sys.argv[2]), sys.stdin, sys.stdout)
