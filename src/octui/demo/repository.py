"""The small throw-away repository the demo's agents work on: a Python package with a real bug that its tests find."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from octui.errors import OctuiError
from octui.program_output import reason

_README = """\
# tally

Splits a bill between friends, to the cent.

    >>> from tally import split_evenly
    >>> split_evenly(1000, 3)
    [334, 333, 333]

Run the tests with `python3 -m unittest`.
"""

_INIT = '''\
"""Splits a bill between friends, to the cent."""

from tally.split import split_by_weight, split_evenly

__all__ = ["split_by_weight", "split_evenly"]
__version__ = "1.3.0"
'''

_SPLIT = '''\
"""Shares of a bill. All amounts are in cents."""


def split_evenly(total: int, people: int) -> list[int]:
    """Split `total` into one share a person; the shares add up to it."""
    share = total // people
    return [share] * people


def split_by_weight(total: int, weights: list[int]) -> list[int]:
    """Split `total` in proportion to `weights`; the last one takes what is left."""
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights[:-1]]
    return [*shares, total - sum(shares)]
'''

_TESTS = """\
import unittest

from tally import split_by_weight, split_evenly


class SplitTest(unittest.TestCase):
    def test_a_round_bill_is_split_evenly(self):
        self.assertEqual(split_evenly(900, 3), [300, 300, 300])

    def test_no_cent_gets_lost(self):
        self.assertEqual(sum(split_evenly(1000, 3)), 1000)

    def test_the_first_ones_pay_the_odd_cents(self):
        self.assertEqual(split_evenly(1001, 3), [334, 334, 333])

    def test_weights_share_in_proportion(self):
        self.assertEqual(split_by_weight(1000, [1, 3]), [250, 750])


if __name__ == "__main__":
    unittest.main()
"""

_CHANGELOG = """\
# Changelog

## Unreleased

- `split_by_weight` shares a bill in proportion.

## 1.3.0

- Amounts are whole cents.
"""

FILES = {
    "README.md": _README,
    "CHANGELOG.md": _CHANGELOG,
    ".gitignore": "__pycache__/\n",
    "tally/__init__.py": _INIT,
    "tally/split.py": _SPLIT,
    "tests/__init__.py": "",
    "tests/test_split.py": _TESTS,
}
"""The repository's files by relative path."""


def lay_out(folder: Path, *, origin: Path | None = None) -> None:
    """Make the repository in ``folder``, which is created: one commit on ``main``, by a made-up author.

    Args:
        folder: Must not exist, or be empty.
        origin: Where to make a bare repository that it can really be pushed to; None for none.

    Raises:
        OctuiError: git is missing or refuses.
        OSError: The folder cannot be written.
    """
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "config", "user.name", "octui demo")
    _git(folder, "config", "user.email", "demo@octui.invalid")
    # The user's own settings must not get in the way of the agents' commits.
    _git(folder, "config", "commit.gpgsign", "false")
    _git(folder, "config", "tag.gpgsign", "false")
    _git(folder, "config", "core.hooksPath", "/dev/null")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "Split by weight")
    if origin is not None:
        _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(origin))
        _git(folder, "remote", "add", "origin", str(origin))
        _git(folder, "push", "--quiet", "--set-upstream", "origin", "main")


def _git(folder: Path, *arguments: str) -> None:
    # Within a hook or `git rebase --exec`, these would lead git to the repository of whoever started it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env=environment)
    except FileNotFoundError as error:
        raise OctuiError("The demo needs git, which was not found.", hint="Install git and try again.") from error
    except subprocess.CalledProcessError as error:
        raise OctuiError(f"git {arguments[0]} failed in {folder}: {reason(error.stderr)}") from error
