"""Keeping secrets out of what is shown and written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from octui.plan.model import Plan

MASK = "••••"
SHORTEST_SECRET = 8
"""Shorter values are not looked for in texts: they would be found everywhere."""

_SECRET_KEY = re.compile(
    r"api[-_]?key|token|secret|passw|authorization|credential|private[-_]?key|cookie", re.IGNORECASE
)
_ALL_VALUES = frozenset({"headers", "environment", "extra_env", "env"})
"""Tables whose every value is taken for a secret: what they hold is chosen by their user."""

_REFERENCE = re.compile(r"\{(?:env|file):[^}]*\}")
"""opencode's own way to keep a secret out of its configuration; naming one tells nothing."""


def mask(value: Any, *, key: str = "") -> Any:
    """Give a copy of a configuration with its secrets masked, however deep they are."""
    if isinstance(value, Mapping):
        hidden = key in _ALL_VALUES
        return {
            name: _masked(inner) if hidden and not isinstance(inner, Mapping) else mask(inner, key=str(name))
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask(inner, key=key) for inner in value]
    return _masked(value) if _SECRET_KEY.search(key) else value


def secret_values(value: Any, *, key: str = "") -> Iterator[str]:
    """Give every secret in a configuration, to mask it in texts."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if key in _ALL_VALUES and isinstance(inner, str):
                yield inner
            else:
                yield from secret_values(inner, key=str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secret_values(inner, key=key)
    elif isinstance(value, str) and _SECRET_KEY.search(key):
        yield value


def plan_secrets(plan: Plan) -> frozenset[str]:
    """Every secret in a plan that is long enough to be told from other text."""
    from octui.plan.toml import plan_to_dict

    return frozenset(found for found in secret_values(plan_to_dict(plan)) if len(found) >= SHORTEST_SECRET)


def masked_plan(plan: Plan) -> dict[str, Any]:
    """A plan as a table for TOML, its secrets masked."""
    from octui.plan.toml import plan_to_dict

    masked = mask(plan_to_dict(plan))
    assert isinstance(masked, dict)
    return masked


def mask_text(text: str, secrets: Iterable[str]) -> str:
    """Mask every secret that stands in a text."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return value if not value or _REFERENCE.fullmatch(value) else MASK
    return value
