"""The JSON Schema of a plan, for editors: made of the same tables of keys and types that check a plan."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from octui.client.config import RunConfig
from octui.plan.budget import Budget
from octui.plan.keys import BUDGET_KEYS, DEFAULT_KEYS, RUN_KEYS, TOP_KEYS, WORKSPACE_KEYS
from octui.plan.model import Plan, RunSpec

_ATTRIBUTE = re.compile(r"^    (\w+): ((?:.+\n?)(?:        .+\n?)*)", re.MULTILINE)


def plan_schema() -> dict[str, Any]:
    """Give the schema of a plan file."""
    top = _table(TOP_KEYS, _described(Plan))
    top["properties"] |= {
        "budget": _table(BUDGET_KEYS, _described(Budget)),
        "defaults": _table(DEFAULT_KEYS, _described(RunConfig) | _described(RunSpec)),
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": _table(RUN_KEYS, _described(RunConfig) | _described(RunSpec)),
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "octui plan",
        **top,
        "required": ["runs"],
    }


def _table(keys: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    properties = {}
    for key, kind in keys.items():
        described = {"description": words[key]} if key in words else {}
        schema = _workspace(words) if key == "workspace" else _without_null(msgspec.json.schema(kind))
        properties[key] = {**schema, **described}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _workspace(words: Mapping[str, str]) -> dict[str, Any]:
    """A folder, or a table that says more of it."""
    return {"anyOf": [{"type": "string"}, _table(WORKSPACE_KEYS, {**words, "path": words["workspace"]})]}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if not kinds:
        return schema
    return dict(kinds[0]) if len(kinds) == 1 else {**schema, "anyOf": kinds}


def _described(cls: type) -> dict[str, str]:
    """What a class says of its attributes."""
    section = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2]
    return {name: " ".join(words.replace("``", "`").split()) for name, words in _ATTRIBUTE.findall(section)}
