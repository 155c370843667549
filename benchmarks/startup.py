"""How long eight real agents at once take through octui's client, against a shell script that starts the same eight.

The script is the floor: the same opencode, arguments, prompt on stdin, configuration and private homes, started with
``&`` and awaited with ``wait``. Each has a session of its own there too, as Linux may share processors out by session.
A scripted model on loopback answers both, so neither account nor network is needed. All take turns, every second round
in the other order. octui (`driver.py`) is measured twice: *fresh*, where the eight are the first runs of a program,
which asks opencode for its version and starts its guardian; and *warm*, where both are done.

Run it from anywhere; opencode is found in ``--binary``, ``OPENCODE_BINARY`` or ``tools/opencode``::

    .venv/bin/python benchmarks/startup.py
    .venv/bin/python benchmarks/startup.py --pace        # what to choose for startup_concurrency and startup_delay_s

Printed are medians over the rounds. *Overhead* is the median of how much longer than the script each took in the same
round; that of processor time (the runs and octui together) suffers less from whatever else the machine does. *Own* is
what octui's process used of it, the figure that a busy machine alters least. With ``--pace``, *all done* and *first
answer* are seconds as well as ratios to starting all at once, and *memory* is the most that all processes held at one
time: RSS counts what they share once for each, USS not at all. How long things take depends on the machine; which pace
pays off does on its number of processors.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil
from shell import shell_line

from octui.client.config import RunConfig
from octui.demo.model_server import OFFLINE_ENVIRONMENT, ModelServer, provider_config

HERE = Path(__file__).resolve().parent
LOCAL_OPENCODE = HERE.parent / "tools/opencode/node_modules/.bin/opencode"
PROMPT = "SAY:ok"
TARGET_PERCENT = 5.0
SAMPLE_S = 0.25
PACES = ((0, 0.0), (1, 0.3), (1, 1.0), (2, 0.3), (2, 1.0), (4, 0.3), (4, 1.0))
MB = 1e6

Side = TypeVar("Side")
Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went.

    Attributes:
        seconds: From the first start to the end of the last.
        first_answer_s: From the first start to the first text of a model, whichever run gave it.
        own_cpu_s: Processor time of octui itself.
        runs_cpu_s: Processor time of the runs.
        answers: The texts the models gave.
    """

    seconds: float
    first_answer_s: float
    own_cpu_s: float
    runs_cpu_s: float
    answers: list[str]

    @property
    def cpu_s(self) -> float:
        """Processor time of all."""
        return self.own_cpu_s + self.runs_cpu_s


