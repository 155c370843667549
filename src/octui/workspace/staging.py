"""Taking all that is in a working tree into an index."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from octui.errors import GitError
from octui.workspace.git import names

TRIES = 3
"""How often it is tried: some files may be gone by the time git comes to them."""


class Git(Protocol):
    """Runs git in a working tree, over the index that is meant."""

    def __call__(self, *words: str | bytes, stdin: bytes = b"") -> bytes: ...  # noqa: D102


def stage(top: Path, over: Git) -> None:
    """Take every change and every file that is not ignored in; repositories within it are left as they are.

    Args:
        top: The working tree.
        over: Runs git.

    Raises:
        GitError: A file cannot be read.
    """
    for left in reversed(range(TRIES)):
        try:
            over("add", "--update")
            found = names(over("ls-files", "--others", "--exclude-standard", "-z"))
            files = b"".join(os.fsencode(name) + b"\0" for name in found if not name.endswith("/"))
            if files:
                over("add", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=files)
            return
        except GitError:
            if not left:
                raise
