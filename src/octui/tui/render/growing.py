"""Text that goes on growing: what of it cannot change any more is rendered once.

An answer is Markdown. Blocks before the last one are done, so that each look at it costs the last one; where that is
long, such as code, it is wrapped as it stands until the text is whole. Lines stand where they will once it is.
"""

from __future__ import annotations

import re

from octui.tui.glyphs import Glyphs
from octui.tui.render.lines import Line, plain, wrap_text
from octui.tui.render.long_text import Block, LongText, body, is_long

LONGEST_TAIL = 2_500
"""Characters of a text's end that are rendered as Markdown at each look, at most."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CONTINUES = re.compile(r"\s|[-*+] |\d+[.)] |>|\|")
"""A line that begins so may belong to the block before it, though an empty line stands between them."""


class GrowingText:
    """A text that is wrapped as it stands.

    Args:
        width: Cells of a line.
        role: The role of all lines.
        indent: What stands before each line.
    """

    def __init__(self, width: int, role: str, *, indent: str = "") -> None:
        self.width = width
        self._role = role
        self._indent = indent
        self._long: LongText | None = None

    def block(self, text: str) -> Block:
        """All there is of it, ``text`` being what was given before and more."""
        if not is_long(text):
            return body(text, self.width, self._role, indent=self._indent)
        if self._long is None:
            self._long = LongText("", self.width, self._role, indent=self._indent)
        self._long.grow(text.rstrip("\n"))
        return self._long.parts()


class GrowingAnswer:
    """An answer.

    Args:
        width: Cells of a line.
        glyphs: What to draw with.
    """

    def __init__(self, width: int, glyphs: Glyphs) -> None:
        self.width = width
        self._glyphs = glyphs
        self._long = GrowingText(width, "text")
        self._shown: tuple[str, Block] = ("", [])
        self._begin()

    def _begin(self) -> None:
        self._done = ""
        self._lines: list[Line] = []
        self._is_code = False
        """Whether what is done ends within a block of code."""
        self._scanned = 0
        self._cut = 0
        self._fence = ""
        self._code_end = 0
        self._after_blank = False

    def block(self, text: str) -> Block:
        """All there is of it, ``text`` being what was given before and more."""
        if text != self._shown[0]:
            self._shown = text, self._look(text)
        return self._shown[1]

    def _look(self, text: str) -> Block:
        from octui.tui.render.markdown import MAX_MARKDOWN  # Dear to load, of no use to the first frame.

        text = text.lstrip("\n")
        if len(text) > MAX_MARKDOWN:
            return self._long.block(text)
        if not text.startswith(self._done) or len(text) < self._scanned:
            self._begin()
        self._scan(text)
        if self._is_code and self._code_end > len(self._done):
            self._settle(text, self._code_end, is_plain=True)
        if not self._is_code:
            self._settle(text, self._cut, is_plain=self._cut - len(self._done) > LONGEST_TAIL)
        if len(text) - len(self._done) > LONGEST_TAIL:
            self._settle(text, self._scanned, is_plain=True)
        tail = text[len(self._done) :]
        lines, _ = self._rendered(tail, is_plain=self._is_code or len(tail) > LONGEST_TAIL)
        return [[*self._lines, *self._gap(lines), *lines]]

    def _scan(self, text: str) -> None:
        """Look through new whole lines for the last one that begins a block for certain."""
        while (end := text.find("\n", self._scanned)) >= 0:
            row = text[self._scanned : end]
            fence = _FENCE.match(row)
            if self._fence:
                if fence and fence[1].startswith(self._fence) and not row[fence.end() :].strip():
                    self._fence = ""
                    self._code_end = end + 1
            else:
                if self._after_blank and row.strip() and not _CONTINUES.match(row):
                    self._cut = self._scanned
                self._fence = fence[1] if fence else ""
            self._after_blank = not self._fence and not row.strip()
            self._scanned = end + 1

    def _settle(self, text: str, until: int, *, is_plain: bool) -> None:
        """Take the text up to a place for done."""
        if until <= len(self._done):
            return
        lines, is_code = self._rendered(text[len(self._done) : until], is_plain=is_plain)
        self._lines += [*self._gap(lines), *lines]
        self._done, self._is_code = text[:until], is_code

    def _gap(self, lines: list[Line]) -> list[Line]:
        """The empty line between what is done and what follows."""
        if self._is_code or not lines or not self._lines or not plain(self._lines[-1]).strip():
            return []
        return [[]]

    def _rendered(self, text: str, *, is_plain: bool) -> tuple[list[Line], bool]:
        """Render what follows what is done; say whether it ends within code."""
        if is_plain:
            return self._plain(text)
        from octui.tui.render.markdown import markdown_lines

        return markdown_lines(text, self.width, bullet=self._glyphs.bullet, rule=self._glyphs.rule), False

    def _plain(self, text: str) -> tuple[list[Line], bool]:
        """Wrap text as it stands, code as code."""
        lines: list[Line] = []
        is_code = self._is_code
        for row in text.rstrip("\n").split("\n"):
            if _FENCE.match(row):
                is_code = not is_code
                continue
            lines += wrap_text(row, self.width, "code" if is_code else "text", indent="  " if is_code else "")
        return lines, is_code


def last_rows(text: str, width: int, role: str, *, indent: str = "", limit: int) -> list[Line]:
    """Give the last lines of a text, at most ``limit``; no more of it is looked at than may be shown."""
    text = text.rstrip()[-limit * max(width, 1) * 2 :]
    return wrap_text(text, width, role, indent=indent)[-limit:] if text else []
