"""Every key a plan may have, and the type of its value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

from octui.client.config import RunConfig
from octui.plan.model import Backend, OnFailure, Value

PLAN_KEYS: Mapping[str, Any] = {"max_parallel": int, "allow_env": tuple[str, ...], "budget": dict}
"""Every key of a plan beside its name and its runs that is kept with a session, and the type of its value."""

TOP_KEYS: Mapping[str, Any] = {"name": str, **PLAN_KEYS, "vars": dict[str, Value], "defaults": dict, "runs": list}
"""Every key a plan may have."""

BUDGET_KEYS: Mapping[str, Any] = {"max_cost": float, "max_tokens": int, "max_turns": int, "timeout_s": float}
"""Every key of a plan's budget, and the type of its value."""

WORKSPACE_KEYS: Mapping[str, Any] = {"path": str, "worktree": bool, "base": str}
"""Every key of a workspace that is more than a folder, and the type of its value."""

_SPEC_TYPES: Mapping[str, Any] = {
    "name": str,
    "workspace": str | dict[str, str | bool],
    "prompt": str,
    "prompt_file": str,
    "copies": int,
    "matrix": dict[str, list[Value]],
    "each": str | list[str],
    "timeout_s": float,
    "max_cost": float,
    "max_tokens": int,
    "max_turns": int,
    "max_retries": int,
    "startup_timeout_s": float,
    "silence_s": float,
    "isolate_db": bool,
    "backend": Backend,
    "group": str,
    "needs": tuple[str, ...],
    "on_failure": OnFailure,
    "template": bool | str,
    "vars": dict[str, Value],
    "setup": tuple[str, ...],
    "check": str,
}
CONFIG_TYPES: Mapping[str, Any] = MappingProxyType(
    {**get_type_hints(RunConfig), "files": list[str], "permission": str | dict[str, str | dict[str, str]]}
)
"""Every key of a run that is one of its `RunConfig`, and the type of its value."""

RUN_KEYS: Mapping[str, Any] = {**_SPEC_TYPES, **CONFIG_TYPES}
"""Every key a run may have, and the type of its value."""

OWN_KEYS = ("name", "matrix", "each")
"""The keys each run has of its own: no default can be given for them."""

DEFAULT_KEYS = {key: kind for key, kind in RUN_KEYS.items() if key not in OWN_KEYS} | {"attach": str | list[str]}
"""Every key the defaults may have, and the type of its value."""

SPEC_KEYS = (
    "max_cost",
    "max_tokens",
    "max_turns",
    "timeout_s",
    "max_retries",
    "startup_timeout_s",
    "silence_s",
    "isolate_db",
    "backend",
)
"""The keys that are fields of a `RunSpec` by the same name, None where they are left open."""

FLOW_KEYS = ("group", "needs", "on_failure", "vars", "setup", "check")
"""The keys that are fields of a `RunSpec` by the same name, with a default of their own."""
