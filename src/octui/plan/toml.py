"""A plan as TOML: read, and checked all at once; `octui.plan.writing` writes it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from octui.encoding import decode_file, decode_json
from octui.errors import PlanError, Problem
from octui.plan.backends import refused
from octui.plan.budget import Budget
from octui.plan.keys import BUDGET_KEYS, DEFAULT_KEYS, RUN_KEYS, TOP_KEYS
from octui.plan.mistakes import Mistakes
from octui.plan.model import Plan, RunSpec, Value
from octui.plan.places import Place, key_lines
from octui.plan.run_table import ReadRun, RunReader
from octui.plan.spreading import spread
from octui.plan.tables import check_numbers, read_table
from octui.plan.together import check_together

_decoder = msgspec.json.Decoder(object)

RunCheck = Callable[[RunSpec], Iterable[tuple[Place, str]]]
"""Says what is wrong with a run by itself: places in its table, and a sentence for each."""


def load_plan(
    path: Path,
    variables: Mapping[str, str] = MappingProxyType({}),
    *,
    refuse: RunCheck = refused,
    folders_may_be_gone: bool = False,
) -> Plan:
    """Read a plan file.

    Args:
        path: Where it is.
        variables: What wins over the plan's own ``vars``.
        refuse: Refuses runs that are well written and still cannot be had; by default what their backends cannot do.
        folders_may_be_gone: Whether it has been run already, so that not all of its workspaces are needed any more.

    Raises:
        PlanError: With every mistake in it.
    """
    try:
        text = decode_file(path.read_bytes())
    except IsADirectoryError:
        raise PlanError(str(path), [Problem("file", "this is a folder, not a plan.")]) from None
    except UnicodeDecodeError as error:
        problem = Problem("file", "this is not UTF-8 text.", error.object[: error.start].count(b"\n") + 1)
        raise PlanError(str(path), [problem]) from None
    except OSError as error:
        raise PlanError(str(path), [Problem("file", f"it cannot be read: {error.strerror}.")]) from None
    folder = path.absolute().parent
    return parse_plan(
        text,
        folder=folder,
        source=str(path),
        default_name=path.stem,
        variables=variables,
        refuse=refuse,
        folders_may_be_gone=folders_may_be_gone,
    )


def parse_plan(
    text: str,
    *,
    folder: Path,
    source: str,
    default_name: str = "plan",
    variables: Mapping[str, str] = MappingProxyType({}),
    refuse: RunCheck = refused,
    folders_may_be_gone: bool = False,
) -> Plan:
    """Read a plan's text.

    Args:
        text: TOML.
        folder: Where relative workspaces and prompt files start from.
        source: What to call the plan in errors.
        default_name: The plan's name where it has none.
        variables: What wins over the plan's own ``vars``.
        refuse: See `load_plan`.
        folders_may_be_gone: See `load_plan`.

    Raises:
        PlanError: With every mistake in it.
    """
    text = text.replace("\r\n", "\n")
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise PlanError(source, [Problem("TOML", f"{error}.", line)]) from None
    mistakes = Mistakes(key_lines(text))
    plan = _read(
        value,
        folder,
        default_name,
        mistakes,
        variables,
        refuse=refuse,
        env=os.environ,
        folders_may_be_gone=folders_may_be_gone,
    )
    if plan is None:
        raise PlanError(source, sorted(mistakes.found, key=lambda problem: problem.line or 0))
    return plan


def plan_from_json(data: bytes, *, folders_may_be_gone: bool = False) -> Plan:
    """Read what `plan_to_json` wrote.

    Args:
        data: It.
        folders_may_be_gone: See `load_plan`.

    Raises:
        PlanError: It is no plan.
    """
    try:
        value = decode_json(data, _decoder)
    except msgspec.DecodeError as error:
        raise PlanError("plan", [Problem("JSON", f"{error}.")]) from None
    mistakes = Mistakes({})
    plan = _read(value, Path("/"), "plan", mistakes, folders_may_be_gone=folders_may_be_gone)
    if plan is None:
        raise PlanError("plan", mistakes.found)
    return plan


def _read(
    value: Any,
    folder: Path,
    default_name: str,
    mistakes: Mistakes,
    variables: Mapping[str, Value] = MappingProxyType({}),
    *,
    refuse: RunCheck = refused,
    env: Collection[str] | None = None,
    folders_may_be_gone: bool,
) -> Plan | None:
    """Make a plan of its table; None where there are mistakes."""
    top = read_table(value, (), TOP_KEYS, mistakes)
    defaults = read_table(top.get("defaults", {}), ("defaults",), DEFAULT_KEYS, mistakes)
    budget = read_table(top.get("budget", {}), ("budget",), BUDGET_KEYS, mistakes)
    check_numbers(top, (), mistakes)
    check_numbers(budget, ("budget",), mistakes)
    tables = top.get("runs", [])
    if not tables and not mistakes.is_lost(("runs",)):
        mistakes.say(("runs",), "there are no runs; add at least one [[runs]] table.")
    named = {table["name"] for table in tables if isinstance(table, dict) and isinstance(table.get("name"), str)}
    reader = RunReader(
        folder,
        defaults,
        {**top.get("vars", {}), **variables},
        named,
        mistakes,
        folders_may_be_gone=folders_may_be_gone,
    )
    read: list[ReadRun] = []
    for index, table in enumerate(tables):
        place: Place = ("runs", index)
        own = read_table(table, place, RUN_KEYS, mistakes)
        for one in spread(own, place, folder, named, mistakes):
            read += reader.runs(one, place)
    for run in () if folders_may_be_gone else read:
        if not any(mistakes.is_lost((*run.place, key)) for key in ("attach", "backend")):
            for key, words in refuse(run.spec):
                mistakes.say((*run.place, *key), words)
    allow_env = top.get("allow_env", ())
    check_together(read, allow_env, env, mistakes)
    if mistakes.found:
        return None
    return Plan(
        name=str(top.get("name") or default_name),
        runs=tuple(run.spec for run in read),
        max_parallel=top.get("max_parallel", 4),
        allow_env=allow_env,
        budget=Budget(**budget),
    )
