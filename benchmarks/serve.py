"""Agents on ``opencode serve``: what they cost against ``opencode run``, and how soon their words are on the screen.

Run it from anywhere; opencode is found in ``--binary``, ``OPENCODE_BINARY`` or ``tools/opencode``::

    .venv/bin/python benchmarks/serve.py                # some ten minutes
    .venv/bin/python benchmarks/serve.py --only cost --agents 8
    .venv/bin/python benchmarks/serve.py --only words --rates 50

*Cost*: the same plan, run by octui headless, once with either backend; and the same agents without octui, as a shell
starts them: an ``opencode run`` each, all at once, with the folders that octui would give them. All have opencode's
list of models in their home, as users do who were on the network once (`models.py`). The scripted model answers at
once. Seconds go from the command to the last answer. Memory is the most that all processes held at one time, what they
share being divided among them (PSS; Linux).

*Words*: eight agents on one server, each with a model that says so many tokens a second (`stamps.py`), before a
dashboard on a real pseudo-terminal of 200 by 60 cells. Every token carries the moment it was sent. It is looked for in
three places: in the server's event, by the time in that event's id; in the session folder; among the bytes that come
out of the terminal. What lies between the first two and between the last two is octui's. The same agents also talk to a
client that does nothing but read (`bare.py`): what opencode itself takes, on a machine as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import tomli_w
from bare import heard_ms
from models import lay_list
from report import OCTUI, environment, median, p95, row
from shell import shell_line
from stamps import MARK, since
from terminal import Terminal, cpu_s

from octui.client.config import RunConfig
from octui.client.serve import v1_events
from octui.demo.model_server import MODEL, OFFLINE_ENVIRONMENT, PROVIDER, ModelServer, provider_config

HERE = Path(__file__).resolve().parent
LOCAL_OPENCODE = HERE.parent / "tools/opencode/node_modules/.bin/opencode"
SIDES = ("serve", "run", "shell")
SAMPLE_S = 0.25
LOOK_S = 0.004
WARM_UP_S = 10.0
START_S = 90.0
WORDS_AGENTS = 8
PROMPT = "SAY:ok"
RATES = (100, 75, 50, 35, 25, 10)
WORDS_LIMIT_MS = 100
LONGEST_MARK = 13
LAST_FRAME_S = 1.0
MB = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What it took until all had answered.

    Attributes:
        seconds: From the command to the last answer, by the time opencode gives it.
        over: From the command to the end of the last run, what it changed summed up.
        cpu_s: Processor time of all processes; a busy machine alters it least.
        memory: The most that all processes held at one time, in bytes.
    """

    seconds: float
    over: float
    cpu_s: float
    memory: int


@dataclass
class Words:
    """Where tokens were, and when.

    Attributes:
        told_ms: From a token's sending to the server's event.
        written_ms: To its being in the session folder.
        shown_ms: To its coming out of the terminal.
        behind_ms: From the server's event to the terminal.
        percent: Processor time of each process, of one processor.
        per_s: Tokens a second that reached the session folder.
        shown_percent: How many of those came out of the terminal; the others scrolled by between two frames.
    """

    told_ms: list[float] = field(default_factory=list)
    written_ms: list[float] = field(default_factory=list)
    shown_ms: list[float] = field(default_factory=list)
    behind_ms: list[float] = field(default_factory=list)
    percent: dict[str, float] = field(default_factory=dict)
    per_s: float = 0.0
    shown_percent: float = 0.0


def main() -> None:
    """Measure and print."""
    options = _options()
    binary = shutil.which(options.binary)
    if binary is None:
        sys.exit(f"There is no opencode at {options.binary}; say where it is with --binary.")
    binary = str(Path(binary).absolute())
    print(f"{os.cpu_count()} processors, medians of {options.rounds} rounds")
    if options.only in (None, "cost"):
        for agents in options.agents:
            _print_cost(agents, binary, options.rounds)
    if options.only in (None, "words"):
        _print_words(options.rates, binary, options.rounds, options.seconds)


