"""How fast octui's client takes events, and how much memory that needs, against the published wrapper.

The peer is `py-opencode-wrapper` from PyPI, whose client has the same names; it is installed into an environment of its
own. Both take the same events from the same stand-in for opencode, which prints lines as opencode does (those in
``tests/captures``) as fast as they are taken. A floor is measured beside them: a bare loop that reads, cuts and
decodes. Each run is in a process of its own (`consumer.py`), and the sides take turns, so that a slow moment of the
machine hits all alike.

Run it from anywhere::

    .venv/bin/python benchmarks/client.py
    .venv/bin/python benchmarks/client.py --rounds 9 --events 100000 --peer-env some/folder

Printed are medians over the rounds, and ratios, which unlike seconds mean the same on every machine. *Peak* is the
most memory the process held, interpreter and imports in it; *growth* is how much of it came during the run. The last
part streams a million events through octui and tells how far memory grew after the first ten thousand.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

PEER = "py-opencode-wrapper==0.2.1"
PACKAGES = {"octui": "octui", "peer": "opencode_wrapper", "floor": ""}
METHODS = ("async_stream", "async_run")
CAPTURES = ("text", "todowrite", "tool_completed_bash", "tool_completed_read_write_edit", "denied_pattern")
HERE = Path(__file__).resolve().parent
EARLY_EVENTS = 10_000
MB = 1e6

RATE_TARGET = 5.0
MEMORY_TARGET = 0.1
GROWTH_TARGET_MB = 20.0

STAND_IN = """#!{python} -SE
import os, sys
if sys.argv[1:] == ["--version"]:
    print("1.18.33")
    sys.exit()
while os.read(0, 65536):
    pass
with open({lines!r}, "rb") as file:
    cycle = file.read()
