"""Keeping secrets out of what is shown and written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octui.plan.model import Plan  # Screens mask texts and know of no plan; they are not to wait for it.

MASK = "••••"
SHORTEST_SECRET = 8
"""Shorter values are not looked for in texts: they would be found everywhere."""

_SECRET_KEY = re.compile(
    r"api[-_]?key|token|secret|passw|authorization|credential|private[-_]?key|cookie", re.IGNORECASE
)
_ALL_VALUES = frozenset({"headers", "environment", "extra_env", "env"})
"""Tables whose every value is taken for a secret: what they hold is chosen by their user."""

_FREE_TEXT = frozenset({"prompt", "template", "title"})
"""What a user writes for people and models; it is kept to the letter."""

_IN_TEXT = re.compile(
    r"(?P<url>://[^/\s:@]*:)[^/\s@]+(?=@)"  # https://user:SECRET@host
    r"|(?P<named>(?<![\w-])[\w-]{0,64}?(?:api[-_]?key|token|secret|passw|authorization|credential)[\w-]{0,64}=)[^&\s]+"
    r"|(?P<bearer>\bBearer\s+)\S+",
    re.IGNORECASE,
)
"""Secrets within a text such as a URL or an argument: a group of what stays, and then the secret.

The name of a secret, as in ``?api_key=SECRET``, has a limit: without one, a hostile text of a single long word would
take a time that grows with its square.
"""

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
        return [
            _masked(inner) if _names_secret(before) else mask(inner, key=key)
            for before, inner in zip(["", *value], value, strict=False)
        ]
    if _SECRET_KEY.search(key):
        return _masked(value)
    return _IN_TEXT.sub(_mask_match, value) if isinstance(value, str) and key not in _FREE_TEXT else value


def masked_places(value: Any, *, key: str = "", place: str = "") -> Iterator[str]:
    """Name all that was masked in a configuration, as ``extra_env.TOKEN``; a prompt may hold whatever it likes."""
    if isinstance(value, Mapping):
        hidden = key in _ALL_VALUES
        for name, inner in value.items():
            within = f"{place}.{name}" if place else str(name)
            yield from masked_places(inner, key="" if hidden else str(name), place=within)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from masked_places(inner, key=key, place=place)
    elif isinstance(value, str) and MASK in value and key not in _FREE_TEXT:
        yield place


def secret_values(value: Any, *, key: str = "") -> Iterator[str]:
    """Give every secret in a configuration, to mask it in texts."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if key in _ALL_VALUES and isinstance(inner, str):
                yield inner
            else:
                yield from secret_values(inner, key=str(name))
    elif isinstance(value, list | tuple):
        for before, inner in zip(["", *value], value, strict=False):
            if _names_secret(before) and isinstance(inner, str):
                yield inner
            else:
                yield from secret_values(inner, key=key)
    elif isinstance(value, str) and _SECRET_KEY.search(key):
        yield value
    elif isinstance(value, str) and key not in _FREE_TEXT:
        for match in _IN_TEXT.finditer(value):
            yield match[0].removeprefix(match[match.lastgroup or 0])


def plan_secrets(plan: Plan) -> frozenset[str]:
    """Every secret in a plan that is long enough to be told from other text."""
    from octui.plan.writing import plan_to_dict

    return frozenset(found for found in secret_values(plan_to_dict(plan)) if len(found) >= SHORTEST_SECRET)


def masked_plan(plan: Plan) -> dict[str, Any]:
    """A plan as a table for TOML, its secrets masked."""
    from octui.plan.writing import plan_to_dict

    masked = mask(plan_to_dict(plan))
    assert isinstance(masked, dict)
    return masked


def mask_text(text: str, secrets: Iterable[str]) -> str:
    """Mask every secret that stands in a text."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _names_secret(argument: Any) -> bool:
    """Whether an argument such as ``--token`` says that a secret follows it."""
    return (
        isinstance(argument, str)
        and argument.startswith("-")
        and bool(_SECRET_KEY.search(argument))
        and ("=" not in argument)
    )


def _mask_match(match: re.Match[str]) -> str:
    return f"{match[match.lastgroup or 0]}{MASK}"


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return value if not value or _REFERENCE.fullmatch(value) else MASK
    return value
