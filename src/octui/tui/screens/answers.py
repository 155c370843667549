"""Answering what runs wait for: one request after another, whatever run it is of, the oldest first."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from octui.client.serve.events import Permission, Question
from octui.tui.answer_keys import keys_line, keys_of_permission, keys_of_question
from octui.tui.choosing import Choosing, question_lines
from octui.tui.desk import Desk, Reply
from octui.tui.format import clock
from octui.tui.glyphs import Glyphs
from octui.tui.hands import Hands
from octui.tui.layout import SHORT_ROWS
from octui.tui.palette import Palette
from octui.tui.render.long_text import Block
from octui.tui.render.requests import always_words, permission_block
from octui.tui.requests import Waiting, shown, wish
from octui.tui.screens.asked_sheet import AskedSheet
from octui.tui.text import clean_line, wrap
from octui.tui.widgets.typing_fields import TypingLine

CLOCK_S = 1.0
_BESIDES, _FIELD, _ALWAYS = 10, 2, 2
"""Rows of the dialog that are not left to what is asked: always, with the field, with what is allowed from now on."""
_PAGE = 8
_PLACEHOLDER = "your answer"


class AnswerScreen(ModalScreen[None]):
    """Shows what runs wait for, and answers it.

    Args:
        desk: Where requests come from and answers go.
        first: What to show first.
        palette: The colours.
        glyphs: What to draw with.
        now: A steady clock, in seconds; tests pass their own.
    """

    CSS_PATH: ClassVar = ["dialogs.tcss", "answers.tcss"]
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "reply('once')", "allow once", id="answer.once"),
        Binding("A", "reply('always')", "always", id="answer.always"),
        Binding("n", "reply('reject')", "reject", id="answer.reject"),
        Binding("m", "message", "reject and say why", id="answer.message"),
        Binding("enter", "go_on", "go on", id="answer.go_on"),
        Binding("space", "tick", "tick", id="answer.tick"),
        Binding("d", "dismiss_question", "dismiss", id="answer.dismiss"),
        Binding("left", "question(-1)", "question before", id="answer.question_before"),
        Binding("up,k", "move(-1)", "up", id="answer.up"),
        Binding("down,j", "move(1)", "down", id="answer.down"),
        Binding("pageup", f"scroll(-{_PAGE})", "page up", id="answer.page_up"),
        Binding("pagedown", f"scroll({_PAGE})", "page down", id="answer.page_down"),
        Binding("tab", "next_request", "the next one", id="answer.next"),
        *(Binding(str(n), f"choose({n})", str(n), id=f"answer.{n}") for n in range(1, 10)),
        Binding("escape", "later", "later", id="dialog.cancel"),
    ]
    _OF_PERMISSIONS = frozenset({"reply", "message"})
    _OF_QUESTIONS = frozenset({"go_on", "tick", "dismiss_question", "question", "choose"})

    def __init__(
        self, desk: Desk, first: Waiting, palette: Palette, glyphs: Glyphs, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._desk = desk
        self._first = first
        self.palette = palette
        self.glyphs = glyphs
        self._hands = Hands(now, {"go_on"})  # `enter` opens the dialog, too.
        self.shown: Waiting | None = None
        self._choosing: list[Choosing] = []
        self._at = 0
        self._sheet = AskedSheet(lambda width: [], palette)

    def compose(self) -> ComposeResult:
        """Who asks, what, and how to answer."""
        with Vertical(classes="dialog"):
            with Horizontal(id="answer-head"):
                yield Static("", classes="title", markup=False)
                yield Static("", id="answer-place", markup=False)
            yield Static("", classes="text", markup=False)
            yield self._sheet
            yield Static("", id="answer-more", markup=False)
            yield Static("", id="answer-always", markup=False)
            yield TypingLine(select_on_focus=False)
            yield Static("", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Show the first request."""
        self.set_interval(CLOCK_S, self._show_head)
        self._field.cursor_blink = False
        self._show(self._first)

    def on_resize(self) -> None:
        """Lay what is asked out anew, once the sheet has its size."""
        self._fit()

    # What is shown

    def look(self) -> None:
        """See whether what is shown still waits; go on to the next where it does not, and leave after the last."""
        pending = self._desk.pending()
        shown = self.shown
        if shown is not None:
            if any(each.request.id == shown.request.id for each in pending):
                self._show_head()
                return
            if how := self._desk.how_closed(shown):
                self.app.notify(how, markup=False)
        self._next(pending)

    def _next(self, pending: list[Waiting]) -> None:
        if pending:
            self._show(pending[0])
        elif self.is_current:
            self.dismiss(None)

    def _show(self, waiting: Waiting) -> None:
        self.shown = waiting
        self._hands.shows_another()
        self.call_after_refresh(self._seen, waiting)
        request = waiting.request
        self._choosing = [Choosing(item) for item in request.questions] if isinstance(request, Question) else []
        self._at = 0
        self._close_field()
        always = ""
        if isinstance(request, Permission) and (words := always_words(request)):
            always = f"always allows from now on: {words}"
        self.query_one("#answer-always", Static).update(Content(always))
        self.query_one("#answer-always").display = bool(always)
        if self._choosing and self._choosing[0].is_at_words:
            self._open_field(_PLACEHOLDER)
        self._show_head()
        self._show_body(from_start=True)

    def _seen(self, waiting: Waiting) -> None:
        """It is on the screen from now on."""
        if waiting is self.shown:
            self._hands.saw()

    def _show_head(self) -> None:
        waiting = self.shown
        if waiting is None:
            return
        pending = self._desk.pending()
        place = next((at for at, each in enumerate(pending, 1) if each.request.id == waiting.request.id), 1)
        run = clean_line(waiting.run)
        self.query_one(".title", Static).update(Content(f"{self.glyphs.attention} {run} {wish(waiting.request)}"))
        self.query_one("#answer-place", Static).update(Content(self._place(place, len(pending))))
        words = f"waits for {clock(self._desk.moment() - waiting.since)}"
        if len(self._choosing) > 1:
            words += f", question {self._at + 1} of {len(self._choosing)}"
        if self._choosing and (header := shown(self._choosing[self._at].item.header)):
            words += f": {header}"
        self.query_one(".text", Static).update(Content(words))

    def _place(self, place: int, pending: int) -> str:
        """Say which of how many requests is shown; on a small screen only where there are several."""
        if self.size.height < SHORT_ROWS:
            return f"  {place}/{pending}" if pending > 1 else ""
        return f"  {place} of {max(1, pending)} waiting"

    def _show_body(self, *, from_start: bool = False) -> None:
        request = self.shown.request if self.shown is not None else None
        if isinstance(request, Permission):
            self._sheet.show_block(partial(permission_block, request), from_start=from_start)
        else:
            self._sheet.show_block(self._question_block, from_start=from_start)
        self._fit()
        self._say()

    def _question_block(self, width: int) -> Block:
        if not self._choosing:
            return []
        return [question_lines(self._choosing[self._at], width, self.glyphs)[0]]

    def _fit(self) -> None:
        width = self._sheet.size.width or min(94, int(self.size.width * 0.94) - 6)
        if self.size.height < SHORT_ROWS:
            self._sheet.styles.height = "1fr"
            self.call_after_refresh(self._laid_out)
            return
        besides = _BESIDES + _FIELD * self._field.display + _ALWAYS * (not self._choosing)
        besides += self._rows_besides(width)
        self._sheet.fit(width, max(3, int(self.size.height * 0.9) - besides))
        self.call_after_refresh(self._laid_out)

    def _rows_besides(self, width: int) -> int:
        """Count the rows that what stands above and below what is asked takes beyond one each."""
        head, place, text = (
            str(self.query_one(each, Static).render()) for each in (".title", "#answer-place", ".text")
        )
        keys = keys_line(self._told(), self.active_bindings.values(), self.glyphs).plain
        keys = keys.replace("\N{NO-BREAK SPACE}", " ")  # Textual breaks lines there, too.
        told = ((head, width - cell_len(place)), (text, width), (keys, width))
        return sum(sum(1 for _ in wrap(words, room)) - 1 for words, room in told)

    def on_asked_sheet_resized(self) -> None:
        """Fill the room there is now."""
        self._laid_out()

    def _laid_out(self) -> None:
        """What is asked has its size."""
        self._sheet.lay_out()
        if self._choosing:
            choosing = self._choosing[self._at]
            _, starts = question_lines(choosing, max(20, self._sheet.size.width), self.glyphs)
            if choosing.cursor:
                self._sheet.bring_in(starts[choosing.cursor])
        self._say_more()

    def _say_more(self) -> None:
        more = self.query_one("#answer-more", Static)
        more.display = self._sheet.has_more
        more.update(Content(f"{self.glyphs.down} more below"))

    def _say(self, problem: str = "") -> None:
        """Show the keys, or what is wrong."""
        hint = self.query_one(".hint", Static)
        hint.set_class(bool(problem), "problem")
        hint.update(
            Content(problem) if problem else keys_line(self._told(), self.active_bindings.values(), self.glyphs)
        )

    def _told(self) -> list[tuple[str, str]]:
        """Which keys there are for what is shown, and what they do."""
        if self._choosing:
            told = keys_of_question(self._choosing, self._at)
        elif self._field.display:
            told = [("answer.go_on", "reject and send this"), ("dialog.cancel", "back")]
        else:
            told = keys_of_permission(can_be_always=self._allows_always)
        if len(self._desk.pending()) > 1 and not self._field.has_focus:
            told.append(("answer.next", "the next one"))
        return told

    # What is answered

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what fits what is asked; and nothing but going away as long as nobody can have read it."""
        if action in self._OF_PERMISSIONS and self._choosing:
            return False
        if action in self._OF_QUESTIONS and not self._choosing:
            return False
        if action == "reply" and parameters == ("always",) and not self._allows_always:
            return False
        return None if action != "later" and self._hands.are_too_soon else True

    @property
    def _allows_always(self) -> bool:
        request = self.shown.request if self.shown is not None else None
        return isinstance(request, Permission) and bool(request.always)

    @property
    def _field(self) -> TypingLine:
        return self.query_one(TypingLine)

    def _answered(self, what: str) -> None:
        """Go on to what waits longest now."""
        self._hands.pressed(what)
        self.shown = None
        self._next(self._desk.pending())

    def action_reply(self, reply: Reply) -> None:
        """Answer a permission."""
        if self.shown is not None and not self._hands.hold_down(reply):
            self._desk.reply_to(self.shown, reply)
            self._answered(reply)

    def action_message(self) -> None:
        """Ask for what the model shall be told."""
        self._open_field("what it shall do instead, or why not")
        self._say()

    def _open_field(self, placeholder: str, value: str = "") -> None:
        field = self._field
        field.placeholder = placeholder
        with self.prevent(Input.Changed):
            field.value = value
        field.cursor_position = len(value)
        field.display = True
        field.focus()

    def _close_field(self) -> None:
        self._field.display = False
        self.set_focus(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What is written is an answer."""
        if self._choosing:
            self._choosing[self._at].write(event.value)
            self._show_body()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject with what is written, or go on to the next question."""
        event.stop()
        if self._hands.are_too_soon:
            return
        if self._choosing:
            self.action_go_on()
        elif not event.value.strip():
            self._say("Write what the model shall be told; esc goes back.")
        elif self.shown is not None:
            self._desk.reply_to(self.shown, "reject", event.value.strip())
            self._answered("go_on")

    def action_move(self, step: int) -> None:
        """Go to another option; scroll, where there are none."""
        if not self._choosing:
            self.action_scroll(step)
            return
        self._choosing[self._at].move(step)
        self._at_row()

    def _at_row(self) -> None:
        """The cursor stands on a row: the field belongs to the one for words of one's own."""
        choosing = self._choosing[self._at]
        if choosing.is_at_words:
            self._open_field(_PLACEHOLDER, choosing.words)
        else:
            self._close_field()
        self._show_body()

    def action_choose(self, number: int) -> None:
        """Go to an option by its number, and tick it."""
        choosing = self._choosing[self._at]
        if choosing.go_to(number - 1):
            choosing.tick()
            self._at_row()

    def action_tick(self) -> None:
        """Tick the option at the cursor, or no longer."""
        self._choosing[self._at].tick()
        self._show_body()

    def action_go_on(self) -> None:
        """Go on to the next question; after the last, send the answers."""
        if self._hands.hold_down("go_on"):
            return
        if problem := self._choosing[self._at].settle():
            self._say(problem)
        elif self._at + 1 < len(self._choosing):
            self.action_question(1)
        elif self.shown is not None:
            self._desk.answer_to(self.shown, [choosing.answer for choosing in self._choosing])
            self._answered("go_on")

    def action_question(self, step: int) -> None:
        """Go to the next question of several, or the one before."""
        if 0 <= self._at + step < len(self._choosing):
            self._at += step
            self._show_head()
            self._at_row()
            self._sheet.to_start()

    def action_dismiss_question(self) -> None:
        """Leave the questions without an answer."""
        if self.shown is not None and not self._hands.hold_down("dismiss"):
            self._desk.answer_to(self.shown, None)
            self._answered("dismiss")

    def action_next_request(self) -> None:
        """Look at the next request, and leave this one for later."""
        pending = self._desk.pending()
        ids = [each.request.id for each in pending]
        if self.shown is not None and len(pending) > 1 and self.shown.request.id in ids:
            self._show(pending[(ids.index(self.shown.request.id) + 1) % len(ids)])

    def action_scroll(self, rows: int) -> None:
        """Scroll what is asked."""
        self._sheet.scroll_rows(rows)
        self._say_more()

    def on_asked_sheet_clicked(self, message: AskedSheet.Clicked) -> None:
        """A click on an option is as good as its number."""
        if not self._choosing or self._hands.are_too_soon:
            return
        line = self._sheet.top_line + message.row
        _, starts = question_lines(self._choosing[self._at], max(20, self._sheet.size.width), self.glyphs)
        rows = [row for row, start in enumerate(starts) if start <= line]
        if rows:
            self._choosing[self._at].go_to(rows[-1])
            self._choosing[self._at].tick()
            self._at_row()

    def action_later(self) -> None:
        """Leave the field, or leave everything as it is."""
        if not self._choosing and self._field.display:
            self._close_field()
            self._say()
        else:
            self.dismiss(None)
