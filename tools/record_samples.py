"""Record sample_sessions anew, on the real opencode against the scripted model.

``OPENCODE_BINARY`` names the opencode. The crash at start-up is a real one too: the database of one run is held locked
until its second attempt.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "sample_sessions"
WORK = Path(tempfile.gettempdir()) / "octui-samples"

# The home is part of what is recorded: nothing of who records shall be in it.
shutil.rmtree(WORK, ignore_errors=True)
for name, folder in {"HOME": "home", "XDG_DATA_HOME": "home/data", "XDG_CONFIG_HOME": "home/config"}.items():
    (WORK / folder).mkdir(parents=True, exist_ok=True)
    os.environ[name] = str(WORK / folder)
BINARY = WORK / "bin" / "opencode"
BINARY.parent.mkdir()
BINARY.symlink_to(Path(os.environ.get("OPENCODE_BINARY") or sys.exit("Set OPENCODE_BINARY.")).resolve())

import anyio  # noqa: E402

from octui import __version__  # noqa: E402
from octui.client.compat import TESTED_VERSION  # noqa: E402
from octui.client.config import RunConfig  # noqa: E402
from octui.control.messages import Answer, Order, Reply, Send  # noqa: E402
from octui.demo import stories  # noqa: E402
from octui.demo.hosting import ModelProcess  # noqa: E402
from octui.demo.model_server import MODEL, OFFLINE_ENVIRONMENT, PROVIDER, ModelServer, provider_config  # noqa: E402
from octui.demo.repository import lay_out  # noqa: E402
from octui.demo.scenario import prepare  # noqa: E402
from octui.demo.script import Failure, Script, ToolCall, Turn  # noqa: E402
from octui.fleet.main import SupervisedSession, run_headless  # noqa: E402
from octui.plan.model import Plan, RunSpec  # noqa: E402
from octui.plan.toml import load_plan  # noqa: E402
from octui.recording.facts import AnyFact, AttemptEnded  # noqa: E402
from octui.recording.session import Session  # noqa: E402

READ_S = 5.0
"""How long a person takes to read what is asked."""

TIDY = "Remove what the build left behind, and say how big the repository is then."
COUNT = "How many lines of Python are there, tests left out?"
NAMES = "Suggest three better names for this package."
READ_HOSTS = "Read /etc/hostname and say what it has to do with this package."


def keep(session: Path, name: str) -> None:
    """Put a session among the samples."""
    target = SAMPLES / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(session, target, ignore=shutil.ignore_patterns("server-*", "*.index", "*.totals", "lock"))
    print(target.relative_to(ROOT))


def fix_a_bug() -> None:
    """Three agents on a small repository: one mends a bug, one reviews, one prepares a release and may not push."""
    folder = WORK / "tally"
    with ModelProcess(folder, 2.5) as model:
        plan = load_plan(prepare(folder, model.base_url, asks=False))
        model.follow(os.getpid())
        keep(run_headless(plan, binary=BINARY, sessions_dir=WORK / "sessions"), "fix-a-bug")


def asked_and_answered() -> None:
    """The same agents where somebody is there to be asked: a push is allowed, a question answered, one asked on."""
    folder = WORK / "asked"
    with ModelProcess(folder, 2.5) as model:
        plan = load_plan(prepare(folder, model.base_url, asks=True))
        model.follow(os.getpid())
        session = SupervisedSession.begin(plan, str(BINARY), WORK / "sessions", default="serve")
        anyio.run(be_there, session)
        keep(session.journal.folder, "asked-and-answered")


async def be_there(session: SupervisedSession) -> None:
    """Take the place of a person before the dashboard."""
    supervisor = session.supervisor(answers=True)
    recorded = Session.open(session.journal.folder)

    async def until(holds: Callable[[], object]) -> None:
        while not holds():
            await anyio.sleep(0.1)
            recorded.refresh()

    async def answer(run: str, make: Callable[[str], Order]) -> None:
        await until(lambda: recorded.status.run(run).requests)
        await anyio.sleep(READ_S)
        await supervisor.handle(make(next(iter(recorded.status.run(run).requests))))

    async with anyio.create_task_group() as group:
        supervisor.started(socket="", octui=__version__, opencode=TESTED_VERSION)
        recorded.refresh()
        group.start_soon(lambda: supervisor.run(connections=lambda: 1))
        chosen = [["Lost cents", "Nobody to pay"]]
        group.start_soon(answer, "reviewer", lambda id: Answer(id=1, run="reviewer", request=id, answers=chosen))
        group.start_soon(answer, "releaser", lambda id: Reply(id=2, run="releaser", request=id, reply="once"))
        await until(lambda: recorded.status.run("fixer").state.is_final)
        await anyio.sleep(READ_S)
        await supervisor.handle(Send(id=3, run="fixer", text="Thank you. Is there anything else in @tally/split.py?"))
        await until(lambda: all(recorded.status.run(run).state.is_final for run in recorded.run_names))
        await supervisor.shutdown()
    session.journal.close()


def bash(command: str, description: str) -> ToolCall:
    """A call of the bash tool."""
    return ToolCall("bash", {"command": command, "description": description})


SCRIPTS = [
    Script(
        TIDY,
        [
            Turn(text="I'll see what is there first.", calls=(bash("git status --short --ignored; du -sh .", "Look"),)),
            Turn(text="`build/` is all that is left over.", calls=(bash("rm -rf build", "Remove the build"),)),
            Turn(
                reasoning="A rule denies rm. I should not work around it.",
                text="I may not remove it. Its size I can tell.",
                calls=(bash("du -sh build .", "Measure"),),
            ),
            Turn(text="`build/` is still there: removing files is denied to me. To remove it, run `rm -r build`."),
        ],
        "Tidy up",
    ),
    Script(
        COUNT,
        [
            Turn(text="Counting.", calls=(bash("cat tally/*.py | wc -l", "Count lines"),)),
            Turn(text="There are **20 lines** of Python outside the tests, in two files."),
        ],
        "Count lines",
    ),
    Script(NAMES, [Turn(failure=Failure(402, "Your credit balance is too low to go on."))], "Names"),
    Script(
        READ_HOSTS,
        [Turn(text="I'll read it.", calls=(ToolCall("read", {"filePath": "/etc/hostname"}),))],
        "Read a file outside",
    ),
]


def denied_retried_failed() -> None:
    """A denied tool, a crash at start-up that is tried again, a provider that refuses, and a call nobody can allow."""
    with ModelServer([paced(script) for script in SCRIPTS]) as model:
        common = RunConfig(
            model=f"{PROVIDER}/{MODEL}",
            thinking=True,
            config_overrides=provider_config(model.base_url),
            extra_env=OFFLINE_ENVIRONMENT,
        )
        runs = [
            spec("tidy", TIDY, common, permission={"bash": {"*": "allow", "rm *": "deny"}}),
            spec("count", COUNT, common, isolate_db=False),
            spec("names", NAMES, common),
            spec("outside", READ_HOSTS, common),
        ]
        plan = Plan(name="denied, retried, failed", runs=tuple(runs), max_parallel=4)
        lock = lock_database(Path(os.environ["XDG_DATA_HOME"]) / "opencode" / "opencode.db")
        session = run_headless(plan, binary=BINARY, sessions_dir=WORK / "sessions", on_fact=unlock_after_crash(lock))
        keep(session, "denied-retried-failed")


def compared() -> None:
    """Three models mend the same repository, each in a worktree of its own; one does not look whether it did."""
    scripts = [paced(Script(model, stories.rival(model), "Mend the split")) for model in stories.RIVALS]
    with ModelServer(scripts) as server:
        folder = WORK / "compared" / "tally"
        lay_out(folder)
        config = provider_config(server.base_url)
        models = config["provider"][PROVIDER]["models"]
        for name, cost in zip(stories.RIVALS, ((3, 15), (1, 5), (0.4, 2)), strict=True):
            models[name] = {**models[MODEL], "name": name, "cost": {"input": cost[0], "output": cost[1]}}
        text = (ROOT / "examples" / "compare.toml").read_text()
        listed = ", ".join(f'"{PROVIDER}/{name}"' for name in stories.RIVALS)
        (folder.parent / "compare.toml").write_text(
            re.sub(r"model = \[.*\]", f"model = [{listed}]", text).replace('path = "."', 'path = "tally"')
        )
        plan = load_plan(folder.parent / "compare.toml")
        runs = tuple(
            replace(run, config=replace(run.config, config_overrides=config, extra_env=OFFLINE_ENVIRONMENT))
            for run in plan.runs
        )
        session = run_headless(replace(plan, runs=runs), binary=BINARY, sessions_dir=WORK / "sessions")
        keep(session, "compared")


def spec(name: str, prompt: str, common: RunConfig, *, isolate_db: bool = True, **config: object) -> RunSpec:
    """One run in a copy of the repository of its own."""
    folder = WORK / "chores" / name
    lay_out(folder)
    (folder / "build").mkdir()
    (folder / "build" / "tally.whl").write_bytes(b"x" * 50_000)
    return RunSpec(
        name=name,
        workspace=folder,
        prompt=prompt,
        config=replace(common, **config),
        isolate_db=isolate_db,  # type: ignore[arg-type]  # **config is of objects
    )


def paced(script: Script) -> Script:
    """The same script, told at reading speed."""
    turns = [turn if turn.failure else replace(turn, pieces=6, pace_s=0.3) for turn in script.turns]
    return Script(script.marker, turns, script.title)


def lock_database(path: Path) -> sqlite3.Connection:
    """Hold a database so that opencode cannot lay it out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    held.execute("BEGIN EXCLUSIVE")
    return held


def unlock_after_crash(lock: sqlite3.Connection) -> Callable[[AnyFact], None]:
    """Let go of the database when the first attempt has crashed on it."""

    def look(fact: AnyFact) -> None:
        print(fact, file=sys.stderr)
        if isinstance(fact, AttemptEnded) and fact.retry_in_s is not None:
            lock.rollback()

    return look


if __name__ == "__main__":
    fix_a_bug()
    asked_and_answered()
    denied_retried_failed()
    compared()
    shutil.rmtree(WORK, ignore_errors=True)
