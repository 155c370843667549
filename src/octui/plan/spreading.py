"""One table of a plan as several: a table for each folder of ``each`` and each combination of ``matrix``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from octui.names import shorten
from octui.plan import matrix
from octui.plan.keys import OWN_KEYS, RUN_KEYS
from octui.plan.mistakes import Mistakes
from octui.plan.model import Value
from octui.plan.names import MOST_CHARACTERS, safe_name, unique_name
from octui.plan.places import Place
from octui.plan.tables import check_type

_NOT_IN_MATRIX = (*OWN_KEYS, "copies", "group", "needs", "on_failure", "prompt_file", "setup", "template", "vars")


def spread(
    own: dict[str, Any], place: Place, base_folder: Path, named: set[str], mistakes: Mistakes
) -> list[dict[str, Any]]:
    """Give the tables; one that stands in for all of them where they cannot be made.

    Args:
        own: The run's table, read.
        place: Where it stands.
        base_folder: Where patterns of folders start from.
        named: The names that are taken; those that are given here are added.
        mistakes: What takes those there are.
    """
    before = len(mistakes.found)
    is_lost = any(mistakes.is_lost((*place, key), within=True) for key in ("matrix", "each"))
    grid, rest = own.get("matrix", {}), {key: value for key, value in own.items() if key not in ("matrix", "each")}
    if "matrix" not in own and "each" not in own and not is_lost:
        return [own]
    found = _folders(own, place, base_folder, mistakes) if "each" in own else [None]
    count = len(found) * math.prod(len(values) for values in grid.values())
    if count > matrix.MOST:
        mistakes.say((*place, "matrix"), f"that makes {count} runs; {matrix.MOST} are the most.")
    _check_matrix(grid, place, mistakes)
    if is_lost or len(mistakes.found) > before:
        return [_stand_in(own, rest, place, mistakes)]
    base = str(own["name"]) if "name" in own else ""
    if not base and "each" not in own:
        base = unique_name(safe_name(Path(own.get("workspace", {}).get("path", "")).name), named)
    tables = []
    for folder, label in zip(found, matrix.labels([each or "" for each in found]), strict=True):
        for words, values in matrix.combinations(grid):
            name = "-".join(part for part in (base, label if folder else "", words) if part)
            table = {**rest, "name": unique_name(shorten(name, MOST_CHARACTERS).rstrip("-."), named)}
            table |= {key: value for key, value in values.items() if key in RUN_KEYS}
            if isinstance(table.get("workspace"), str):
                table["workspace"] = {**rest.get("workspace", {}), "path": table["workspace"]}
            if folder is not None:
                table["workspace"] = {**rest.get("workspace", {}), "path": str(folder)}
                values = {"folder": folder.name, **values}
            table["vars"] = {**rest.get("vars", {}), **values}
            if base:
                table.setdefault("group", base)
            tables.append(table)
    return tables


def _folders(own: dict[str, Any], place: Place, base_folder: Path, mistakes: Mistakes) -> list[Path | None]:
    if "path" in own.get("workspace", {}):
        mistakes.say((*place, "each"), "it takes the place of workspace; give one of the two.")
    patterns = [own["each"]] if isinstance(own["each"], str) else own["each"]
    if not patterns and not mistakes.is_lost((*place, "each"), within=True):
        mistakes.say((*place, "each"), "name at least one folder.")
    found: dict[Path | None, None] = {}
    for pattern in patterns:
        try:
            matching = matrix.folders(pattern, base_folder)
        except (ValueError, OSError) as error:
            mistakes.say((*place, "each"), f"{pattern!r} is no pattern of folders: {error}.")
            continue
        if not matching:
            mistakes.say((*place, "each"), f"no folder matches {pattern!r} in {base_folder}.")
        found |= dict.fromkeys(matching)
    return [*found]


def _check_matrix(grid: Mapping[str, list[Value]], place: Place, mistakes: Mistakes) -> None:
    """Refuse values that their keys cannot have."""
    for key, values in grid.items():
        where = (*place, "matrix", key)
        if not values and not mistakes.is_lost(where, within=True):
            mistakes.say(where, "name at least one value.")
        if key in _NOT_IN_MATRIX:
            mistakes.say(where, "this key cannot be one of a matrix.")
        elif key in RUN_KEYS:
            for value in values:
                check_type(value, RUN_KEYS[key], where, mistakes)


def _stand_in(own: dict[str, Any], rest: dict[str, Any], place: Place, mistakes: Mistakes) -> dict[str, Any]:
    """A table with what is known of all the runs, so that the rest of it is checked all the same."""
    grid = own.get("matrix", {})
    mistakes.lose_runs(f"{own['name']}-" if "name" in own else "")
    for key in grid:
        mistakes.lose((*place, key))
    variables = {**rest.get("vars", {}), **dict.fromkeys(grid, "")}
    if "each" in own or mistakes.is_lost((*place, "each")):
        mistakes.lose((*place, "workspace"))
        variables["folder"] = ""
    return {**rest, "vars": variables}
