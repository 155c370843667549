"""One run of a plan as several: a run for each combination of values, a run for each folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from octui.names import fit
from octui.plan.model import Value

MOST = 500
"""More runs than this of one table are taken for a mistake."""


def combinations(matrix: Mapping[str, Sequence[Value]]) -> list[tuple[str, dict[str, Value]]]:
    """Give every combination of values, the last key changing fastest, each with what tells it from the others.

    A key with one value tells nothing, and is left out of that, unless there is no other.
    """
    telling = {key for key, values in matrix.items() if len(values) > 1} or set(matrix)
    columns = [[*zip(labels(values), values, strict=True)] for values in matrix.values()]
    found = []
    for row in product(*columns):
        words = [label for key, (label, _) in zip(matrix, row, strict=True) if key in telling]
        found.append(("-".join(words), {key: value for key, (_, value) in zip(matrix, row, strict=True)}))
    return found


def labels(values: Sequence[Value | Path]) -> list[str]:
    """Give each value a short name, fit for a run's name, and another than the others have where that is possible.

    Of paths and models the last part is enough, where that tells them apart.
    """
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    short = [_fit(text.rstrip("/").rpartition("/")[2]) for text in texts]
    found = short if len(set(short)) == len(short) else [_fit(text) for text in texts]
    return [label or str(number) for number, label in enumerate(found, 1)]


def folders(pattern: str, base: Path) -> list[Path]:
    """The folders that a pattern such as ``services/*`` means, sorted; hidden ones only where it says so.

    Raises:
        ValueError: It is no pattern.
    """
    path = Path(pattern).expanduser()
    root, rest = (Path(path.anchor), path.relative_to(path.anchor)) if path.is_absolute() else (base, path)
    if not rest.parts:
        return [root]
    shown = path.name.startswith(".")
    return sorted(each for each in root.glob(str(rest)) if each.is_dir() and (shown or not each.name.startswith(".")))


def _fit(text: str) -> str:
    """What of a text can stand in a run's name; the accents of Latin go: São Paulo is Sao-Paulo."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return fit(plain if plain.isascii() else text).strip("-.")
