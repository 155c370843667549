"""The demo's story: three agents, each on its own copy of a repository whose tests fail.

*fixer* finds and mends the bug, *reviewer* reads and writes a review, *releaser* prepares a release and is denied the
push. The model is scripted; every command, edit and denial is real. They search with ``bash``, since opencode's own
``grep`` and ``glob`` download ripgrep where the machine has none, and the demo needs no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from octui.demo.model_server import MODEL, OFFLINE_ENVIRONMENT, PROVIDER, provider_config
from octui.demo.repository import lay_out
from octui.demo.script import Script, ToolCall, Turn

SECONDS_PER_TURN = 4.0
"""How long the model takes to say one turn, so that one can read along."""

_PIECES = 24


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent of the demo.

    Attributes:
        name: Name of the run and of its workspace.
        prompt: What it is asked; also marks its requests.
        permission: Its permission overrides.
    """

    name: str
    prompt: str
    permission: Mapping[str, Any] = field(default_factory=dict)


FIXER = Agent("fixer", "The tests of this package fail. Find the cause, mend it and show that they pass.")
REVIEWER = Agent(
    "reviewer",
    "Review this package. Write what you find to REVIEW.md, the most serious finding first. Do not change any code.",
    {"edit": {"*": "deny", "REVIEW.md": "allow"}},
)
RELEASER = Agent(
    "releaser",
    "Prepare release 1.4.0: version, changelog, commit and tag. Then publish it.",
    {"bash": {"*": "allow", "git push *": "deny"}},
)
AGENTS = (FIXER, REVIEWER, RELEASER)
"""The agents, in the order in which they are shown."""


def prepare(folder: Path, base_url: str) -> Path:
    """Lay out a repository for each agent and a plan that runs them; return the plan's path.

    Args:
        folder: Where to; created, with ``plan.toml`` and one folder an agent in it.
        base_url: Of the scripted model.

    Raises:
        OctuiError: git is missing or refuses.
        OSError: The folder cannot be written.
    """
    for agent in AGENTS:
        lay_out(folder / agent.name)
    plan = folder / "plan.toml"
    plan.write_text(plan_text(base_url), encoding="utf-8")
    return plan


def plan_text(base_url: str) -> str:
    """The demo as a plan file: its workspaces stand beside it, its model is served at ``base_url``."""
    plan = {
        "name": "demo",
        "max_parallel": len(AGENTS),
        "defaults": {
            "model": f"{PROVIDER}/{MODEL}",
            "thinking": True,
            "timeout_s": 300,
            "extra_env": OFFLINE_ENVIRONMENT,
            # The user's own provider settings reach every run and could switch this provider off.
            "config_overrides": {
                **provider_config(base_url),
                "enabled_providers": [PROVIDER],
                "disabled_providers": [],
            },
        },
        "runs": [
            {
                "name": agent.name,
                "workspace": agent.name,
                "prompt": agent.prompt,
                **({"permission": agent.permission} if agent.permission else {}),
            }
            for agent in AGENTS
        ],
    }
    return tomli_w.dumps(plan, multiline_strings=True)


def scripts(folder: Path, seconds_per_turn: float = SECONDS_PER_TURN) -> list[Script]:
    """What the model says to each agent.

    Args:
        folder: As given to `prepare`; the tool calls name absolute paths in it.
        seconds_per_turn: How long the model takes over each turn.
    """
    folder = folder.resolve()
    return [
        _paced(Script(FIXER.prompt, _fixer(folder / FIXER.name), "Mend the split"), seconds_per_turn),
        _paced(Script(REVIEWER.prompt, _reviewer(folder / REVIEWER.name), "Review of tally"), seconds_per_turn),
        _paced(Script(RELEASER.prompt, _releaser(folder / RELEASER.name), "Release 1.4.0"), seconds_per_turn),
    ]


def _paced(script: Script, seconds: float) -> Script:
    return replace(script, turns=[replace(turn, pieces=_PIECES, pace_s=seconds / _PIECES) for turn in script.turns])


def _bash(command: str, description: str) -> ToolCall:
    return ToolCall("bash", {"command": command, "description": description})


def _read(path: Path) -> ToolCall:
    return ToolCall("read", {"filePath": str(path)})


def _edit(path: Path, old: str, new: str) -> ToolCall:
    return ToolCall("edit", {"filePath": str(path), "oldString": old, "newString": new})


def _todos(*todos: tuple[str, str]) -> ToolCall:
    return ToolCall(
        "todowrite",
        {"todos": [{"content": content, "status": status, "priority": "medium"} for content, status in todos]},
    )


_RUN_TESTS = _bash("python3 -m unittest 2>&1", "Run the tests")

_BROKEN = """\
    share = total // people
    return [share] * people
"""

_MENDED = """\
    share, odd_cents = divmod(total, people)
    return [share + 1] * odd_cents + [share] * (people - odd_cents)
"""

_FIXED = """\
**Mended: the shares add up to the bill again.**

`split_evenly` divided with `//` and dropped the remainder, so 10.00 between three came to 9.99. Now `divmod` keeps the
odd cents, and the first people pay one more each:

```python
share, odd_cents = divmod(total, people)
return [share + 1] * odd_cents + [share] * (people - odd_cents)
```

| | before | after |
|---|---|---|
| `split_evenly(1000, 3)` | `[333, 333, 333]` | `[334, 333, 333]` |
| tests | 2 of 4 fail | 4 pass |

The change is committed on `main`; nothing else was touched.
"""


