"""What the demo's agents say and do, turn by turn, and what they answer afterwards.

They search with ``bash``, since opencode's own ``grep`` and ``glob`` download ripgrep where the machine has none, and
the demo needs no network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from octui.demo.script import Request, ToolCall, Turn


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


def fixer(workspace: Path) -> Sequence[Turn]:
    """Finds the bug, mends it and commits."""
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


_ROUNDED = """\
    share = round(total / people)
    return [share] * people
"""

_NO_PEOPLE_TEST = """\
    def test_there_has_to_be_somebody_to_pay(self):
        with self.assertRaises(ValueError):
            split_evenly(1000, 0)


if __name__ == "__main__":
"""

_NOBODY = """\
    if people < 1:
        raise ValueError("A bill is split between one or more.")
    share, odd_cents = divmod(total, people)
"""

RIVALS = ("careful", "quick", "careless")
"""Models that are given the same task as the fixer, to be compared."""


def rival(model: str) -> Sequence[Turn]:
    """What one of the `RIVALS` does: all mend the bug, but for the one that does not look whether it did."""
    split, tests = Path("tally/split.py"), Path("tests/test_split.py")
    if model == "careless":
        return [
            Turn(text="The division must be what is wrong.", calls=(_read(split),)),
            Turn(text="Rounding will do.", calls=(_edit(split, _BROKEN, _ROUNDED),)),
            Turn(text="**Mended.** `split_evenly` rounds now, so that no cent gets lost."),
        ]
    mend = _edit(split, _BROKEN, _MENDED)
    if model == "quick":
        return [
            Turn(text="I'll look at the code.", calls=(_read(split),)),
            Turn(text="`//` drops the remainder. The first people have to pay it.", calls=(mend,)),
            Turn(text="And the tests.", calls=(_RUN_TESTS,)),
            Turn(text="**Mended: the first people pay the odd cents.** All four tests pass."),
        ]
    head, last = 'if __name__ == "__main__":\n', _MENDED.splitlines(keepends=True)[0]
    return [
        Turn(text="I'll run the tests first.", calls=(_RUN_TESTS,)),
        Turn(text="Two fail, and both are about odd cents.", calls=(_read(split), _read(tests))),
        Turn(text="`//` drops the remainder. The first people have to pay it.", calls=(mend,)),
        Turn(
            text="One thing more: a bill between nobody ended in a `ZeroDivisionError`.",
            calls=(_edit(split, last, _NOBODY), _edit(tests, head, _NO_PEOPLE_TEST)),
        ),
        Turn(text="Now all the tests.", calls=(_RUN_TESTS,)),
        Turn(
            text="**Mended: the shares add up to the bill again.** The first people pay the odd cents. Beyond that, "
            "`split_evenly` says what is wrong where there is nobody to pay, and a test shows it. All five tests pass."
        ),
    ]


FIXER_LATER = """\
Happy to say more. I changed two lines of `tally/split.py`, and nothing else: where the remainder used to be \
dropped, the first people now pay one cent more each, so that the shares always add up to the bill. All four \
tests pass, and the change is one commit on `main` that you can read with `git show`, or take back with `git \
revert HEAD`. The words of this answer are scripted, as I am only a demo; with a model of yours I would now go \
on with whatever you ask.
"""


@dataclass(frozen=True, slots=True)
class _Finding:
    """Something the reviewer found: how it offers it, how it writes it down, how it sums it up."""

    label: str
    offer: str
    text: str
    short: str


_FINDINGS = (
    _Finding(
        "Lost cents",
        "serious: split_evenly drops the remainder, and two tests fail for it",
        """\
`split_evenly` loses cents (serious)

`tally/split.py:6` divides with `//` and drops the remainder: `split_evenly(1000, 3)` adds up to 999. The docstring
promises that the shares add up, and two tests fail for it. `divmod` keeps the odd cents.
""",
        "**Serious:** `split_evenly` drops the remainder, so cents get lost (`tally/split.py:6`). Two tests fail.",
    ),
    _Finding(
        "Nobody to pay",
        "medium: zero people end in a bare ZeroDivisionError",
        """\
No people, no answer (medium)

`people = 0` and weights that add up to 0 end in a bare `ZeroDivisionError`. A `ValueError` that says which argument is
wrong would help the caller.
""",
        "**Medium:** zero people, or weights that add up to zero, end in a bare `ZeroDivisionError`.",
    ),
    _Finding(
        "Negative weights",
        "minor: weights below zero are accepted",
        """\
Weights below zero are accepted (minor)

