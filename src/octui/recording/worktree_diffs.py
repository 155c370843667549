"""What was changed in a worktree, as sessions record changes."""

from __future__ import annotations

from octui.client.serve.events import FileDiff
from octui.workspace.changes import Comparison

MOST_BYTES = 8_000_000
"""Of more, only the files and their counts are told."""


def file_diffs(found: Comparison) -> list[FileDiff]:
    """Give what differs file by file, in the order of its files; what is no UTF-8 is replaced.

    Raises:
        GitError: git does not tell.
    """
    patches = found.diffs()
    if sum(map(len, patches)) > MOST_BYTES:
        patches = [b""] * len(patches)
    return [
        FileDiff(
            file=file.path.encode("utf-8", "replace").decode(),
            patch=patch.decode("utf-8", "replace"),
            additions=file.added or 0,
            deletions=file.removed or 0,
            status=file.status,
        )
        for file, patch in zip(found.files, patches, strict=True)
    ]
