"""A table of a plan: its known keys, each of its right type, and numbers that make sense."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from octui.plan.keys import WORKSPACE_KEYS
from octui.plan.mistakes import Mistakes
from octui.plan.places import Place

_PLAIN_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
_LEAST = (
    ("max_parallel", 1, False),
    ("copies", 1, False),
    ("max_retries", 0, False),
    ("timeout_s", 0, True),
    ("max_cost", 0, True),
    ("max_tokens", 1, False),
    ("max_turns", 1, False),
    ("startup_timeout_s", 0, True),
    ("silence_s", 0, True),
)


class _WrongError(Exception):
    """A value that its key cannot have; that is told already."""


def read_table(value: Any, place: Place, keys: Mapping[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """Give a table's known keys, each of its right type; a folder that is a text becomes a table with its path.

    Args:
        value: What stands there.
        place: Where.
        keys: What it may have, and the types of their values.
        mistakes: What takes those there are.
    """
    if not isinstance(value, dict):
        mistakes.say(place, "this must be a table.")
        mistakes.lose(place, value)
        return {}
    good: dict[str, Any] = {}
    for key, inner in value.items():
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            mistakes.say((*place, key), f"this key is not known{f'; did you mean {near[0]!r}?' if near else '.'}")
            mistakes.lose((*place, *(near or [key])), inner, is_unknown=not near)
        elif key == "workspace" and isinstance(inner, dict):
            good[key] = read_table(inner, (*place, key), WORKSPACE_KEYS, mistakes)
        else:
            try:
                good[key] = _read(inner, keys[key], (*place, key), mistakes)
            except _WrongError:
                continue
    if isinstance(folder := good.get("workspace"), str):
        good["workspace"] = {"path": folder}
    return good


def check_type(value: Any, kind: Any, place: Place, mistakes: Mistakes) -> bool:
    """Whether a value is of its type; where it is not, that is told."""
    try:
        _read(value, kind, place, mistakes)
    except _WrongError:
        return False
    return True


def check_numbers(table: Mapping[str, Any], place: Place, mistakes: Mistakes) -> None:
    """Refuse numbers that are too small."""
    for key, least, strict in _LEAST:
        value = table.get(key)
        if value is not None and (value < least or (strict and value == least)):
            mistakes.say((*place, key), f"it must be {'more than' if strict else 'at least'} {least}.")


def _read(value: Any, kind: Any, place: Place, mistakes: Mistakes) -> Any:
    """Give a value as its type has it; of maps and lists what in them is right, so that one mistake hides no other."""
    if isinstance(value, dict) and (inner := _parts(kind, dict, Mapping)):
        return dict(_right(value.items(), inner[1], place, mistakes))
    if isinstance(value, list) and (inner := _parts(kind, list, tuple, Sequence)):
        value = [each for _, each in _right(enumerate(value), inner[0], place, mistakes)]
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        mistakes.say(place, _in_plain_words(str(error), kind))
        mistakes.lose(place, value)
        raise _WrongError from None


def _right(parts: Iterable[tuple[Any, Any]], kind: Any, place: Place, mistakes: Mistakes) -> Iterator[tuple[Any, Any]]:
    for key, value in parts:
        try:
            yield key, _read(value, kind, (*place, key), mistakes)
        except _WrongError:
            continue


def _parts(kind: Any, *wanted: type) -> tuple[Any, ...]:
    """The types of what is in a map or a list, where a value may be one; empty for any."""
    choices = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return next((get_args(each) for each in choices if get_origin(each) in wanted), ())


def _in_plain_words(message: str, kind: Any) -> str:
    """Say msgspec's ``Expected `str`, got `int` - at `$[0]``` as a person would."""
    if get_origin(kind) is Literal and message.startswith("Invalid enum value"):
        return f"it must be {' or '.join(map(repr, get_args(kind)))}."
    words = re.sub(r" - at `\$?(.*?)`", "", message)
    words = re.sub(r"`([^`]*)`", lambda m: " or ".join(_PLAIN_WORDS.get(p, p) for p in m[1].split(" | ")), words)
    return f"{words[:1].lower()}{words[1:]}.".replace(" or nothing", "")
