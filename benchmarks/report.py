"""What benchmarks print: a row a figure, with its peer and its target."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

OCTUI = str(Path(sys.executable).with_name("octui"))


def row(what: str, figure: float, unit: str, *, peer: float | None = None, limit: float, least: bool = False) -> None:
    """Print a figure.

    Args:
        what: What was measured.
        figure: The figure.
        unit: Its unit.
        peer: That of a peer or a floor in the same run, where there is one.
        limit: What is to be kept to: the most allowed, or the least where ``least`` is set.
        least: Whether more is better.
    """
    kept = figure >= limit if least else figure <= limit
    ratio = f"{figure / peer:>7.2f}x of {peer:.3g}" if peer else ""
    target = f"{'at least' if least else 'at most'} {limit:.3g} {unit}"
    print(f"  {what:<58}{figure:>10.3g} {unit:<9}{ratio:<20}{target:<24}{'reached' if kept else 'missed'}", flush=True)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] if ordered else float("nan")


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def environment(home: Path, **more: str) -> Mapping[str, str]:
    """An environment with a home of its own, where octui keeps everything."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "HOME": str(home), "OCTUI_HOME": str(home / "octui"), "LC_ALL": "C.UTF-8", **more}
