"""A plan from a prompt and some folders, as the command line and the launcher take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from octui.client.config import RunConfig
from octui.plan.model import Backend, Plan, RunSpec
from octui.plan.names import numbered, safe_name, unique_name

NAME_WORDS = 6


def plan_from_prompt(
    prompt: str,
    workspaces: Sequence[Path],
    *,
    name: str | None = None,
    config: RunConfig | None = None,
    copies: int = 1,
    max_parallel: int = 4,
    timeout_s: float | None = None,
    max_retries: int = 2,
    silence_s: float = 60.0,
    isolate_db: bool = True,
    backend: Backend | None = None,
    attach: Sequence[str] = (),
    worktree: bool = False,
    base: str = "",
    setup: Sequence[str] = (),
    check: str = "",
) -> Plan:
    """Ask the same of several folders, so many copies each.

    Args:
        prompt: What each agent is asked.
        workspaces: One run a folder and copy; each is named after its folder.
        name: The session's name; by default the prompt's first words.
        config: How opencode is started.
        copies: Runs a folder.
        max_parallel: How many runs work at a time.
        timeout_s: Limit of an attempt, in seconds.
        max_retries: How often a start-up crash is tried again.
        silence_s: After how many seconds without a word a run asks for attention.
        isolate_db: Whether each run gets a private data home.
        backend: How opencode is run; None leaves it to whoever starts the plan.
        attach: Servers that run already; the runs take them in turn.
        worktree: Whether each run works in a git worktree of its own.
        base: What those begin at; empty for what is checked out.
        setup: Commands to run there before each run.
        check: A command to run there after it.
    """
    taken: set[str] = set()
    config = config or RunConfig()
    hosts = cycle(attach or [config.attach])
    runs = []
    for workspace in workspaces:
        folder = workspace.expanduser().absolute()
        stem = safe_name(folder.name)
        for number in range(1, copies + 1):
            run_name = unique_name(numbered(stem, number) if copies > 1 else stem, taken)
            runs.append(
                RunSpec(
                    name=run_name,
                    workspace=folder,
                    prompt=prompt,
                    config=replace(config, attach=next(hosts)),
                    timeout_s=timeout_s,
                    max_retries=max_retries,
                    silence_s=silence_s,
                    isolate_db=isolate_db,
                    backend=backend,
                    worktree=worktree,
                    base=base,
                    setup=tuple(setup),
                    check=check,
                )
            )
    words = " ".join(prompt.split()[:NAME_WORDS])
    return Plan(name=name or words[:60] or "session", runs=tuple(runs), max_parallel=max_parallel)
