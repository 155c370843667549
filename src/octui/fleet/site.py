"""What a run and the forks that go on from it share of where they work."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from octui.recording.facts import Settled
from octui.workspace.changes import Counts
from octui.workspace.worktree import Worktree


@dataclass(slots=True, eq=False)
class Site:
    """Where they work.

    Attributes:
        names: The runs that work there, the one that was there first first.
        is_set_up: Whether the commands that come before a run have succeeded there.
        tree: The worktree; None where they work in a folder itself, or where it was not made yet.
        settled: What was done last with what was changed in it; None where nothing was.
        counts: How much was changed in it, as counted last; None before that.
        making: Held by who makes it, sets it up or settles it.
        counting: Held by who looks at what was changed, or settles it.
    """

    names: list[str]
    is_set_up: bool
    tree: Worktree | None = None
    settled: Settled | None = None
    counts: Counts | None = None
    making: anyio.Lock = field(default_factory=anyio.Lock)
    counting: anyio.Lock = field(default_factory=anyio.Lock)