`split_by_weight(100, [-1, 2])` gives shares of -100 and 200.
""",
        "**Minor:** negative weights are accepted.",
    ),
)

_QUESTION = "Which of my findings shall I write down?"
_ASK = ToolCall(
    "question",
    {
        "questions": [
            {
                "question": _QUESTION,
                "header": "Findings",
                "multiple": True,
                "options": [{"label": each.label, "description": each.offer} for each in _FINDINGS],
            }
        ]
    },
)
_ANSWER = re.compile(rf'"{re.escape(_QUESTION)}"="(.*?)"\.', re.DOTALL)


def _wanted(request: Request) -> tuple[Sequence[_Finding], str]:
    """What the user chose, and what they wrote beside it; everything where they were not asked or did not say."""
    answer = next((match[1] for result in request.tool_results if (match := _ANSWER.search(result))), None)
    if answer is None or answer == "Unanswered":
        return _FINDINGS, ""
    chosen = [each for each in _FINDINGS if each.label in answer]
    for each in chosen:
        answer = answer.replace(each.label, "")
    return chosen, answer.strip(" ,")


def _review(findings: Sequence[_Finding], note: str) -> str:
    parts = ["# Review of tally 1.3.0\n"]
    parts += [f"## {number}. {each.text}" for number, each in enumerate(findings, 1)]
    parts += [f"## As you wrote\n\n> {note}\n"] if note else []
    parts.append(
        "## What is good\n\nAmounts are whole cents everywhere, names say what they mean, and tests read well.\n"
    )
    return "\n".join(parts)


def _reviewed(findings: Sequence[_Finding], note: str) -> str:
    lines = ["The review is in `REVIEW.md`; no code was changed. In short:", ""]
    lines += [f"{number}. {each.short}" for number, each in enumerate(findings, 1)]
    lines += ["", f"I noted beside it: {note}"] if note else []
    lines += ["", "I would not release before the lost cents are mended.", ""]
    return "\n".join(lines)


REVIEWER_LATER = """\
Gladly. What I wrote down is in `REVIEW.md`; I read both modules and their tests, ran the tests and tried the \
edges, and changed no code, as you asked. If you want one thing done first, let it be `split_evenly`: it loses \
cents on every bill that does not divide, and two tests show it. The words of this answer are scripted, as I am \
only a demo; with a model of yours I would now look into whatever you ask.
"""


def reviewer(workspace: Path, request: Request) -> Sequence[Turn]:
    """Reads, tries, asks which findings are wanted where it can, and writes them down."""
    findings, note = _wanted(request)
    ask = Turn(text="I have three findings. Before I write them down, I'll ask which you want.", calls=(_ASK,))
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
        *([ask] if "question" in request.tools else []),
        Turn(
            text="That is enough to write it down.",
            calls=(
                ToolCall("write", {"filePath": str(workspace / "REVIEW.md"), "content": _review(findings, note)}),
                _todos((read_code, "completed"), (read_tests, "completed"), (write, "completed")),
            ),
        ),
        Turn(text=_reviewed(findings, note)),
    ]


_PREPARED = """\
- `tally/__init__.py` and `CHANGELOG.md` say 1.4.0.
- Both are committed, and the commit is tagged `v1.4.0`.
"""

_PUBLISHED = f"""\
**Release 1.4.0 is published.**

{_PREPARED}\
- You allowed `git push`, and `origin` has both `main` and the tag.
"""

_NOT_PUBLISHED = f"""\
**Release 1.4.0 is ready, but not published.**

{_PREPARED}\
- `git push` was not allowed, and I did not look for a way around it.

To publish it, run:

```sh
git push origin main v1.4.0
```
"""

RELEASER_LATER = """\
Of course. Version, changelog, commit and tag of 1.4.0 are in place, and `git show v1.4.0` has it all on one \
page. Whether it is published was yours to say: I asked before the push, and did as you answered. The words of \
this answer are scripted, as I am only a demo; with a model of yours I would now prepare whatever you want to \
ship next.
"""

ANYBODY_LATER = """\
I am here. What you took back is gone from my memory too, so tell me what you want to be done. The words of this \
answer are scripted, as I am only a demo; with a model of yours I would now begin with it.
"""

_PUSH = "git push origin main v1.4.0"
_PUSHED = "v1.4.0 -> v1.4.0"
"""What git says of a tag that was pushed."""


def releaser(workspace: Path, request: Request) -> Sequence[Turn]:
    """Prepares a release and pushes it; what it says then depends on whether the push went through."""
    if any(_PUSHED in result for result in request.tool_results):
        look = Turn(
            text="It is out. I'll make sure that `origin` has both the branch and the tag.",
            calls=(_bash("git ls-remote origin", "Look at what is published"),),
        )
        last = Turn(text=_PUBLISHED)
    else:
        look = Turn(
            reasoning="The push was not allowed. That is a decision of the user; do not work around it.",
            text="I may not push. I leave it at that and check that nothing else is missing.",
            calls=(_bash("git show --stat --oneline v1.4.0", "Check the release"),),
        )
        last = Turn(text=_NOT_PUBLISHED)
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
        Turn(text="Now publish it.", calls=(_bash(_PUSH, "Publish the release"),)),
        look,
        last,
    ]
