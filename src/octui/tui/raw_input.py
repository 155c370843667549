"""What a terminal sends that is no UTF-8, as one in Latin-1 does for ``é``, or a paste of another program's bytes."""

from __future__ import annotations

import codecs
import sys
from functools import partial


def take_any_bytes() -> None:
    """Have Textual replace such bytes: its input thread (8.2) decodes strictly, and ends the application at one."""
    if sys.platform != "win32":
        from textual.drivers import linux_driver

        def decoder(encoding: str) -> partial[codecs.IncrementalDecoder]:
            return partial(codecs.getincrementaldecoder(encoding), errors="replace")

        vars(linux_driver)["getincrementaldecoder"] = decoder
