"""A plan as TOML or JSON, which `octui.plan.toml` reads back as the same plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomli_w

from octui.client.config import RunConfig
from octui.encoding import encode_json
from octui.plan import templates
from octui.plan.keys import BUDGET_KEYS, CONFIG_TYPES, FLOW_KEYS, SPEC_KEYS
from octui.plan.model import Plan, RunSpec


def plan_to_dict(plan: Plan, *, relative_to: Path | None = None) -> dict[str, Any]:
    """A plan as a table for TOML: `parse_plan` reads it back as the same plan.

    Args:
        plan: The plan.
        relative_to: Workspaces under this folder are written relative to it.
    """
    table = {key: _plain(getattr(plan, key)) for key in ("max_parallel", "allow_env") if getattr(plan, key)}
    if budget := {key: value for key in BUDGET_KEYS if (value := getattr(plan.budget, key)) is not None}:
        table["budget"] = budget
    return {"name": plan.name, **table, "runs": [_run_to_dict(run, relative_to) for run in plan.runs]}


def plan_to_toml(plan: Plan, *, relative_to: Path | None = None) -> str:
    """Write a plan as TOML. Secrets in it are written as they are: keep such a file to yourself."""
    return tomli_w.dumps(plan_to_dict(plan, relative_to=relative_to), multiline_strings=True)


def plan_to_json(plan: Plan) -> bytes:
    """Write a plan for another process of octui."""
    return encode_json(plan_to_dict(plan))


def _run_to_dict(run: RunSpec, relative_to: Path | None) -> dict[str, Any]:
    workspace = run.workspace
    if relative_to is not None and workspace.is_relative_to(relative_to):
        workspace = workspace.relative_to(relative_to)
    place: dict[str, Any] = {"path": str(workspace), "worktree": run.worktree, "base": run.base}
    where = {key: value for key, value in place.items() if value} if run.worktree else str(workspace)
    table: dict[str, Any] = {"name": run.name, "workspace": where, "prompt": run.prompt}
    table |= {key: getattr(run, key) for key in SPEC_KEYS if getattr(run, key) is not None}
    if run.template != (run.prompt if templates.is_template(run.prompt) else ""):
        table["template"] = run.template or False
    unset = {field.name: field.default for field in fields(RunSpec)}
    table |= {key: _plain(value) for key in FLOW_KEYS if (value := getattr(run, key)) and value != unset[key]}
    blank = RunConfig()
    for key in CONFIG_TYPES:
        value = getattr(run.config, key)
        if value != getattr(blank, key) and value is not None:
            table[key] = _plain(value)
    return table


def _plain(value: Any) -> Any:
    """Give what TOML and JSON can hold: no paths, no tuples, no None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