left = int(os.environ["BENCHMARK_CYCLES"])
block_cycles = max(1, (1 << 20) // len(cycle))
block = cycle * block_cycles
while left:
    data = block if left >= block_cycles else cycle * left
    left -= min(left, block_cycles)
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost.

    Attributes:
        events: How many came.
        seconds: The whole call, start and end of the process in it.
        cpu_s: Processor time of the process that took them.
        before: Peak memory before the run, in bytes, all imported and a short run done.
        early: Peak memory after the first `EARLY_EVENTS`; where the method gives none one by one, as ``before``.
        after: Peak memory after the run.
    """

    events: int
    seconds: float
    cpu_s: float
    before: int
    early: int
    after: int


class Bench:
    """The stand-in, its folder, and the interpreters of both sides.

    Args:
        folder: An empty one.
        peer_python: The interpreter that has the peer.
    """

    def __init__(self, folder: Path, peer_python: Path) -> None:
        self._peer_python = peer_python
        self._workspace = folder / "workspace"
        self._workspace.mkdir()
        captures = HERE.parent / "tests" / "captures"
        self._lines = b"".join((captures / f"{name}.jsonl").read_bytes() for name in CAPTURES)
        (folder / "lines.jsonl").write_bytes(self._lines)
        self._binary = folder / "opencode"
        code = STAND_IN.format(python=sys.executable, lines=str(folder / "lines.jsonl"))
        self._binary.write_text(code)
        self._binary.chmod(0o755)

    @property
    def bytes_per_event(self) -> float:
        """The mean length of a line."""
        return len(self._lines) / self._lines.count(b"\n")

    def measure(self, side: str, method: str, events: int) -> Cost:
        """Take about so many events in a process of its own.

        Raises:
            SystemExit: It failed, or events were lost.
        """
        cycles = -(-events // self._lines.count(b"\n"))
        task = {
            "package": PACKAGES[side],
            "method": method,
            "binary": str(self._binary),
            "workspace": str(self._workspace),
            "cycles": cycles,
        }
        python = self._peer_python if side == "peer" else sys.executable
        command = [str(python), str(HERE / "consumer.py"), json.dumps(task)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            sys.exit(f"{side} failed in {method}; what it said is above.")
        cost = Cost(**json.loads(done.stdout))
        if cost.events != cycles * self._lines.count(b"\n"):
            sys.exit(f"{side} lost events in {method}: {cost.events} came.")
        return cost


def main() -> None:
    """Measure and print."""
    options = _options()
    peer_python = _peer_python(options.peer_env)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), peer_python)
        size = f"{options.events:,} events of {bench.bytes_per_event:.0f} bytes on average"
        print(f"{size}, medians of {options.rounds} rounds; the peer is {PEER}")
        for method in METHODS:
            _print_comparison(method, _compare(bench, method, options.events, options.rounds))
        _print_long_run(bench.measure("octui", "async_stream", options.long_events))


def _options() -> argparse.Namespace:
    cache = Path(platformdirs.user_cache_dir("octui")) / "benchmark-peer"
    parser = argparse.ArgumentParser(description="Compare octui's client with its published peer.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--events", type=int, default=200_000, help="events a run (200000)")
    parser.add_argument("--long-events", type=int, default=1_000_000, help="events of the long run (1000000)")
    parser.add_argument("--peer-env", type=Path, default=cache, help="folder of the peer's environment")
    return parser.parse_args()


def _peer_python(folder: Path) -> Path:
    """Have an environment with the peer in it; give its interpreter."""
    python = folder.absolute() / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    check = [str(python), "-c", f"from importlib.metadata import version as v; assert v({PEER.split('==')[0]!r})"]
    if subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return python


def _compare(bench: Bench, method: str, events: int, rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {side: [] for side in PACKAGES}
    for number in range(rounds):
        for side in list(PACKAGES)[:: -1 if number % 2 else 1]:
            costs[side].append(bench.measure(side, method, events))
    return costs


def _print_comparison(method: str, costs: dict[str, list[Cost]]) -> None:
    print(f"\n{method}")
    print(f"  {'':<8}{'events/s':>12}{'CPU us/event':>14}{'peak MB':>10}{'growth MB':>11}")
    for side, found in costs.items():
        rate, cpu, peak, growth = _rate(found), _cpu_us(found), _peak(found), _growth(found)
        print(f"  {side:<8}{rate:>12,.0f}{cpu:>14.2f}{peak / MB:>10.1f}{growth / MB:>11.1f}")
    octui, peer, floor = costs["octui"], costs["peer"], costs["floor"]
    only_stream = method == "async_stream"
    _print_ratio("events a second, octui / peer", _rate(octui) / _rate(peer), f"at least {RATE_TARGET}", only_stream)
    _print_ratio("events a second, octui / floor", _rate(octui) / _rate(floor))
    _print_ratio("memory growth, octui / peer", _growth(octui) / _growth(peer), f"at most {MEMORY_TARGET}", only_stream)
    _print_ratio("peak memory, octui / peer", _peak(octui) / _peak(peer), f"at most {MEMORY_TARGET}", only_stream)


def _print_ratio(words: str, ratio: float, target: str = "", show_target: bool = True) -> None:
    print(f"  {words:<33}{ratio:>7.3f}{f'   target: {target}' if target and show_target else ''}")


def _print_long_run(cost: Cost) -> None:
    grown = (cost.after - cost.early) / MB
    print(f"\nasync_stream of octui over {cost.events:,} events")
    print(f"  memory grew by {grown:.1f} MB after the first {EARLY_EVENTS:,}   target: under {GROWTH_TARGET_MB:.0f} MB")
    print(f"  peak {cost.after / MB:.1f} MB, {cost.before / MB:.1f} MB before the run")


def _rate(costs: Sequence[Cost]) -> float:
    return _median(cost.events / cost.seconds for cost in costs)


def _cpu_us(costs: Sequence[Cost]) -> float:
    return _median(cost.cpu_s / cost.events * 1e6 for cost in costs)


def _peak(costs: Sequence[Cost]) -> float:
    return _median(cost.after for cost in costs)


def _growth(costs: Sequence[Cost]) -> float:
    return _median(cost.after - cost.before for cost in costs)


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))


if __name__ == "__main__":
    main()
