"""A dashboard over agents at work: processes, supervisor, session folder and screen, all real but the agents.

Run it from anywhere::

    .venv/bin/python benchmarks/live.py              # the rows of the table; some minutes
    .venv/bin/python benchmarks/live.py --minutes 10 # does memory grow?

For agents stands `printer.py`. The screen is a real pseudo-terminal of 200 by 60 cells, read by another process than
the one that draws. The key is Tab: it is timed until the corner of another pane has come out heavy, from outside. What
an event takes to the screen is told by the moment each carries in its text. Whoever prints, records, draws and measures
shares the machine's processors.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from report import OCTUI, environment, median, p95, row
from terminal import Terminal, cpu_s, memory_mb

HERE = Path(__file__).resolve().parent
TAIL_S = 5.0
BETWEEN_KEYS_S = 0.25
WARM_UP_S = 30.0
"""After so long caches are full: memory that grows from there on grows for ever."""
MARK = re.compile(rb"@(\d{10}\.\d{3})@")
MOVED_CORNER = rb"\x1b\[(?!%sH)(\d+;\d+)H(?:\x1b\[[\d;]*m)*" + "┏".encode()
"""The corner of the pane in focus, where it is another than the one at a place: row;column."""

HEAVY_HEAD = "┏(?:(?!┓)[^\n]){0,140}?r".encode() + rb"%d\b"
"""The head of a pane in focus: where all is drawn anew, nothing moves to its corner."""

FIRST_CORNER = b"2;1"


@dataclass
class Figures:
    """What was measured while agents were at work.

    Attributes:
        keys_ms: From a key to its effect.
        events_ms: From an event's printing to its coming out of the terminal.
        screen_percent: Processor time of the dashboard, of one processor.
        supervisor_percent: That of the supervisor.
        written_kb_s: Bytes written to the terminal, kB a second.
        events_per_s: Events on disk.
        lost: Events printed and not on disk.
        grown_mb: How much more memory dashboard and supervisor hold in the end, the larger of both.
    """

    keys_ms: list[float] = field(default_factory=list)
    events_ms: list[float] = field(default_factory=list)
    screen_percent: float = 0.0
    supervisor_percent: float = 0.0
    written_kb_s: float = 0.0
    events_per_s: float = 0.0
    lost: int = 0
    grown_mb: float = 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Watch agents that print much.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--seconds", type=float, default=8, help="how long each time (8)")
    parser.add_argument("--minutes", type=float, default=0, help="look at memory only, for so long")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), help="measure only these rows")
    options = parser.parse_args()
    if options.minutes:
        figures = measure(8, 2000, options.minutes * 60, warm_up_s=WARM_UP_S)
        row(f"8 panes x 2,000 events/s for {options.minutes:g} minutes, growth", figures.grown_mb, "MB", limit=30)
        return
    print(f"medians of {options.rounds} rounds of {options.seconds:g} s, {os.cpu_count()} processors")
    for name in options.only:
        runs, rate, how, show = ROWS[name]
        show([measure(runs, rate, options.seconds, **how) for _ in range(options.rounds)])


def _paced(what: str, rounds: list[Figures]) -> None:
    row(f"{what}: key to effect, p95", median([p95(each.keys_ms) for each in rounds]), "ms", limit=40)
    row(f"{what}: event on the screen, p95", median([p95(each.events_ms) for each in rounds]), "ms", limit=120)
    row(f"{what}: events lost", sum(each.lost for each in rounds), "events", limit=0)
    row(f"{what}: dashboard", median([each.screen_percent for each in rounds]), "% of one", limit=60)
    row(f"{what}: supervisor", median([each.supervisor_percent for each in rounds]), "% of one", limit=50)
    row(f"{what}: written to the terminal", median([each.written_kb_s for each in rounds]), "kB/s", limit=400)


def _flood(rounds: list[Figures]) -> None:
    on_disk = median([each.events_per_s for each in rounds])
    row("8 x no limit: events on disk", on_disk, "a second", limit=2e5, least=True)
    row("8 x no limit: events lost", sum(each.lost for each in rounds), "events", limit=0)
    row("8 x no limit: key to effect, p95", median([p95(each.keys_ms) for each in rounds]), "ms", limit=80)


def _slow(rounds: list[Figures]) -> None:
    row("8 x 2,000/s, link of 100 kB/s: key, p95", median([p95(each.keys_ms) for each in rounds]), "ms", limit=300)


def _over(rounds: list[Figures]) -> None:
    row("8 finished panes: processor time", median([each.screen_percent for each in rounds]), "%", limit=0.5)


ROWS: dict[str, tuple[int, float, dict[str, Any], Callable[[list[Figures]], None]]] = {
    "8": (8, 2000, {}, partial(_paced, "8 x 2,000/s")),
    "32": (32, 500, {}, partial(_paced, "32 x 500/s")),
    "flood": (8, 0, {}, _flood),
    "slow": (8, 2000, {"bytes_per_s": 1e5}, _slow),
    "over": (8, 1, {"is_over": True}, _over),
}
"""By name: how many agents, their events a second, what else to know of them, and how to print the figures."""


def measure(
    runs: int,
    rate: float,
    seconds: float,
    *,
    bytes_per_s: float | None = None,
    is_over: bool = False,
    warm_up_s: float = 1.0,
) -> Figures:
    """Watch so many agents for so long.

    Args:
        runs: How many agents.
        rate: Events a second each; 0 for as many as it can.
        seconds: How long.
        bytes_per_s: What the terminal takes at most.
        is_over: Look when the agents are done, without pressing keys.
        warm_up_s: How many seconds at work come before.
    """
    figures = Figures()
    is_measuring = False

    def listen(data: bytes, now: float) -> None:
        if is_measuring:
            figures.events_ms.extend((now - float(mark)) * 1000 for mark in MARK.findall(data))

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        printing_s = 1.0 if is_over else seconds + TAIL_S + warm_up_s + runs / 4
        env = environment(
            folder / "home",
            OPENCODE_BINARY=str(_executable(folder)),
            PRINT_RATE=str(rate),
            PRINT_SECONDS=str(printing_s),
            PRINT_COUNTS=str(_made(folder / "counts")),
        )
        argv = [OCTUI, "run", str(_plan(folder, runs))]
        with Terminal(argv, env, bytes_per_s=bytes_per_s, listen=listen) as terminal:
            session = _session(folder, runs, "succeeded" if is_over else "running")
            with _supervisor(session) as supervisor:
                time.sleep(TAIL_S if is_over else warm_up_s)
                began, before = time.perf_counter(), terminal.bytes
                screen_s, supervisor_s = terminal.cpu_s(), 0.0 if is_over else cpu_s(supervisor)
                held = _memory(terminal, supervisor)
                is_measuring = True
                if is_over:
                    time.sleep(seconds)
                else:
                    _press_keys(terminal, runs, seconds, figures)
                is_measuring = False
                passed = time.perf_counter() - began
                figures.screen_percent = (terminal.cpu_s() - screen_s) / passed * 100
                figures.written_kb_s = (terminal.bytes - before) / passed / 1000
                if not is_over:
                    figures.supervisor_percent = (cpu_s(supervisor) - supervisor_s) / passed * 100
                    figures.grown_mb = max(
                        now - then for now, then in zip(_memory(terminal, supervisor), held, strict=True)
                    )
                    _count(session, folder / "counts", runs, printing_s, figures)
    return figures


def _press_keys(terminal: Terminal, runs: int, seconds: float, figures: Figures) -> None:
    current, corner, end = 0, FIRST_CORNER, time.monotonic() + seconds
    while time.monotonic() < end:
        current = (current + 1) % runs
        terminal.press(b"\t")
        figures.keys_ms.append(terminal.wait_for(MOVED_CORNER % corner + b"|" + HEAVY_HEAD % current) * 1000)
        corner = terminal.found[1] or corner
        time.sleep(BETWEEN_KEYS_S)


def _count(session: Path, counts: Path, runs: int, printing_s: float, figures: Figures) -> None:
    """Compare what was printed with what is on disk, once all is over."""
    _wait_for(session, "succeeded", runs)
    printed = sum(int(path.read_text()) for path in counts.iterdir())
    on_disk = sum(path.read_bytes().count(b"\n") for path in session.glob("r*.jsonl"))
    figures.lost = printed - on_disk
    figures.events_per_s = on_disk / printing_s


def _memory(terminal: Terminal, supervisor: psutil.Process) -> tuple[float, float]:
    return memory_mb(terminal.process)[0], memory_mb(supervisor)[0] if supervisor.is_running() else 0.0


def _executable(folder: Path) -> Path:
    path = folder / "opencode"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(HERE / "printer.py"))} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _plan(folder: Path, runs: int) -> Path:
    path = folder / "plan.toml"
    tables = "".join(
        f'[[runs]]\nname = "r{number}"\nworkspace = "."\nprompt = "x"\nbackend = "run"\n' for number in range(runs)
    )
    path.write_text(f'name = "live"\nmax_parallel = {runs}\n{tables}')
    return path


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _session(folder: Path, runs: int, state: str) -> Path:
    sessions = folder / "home" / "octui" / "data" / "sessions"
    deadline = time.monotonic() + 30
    while not (found := list(sessions.glob("*/facts.jsonl"))):
        if time.monotonic() > deadline:
            sys.exit("octui started no session.")
        time.sleep(0.05)
    _wait_for(found[0].parent, state, runs)
    return found[0].parent


def _wait_for(session: Path, state: str, runs: int) -> None:
    deadline = time.monotonic() + 120
    while (session / "facts.jsonl").read_text().count(f'"state":"{state}"') < runs:
        if time.monotonic() > deadline:
            sys.exit(f"The runs did not all become {state}.")
        time.sleep(0.1)


@contextmanager
def _supervisor(session: Path) -> Iterator[psutil.Process]:
    """The session's supervisor, which is ended with all it started when the block is left."""
    started = json.loads((session / "facts.jsonl").read_text().splitlines()[0])
    process = psutil.Process(started["pid"])
    try:
        yield process
    finally:
        env = environment(session.parents[3])
        subprocess.run([OCTUI, "stop", str(session)], env=env, capture_output=True, check=False, timeout=60)


if __name__ == "__main__":
    main()
