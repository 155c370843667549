"""One run as a document of blocks: the prompt, its events with the marks of attempts between them, and how it ended.

Blocks are rendered when they come into view and kept in a small cache; a document of a million events costs what the
visible ones cost. Items are numbered: 0 is the prompt, 1 to n are the events; behind them stands what is under way, and
the end.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain

from octui.client.events import Event, Failure, ToolUse
from octui.kept import Kept
from octui.recording.facts import RunState
from octui.tui.glyphs import Glyphs, state_role, state_words
from octui.tui.passing import Passing
from octui.tui.render.blocks import (
    event_block,
    event_text,
    is_foldable,
    is_foldable_prompt,
    opens_by_itself,
    prompt_block,
)
from octui.tui.render.lines import Line, plain, wrap_text
from octui.tui.render.long_text import Block, LongPart
from octui.tui.render.requests import card
from octui.tui.requests import waiting_of
from octui.tui.text import clean, clean_line, without
from octui.tui.underway import UnderWay
from octui.tui.view import SessionView

KEPT_BLOCKS = 400
KEPT_FOLDS = 4000
KEPT_BYTES = 1 << 24
"""Big events that were decoded are kept up to so many bytes of the log, so that a frame decodes each once at most."""

BIG = 1 << 15
"""An event of more bytes is big."""

STDERR_LINES = 12
ERRORS_LOOKED_AT = 8
"""Among so many of the last events an error is looked for that the end of the run would repeat."""


class RunDocument:
    """The blocks of one run as the view shows them now.

    Args:
        view: Where the events come from.
        run: The run's name.
        glyphs: What to draw with.

    Attributes:
        answer_key: The key that answers what the run waits for; empty where nobody can.
    """

    def __init__(self, view: SessionView, run: str, glyphs: Glyphs) -> None:
        self.view = view
        self.run = run
        self.glyphs = glyphs
        self.answer_key = ""
        self.passing = Passing(lambda first, last: view.log(run).kinds(first, last))
        self.under_way = UnderWay(view, run, glyphs)
        self.moved: dict[int, int] = {}
        self._opened: dict[int, bool] = {}
        self._opened_live: dict[str, bool] = {}
        self._all_opened: bool | None = None
        self._blocks: Kept[tuple[int, int, bool], Block] = Kept(KEPT_BLOCKS)
        self._folds: Kept[int, bool] = Kept(KEPT_FOLDS)
        self._decoded: Kept[int, Event] = Kept(KEPT_BYTES)
        self._events = 0
        self._marks: tuple[int, int, dict[int, Line]] = (0, 0, {})
        self.refresh()

    def refresh(self) -> int:
        """Look again how many events there are; give how many more than before (negative after a step back).

        What of the items under way has another number now is in ``moved`` then, by the number it had.
        """
        count = self.view.visible(self.run)
        more = count - self._events
        self._look_at_live(count)
        self._events = count
        if len(self.view.log(self.run)) < max(count, count - more):
            self.clear()
        return more

    def _look_at_live(self, count: int) -> None:
        before = self.under_way.keys
        self.under_way.refresh(self._events, count)
        if not before and not self.under_way.keys:
            self.moved = {}
            return
        places = {key: count + place for place, key in enumerate(self.under_way.keys, 1)} | self.under_way.landed
        numbered = enumerate(before, self._events + 1)
        self.moved = {old: places[key] for old, key in numbered if key in places and places[key] != old}
        for key in set(before) - set(self.under_way.keys):
            opened = self._opened_live.pop(key, None)
            if opened is not None and key in self.under_way.landed:
                self._opened[self.under_way.landed[key]] = opened

    def _live_key(self, item: int) -> str | None:
        """What is known of an item under way by; None for any other item."""
        place = item - self._events - 1
        return self.under_way.keys[place] if 0 <= place < len(self.under_way.keys) else None

    @property
    def events(self) -> int:
        """How many events there are: the number of the last that is one."""
        return self._events

    @property
    def last(self) -> int:
        """The number of the last item: the end."""
        return self._events + len(self.under_way.keys) + 1

    def clear(self) -> None:
        """Forget what was read and rendered, as after a change of theme signs or of the recording."""
        self._blocks.clear()
        self._folds.clear()
        self._decoded.clear()
        self.passing.forget()

    @property
    def hidden(self) -> frozenset[str]:
        """Which kinds of events the filter leaves out, of `octui.tui.passing.FILTERS`."""
        return self.passing.hidden

    @hidden.setter
    def hidden(self, hidden: frozenset[str]) -> None:
        self.passing.hidden = hidden

    def event(self, item: int) -> Event | None:
        """The event of an item; None for the prompt and the end."""
        if not 1 <= item <= self._events:
            return None
        event = self._decoded.get(item)
        if event is None:
            event = self.view.event(self.run, item - 1)
            if (weight := self._bytes(item)) > BIG:
                self._decoded.put(item, event, weight)
        return event

    def _bytes(self, item: int) -> int:
        """How many bytes of the log an item's event takes."""
        log = self.view.log(self.run)
        return (log.offset(item) if item < len(log) else log.bytes_known[0]) - log.offset(item - 1)

    def raw(self, item: int) -> bytes | None:
        """An item's line as opencode printed it; None where it cannot be read."""
        return self.view.raw(self.run, item - 1) if 1 <= item <= self._events else None

    def is_open(self, item: int) -> bool:
        """Whether an item is shown open."""
        if (key := self._live_key(item)) is not None:
            return self._opened_live.get(key, bool(self._all_opened))
        opened = self._opened.get(item, self._all_opened)
        if opened is not None:
            return opened
        opens = self._folds.get(item)
        if opens is None:
            event = self.event(item)
            opens = self._folds.put(item, event is not None and opens_by_itself(event))
        return opens

    def is_foldable(self, item: int) -> bool:
        """Whether an item can be opened and closed."""
        if item == 0:
            return is_foldable_prompt(self._prompt())
        if (key := self._live_key(item)) is not None:
            return self.under_way.is_foldable(key)
        event = self.event(item)
        return event is not None and is_foldable(event)

    def toggle(self, item: int) -> None:
        """Open a closed item, close an open one."""
        if (key := self._live_key(item)) is not None:
            self._opened_live[key] = not self.is_open(item)
        elif self.is_foldable(item):
            self._opened[item] = not self.is_open(item)

    def open(self, item: int) -> None:
        """Show an item open."""
        self._opened[item] = True

    def toggle_all(self) -> bool:
        """Open every item, or close every one when they are open; give whether they are open now."""
        self._all_opened = not self._all_opened
        self._opened.clear()
        self._opened_live.clear()
        return self._all_opened

    def is_hidden(self, item: int) -> bool:
        """Whether the filter leaves an item out."""
        if (key := self._live_key(item)) is not None:
            return self.under_way.is_hidden(key, self.hidden)
        return 1 <= item <= self._events and self.passing.is_hidden(item - 1)

    def beside(self, item: int, step: int) -> int | None:
        """The next item after (``step`` 1) or before (-1) one that may have something to show; None past the ends."""
        if step > 0 and item < self._events:
            found = self.passing.after(item, self._events)
            beside = self._events + 1 if found is None else found + 1
            return min([beside, *(mark for mark in self._attempt_marks() if mark > item)])
        if step < 0 and 1 < item <= self._events + 1:
            found = self.passing.before(item - 2)
            beside = 0 if found is None else found + 1
            return max([beside, *(mark for mark in self._attempt_marks() if mark < item)])
        beside = min(item + step, self.last) if step < 0 else item + step
        return beside if 0 <= beside <= self.last else None

    def block(self, item: int, width: int) -> Block:
        """The styled lines of an item in parts; none for what is hidden or has nothing to show."""
        if self.is_hidden(item):
            return []
        if item == 0:
            return prompt_block(self._prompt(), width, opened=self.is_open(0), glyphs=self.glyphs)
        if item >= self.last:
            return [self._end_lines(width)]
        key = self._live_key(item)
        if key is not None:
            block = self.under_way.block(key, width, opened=self.is_open(item))
        else:
            block = self._event_block(item, width)
        mark = self._attempt_marks().get(item)
        return [[mark], *block] if mark else block

    def _event_block(self, item: int, width: int) -> Block:
        key = (item, width, self.is_open(item))
        block = self._blocks.get(key)
        if block is not None:
            return block
        event = self.event(item)
        assert event is not None
        use = event.body
        inside = self.view.subagent(self.run, use) if key[2] and isinstance(use, ToolUse) else ()
        block = event_block(event, width, opened=key[2], glyphs=self.glyphs, inside=inside)
        if not any(isinstance(part, LongPart) or part for part in block):
            self.passing.has_nothing(item - 1)
        is_big = any(isinstance(part, LongPart) for part in block)
        return self._blocks.put(key, block, 1 + self._bytes(item) * KEPT_BLOCKS // KEPT_BYTES if is_big else 1)

    def lines(self, item: int, width: int) -> list[Line]:
        """All styled lines of an item at once, however many."""
        return [*chain.from_iterable(self.block(item, width))]

    def find(self, item: int, width: int, words: str) -> tuple[int, int] | None:
        """Where an item shows words first, in any case: the part, and the line in it; None where no line has them."""
        needle = words.casefold()
        for number, part in enumerate(self.block(item, width)):
            if isinstance(part, LongPart) and needle not in part.source.casefold():
                continue
            for at, line in enumerate(part):
                if needle in plain(line).casefold():
                    return number, at
        return None

    def text(self, item: int) -> str:
        """What an item says, as clean text to copy."""
        if item == 0:
            return clean(self._prompt())
        if (key := self._live_key(item)) is not None:
            return self.under_way.text(key)
        event = self.event(item)
        if event is not None:
            return clean(event_text(event))
        return "\n".join(plain(line).strip() for line in self._end_lines(120))

    def _prompt(self) -> str:
        return self.view.session.meta(self.run).prompt or ""

    def _attempt_marks(self) -> dict[int, Line]:
        """Where attempts and restarts begin: item number → the line that says so."""
        offsets = self.view.status.run(self.run).attempt_offsets
        if self._marks[:2] != (len(offsets), self._events):
            log = self.view.log(self.run)
            marks: dict[int, Line] = {}
            for life, attempt, stdout_offset, _ in offsets:
                if (life, attempt) == (1, 1):
                    continue
                item = bisect_left(range(self._events), stdout_offset, key=log.offset) + 1
                words = f"attempt {attempt}" if attempt > 1 else f"started again by you, life {life}"
                rule = self.glyphs.rule * 2
                marks[item] = [(f"{rule} {words} {rule}", "warning")]
            self._marks = (len(offsets), self._events, marks)
        return self._marks[2]

    def errors_said(self) -> list[str]:
        """Give what the last events, and what is under way, say of an error, so that nothing else repeats it."""
        said: list[str] = []
        if "error" not in self.hidden:
            for item in range(max(1, self._events - ERRORS_LOOKED_AT + 1), self._events + 1):
                if self.view.log(self.run).kind(item - 1) == "error" and (event := self.event(item)) is not None:
                    body = event.body
                    if isinstance(body, Failure):
                        said += [clean_line(f"{body.name}: {body.message}"), clean_line(body.message)]
        live = self.view.live(self.run)
        if live is not None and live.retry is not None:
            said.append(clean_line(live.retry.why))
        return said

    def _end_lines(self, width: int) -> list[Line]:
        """How the run ended, why it needs somebody, and what stderr says about it; each error is told once."""
        status = self.view.status.run(self.run)
        said = self.errors_said()
        lines: list[Line] = []
        mark = self._attempt_marks().get(self.last)
        if mark:
            lines.append(mark)
        if (status.state.is_final and status.state is not RunState.SUCCEEDED) or status.state is RunState.RETRYING:
            glyph = self.glyphs.states[status.state]
            why = without(clean_line(status.why), said)
            said.append(clean_line(status.why))
            role = f"state-{status.state.replace('_', '-')}/bold"
            lines += _hanging(f"{glyph} ", status.state.because(why), width, role)
        for notice in map(clean_line, status.notices.values()):
            if rest := without(notice, said):
                lines += _hanging(f"{self.glyphs.attention} ", rest, width, "state-attention/bold")
            said.append(notice)
        if status.attention or status.state in (RunState.FAILED, RunState.TIMED_OUT, RunState.RETRYING):
            rows = clean(self.view.stderr(self.run)).strip().split("\n")
            rows = [row for row in rows if without(row, said) == row]
            if any(rows):
                lines.append([("  stderr", "faint")])
                for row in rows[-STDERR_LINES:]:
                    lines += wrap_text(row, width, "diagnostic", indent="  ")
        elif not self._events and not self.under_way.keys and not lines and not status.requests:
            sign = f"{self.glyphs.states[status.state]} "
            lines.append([(sign, state_role(status)), (state_words(status), "muted")])
        if waiting := waiting_of(status):
            lines += card(waiting, width, self.glyphs, self.answer_key)
        return lines


def _hanging(sign: str, words: str, width: int, role: str) -> list[Line]:
    lines = wrap_text(words, width, role, indent=" " * len(sign))
    lines[0] = [(sign, role), *lines[0][1:]]
    return lines
