"""A plan as validated values: what `octui.fleet` runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from octui.client.config import RunConfig
from octui.plan.budget import Budget

Backend = Literal["run", "serve"]
"""How opencode is run: a process a run, or sessions on a server, which are seen word by word and can be answered."""

OnFailure = Literal["skip", "run"]
"""What becomes of a run when one that it needs did not succeed."""

Value = str | bool | int | float
"""What a variable can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run of a plan.

    Attributes:
        name: Unique in the plan; also the name of the run's files in the session folder, so it is safe as one.
        workspace: The folder the agent works in, absolute.
        prompt: What the agent is asked, to the letter; before the run has started it may be the template.
        config: How opencode is started.
        timeout_s: Limit of an attempt, in seconds; None for none.
        max_retries: How often a start-up crash is tried again.
        startup_timeout_s: Seconds until its first event, after which a start-up is tried again; None for no limit.
        silence_s: After how many seconds without a word the run asks for attention.
        isolate_db: Whether the run gets a private data home.
        backend: How opencode is run; None leaves it to whoever starts the plan.
        group: A name it shares with others, such as its copies; empty for none.
        needs: Names and groups of runs that come first.
        on_failure: Whether it is skipped or runs all the same when one of those did not succeed.
        template: What the prompt is made of when the run starts; empty where it is to the letter.
        vars: What the template may name as ``vars``.
        max_cost: What a life of the run may cost, in US dollars; None for no limit.
        max_tokens: How many tokens it may use, likewise.
        max_turns: How many answers of the model may begin, likewise.
        worktree: Whether it works in a git worktree and branch of its own, made of its folder's repository.
        base: The branch, tag or commit that begins at; empty for the commit that is checked out in the folder.
        setup: Commands that have to succeed there before the run starts, one after another.
        check: A command run there when the run is over, whose exit code tells whether the work is good; empty for none.
    """

    name: str
    workspace: Path
    prompt: str
    config: RunConfig
    timeout_s: float | None = None
    max_retries: int = 2
    startup_timeout_s: float | None = None
    silence_s: float = 60.0
    isolate_db: bool = True
    backend: Backend | None = None
    group: str = ""
    needs: tuple[str, ...] = ()
    on_failure: OnFailure = "skip"
    template: str = ""
    vars: Mapping[str, Value] = field(default_factory=dict)
    max_cost: float | None = None
    max_tokens: int | None = None
    max_turns: int | None = None
    worktree: bool = False
    base: str = ""
    setup: tuple[str, ...] = ()
    check: str = ""

    @property
    def budget(self) -> Budget:
        """What a life of the run may spend; time is counted by who runs it."""
        return Budget(
            max_cost=self.max_cost, max_tokens=self.max_tokens, max_turns=self.max_turns, timeout_s=self.timeout_s
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Several runs as one session.

    Attributes:
        name: What the session is called.
        runs: In the order in which they are started and shown.
        max_parallel: How many runs work at a time.
        allow_env: What of the environment templates may name.
        budget: What all runs together may spend.
    """

    name: str
    runs: tuple[RunSpec, ...]
    max_parallel: int = 4
    allow_env: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
