"""Panes whose runs may wait for somebody: telling of it, and answering.

The dialog is loaded when it is opened, not before the first frame.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from octui.recording.facts import Attention, RequestAnswered
from octui.recording.session import Session
from octui.tui.glyphs import Glyphs, needs_you
from octui.tui.keys import Command
from octui.tui.palette import Palette
from octui.tui.requests import Waiting, queue
from octui.tui.screens.controlled import ControlledScreen
from octui.tui.summons import Summons, notification_bytes, notification_command, run_apart
from octui.tui.text import clean_line
from octui.tui.widgets.bars import KeysLine, keys_by_id
from octui.tui.widgets.pane import Pane

URGENT = ("talk.answer", "pane.attention", "pane.seen")
"""What comes first on the keys line while a run needs somebody."""

if TYPE_CHECKING:
    from octui.tui.desk import Reply
    from octui.tui.screens.answers import AnswerScreen


class WaitingScreen(ControlledScreen):
    """Tells who waits for an answer, and is where the dialog has requests from and gives answers to.

    Args:
        session: What is shown.
        palette: The colours.
        glyphs: What to draw with.
        now: The clock; tests pass their own.
    """

    def __init__(
        self, session: Session, palette: Palette, glyphs: Glyphs, *, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(session, palette, glyphs, now=now)
        self._answered: set[str] = set()
        self._answers: AnswerScreen | None = None
        self._summons = Summons(self._ring, self._count, self._tell_desktop)
        self._was_live: bool | None = None
        self._keys_told: object = None

    async def on_unmount(self) -> None:
        """Nobody waits here any more; Textual has the handler below let go of the supervisor."""
        self._count(0)

    # Who waits

    def read(self) -> set[str]:
        """Take in what was appended, and look who waits for an answer now."""
        changed = super().read()
        if changed or self.view.is_live != self._was_live:
            self._look_for_requests()
        return changed

    def _look_for_requests(self) -> None:
        waiting = queue(self.view.status, self.view.run_names) if self.view.is_live else []
        self._answered &= {each.request.id for each in waiting}
        self._summons.look(waiting)
        if self.view.is_live != self._was_live:
            self._was_live = self.view.is_live
            self.call_after_refresh(self._tell_answer_key)
        if self._answers is not None:
            self._answers.look()

    def tell_keys(self) -> None:
        """Show the keys anew, as some are of use only while somebody is at work, and others only then not."""
        for line in self.query(KeysLine):
            line.update_keys()

    def _tell_answer_key(self) -> None:
        """Say on the cards which key answers, where anybody can."""
        bound = keys_by_id([active.binding for active in self.active_bindings.values()])
        key = bound.get("talk.answer", [""])[0] if self.view.is_live else ""
        for pane in self.panes.values():
            pane.document.answer_key = key
            if pane.run_view.waits:
                pane.redraw()

    def _ring(self) -> None:
        if self.app.settings.bell:
            self.app.bell()

    def _count(self, waiting: int) -> None:
        self.app.tell_waiting(waiting)

    def _tell_desktop(self, title: str, text: str) -> None:
        if not self.app.settings.notify or self.app.is_headless:
            return
        if sequence := notification_bytes(title, text):
            self.app.write_to_terminal(sequence)
        elif command := notification_command(title, text):
            run_apart(command)

    # Seeing

    def to_be_seen(self) -> list[Attention]:
        """The reasons for which the current run needs somebody to look at it, as far as that can be written down."""
        if self.pane is None or self.session.is_bare:
            return []
        shown, now = self.pane.run_view.status.notices, self.session.status.run(self.current).notices
        return [kind for kind in shown if kind in now]

    def action_acknowledge(self) -> None:
        """Say that the current run was looked at, so that it needs nobody any more but for what it asks."""
        name, reasons = self.current, self.to_be_seen()
        is_past = self.view.position is not None and self.view.position < (self.session.ended_at or 0.0)
        said = f"{clean_line(name)}: seen{', from the end of the recording on' if is_past else ''}."
        self._send(lambda: self.controls.acknowledge(name, reasons), said, then=self.look_again)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to have seen what is to be seen."""
        if action == "acknowledge":
            return bool(self.to_be_seen())
        return super().check_action(action, parameters)

    def look_again(self) -> None:
        """Show what was written into a session that nobody is at work on."""
        self.session.refresh(0)
        self.view.look_again()
        self.show_all()

    def show_sums(self) -> None:
        """Draw the sums, and the keys where they are others now."""
        super().show_sums()
        self._look_at_keys()

    def choose(self, name: str) -> None:
        """Make a run the current one, whose keys may be others."""
        super().choose(name)
        self._look_at_keys()

    def key_state(self) -> tuple[object, ...]:
        """Give what decides which keys are shown."""
        return self.view.is_live, bool(self.to_be_seen()), bool(self.pending()), self._needs_somebody

    @property
    def _needs_somebody(self) -> bool:
        return any(needs_you(pane.run_view.status) for pane in self.panes.values())

    def rank_of(self, command: Command) -> int:
        """Put what runs wait for first, and leave out what is of no use now."""
        if command.id == "talk.answer" and not self.pending():
            return 0
        if self._needs_somebody and command.id in URGENT:
            return URGENT.index(command.id) - len(URGENT)
        return super().rank_of(command)

    def _look_at_keys(self) -> None:
        """Show the keys anew where they are others now, but not those of a line that is typed into."""
        now = self.key_state()
        if now != self._keys_told and self.keys_are_commands:
            self._keys_told = now
            self.tell_keys()

    # Answering

    def pending(self) -> list[Waiting]:
        """What waits, the oldest first, without what was answered here already."""
        if not self.view.is_live:
            return []
        waiting = queue(self.view.status, self.view.run_names)
        return [each for each in waiting if each.request.id not in self._answered]

    def moment(self) -> float:
        """The view's moment, in seconds since the epoch."""
        return self.view.moment

    def reply_to(self, waiting: Waiting, reply: Reply, message: str = "") -> None:
        """Answer a permission."""
        self._answer(waiting, lambda: self.controls.reply(waiting.run, waiting.request.id, reply, message))

    def answer_to(self, waiting: Waiting, answers: Sequence[Sequence[str]] | None) -> None:
        """Answer questions; None dismisses them."""
        self._answer(waiting, lambda: self.controls.answer(waiting.run, waiting.request.id, answers))

    def _answer(self, waiting: Waiting, act: Callable[[], Awaitable[None]]) -> None:
        """Send an answer; the request waits again where it is refused."""
        self._answered.add(waiting.request.id)

        def refused() -> None:
            self._answered.discard(waiting.request.id)
            if self._answers is not None:
                self._answers.look()

        self._send(act, "", refused)

    def how_closed(self, waiting: Waiting) -> str:
        """Say how a request was answered elsewhere, or that nobody waits for it any more."""
        run, wanted = clean_line(waiting.run), waiting.request.id
        for fact in reversed(self.session.facts):
            if isinstance(fact, RequestAnswered) and fact.request_id == wanted:
                how = f": {clean_line(fact.answer)}" if fact.answer else ""
                return f"{run} was answered elsewhere{how}."
        return f"{run} does not wait for that any more."

    def action_answer(self) -> None:
        """Answer what runs wait for, beginning with the current one."""
        if not self._can_control():
            return
        pending = self.pending()
        if not pending:
            status = self.view.status.run(self.current)
            self.notify(self._why_not(status) or "No run waits for an answer.", markup=False)
            return
        first = next((each for each in pending if each.run == self.current), pending[0])
        from octui.tui.screens.answers import AnswerScreen

        def closed(_: None) -> None:
            self._answers = None

        self._answers = AnswerScreen(self, first, self.palette, self.glyphs)
        self.app.push_screen(self._answers, closed)

    def action_open_event(self) -> None:
        """Open or close the current event; answer, where that is what the run waits for."""
        pane = self.pane
        if pane is not None and pane.is_at_request and pane.document.answer_key:
            self.action_answer()
        else:
            super().action_open_event()

    def on_pane_answer_asked(self, message: Pane.AnswerAsked) -> None:
        """A click on a card answers."""
        self.choose(message.run)
        if self.panes[message.run].document.answer_key:
            self.action_answer()
