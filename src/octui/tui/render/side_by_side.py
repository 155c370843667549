"""A diff in two columns: what was there on the left, what is there now on the right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from octui.tui.render.diffs import GAP, DiffRow, diff_block, rows_of
from octui.tui.render.lines import Line, width_of, wrap_spans
from octui.tui.render.long_text import Block, is_long

_BETWEEN: Line = [(" │ ", "border")]
_SIGNS = {"+": "added", "-": "removed"}

Pair = tuple[DiffRow | None, DiffRow | None]


def side_by_side(patch: str, width: int) -> Block:
    """Render a unified diff in two columns that are ``width`` cells wide together; a long one as it stands."""
    if is_long(patch):
        return diff_block(patch, width, indent="")
    left = (width - width_of(_BETWEEN)) // 2
    right = width - width_of(_BETWEEN) - left
    lines: list[Line] = []
    for old, new in _pairs(patch):
        if old is not None and old.sign == GAP:
            lines.append([(f"{'⋯':>4}", "faint")])
            continue
        nothing: Line = []
        cells = _cell(old, left, is_old=True), _cell(new, right, is_old=False)
        for one, other in zip_longest(*cells, fillvalue=nothing):
            lines.append([*one, (" " * (left - width_of(one)), "text"), *_BETWEEN, *other])
    return [lines]


def _pairs(patch: str) -> Iterator[Pair]:
    """Give what stands side by side: a removed line beside the added one that is likely to have come in its place."""
    removed: list[DiffRow] = []
    added: list[DiffRow] = []
    for row in rows_of(patch):
        if row.sign == "-" and not added:
            removed.append(row)
        elif row.sign == "+":
            added.append(row)
        else:
            yield from zip_longest(removed, added)
            removed, added = ([row], []) if row.sign == "-" else ([], [])
            if row.sign != "-":
                yield row, row
    yield from zip_longest(removed, added)


def _cell(row: DiffRow | None, width: int, *, is_old: bool) -> list[Line]:
    if row is None:
        return []
    gutter = f"{(row.old if is_old else row.new) or '':>4} "
    body: Line = [(f"{row.sign} {row.text}", _SIGNS.get(row.sign, "muted"))]
    pieces = wrap_spans(body, width, indent=" " * len(gutter) + "  ", first="")
    pieces[0].insert(0, (gutter, "faint"))
    return pieces
