"""What the runs of a session were asked to do, as ``session.toml`` tells: for readers, who run nothing of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octui.encoding import to_text
from octui.recording.layout import SESSION_FILE

_OVERRIDES = (
    "permission",
    "mcp",
    "tools",
    "instructions",
    "config_overrides",
    "inherit_user_config",
    "keep",
    "isolate_db",
)


@dataclass(frozen=True, slots=True)
class RunMeta:
    """What a run was asked to do, as ``session.toml`` tells; secrets are masked there.

    Attributes:
        model: ``provider/model``; empty where opencode chose.
        agent: Empty where opencode chose.
        workspace: The folder the agent works in; with a worktree, the one that is made of.
        check: The command run after it; empty for none.
        prompt: What it was asked; empty where it is not known. Before its run starts it may be a template.
        is_made: Whether the prompt is made of a template when the run starts.
        backend: ``run`` or ``serve``, where the plan says so.
        group: The name it shares with others, such as those of its matrix; empty for none.
        overrides: The overrides in force, by their names in a plan.
    """

    model: str = ""
    agent: str = ""
    workspace: str = ""
    check: str = ""
    prompt: str = ""
    is_made: bool = False
    backend: str = ""
    group: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan as run; empty where it is lost, which the logs are not for that."""
    try:
        return tomllib.loads(to_text((folder / SESSION_FILE).read_bytes()))
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return {}


def metas_of(plan: dict[str, Any]) -> dict[str, RunMeta]:
    """What its runs were asked to do, by their names; what is no run is left out."""
    runs = plan.get("runs")
    return {str(run["name"]): _meta(run) for run in (runs if isinstance(runs, list) else []) if _is_named(run)}


def _is_named(run: object) -> bool:
    return isinstance(run, dict) and isinstance(run.get("name"), str)


def _is_made(run: dict[str, Any]) -> bool:
    if "template" in run:
        return bool(run["template"])
    prompt = str(run.get("prompt") or "")
    if "{" not in prompt:
        return False
    from octui.plan.templates import is_template  # What a template is takes longer to load than most prompts to read.

    return is_template(prompt)


def _folder_of(workspace: object) -> str:
    """The folder of a workspace, which may be a table that says more of it."""
    return str(workspace.get("path") or "") if isinstance(workspace, dict) else str(workspace or "")


def _meta(run: dict[str, Any]) -> RunMeta:
    return RunMeta(
        model=str(run.get("model") or ""),
        agent=str(run.get("agent") or ""),
        workspace=_folder_of(run.get("workspace")),
        check=str(run.get("check") or ""),
        prompt=str(run.get("prompt") or ""),
        is_made=_is_made(run),
        backend=str(run.get("backend") or ""),
        group=str(run.get("group") or ""),
        overrides={key: run[key] for key in _OVERRIDES if run.get(key) not in (None, {}, [])},
    )