def _options() -> argparse.Namespace:
    default = os.environ.get("OPENCODE_BINARY") or str(LOCAL_OPENCODE)
    parser = argparse.ArgumentParser(description="Compare agents on a server with a process each; time their words.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--only", choices=("cost", "words"), help="measure one of the two")
    parser.add_argument("--agents", type=int, nargs="+", default=[8, 16], help="agents at once, for the cost (8 16)")
    rates = " ".join(map(str, RATES))
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help=f"tokens a second an agent ({rates})")
    parser.add_argument("--seconds", type=float, default=8, help="how long words are looked at (8)")
    parser.add_argument("--binary", default=default, help="the opencode to run")
    return parser.parse_args()


# What agents cost


def _print_cost(agents: int, binary: str, rounds: int) -> None:
    found: dict[str, list[Cost]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES[:: -1 if number % 2 else 1]:
            found[side].append(without_octui(agents, binary) if side == "shell" else cost(agents, side, binary))
    seconds = {side: median([each.seconds for each in costs]) for side, costs in found.items()}
    memory = {side: median([each.memory for each in costs]) / MB for side, costs in found.items()}
    for side, costs in found.items():
        over = median([each.over for each in costs])
        used = median([each.cpu_s for each in costs])
        times = f"{seconds[side]:.1f} s to the last answer, {over:.1f} s until all is over, {used:.1f} s of processors"
        print(f"  {agents} agents, {side}: {times}, {memory[side]:,.0f} MB")
    for side, words in (("shell", "a shell's seconds"), ("run", "run's seconds")):
        row(f"{agents} agents: {words} / serve's", seconds[side] / seconds["serve"], "times", limit=3, least=True)
    for side, words in (("shell", "a shell's"), ("run", "run's")):
        row(f"{agents} agents: serve's memory, of {words}", memory["serve"] / memory[side] * 100, "%", limit=40)


def cost(agents: int, backend: str, binary: str) -> Cost:
    """Have so many agents give one answer each.

    Raises:
        SystemExit: They did not.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ModelServer() as model:
        folder = Path(name)
        plan = _plan(folder, agents, model.base_url, backend, PROMPT)
        env = _environment(folder, binary)
        began, used = time.time(), _children_cpu_s()
        with subprocess.Popen([OCTUI, "run", str(plan), "--headless"], env=env, stderr=subprocess.DEVNULL) as process:
            peak = _peak(process)
        if process.returncode:
            sys.exit(f"octui failed with backend {backend!r}.")
        used = _children_cpu_s() - used
        session = _session(folder)
        over = [fact["at"] for fact in _facts(session) if fact.get("state") == "succeeded"]
        answers = [line["timestamp"] / 1000 for line in _lines(session) if line["type"] == "text"]
    if len(over) != agents or len(answers) != agents:
        sys.exit(f"{len(answers)} of {agents} agents answered.")
    return Cost(max(answers) - began, max(over) - began, used, peak)


def without_octui(agents: int, binary: str) -> Cost:
    """Have so many agents give one answer each, all started at once by a shell.

    Raises:
        SystemExit: They did not.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, ModelServer() as model:
        folder = Path(name)
        env = {**_environment(folder, binary), **OFFLINE_ENVIRONMENT}
        config = RunConfig(config_overrides=provider_config(model.base_url), model=f"{PROVIDER}/{MODEL}")
        lines = [_shell_line(folder / f"r{number}", env, config, binary) for number in range(agents)]
        began, used = time.time(), _children_cpu_s()
        with subprocess.Popen(["/bin/sh", "-c", "\n".join([*lines, "wait"])], env=env) as process:
            peak = _peak(process)
        over, used = time.time(), _children_cpu_s() - used
        told = (json.loads(line) for path in folder.glob("r*/stdout") for line in path.read_text().splitlines())
        answers = [line["timestamp"] / 1000 for line in told if line["type"] == "text"]
    if len(answers) != agents:
        sys.exit(f"{len(answers)} of {agents} agents answered a shell.")
    return Cost(max(answers) - began, over - began, used, peak)


def _shell_line(folder: Path, env: Mapping[str, str], config: RunConfig, binary: str) -> str:
    """Give the line that starts an agent."""
    workspace = folder / "workspace"
    workspace.mkdir(parents=True)
    (folder / "stdin").write_text(PROMPT)
    return shell_line(folder, workspace, env, config, binary)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _peak(process: subprocess.Popen[bytes]) -> int:
    """Look until a process ends at what it and all it started hold; give the most, in bytes."""
    peak, root = 0, psutil.Process(process.pid)
    while process.poll() is None:
        held = 0
        with suppress(psutil.Error):
            for each in [root, *root.children(recursive=True)]:
                with suppress(psutil.Error):
                    held += each.memory_full_info().pss
        peak = max(peak, held)
        time.sleep(SAMPLE_S)
    return peak


# How soon words are on the screen


def _print_words(rates: Sequence[int], binary: str, rounds: int, seconds: float) -> None:
    """Go down until what is said is on the screen soon enough."""
    for rate in rates:
        found, heard = [], []
        for _ in range(rounds):
            heard.append(p95(bare_words(rate, binary, seconds)))
            found.append(words(rate, binary, seconds))
        what = f"{WORDS_AGENTS} x {rate} tokens/s"
        shown = median([p95(each.shown_ms) for each in found])
        row(f"{what}: token on the screen, p95", shown, "ms", peer=median(heard), limit=WORDS_LIMIT_MS)
        parts = {
            "told by the server": [p95(each.told_ms) for each in found],
            "in the session folder": [p95(each.written_ms) for each in found],
            "from the server's telling to the screen": [p95(each.behind_ms) for each in found],
        }
        for part, values in parts.items():
            print(f"    {part + ', p95':<56}{median(values):>10.3g} ms")
        drawn = median([each.shown_percent for each in found])
        print(f"    {'of the tokens that came, drawn':<56}{drawn:>10.3g} %")
        halves = [median(each.shown_ms) for each in found]
        print(f"    {'on the screen, median':<56}{median(halves):>10.3g} ms")
        print(f"    {'tokens that came':<56}{median([each.per_s for each in found]):>10.3g} a second")
        for process in found[0].percent:
            print(f"    {process:<56}{median([each.percent[process] for each in found]):>10.3g} % of one processor")
        if shown <= WORDS_LIMIT_MS:
            print(f"  {WORDS_LIMIT_MS} ms hold at {WORDS_AGENTS} x {rate} tokens/s")
            return


def bare_words(rate: int, binary: str, seconds: float) -> list[float]:
    """Let agents talk at a rate to a client that only reads; give how long each token took to it, in milliseconds."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, _model(rate, START_S + seconds) as model:
        folder = Path(name)
        env = {**_environment(folder, binary), **OFFLINE_ENVIRONMENT}
        config = provider_config(model.url)
        return heard_ms(binary, env, config, folder, agents=WORDS_AGENTS, warm_up_s=WARM_UP_S, seconds=seconds)


def words(rate: int, binary: str, seconds: float) -> Words:
    """Let agents talk at a rate, and look for their words.

    Args:
        rate: Tokens a second an agent.
        binary: opencode.
        seconds: How long.
    """
    screen = _Screen()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, _model(rate, START_S + seconds) as model:
        folder = Path(name)
        plan = _plan(folder, WORDS_AGENTS, model.url, "serve", "Talk.")
        env = _environment(folder, binary)
        with Terminal([OCTUI, "run", str(plan)], env, listen=screen.listen) as terminal:
            session = _wait_for_words(folder)
            supervisor = psutil.Process(_facts(session)[0]["pid"])
            processes = {
                "dashboard": terminal.process,
                "supervisor": supervisor,
                "opencode's server": _server(supervisor),
                "the model and its tokens": model.process,
                "who measures": psutil.Process(),
            }
            try:
                time.sleep(WARM_UP_S)
                used, began = [cpu_s(process) for process in processes.values()], time.perf_counter()
                written = _follow(session, seconds)
                passed = time.perf_counter() - began
                used = [cpu_s(process) - before for process, before in zip(processes.values(), used, strict=True)]
                time.sleep(LAST_FRAME_S)
            finally:
                stop = [OCTUI, "stop", str(session)]
                subprocess.run(stop, env=env, capture_output=True, check=False, timeout=60)
        told = _told(session)
    if not written:
        sys.exit("No words came: this machine is too busy with something else.")
    found = Words(
        percent={what: each / passed * 100 for what, each in zip(processes, used, strict=True)},
        per_s=len(written) / passed,
    )
    found.shown_percent = len(written.keys() & screen.shown.keys()) / len(written) * 100
    for mark, at in written.items():
        sent = float(mark)
        found.told_ms.append(since(sent, told[mark]) * 1000)
        found.written_ms.append(since(sent, at) * 1000)
        if mark in screen.shown:
            found.shown_ms.append(since(sent, screen.shown[mark]) * 1000)
            found.behind_ms.append((screen.shown[mark] - told[mark]) * 1000)
    return found


class _Screen:
    """Notes when a token first came out of the terminal; a row may be drawn again."""

    def __init__(self) -> None:
        self.shown: dict[bytes, float] = {}
        self._tail = b""

    def listen(self, data: bytes, now: float) -> None:
        data = self._tail + data
        for mark in MARK.findall(data):
            self.shown.setdefault(mark, now)
        self._tail = data[-LONGEST_MARK:]


@dataclass(frozen=True, slots=True)
class _Model:
    url: str
    process: psutil.Process


@contextmanager
def _model(rate: int, seconds: float) -> Iterator[_Model]:
    """A model that talks at a rate, in a process of its own."""
    command = [sys.executable, str(HERE / "stamps.py"), str(rate), str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield _Model(process.stdout.readline().strip(), psutil.Process(process.pid))
        process.terminate()


def _follow(session: Path, seconds: float) -> dict[bytes, float]:
    """Look for so long at what is written; give when each token came into the session folder."""
    written: dict[bytes, float] = {}
    files = [path.open("rb", buffering=0) for path in session.glob("*.stream")]
    for file in files:
        file.seek(0, os.SEEK_END)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for file in files:
            if data := file.read():  # Whole lines, as each is written at once.
                written.update(dict.fromkeys(MARK.findall(data), time.time()))
        time.sleep(LOOK_S)
    for file in files:
        file.close()
    return written


def _told(session: Path) -> dict[bytes, float]:
    """When the server told each token, by its event's id, in seconds since the epoch."""
    told: dict[bytes, float] = {}
    for path in session.glob("*.stream"):
        for line in path.read_bytes().splitlines():
            at = v1_events.time_of_line(line, time.time() * 1000)
            for mark in MARK.findall(line):
                told.setdefault(mark, (at or 0) / 1000)  # Once more in the end, in the whole text.
    return told


def _wait_for_words(folder: Path) -> Path:
    """Wait until every agent talks; give the session's folder."""
    deadline = time.monotonic() + START_S / 2
    sessions = folder / "home" / "octui" / "data" / "sessions"
    while sum(bool(MARK.search(path.read_bytes())) for path in sessions.glob("*/*.stream")) < WORDS_AGENTS:
        if time.monotonic() > deadline:
            sys.exit("The agents did not all begin to talk.")
        time.sleep(0.2)
    return _session(folder)


def _server(supervisor: psutil.Process) -> psutil.Process:
    """The process of opencode's server: of all the supervisor started, the one that worked most."""
    return max(supervisor.children(recursive=True), key=cpu_s)


# Both


def _environment(folder: Path, binary: str) -> Mapping[str, str]:
    """Give an environment with a home of its own, in which opencode has its list of models."""
    lay_list(folder / "home", binary)
    return environment(folder / "home", OPENCODE_BINARY=binary)


def _plan(folder: Path, agents: int, model_url: str, backend: str, prompt: str) -> Path:
    runs = [{"name": f"r{number}", "workspace": f"w{number}", "prompt": prompt} for number in range(agents)]
    for run in runs:
        (folder / run["workspace"]).mkdir()
    plan = {
        "name": "serve",
        "max_parallel": agents,
        "defaults": {
            "model": f"{PROVIDER}/{MODEL}",
            "backend": backend,
            "extra_env": OFFLINE_ENVIRONMENT,
            "config_overrides": provider_config(model_url),
        },
        "runs": runs,
    }
    path = folder / "plan.toml"
    path.write_text(tomli_w.dumps(plan))
    return path


def _session(folder: Path) -> Path:
    (session,) = (folder / "home" / "octui" / "data" / "sessions").iterdir()
    return session


def _lines(session: Path) -> Iterator[dict[str, Any]]:
    """What opencode printed in all runs, or would have."""
    for path in session.glob("r*.jsonl"):
        yield from map(json.loads, path.read_text().splitlines())


def _facts(session: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (session / "facts.jsonl").read_text().splitlines()]


if __name__ == "__main__":
    main()
