"""Answering one question: where the cursor stands, what is ticked, what was written. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from octui.client.serve.events import QuestionItem
from octui.tui.glyphs import Glyphs
from octui.tui.render.lines import Line, wrap_text
from octui.tui.requests import masked, shown

OWN_WORDS = "in words of your own"


@dataclass(slots=True)
class Choosing:
    """The answer to one question, as far as it is given.

    Attributes:
        item: The question.
        cursor: Which row commands apply to: an option, or after them the one for words of one's own.
        ticked: The rows that are chosen.
        words: What was written.
    """

    item: QuestionItem
    cursor: int = 0
    ticked: set[int] = field(default_factory=set)
    words: str = ""

    @property
    def own(self) -> int | None:
        """The row for words of one's own; None where only options are allowed."""
        return len(self.item.options) if self.item.custom or not self.item.options else None

    @property
    def rows(self) -> int:
        """How many rows there are to choose from."""
        return len(self.item.options) + (self.own is not None)

    @property
    def is_at_words(self) -> bool:
        """Whether what is typed now is an answer."""
        return self.cursor == self.own

    def move(self, step: int) -> None:
        """Go to another row, around the ends."""
        self.cursor = (self.cursor + step) % self.rows

    def go_to(self, row: int) -> bool:
        """Go to a row, if there is such a one."""
        if 0 <= row < self.rows:
            self.cursor = row
            return True
        return False

    def tick(self) -> None:
        """Choose the row at the cursor, or no longer; where only one is allowed, instead of any other."""
        if self.cursor == self.own:
            return
        if not self.item.multiple:
            self.ticked = {self.cursor}
        elif self.cursor in self.ticked:
            self.ticked.discard(self.cursor)
        else:
            self.ticked.add(self.cursor)

    def write(self, words: str) -> None:
        """Take what is written for an answer; nothing is none."""
        if self.own is None:
            return
        self.words = words
        if not words.strip():
            self.ticked.discard(self.own)
        elif self.item.multiple:
            self.ticked.add(self.own)
        else:
            self.ticked = {self.own}

    def settle(self) -> str:
        """Take the row at the cursor where only one is allowed and none is chosen; give what is missing still."""
        if not self.item.multiple and not self.is_at_words:
            self.tick()
        if self.ticked:
            return ""
        if self.is_at_words:
            return "Write an answer first."
        return "Tick what applies first, with space."

    @property
    def answer(self) -> list[str]:
        """The labels that are chosen, to the letter, and what was written."""
        chosen = [option.label for row, option in enumerate(self.item.options) if row in self.ticked]
        return [*chosen, self.words.strip()] if self.own in self.ticked else chosen


def question_lines(choosing: Choosing, width: int, glyphs: Glyphs) -> tuple[list[Line], list[int]]:
    """Draw a question with its options; give also at which line each row begins."""
    item = choosing.item
    lines = [*wrap_text(masked(item.question), width, "text/bold"), []]
    starts: list[int] = []
    for row in range(choosing.rows):
        is_own = row == choosing.own
        at_cursor = row == choosing.cursor
        starts.append(len(lines))
        inner = "x" if item.multiple else glyphs.bullet
        box = ("[{}]" if item.multiple else "({})").format(inner if row in choosing.ticked else " ")
        lead = f"{glyphs.prompt if at_cursor else ' '} {row + 1 if row < 9 else ' '} {box} "
        label = OWN_WORDS if is_own else shown(item.options[row].label)
        role = "accent/bold" if at_cursor else "muted" if is_own else "text"
        rows = wrap_text(label, width, role, indent=" " * len(lead))
        rows[0] = [(lead, "accent/bold" if at_cursor else "muted"), *rows[0][1:]]
        lines += rows
        described = "" if is_own else masked(item.options[row].description)
        if described.strip():
            lines += wrap_text(described, width, "muted", indent=" " * len(lead))
    return lines, starts
