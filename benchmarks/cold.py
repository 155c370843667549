"""How soon octui is there: its first usable frame against a minimal Textual app's, ``--version`` against bare Python's.

Run it from anywhere::

    .venv/bin/python benchmarks/cold.py

A frame counts when the words that make it usable have come out of a real pseudo-terminal of 200 by 60 cells. All take
turns, and each was started once before, so that byte code and file caches are warm.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from report import OCTUI, environment, median, row
from terminal import Terminal

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "sample_sessions" / "fix-a-bug"
MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("usable")
Minimal().run()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Compare octui's start with the least there can be.")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (7)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        frame = partial(_frame, Path(folder))
        call = partial(_call, Path(folder))
        sides: dict[str, Callable[[], float]] = {
            "minimal": lambda: frame([sys.executable, "-c", MINIMAL], b"usable"),
            "octui replay": lambda: frame([OCTUI, "replay", str(SAMPLE)], b"fixer.*releaser.*reviewer"),
            "octui": lambda: frame([OCTUI], b"Launch.*F5"),
            "python": lambda: call([sys.executable, "-c", "pass"]),
            "octui --version": lambda: call([OCTUI, "--version"]),
            "octui --help": lambda: call([OCTUI, "--help"]),
        }
        for side in sides.values():
            side()
        found = {name: median([side() for _ in range(rounds)]) for name, side in sides.items()}
    print(f"medians of {rounds} rounds")
    for name in ("octui replay", "octui"):
        row(f"first usable frame of {name}", found[name], "s", peer=found["minimal"], limit=1.4 * found["minimal"])
    for name in ("octui --version", "octui --help"):
        row(name, found[name], "s", peer=found["python"], limit=found["python"] + 0.1)


def _frame(home: Path, argv: list[str], words: bytes) -> float:
    with Terminal(argv, environment(home)) as terminal:
        return terminal.wait_for(words)


def _call(home: Path, argv: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(argv, env=environment(home), stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
