"""Telling somebody who looks elsewhere that a run waits for an answer: bell, terminal title, desktop notification."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

from octui.tui.requests import Waiting, in_words
from octui.tui.text import clean_line

COMMAND_TIMEOUT_S = 5.0
_LONGEST = 200

_OSC_9 = frozenset({"iTerm.app", "WezTerm", "ghostty", "WarpTerminal"})
"""Values of ``TERM_PROGRAM`` that take OSC 9; kitty does too."""

_OSC_777 = ("foot", "rxvt-unicode")
"""Beginnings of ``TERM`` that take OSC 777."""

_APPLE_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


class Summons:
    """Tells of each request once.

    Args:
        ring: Rings the bell.
        count: Hears how many requests wait, whenever that is another number.
        tell: Tells the desktop, with a title and a text, both clean.
    """

    def __init__(
        self, ring: Callable[[], None], count: Callable[[int], None], tell: Callable[[str, str], None]
    ) -> None:
        self._ring = ring
        self._count = count
        self._tell = tell
        self._known: frozenset[str] = frozenset()

    def look(self, waiting: Sequence[Waiting]) -> None:
        """See what waits now, and tell of what is new."""
        ids = frozenset(each.request.id for each in waiting)
        if ids == self._known:
            return
        if len(ids) != len(self._known):
            self._count(len(ids))
        new = [each for each in waiting if each.request.id not in self._known]
        self._known = ids
        for each in new:
            self._ring()
            self._tell(f"{clean_line(each.run)} needs you", in_words(each.request)[:_LONGEST])


def notification_bytes(title: str, text: str, environ: Mapping[str, str] = os.environ) -> str:
    """What makes this terminal show a notification; empty where it is not known to take one.

    Args:
        title: Clean text.
        text: Clean text.
        environ: What tells which terminal it is; within tmux and screen nothing does.
    """
    if environ.get("TMUX") or environ.get("STY"):
        return ""
    term = environ.get("TERM", "")
    if environ.get("TERM_PROGRAM") in _OSC_9 or term == "xterm-kitty":
        return f"\x1b]9;{title}: {text}\x07"
    if term.startswith(_OSC_777):
        return f"\x1b]777;notify;{title.replace(';', ',')};{text.replace(';', ',')}\x07"
    return ""


def notification_command(
    title: str,
    text: str,
    environ: Mapping[str, str] = os.environ,
    which: Callable[[str], str | None] = shutil.which,
) -> list[str]:
    """The command that shows a notification on this machine's desktop; empty where there is none.

    Over ssh there is none: the desktop would be that of another machine.
    """
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return []
    if found := which("notify-send"):
        import html  # A desktop's notifications take markup; nothing else here does.

        return [found, "--app-name=octui", "--", title, html.escape(text, quote=False)]
    if found := which("osascript"):
        return [found, *(part for line in _APPLE_SCRIPT for part in ("-e", line)), title, text]
    return []


def run_apart(command: Sequence[str]) -> None:
    """Run a command in a thread, for some seconds at most; whether it succeeds is of no matter."""
    threading.Thread(target=_run, args=(command,), daemon=True).start()


def _run(command: Sequence[str]) -> None:
    quiet = subprocess.DEVNULL
    try:
        subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=COMMAND_TIMEOUT_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return
