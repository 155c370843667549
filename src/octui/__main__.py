"""``octui`` and ``python -m octui``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and leave with its exit status."""
    if not sys.flags.utf8_mode and sys.getfilesystemencoding() == "ascii":
        # The C locale, with Python's own remedy for it (PEP 540) switched off: no name with a letter beyond ASCII
        # could be opened. The arguments go on as the bytes they are.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    from octui.cli.main import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