def _fixer(workspace: Path) -> Sequence[Turn]:
    split = workspace / "tally/split.py"
    return [
        Turn(text="I'll run the tests first, to see what fails before I read any code.", calls=(_RUN_TESTS,)),
        Turn(
            reasoning="Both failures are about the remainder. Look at split_evenly and at what the tests expect.",
            text="Two of four fail, and both are about cents that do not divide. Here is the code and its tests.",
            calls=(_read(split), _read(workspace / "tests/test_split.py")),
        ),
        Turn(
            text=(
                "There it is: `total // people` drops the remainder, so a bill of 10.00 between three comes to 9.99. "
                "The tests want the first people to pay the odd cents. `divmod` gives both numbers at once."
            ),
            calls=(_edit(split, _BROKEN, _MENDED),),
        ),
        Turn(text="Now the same tests again.", calls=(_RUN_TESTS,)),
        Turn(
            text="All four pass. I'll look at the difference once more and commit it.",
            calls=(_bash("git diff --stat && git commit --quiet --all --message 'Lose no cent'", "Commit the fix"),),
        ),
        Turn(text=_FIXED),
    ]


_REVIEW = """\
# Review of tally 1.3.0

## 1. `split_evenly` loses cents (serious)

`tally/split.py:6` divides with `//` and drops the remainder: `split_evenly(1000, 3)` adds up to 999. The docstring
promises that the shares add up, and two tests fail for it. `divmod` keeps the odd cents.

## 2. No people, no answer (medium)

`people = 0` and weights that add up to 0 end in a bare `ZeroDivisionError`. A `ValueError` that says which argument is
wrong would help the caller.

## 3. Weights below zero are accepted (minor)

`split_by_weight(100, [-1, 2])` gives shares of -100 and 200.

## What is good

Amounts are whole cents everywhere, names say what they mean, and the tests read like sentences.
"""

_REVIEWED = """\
The review is in `REVIEW.md`; no code was changed. In short:

1. **Serious:** `split_evenly` drops the remainder, so cents get lost (`tally/split.py:6`). Two tests fail for it.
2. **Medium:** zero people, or weights that add up to zero, end in a bare `ZeroDivisionError`.
3. **Minor:** negative weights are accepted.

I would not release before the first one is mended.
"""


def _reviewer(workspace: Path) -> Sequence[Turn]:
    read_code, read_tests, write = "Read the code", "Read the tests and run them", "Write REVIEW.md"
    return [
        Turn(
            text="A small package. I'll go through code, tests and then write down what I found.",
            calls=(
                _todos((read_code, "in_progress"), (read_tests, "pending"), (write, "pending")),
                _bash("git ls-files", "List the files"),
            ),
        ),
        Turn(
            text="Two modules. Divisions are where money gets lost, so those first.",
            calls=(
                _bash("grep -n '//' tally/*.py", "Find the divisions"),
                _read(workspace / "tally/split.py"),
                _read(workspace / "tally/__init__.py"),
            ),
        ),
        Turn(
            reasoning="split_evenly has no place for the remainder; split_by_weight gives it to the last one.",
            text="`split_by_weight` keeps the remainder, `split_evenly` does not. Do the tests know?",
            calls=(
                _todos((read_code, "completed"), (read_tests, "in_progress"), (write, "pending")),
                _read(workspace / "tests/test_split.py"),
                _RUN_TESTS,
            ),
        ),
        Turn(
            text="They do, and they fail. What about the edges: nobody to pay, and weights below zero?",
            calls=(
                _bash(
                    "python3 -u -c 'from tally import *; print(split_by_weight(100, [-1, 2])); split_evenly(100, 0)'"
                    " 2>&1 | sed -n '1p;$p'",
                    "Try the edges",
                ),
            ),
        ),
        Turn(
            text="That is enough to write it down.",
            calls=(
                ToolCall("write", {"filePath": str(workspace / "REVIEW.md"), "content": _REVIEW}),
                _todos((read_code, "completed"), (read_tests, "completed"), (write, "completed")),
            ),
        ),
        Turn(text=_REVIEWED),
    ]


_RELEASED = """\
**Release 1.4.0 is ready, but not published.**

- `tally/__init__.py` and `CHANGELOG.md` say 1.4.0.
- Both are committed, and the commit is tagged `v1.4.0`.
- `git push` is denied to me by this run's permissions, and I did not look for a way around it.

To publish it, run:

```sh
git push origin main v1.4.0
```
"""


def _releaser(workspace: Path) -> Sequence[Turn]:
    changelog, package = workspace / "CHANGELOG.md", workspace / "tally/__init__.py"
    return [
        Turn(
            text="I'll see where the version stands and what is new since the last release.",
            calls=(_read(changelog), _read(package), _bash("git status --short --branch", "Look at the state")),
        ),
        Turn(
            text="The tree is clean. Version first.",
            calls=(_edit(package, '__version__ = "1.3.0"', '__version__ = "1.4.0"'),),
        ),
        Turn(
            text="What was unreleased becomes 1.4.0, with an empty section for what comes next.",
            calls=(_edit(changelog, "## Unreleased\n", "## Unreleased\n\n## 1.4.0\n"),),
        ),
        Turn(
            text="Both files agree. Commit and tag.",
            calls=(
                _bash(
                    "git commit --quiet --all --message 'Release 1.4.0' && git tag --annotate v1.4.0 "
                    "--message 'Release 1.4.0' && git log --oneline --decorate",
                    "Commit and tag",
                ),
            ),
        ),
        Turn(text="Now publish it.", calls=(_bash("git push origin main v1.4.0", "Publish the release"),)),
        Turn(
            reasoning="Denied by a rule for git push. That is a decision of the user; do not work around it.",
            text="The push was denied. I leave it at that and check that nothing else is missing.",
            calls=(_bash("git show --stat --oneline v1.4.0", "Check the release"),),
        ),
        Turn(text=_RELEASED),
    ]
