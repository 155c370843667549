"""Whether this terminal can draw more than ASCII; apart from the signs, which know every state of a run."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping


def is_ascii_only(environ: Mapping[str, str] = os.environ, encoding: str | None = None) -> bool:
    """Tell whether to draw in ASCII: for ``TERM=dumb``, ``linux`` and any locale that is not UTF-8.

    ``OCTUI_ASCII=1`` asks for ASCII, ``OCTUI_ASCII=0`` for Unicode.
    """
    asked = environ.get("OCTUI_ASCII")
    if asked:
        return asked != "0"
    if environ.get("TERM", "") in ("dumb", "linux"):
        return True
    if encoding is None:
        named = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
        encoding = "ascii" if named in ("C", "POSIX") else locale.getpreferredencoding(False)
    return encoding.lower().replace("-", "") != "utf8"
