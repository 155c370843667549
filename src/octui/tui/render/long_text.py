"""Text of any length as lines that are made when they are looked at.

A long text is cut into parts of a few thousand characters, at ends of lines where there are any. Where a part begins is
told from the text around it, so that nothing has to be read, cleaned, wrapped or counted but the parts in sight; and
it is the same for every width, so that a place in the text stays one when the width changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import overload

from octui.tui.format import size
from octui.tui.render.lines import Line, wrap_spans, wrap_text
from octui.tui.text import clean

PART = 8_000
"""Characters of a part, at most: more than a screen of ordinary lines."""

LONG = 2 * PART
"""Text of more characters is rendered in parts."""

_KEPT_PARTS = 8
_LONGEST_ESCAPE = 64

Block = Sequence[Sequence[Line]]
"""What an item shows: its parts, each of so many lines; one without anything to show has no lines, or no parts."""

RoleOf = Callable[[str], str]


class LongText:
    """A long text, wrapped to ``width`` cells.

    Args:
        text: The text, not yet clean.
        width: Cells of a line.
        role: The role of all lines, or what gives it for a line of the text.
        indent: What stands before each line.
    """

    def __init__(self, text: str, width: int, role: str | RoleOf, *, indent: str = "") -> None:
        self.text = text
        self.width = width
        self.role = role
        self.indent = indent
        self._kept: OrderedDict[int, list[Line]] = OrderedDict()

    def parts(self) -> Block:
        """All parts, none of them rendered yet."""
        return [LongPart(self, number) for number in range(-(-len(self.text) // PART))]

    def grow(self, text: str) -> None:
        """Take more text in, which begins with what there is: only the last parts are rendered again."""
        last = len(self.text) // PART
        for number in [number for number in self._kept if number >= last - 1]:
            del self._kept[number]
        self.text = text

    def source(self, number: int) -> str:
        """The text of a part."""
        return self.text[self._start(number) : self._start(number + 1)]

    def rows(self, number: int) -> list[Line]:
        """The lines of a part, kept for a while."""
        rows = self._kept.get(number)
        if rows is None:
            rows = self._kept[number] = self._render(number)
            if len(self._kept) > _KEPT_PARTS:
                self._kept.popitem(last=False)
        return rows

    def _render(self, number: int) -> list[Line]:
        lines: list[Line] = []
        for row in clean(self.source(number)).removesuffix("\n").split("\n"):
            role = self.role if isinstance(self.role, str) else self.role(row)
            lines += wrap_spans([(row, role)], self.width, indent=self.indent, role=role)
        return lines

    def _start(self, number: int) -> int:
        """Where a part begins: behind the last end of a line in the second half of the one before, or else anywhere."""
        at = number * PART
        if number == 0 or at >= len(self.text):
            return min(at, len(self.text))
        line_end = self.text.rfind("\n", at - PART // 2, at)
        if line_end >= 0:
            return line_end + 1
        escape = self.text.rfind("\x1b", at - _LONGEST_ESCAPE, at)
        return escape if escape >= 0 else at


class LongPart(Sequence[Line]):
    """The lines of one part of a long text."""

    def __init__(self, whole: LongText, number: int) -> None:
        self._whole = whole
        self._number = number

    @property
    def source(self) -> str:
        """The text, not yet clean."""
        return self._whole.source(self._number)

    def __len__(self) -> int:
        return len(self._whole.rows(self._number))

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        return self._whole.rows(self._number)[index]


def is_long(text: str) -> bool:
    """Whether a text is to be rendered in parts."""
    return len(text) > LONG


def body(text: str, width: int, role: str, *, indent: str = "") -> Block:
    """Give text of any length as a block, all of it: rendered in parts where it is long."""
    if is_long(text):
        return LongText(text.rstrip("\n"), width, role, indent=indent).parts()
    return [wrap_text(text, width, role, indent=indent)]


def preview(text: str, width: int, role: str, *, indent: str = "", limit: int) -> list[Line]:
    """Give the first lines of a text, at most ``limit`` and one that says how much is left out."""
    if not is_long(text):
        return wrap_text(text, width, role, indent=indent, limit=limit)
    head = text[: max(PART, limit * width)]
    lines = wrap_text(head, width, role, indent=indent, limit=limit)[:limit]
    return [*lines, [(indent, role), (f"… {size(len(text))} in all", "muted/italic")]]