class Bench:
    """The surroundings of all runs: a home of their own, the scripted model, fresh workspaces.

    Args:
        folder: An empty one.
        binary: The real opencode.
        runs: How many at once.
        server: The scripted model.
    """

    def __init__(self, folder: Path, binary: Path, runs: int, server: ModelServer) -> None:
        self._folder = folder
        self._binary = binary
        self._runs = runs
        self._config = provider_config(server.base_url)
        self._env = _environment(folder / "home")
        self._setsid = ["setsid"] if shutil.which("setsid") else []
        self._batches = 0

    def shell(self) -> Outcome:
        """Let a shell script run the agents.

        Raises:
            SystemExit: An agent gave another answer than the scripted one.
        """
        with self._batch_folder() as folder:
            script = folder / "script"
            runs = [self._shell_run(folder / f"{number}") for number in range(self._runs)]
            script.write_text("\n".join([*runs, "wait", ""]))
            cpu_s, started = _children_cpu_s(), time.perf_counter()
            subprocess.run(["/bin/sh", script], env=self._env, stdin=subprocess.DEVNULL, check=True)
            seconds, cpu_s = time.perf_counter() - started, _children_cpu_s() - cpu_s
            answers = [_answer(folder / f"{number}" / "stdout") for number in range(self._runs)]
        _check(answers, self._runs)
        return Outcome(seconds, 0.0, 0.0, cpu_s, answers)

    def octui(self, concurrency: int, delay_s: float, *, warm: bool, sample: bool = False) -> tuple[Outcome, Memory]:
        """Let octui run the agents, in a process of its own.

        Raises:
            SystemExit: It failed, or an agent gave another answer than the scripted one.
        """
        with self._batch_folder() as folder:
            workspaces = [str(self._workspace(folder / f"{number}")) for number in range(self._runs)]
            batch = {
                "binary": str(self._binary),
                "workspaces": workspaces,
                "prompt": PROMPT,
                "config": self._config,
                "startup_concurrency": concurrency,
                "startup_delay_s": delay_s,
                "warm": warm,
            }
            command = [sys.executable, str(HERE / "driver.py"), json.dumps(batch)]
            memory = Memory()
            with (
                subprocess.Popen(command, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process,
                memory.sampled(process.pid) if sample else nullcontext(),
            ):
                output, _ = process.communicate()
        if process.returncode != 0:
            sys.exit("octui failed; what it said is above.")
        outcome = Outcome(**json.loads(output))
        _check(outcome.answers, self._runs)
        return outcome, memory

    @contextmanager
    def _batch_folder(self) -> Iterator[Path]:
        self._batches += 1
        folder = self._folder / f"batch-{self._batches}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _workspace(self, folder: Path) -> Path:
        workspace = folder / "workspace"
        workspace.mkdir(parents=True)
        (workspace / "README.md").write_text("# A project\n")
        return workspace

    def _shell_run(self, folder: Path) -> str:
        """Give the line that starts one agent, with what octui would give it."""
        workspace = self._workspace(folder)
        (folder / "stdin").write_text(PROMPT)
        return shell_line(folder, workspace, self._env, RunConfig(config_overrides=self._config), str(self._binary))


@dataclass
class Memory:
    """The most memory a process and all it started held at one time, in bytes."""

    rss: int = 0
    uss: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def sampled(self, pid: int) -> Iterator[None]:
        """Look at them every now and then while the block runs."""
        thread = threading.Thread(target=self._sample, args=(psutil.Process(pid),))
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _sample(self, root: psutil.Process) -> None:
        while not self._done.wait(SAMPLE_S):
            rss = uss = 0
            with suppress(psutil.Error):
                for process in [root, *root.children(recursive=True)]:
                    with suppress(psutil.Error):
                        info = process.memory_full_info()
                        rss, uss = rss + info.rss, uss + info.uss
            self.rss, self.uss = max(self.rss, rss), max(self.uss, uss)


def main() -> None:
    """Measure and print."""
    options = _options()
    binary = shutil.which(options.binary)
    if binary is None:
        sys.exit(f"There is no opencode at {options.binary}; say where it is with --binary.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ModelServer() as server:
        bench = Bench(Path(folder), Path(binary).absolute(), options.runs, server)
        bench.octui(0, 0.0, warm=True)  # The home's caches fill once.
        print(f"{options.runs} runs at once, {os.cpu_count()} processors, medians of {options.rounds} rounds")
        if options.pace:
            _print_paces(bench, options.rounds)
        else:
            _print_overhead(bench, options.rounds)


def _options() -> argparse.Namespace:
    default = os.environ.get("OPENCODE_BINARY") or str(LOCAL_OPENCODE)
    parser = argparse.ArgumentParser(description="Compare octui's start of eight agents with a shell script's.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--runs", type=int, default=8, help="agents at once (8)")
    parser.add_argument("--binary", default=default, help="the opencode to run")
    parser.add_argument("--pace", action="store_true", help="compare ways to pace the starts instead")
    return parser.parse_args()


def _print_overhead(bench: Bench, rounds: int) -> None:
    sides: dict[str, Callable[[], Outcome]] = {
        "shell script": bench.shell,
        "octui, fresh": lambda: bench.octui(0, 0.0, warm=False)[0],
        "octui, warm": lambda: bench.octui(0, 0.0, warm=True)[0],
    }
    found = _alternate(sides, rounds)
    wall = f"{'wall s':>8}{'fastest':>9}{'overhead':>10}"
    print(f"\n  {'':<14}{wall}   {'CPU s':>7}{'overhead':>10}   {'own CPU s':>9}{'share':>7}")
    for side, outcomes in found.items():
        walls = [outcome.seconds for outcome in outcomes]
        wall = f"{statistics.median(walls):>8.2f}{min(walls):>9.2f}{_overhead(found, side, _seconds):>10}"
        cpu = f"{statistics.median(map(_cpu_s, outcomes)):>7.2f}{_overhead(found, side, _cpu_s):>10}"
        own = statistics.median(outcome.own_cpu_s for outcome in outcomes)
        share = statistics.median(outcome.own_cpu_s / outcome.cpu_s for outcome in outcomes)
        print(f"  {side:<14}{wall}   {cpu}   {own:>9.2f}{share:>7.1%}")
    print(f"  target: overhead under {TARGET_PERCENT:.0f} %")
    walls = [outcome.seconds for outcome in found["shell script"]]
    print(f"  the script's slowest round took {max(walls) / min(walls) - 1:.0%} longer than its fastest")


def _overhead(found: dict[str, list[Outcome]], side: str, figure: Callable[[Outcome], float]) -> str:
    if side == "shell script":
        return ""
    pairs = zip(found[side], found["shell script"], strict=True)
    return f"{statistics.median(figure(octui) / figure(shell) for octui, shell in pairs) - 1:+.1%}"


def _seconds(outcome: Outcome) -> float:
    return outcome.seconds


def _cpu_s(outcome: Outcome) -> float:
    return outcome.cpu_s


def _print_paces(bench: Bench, rounds: int) -> None:
    sides: dict[tuple[int, float], Callable[[], tuple[Outcome, Memory]]] = {
        pace: partial(bench.octui, *pace, warm=True, sample=True) for pace in PACES
    }
    found = _alternate(sides, rounds)
    floors = _pace_figures(found[PACES[0]])
    print(f"\n  {'startup_':<13}{'startup_':<11}{'all done':<17}{'first answer':<17}memory, MB")
    print(f"  {'concurrency':<13}{'delay_s':<11}{'s':>6}{'ratio':>8}   {'s':>6}{'ratio':>8}   {'RSS':>7}{'USS':>8}")
    for (concurrency, delay_s), results in found.items():
        done, first, rss, uss = _pace_figures(results)
        times = f"{done:>6.2f}{done / floors[0]:>8.2f}   {first:>6.2f}{first / floors[1]:>8.2f}"
        print(f"  {concurrency:<13}{delay_s:<11}{times}   {rss / MB:>7.0f}{uss / MB:>8.0f}")


def _pace_figures(results: Sequence[tuple[Outcome, Memory]]) -> tuple[float, float, float, float]:
    return (
        statistics.median(outcome.seconds for outcome, _ in results),
        statistics.median(outcome.first_answer_s for outcome, _ in results),
        statistics.median(memory.rss for _, memory in results),
        statistics.median(memory.uss for _, memory in results),
    )


def _alternate(sides: dict[Side, Callable[[], Measured]], rounds: int) -> dict[Side, list[Measured]]:
    """Measure all sides in turn, each round in the other order."""
    found: dict[Side, list[Measured]] = {side: [] for side in sides}
    for number in range(rounds):
        for side in list(sides)[:: -1 if number % 2 else 1]:
            found[side].append(sides[side]())
    return found


def _environment(home: Path) -> dict[str, str]:
    """Give an environment with an empty home, and without what steers the user's own opencode and octui."""
    steering = ("OPENCODE_", "OCTUI_", "XDG_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    env = {name: value for name, value in env.items() if not name.endswith("_API_KEY")}
    folders = {"HOME": "", "TMPDIR": "tmp", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}
    folders |= {"XDG_STATE_HOME": ".local/state", "XDG_CACHE_HOME": ".cache"}
    for variable, name in folders.items():
        (home / name).mkdir(parents=True, exist_ok=True)
        env[variable] = str(home / name)
    return env | OFFLINE_ENVIRONMENT


def _answer(stdout: Path) -> str:
    events = [json.loads(line) for line in stdout.read_text().splitlines()]
    return "".join(event["part"]["text"] for event in events if event["type"] == "text")


def _check(answers: Sequence[str], runs: int) -> None:
    if sorted(answers) != ["ok"] * runs:
        sys.exit(f"The agents' answers were {answers!r}.")


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
