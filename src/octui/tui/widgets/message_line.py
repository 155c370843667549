"""The line for short messages at the bottom of a screen, where it covers nothing but keys."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.timer import Timer

from octui.tui.keys import key_name
from octui.tui.messages import Notice
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, plain, width_of, wrap_text
from octui.tui.text import cut
from octui.tui.widgets.drawn import Drawn

MOST_OF_THE_SCREEN = 3
"""A message takes at most one row of so many of the screen; the list of messages has all of it."""

READABLE_S = 1.0
"""So long a message stays beside one that comes after it, and a warning or an error whatever is pressed."""

_ROLES = {"information": "text", "warning": "warning/bold", "error": "error/bold"}


class MessageLine(Drawn):
    """Shows a message, wrapped, until the next key or until its time is over."""

    DEFAULT_CSS = "MessageLine { dock: bottom; height: 1; display: none; }"

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, ground="panel")
        self.notices: list[Notice] = []
        self._key = ""
        self._since = 0.0
        self._timer: Timer | None = None

    def tell(self, notice: Notice, key: str, rows_below: int) -> None:
        """Show a message, in the place of the one before unless that has only just come.

        Args:
            notice: The message.
            key: The key that lists all messages, for one that is too long to be shown whole.
            rows_below: Rows at the bottom of the screen that stay free, as something is typed there.
        """
        now = time.monotonic()
        kept = self.notices if now - self._since < READABLE_S else []
        self.notices = [*(each for each in kept if each.words != notice.words), notice]
        self._key, self._since = key, now
        self.styles.margin = (0, 0, rows_below, 0)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(notice.timeout_s, self.clear)
        self.display = True
        self._lay_out()

    def heard_key(self) -> None:
        """Hide what is shown, unless it is a warning or an error that nobody can have read yet."""
        is_harmless = all(each.severity == "information" for each in self.notices)
        if is_harmless or time.monotonic() - self._since >= READABLE_S:
            self.clear()

    def clear(self) -> None:
        """Hide what is shown."""
        self.notices = []
        self.display = False

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._lay_out()

    def _lay_out(self) -> None:
        if not self.notices:
            return
        width, height = self.app.size
        lines = message_lines(self.notices, width, max(1, height // MOST_OF_THE_SCREEN), self._key)
        self.styles.height = len(lines)
        self.show_lines(lines)


def message_lines(notices: Sequence[Notice], width: int, most: int, key: str) -> list[Line]:
    """Wrap messages to a width in cells; where they take more rows than ``most``, the last names the key for all."""
    lines = [line for each in notices for line in wrap_text(each.words, width - 2, _ROLES[each.severity])]
    if len(lines) > most:
        tail: Line = [(f"… {key_name(key)} shows all", "accent/bold")]
        if most == 1:
            words = cut(plain(lines[0]), max(0, width - 3 - width_of(tail)), "")
            lines = [[(words, lines[0][0][1]), (" ", "text"), *tail]]
        else:
            lines = [*lines[: most - 1], tail]
    return [[(" ", "text"), *line] for line in lines]
