"""How many panes stand side by side: a pure choice from the number of runs and the size of the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_PANE = (40, 8)
MIN_SCREEN = (40, 10)
LIST_BELOW = 100
"""Terminals narrower than this show a list and one pane."""
_BEST_RATIO = 3.4
_EMPTY_CELL_PENALTY = 0.25
_COMFORTABLE_WIDTH = 56
_NARROW_PENALTY = 1.6

SHORT_ROWS = 20
"""In a terminal of fewer rows, dialogs do without the empty lines in them."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``columns`` 0 means a list beside one pane."""

    columns: int

    @property
    def is_list(self) -> bool:
        """Whether runs stand in a list."""
        return self.columns == 0


def arrange(runs: int, width: int, height: int) -> Arrangement:
    """Choose columns so that panes are near a pleasant shape and few cells stay empty.

    Args:
        runs: How many panes there are.
        width: Cells for all panes.
        height: Rows for all panes.
    """
    if runs <= 1:
        return Arrangement(1)
    if width < LIST_BELOW:
        return Arrangement(0)
    best, best_score = 0, -math.inf
    for columns in range(1, runs + 1):
        rows = math.ceil(runs / columns)
        cell_width, cell_height = width // columns, height // rows
        if cell_width < MIN_PANE[0] or cell_height < MIN_PANE[1]:
            continue
        empty = rows * columns - runs
        narrow = max(0.0, 1 - cell_width / _COMFORTABLE_WIDTH)
        shape = abs(math.log(cell_width / cell_height / _BEST_RATIO))
        score = -shape - _NARROW_PENALTY * narrow - _EMPTY_CELL_PENALTY * empty
        if score > best_score:
            best, best_score = columns, score
    return Arrangement(best)


def too_small(width: int, height: int) -> bool:
    """Whether a terminal cannot show anything sensible."""
    return width < MIN_SCREEN[0] or height < MIN_SCREEN[1]
