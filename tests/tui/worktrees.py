"""Sessions whose runs worked in git worktrees, for the tests of screens: real repositories, times that never change."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tests.support.repository import make_repository
from tests.tui.sessions import PROMPT, START, line, step_finish, step_start, text, tool
from tests.workspace.conftest import in_git

from octui import paths
from octui.client.config import RunConfig
from octui.client.serve.events import FileDiff
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import (
    AttemptStarted,
    ChangesCounted,
    Checked,
    RunState,
    SessionEnded,
    SessionStarted,
    StateChanged,
    WorktreeMade,
)
from octui.recording.journal import Journal
from octui.recording.layout import diff_path
from octui.workspace.changes import compare
from octui.workspace.worktree import Worktree, make_worktree

SESSION = "20261123-104000-limits"
"""What branches and folders of worktrees are named after."""

FILES = {
    "src/limits.py": """# Requests a minute and customer.
DEFAULT = 10


def limit(customer):
    return DEFAULT


def is_over(customer, count):
    return count > limit(customer)
""",
    "src/old.py": "print('old')\n",
    "README.md": "# Limits\n",
}
BRIEF = """# Requests a minute and customer.
DEFAULT = 100


def limit(customer):
    return DEFAULT


def is_over(customer, count):
    return count > limit(customer)
"""
LONG = """# Requests a minute and customer, by what they pay.
DEFAULT = 10
PAYING = 100


def limit(customer):
    if customer.is_trial:
        return DEFAULT
    return PAYING


def is_over(customer, count):
    return count >= limit(customer)
"""
TESTS = "def test_limit():\n    assert limit(trial) == 10\n"


@dataclass
class Work:
    """What one run left in its worktree, and what it took."""

    name: str
    model: str
    files: dict[str, str | None] = field(default_factory=dict)
    state: RunState = RunState.SUCCEEDED
    seconds: float = 42
    turns: int = 2
    tokens: int = 9_000
    cost: float = 0.021
    check: int | None = 0


WORKS = (
    Work(
        "limits-sonnet",
        "anthropic/claude-sonnet-4-5",
        {"src/limits.py": LONG, "tests/test_limits.py": TESTS, "src/old.py": None},
        seconds=71,
        turns=5,
        tokens=22_400,
        cost=0.183,
    ),
    Work("limits-haiku", "anthropic/claude-haiku-4-5", {"src/limits.py": BRIEF}, check=1),
    Work("limits-gpt", "openai/gpt-5", state=RunState.FAILED, seconds=9, turns=1, tokens=1_200, cost=0.004, check=None),
)


def compared(
    folder: Path, works: tuple[Work, ...] = WORKS, *, live: bool = False, prompt: str = PROMPT
) -> tuple[Journal, Path]:
    """Record a session of which every run worked on the same repository; give it and the repository."""
    repository = make_repository(folder / "shop", FILES)
    in_git(repository, "branch", "-M", "main")
    runs = tuple(
        RunSpec(
            name=work.name,
            workspace=repository,
            prompt=prompt,
            config=RunConfig(model=work.model),
            group="limits",
            worktree=True,
            check="pytest -q" if work.check is not None else "",
        )
        for work in works
    )
    plan = Plan(name="limits", runs=runs)
    journal = Journal.create(
        folder / "sessions", plan, opencode_version="1.18.33", binary="opencode", octui_version="0.1.0"
    )
    names = tuple(work.name for work in works)
    journal.fact(SessionStarted(at=START, pid=1, socket="", octui="0.1.0", opencode="1.18.33", runs=names))
    for work in works:
        _record(journal, repository, work)
    if not live:
        journal.fact(SessionEnded(at=START + 90))
        journal.close()
    return journal, repository


def _record(journal: Journal, repository: Path, work: Work) -> None:
    tree = make_worktree(repository, paths.worktrees_dir(), SESSION, work.name)
    journal.fact(StateChanged(at=START, run=work.name, state=RunState.STARTING))
    journal.fact(
        WorktreeMade(
            at=START,
            run=work.name,
            path=str(tree.path),
            folder=str(tree.folder),
            branch=tree.branch,
            base=tree.base,
            repository=str(tree.repository),
        )
    )
    journal.fact(AttemptStarted(at=START, run=work.name, attempt=1, of=3, pid=1))
    journal.fact(StateChanged(at=START + 1, run=work.name, state=RunState.RUNNING))
    share = work.tokens // work.turns
    for turn in range(work.turns):
        last = turn == work.turns - 1
        events = [step_start(), text("Done.") if last else tool("read", "src/limits.py")]
        events.append(step_finish(share, work.cost / work.turns, "stop" if last else "tool-calls"))
        for number, event in enumerate(events):
            journal.append_stdout(work.name, line(event, START + 2 + turn + number / 10))
    write_files(tree, work.files)
    keep_diff(journal.folder, work.name, tree)
    end = START + work.seconds
    why = "" if work.state is RunState.SUCCEEDED else "exit code 1"
    journal.fact(StateChanged(at=end, run=work.name, state=work.state, why=why))
    if work.check is not None:
        journal.fact(Checked(at=end + 1, run=work.name, exit_code=work.check, seconds=1.0))
    with compare(tree) as found:
        counts = found.counts
    if counts.files:
        journal.fact(
            ChangesCounted(at=end, run=work.name, files=counts.files, added=counts.added, removed=counts.removed)
        )


def write_files(tree: Worktree, files: dict[str, str | None]) -> None:
    """Write files into a worktree; None removes one."""
    for name, content in files.items():
        path = tree.path / name
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


def keep_diff(folder: Path, run: str, tree: Worktree) -> None:
    """Keep the whole diff with the session, as the supervisor does."""
    with compare(tree) as found:
        diffs = [
            FileDiff(
                file=file.path.encode("utf-8", "replace").decode(),
                patch=patch.decode("utf-8", "replace"),
                additions=file.added or 0,
                deletions=file.removed or 0,
                status=file.status,
            )
            for file, patch in zip(found.files, found.diffs(), strict=True)
        ]
    diff_path(folder, run).write_bytes(msgspec.json.encode(diffs))
