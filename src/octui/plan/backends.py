"""Which backend each run of a plan takes, and what that backend cannot do: said before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from octui.client.compat import can_be_served
from octui.client.config import RunConfig, check
from octui.client.serve.shares import asks as says_ask
from octui.errors import ConfigError, PlanError, Problem
from octui.plan.model import Backend, Plan, RunSpec
from octui.plan.places import in_words

_OF_OUR_SERVER = ("mcp", "instructions", "config_overrides", "extra_env", "port", "print_logs", "log_level")
"""What a server is started with, and so does not reach one that runs already."""

_OF_ATTACHING = ("password", "remote_dir")


def choose_backends(plan: Plan, default: Backend, *, version: str = "", source: str = "plan") -> Plan:
    """Give every run its backend, and refuse what that cannot do. What is chosen already stays.

    Args:
        plan: The plan.
        default: For the runs that leave it open; ``run`` where this opencode cannot be served, and for runs with flags
            of ``opencode run``.
        version: Of the opencode that will run; empty where it is not known yet: any is then taken for servable.
        source: What to call the plan in errors.

    Raises:
        PlanError: With everything that a run asks for and its backend cannot do.
    """
    servable = not version or can_be_served(version)
    chosen: Backend = default if servable else "run"
    runs = tuple(replace(run, backend=run.backend or _fitting(run, chosen)) for run in plan.runs)
    problems = []
    for index, run in enumerate(runs):
        if run.backend == "serve" and not servable:
            words = f"octui cannot talk to a server of opencode {version}; take 'run', or opencode 1."
            problems.append(Problem(in_words(("runs", index, "backend")), words))
        problems += [Problem(in_words(("runs", index, key)), words) for key, words in _refused(run)]
    if problems:
        raise PlanError(source, problems)
    return replace(plan, runs=runs)


def _fitting(run: RunSpec, chosen: Backend) -> Backend:
    """Flags of ``opencode run`` say by themselves which backend they are for."""
    return "run" if run.config.cli_kwargs else chosen


def asks(config: RunConfig) -> bool:
    """Whether a permission is ``ask``, so that somebody has to be there."""
    return says_ask(config.permission) or says_ask(config.config_overrides.get("permission"))


def _refused(run: RunSpec) -> Iterator[tuple[str, str]]:
    """What a run asks for and its backend cannot do: key and sentence."""
    config = run.config
    try:
        check(config, may_ask=run.backend == "serve")
    except ConfigError as error:
        key = "config_overrides" if error.message.startswith("config_overrides") else "permission"
        yield key, f"{error.message} Or set backend = 'serve'." if asks(config) else error.message
    if run.backend == "run":
        if config.attach and not run.workspace.is_dir():
            yield "workspace", f"{run.workspace} does not exist; opencode run needs it here, even with attach."
        return
    if config.cli_kwargs:
        yield "cli_kwargs", "these are flags of `opencode run`; a server takes none. Take backend = 'run' for them."
    if config.command and config.tools:
        yield "tools", "a server does not take them with a command. Use permission, or backend = 'run'."
    if config.attach:
        for key in _OF_OUR_SERVER:
            if getattr(config, key):
                yield key, "it does not reach a server that runs already; set it where that is started."
    else:
        for key in _OF_ATTACHING:
            if getattr(config, key):
                yield key, "it goes with attach: a server of octui's own has its own password, and works in workspace."
