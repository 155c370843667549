"""How a recording of a million events opens, and how one moves in it, against toolong and lnav on the same file.

Run it from anywhere; toolong comes from PyPI into an environment of its own, lnav is used where it is installed::

    .venv/bin/python benchmarks/logs.py
    .venv/bin/python benchmarks/logs.py --events 100000 --rounds 3

All run on a real pseudo-terminal of 200 by 60 cells. *First content* is when words of an event have come out of it;
*whole index* when octui says so, and for the others when they have nothing more to do. A *recorded session* has its
index beside it, written by the recorder; a *bare log* has none. Keys are timed from the key to the words it brings up.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path

from recordings import write_log
from report import OCTUI, environment, median, p95, row
from terminal import Terminal, memory_mb

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.recording.event_log import EventLog
from octui.recording.journal import Journal
from octui.tui.format import clock

TOOLONG = "toolong==1.5.0"
CHUNK = 1 << 16
SEEKS = 40
PAUSE_S = 0.05
PANES = 8
PANE_EVENTS = 100_000


@dataclass
class Figures:
    """What was measured of one program, in seconds and MB, a value a round."""

    first_s: list[float] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    keys_s: list[float] = field(default_factory=list)

    def remember(self, terminal: Terminal) -> None:
        """Note the memory of a program that has come to rest."""
        now, peak = memory_mb(terminal.process)
        self.memory_mb.append(now)
        self.peak_mb.append(peak)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Open a long recording and move in it.")
    parser.add_argument("--events", type=int, default=1_000_000, help="events in it (1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "long.jsonl"
        write_log(log, options.events)
        session = _record(folder / "sessions", ["long"], log)
        short = folder / "short.jsonl"
        write_log(short, min(10_000, options.events))
        toolong = _toolong(folder / "toolong")
        lnav = shutil.which("lnav")
        middling = folder / "middling.jsonl"
        write_log(middling, min(PANE_EVENTS, options.events))
        panes = _record(folder / "sessions", [f"r{number}" for number in range(PANES)], middling)
        print(f"{options.events} events, {log.stat().st_size / 1e6:.0f} MB, medians of {options.rounds} rounds")
        found = {name: Figures() for name in ("bare", "recorded", "short", "toolong", "lnav")}
        for _ in range(options.rounds):
            _octui(folder, log, found["bare"], is_bare=True)
            _octui(folder, session, found["recorded"], is_bare=False)
            _octui(folder, short, found["short"], is_bare=False)
            _peer(folder, [str(toolong), str(log)], found["toolong"])
            if lnav:
                _peer(folder, [lnav, str(log)], found["lnav"])
        resized = [_resize(folder, panes) for _ in range(options.rounds)]
    _print(found, has_lnav=lnav is not None)
    events = min(PANE_EVENTS, options.events)
    row(f"200x60 to 80x24, {PANES} panes of {events:,} events", median(resized) * 1000, "ms", limit=150)


def _print(found: dict[str, Figures], *, has_lnav: bool) -> None:
    bare, recorded, short, toolong, lnav = (found[name] for name in ("bare", "recorded", "short", "toolong", "lnav"))
    first, whole = median(toolong.first_s), median(toolong.whole_s)
    row("bare log, first content; peer toolong", median(bare.first_s), "s", peer=first, limit=0.5)
    row("bare log, whole index; peer toolong", median(bare.whole_s), "s", peer=whole, limit=1.3)
    row("resident memory; peer toolong", median(bare.memory_mb), "MB", peer=median(toolong.memory_mb), limit=80)
    row("peak above it; peer toolong", _rise(bare), "MB", peer=_rise(toolong), limit=20)
    if has_lnav:
        row("bare log, first content; peer lnav", median(bare.first_s), "s", peer=median(lnav.first_s), limit=0.5)
        row("bare log, whole index; peer lnav", median(bare.whole_s), "s", peer=median(lnav.whole_s), limit=1.3)
        row("resident memory; peer lnav", median(bare.memory_mb), "MB", peer=median(lnav.memory_mb), limit=80)
    else:
        print("  lnav is not installed; its rows are left out")
    row("recorded session, first content", median(recorded.first_s), "s", limit=0.5)
    row("recorded session, seekable to the end", median(recorded.whole_s), "s", limit=0.5)
    row("seek by key, p95, bare log", p95(bare.keys_s) * 1000, "ms", limit=25)
    row("seek by key, p95, recorded session", p95(recorded.keys_s) * 1000, "ms", limit=25)
    row("first content against 10,000 events", median(recorded.first_s), "s", peer=median(short.first_s), limit=0.5)
    row(
        "seek, median, against 10,000 events",
        median(bare.keys_s) * 1000,
        "ms",
        peer=median(short.keys_s) * 1000,
        limit=25,
    )


def _rise(figures: Figures) -> float:
    return median([peak - now for now, peak in zip(figures.memory_mb, figures.peak_mb, strict=True)])


def _octui(home: Path, path: Path, figures: Figures, *, is_bare: bool) -> None:
    length_s = _length_s(path)
    with Terminal([OCTUI, "replay", str(path)], environment(home / "home")) as terminal:
        figures.first_s.append(terminal.wait_for(rb"step|cat tally"))
        if is_bare:
            figures.whole_s.append(terminal.wait_for(rb"m ?replay ", 60))
        else:
            _seek(terminal, 9, length_s)
            figures.whole_s.append(time.perf_counter() - terminal.started)
        terminal.press(b" ")
        terminal.settle()
        figures.remember(terminal)
        chance = random.Random(2)
        tenth = 9
        for _ in range(SEEKS):
            tenth = chance.choice([each for each in range(1, 10) if each != tenth])
            figures.keys_s.append(_seek(terminal, tenth, length_s))
            time.sleep(PAUSE_S)


def _seek(terminal: Terminal, tenth: int, length_s: float) -> float:
    """Go to a tenth of the recording; give the seconds until the screen says so."""
    terminal.press(str(tenth).encode())
    return terminal.wait_for(clock(float(int(length_s * tenth / 10))).encode() + b"[^:]")


def _length_s(path: Path) -> float:
    log = EventLog(path if path.is_file() else path / "long.jsonl")
    log.refresh()
    return log.time(len(log) - 1) - log.time(0)


def _resize(home: Path, session: Path) -> float:
    """Make the terminal small, and once more large and small; give the seconds until the last screen is drawn whole."""
    with Terminal([OCTUI, "replay", str(session)], environment(home / "home")) as terminal:
        terminal.wait_for(rb"step|cat tally")
        terminal.press(b" ")
        terminal.settle()
        for columns, rows in ((80, 24), (200, 60), (80, 24)):
            terminal.resize(columns, rows)
            taken = terminal.silent()
        return taken


def _peer(home: Path, argv: list[str], figures: Figures) -> None:
    with Terminal(argv, environment(home / "home")) as terminal:
        figures.first_s.append(terminal.wait_for(rb"timestamp|step_start|Answer"))
        figures.whole_s.append(terminal.settle())
        figures.remember(terminal)


def _record(folder: Path, names: list[str], log: Path) -> Path:
    """Record the log for each name as the recorder does, a chunk at a time."""
    runs = tuple(RunSpec(name=name, workspace=folder, prompt="x", config=RunConfig()) for name in names)
    plan = Plan(name="long", runs=runs)
    journal = Journal.create(folder, plan, opencode_version="1.18.33", binary="opencode", octui_version="0")
    for name in names:
        with log.open("rb") as file:
            while chunk := file.read(CHUNK):
                journal.append_stdout(name, chunk)
    journal.close()
    return journal.folder


def _toolong(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    subprocess.run(
        [folder / "bin" / "pip", "install", "--quiet", "--quiet", TOOLONG], check=True, stderr=subprocess.DEVNULL
    )
    return folder / "bin" / "tl"


if __name__ == "__main__":
    main()
