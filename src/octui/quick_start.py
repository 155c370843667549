"""Collections of garbage wait until a program has started.

What is loaded and made at a start stays: looking through it again and again finds nothing, and takes a tenth of the
time until the first frame.
"""

from __future__ import annotations

import gc

GC_THRESHOLDS = (50_000, 20, 100)
"""Rare collections: with the defaults they made pauses of 80 ms and more, seen as late keys."""


def begin() -> None:
    """Collect nothing from now on; call it before what takes long to load."""
    gc.disable()


def end() -> None:
    """Take everything that is left from the start out of collections, and let rare ones begin."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
