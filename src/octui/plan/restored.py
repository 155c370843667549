"""A plan as a session recorded it, made whole again: its secrets come from the plan it was made of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import MASK, masked_places, masked_plan
from octui.plan.writing import plan_to_dict

_TOLD = 4


def masks(plan: Plan) -> list[str]:
    """Say what in a plan is masked, so that it cannot be run as it is: ``extra_env.TOKEN of a, b``."""
    runs: dict[str, dict[str, None]] = {}
    for table in plan_to_dict(plan)["runs"]:
        for place in masked_places(table):
            runs.setdefault(place, {})[str(table["name"])] = None
    return [f"{place} of {in_short([*names])}" for place, names in runs.items()]


def in_short(words: Sequence[str], separator: str = ", ") -> str:
    """Put the first few of some words together, and say how many more there are."""
    more = [f"and {len(words) - _TOLD} more"] if len(words) > _TOLD else []
    return separator.join([*words[:_TOLD], *more])


def with_password(plan: Plan, password: str) -> Plan:
    """Give the servers that runs attach to their password where it is masked."""
    runs = (
        replace(run, config=replace(run.config, password=password)) if run.config.password == MASK else run
        for run in plan.runs
    )
    return replace(plan, runs=tuple(runs))


def differences(recorded: Plan, given: Plan, forks: Mapping[str, str]) -> Iterator[str]:
    """Say, some words each, what a plan has otherwise than it was recorded; one secret is as good as another.

    Only runs are compared: what all of them may spend and how many work at a time may change.

    Args:
        recorded: The plan as recorded.
        given: The plan it may have been made of.
        forks: The runs that came while the session was going on, each with the one it goes on from.
    """
    before = {run.name: run for run in recorded.runs if run.name not in forks}
    now = {run.name: run for run in given.runs}
    yield from (f"there is no run {name}" for name in before if name not in now)
    yield from (f"the run {name} is new" for name in now if name not in before)
    for name, run in before.items():
        if name in now:
            asked = now[name] if now[name].backend else replace(now[name], backend=run.backend)
            mine, its = _comparable(run), _comparable(asked)
            if other := [key for key in dict.fromkeys((*mine, *its)) if mine.get(key) != its.get(key)]:
                yield f"{name} has another {', '.join(other)}"


def restored(recorded: Plan, given: Plan, forks: Mapping[str, str]) -> Plan:
    """Give the recorded plan with the secrets, and the limits for all runs, of the one it was made of.

    Args:
        recorded: The plan as recorded; prompts that were made already stay.
        given: The plan it was made of: there are no `differences`.
        forks: As there.
    """
    now = {run.name: run for run in given.runs}
    for run in recorded.runs:
        now[run.name] = replace(
            now[forks.get(run.name, run.name)],
            name=run.name,
            prompt=run.prompt,
            template=run.template,
            backend=run.backend,
            group=run.group,
            needs=run.needs,
        )
    return replace(given, name=recorded.name, runs=tuple(now[run.name] for run in recorded.runs))


def _comparable(run: RunSpec) -> dict[str, Any]:
    """A run as a table, its secrets masked, and its prompt as it was before it was made."""
    table: dict[str, Any] = masked_plan(Plan(name="", runs=(replace(run, prompt=run.template or run.prompt),)))
    found: dict[str, Any] = table["runs"][0]
    return found
