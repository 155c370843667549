"""Which backend each run of a plan takes, and what that backend cannot do: said before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from octui.client.compat import can_be_served, is_two, unsupported
from octui.client.config import NOBODY_TO_ASK, RunConfig
from octui.client.overrides import undone_overrides
from octui.client.permissions import override_rules
from octui.errors import PlanError, Problem
from octui.plan.model import Backend, Plan, RunSpec
from octui.plan.places import Place, in_words

_OF_OUR_SERVER = ("mcp", "instructions", "config_overrides", "extra_env", "keep", "port", "print_logs", "log_level")
"""What a server is started with, and so does not reach one that runs already."""

_NOT_OF_A_CLIENT = ("permission", "tools", "mcp", "instructions", "config_overrides")
"""What ``opencode run`` with ``--attach`` does not tell the server."""

_OF_ATTACHING = ("username", "password", "remote_dir")


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
    runs = tuple(_with_backend(run, chosen) for run in plan.runs)
    problems = []
    for index, run in enumerate(runs):
        if run.backend == "serve" and not servable:
            words = f"octui cannot talk to a server of opencode {version}; take 'run', or opencode 1."
            problems.append(Problem(in_words(("runs", index, "backend")), words))
        if version and is_two(version) and override_rules(run.config):
            problems.append(Problem(in_words(("runs", index, "permission")), unsupported(version)))
        problems += [Problem(in_words(("runs", index, *place)), words) for place, words in refused(run)]
    if problems:
        raise PlanError(source, problems)
    return replace(plan, runs=runs)


def asks(config: RunConfig) -> bool:
    """Whether a permission is ``ask``, so that somebody has to be there."""
    return any(_asking(config))


def refused(run: RunSpec, default: Backend | None = None) -> Iterator[tuple[Place, str]]:
    """Say what a run asks for and its backend cannot do: the place in the run's table, and a sentence.

    Args:
        run: The run.
        default: What it takes where it leaves that open; None where that is not known yet, and nothing is said then.
    """
    run = _with_backend(run, default)
    config = run.config
    if not config.attach:
        for key, words in undone_overrides(config, run.workspace):
            yield (key,), words
    if run.backend == "run":
        for place in _asking(config):
            yield place, f"{in_words(place)} {NOBODY_TO_ASK}. Or set backend = 'serve'."
        if config.attach and not run.workspace.is_dir():
            yield ("workspace",), f"{run.workspace} does not exist; opencode run needs it here, even with attach."
        if config.attach:
            for key in _NOT_OF_A_CLIENT:
                if getattr(config, key):
                    yield (
                        (key,),
                        "it does not reach a server that runs already. Set backend = 'serve', or set it there.",
                    )
    elif run.backend == "serve":
        for key, words in _refused_by_a_server(config):
            yield (key,), words


def _with_backend(run: RunSpec, default: Backend | None) -> RunSpec:
    """Give a run its backend: flags of ``opencode run`` say by themselves which one they are for."""
    return replace(run, backend=run.backend or ("run" if run.config.cli_kwargs else default))


def _asking(config: RunConfig) -> Iterator[Place]:
    """Where a permission is ``ask``."""
    yield from _asking_in(config.permission, ("permission",))
    yield from _asking_in(config.config_overrides.get("permission"), ("config_overrides", "permission"))


def _asking_in(permission: object, place: Place) -> Iterator[Place]:
    if isinstance(permission, Mapping):
        for key, value in permission.items():
            yield from _asking_in(value, (*place, str(key)))
    elif permission == "ask":
        yield place


def _refused_by_a_server(config: RunConfig) -> Iterator[tuple[str, str]]:
    if config.cli_kwargs:
        yield "cli_kwargs", "these are flags of `opencode run`; a server takes none. Take backend = 'run' for them."
    if config.attach:
        for key in _OF_OUR_SERVER:
            if getattr(config, key):
                yield key, "it does not reach a server that runs already; set it where that is started."
    else:
        for key in _OF_ATTACHING:
            if getattr(config, key):
                yield key, "it goes with attach: a server of octui's own has its own password, and works in workspace."
