"""Talking to runs: answering what they wait for, asking them more, ending what they do, going on in another run.

Dialogs and the prompt line are loaded when they are opened, not before the first frame.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from octui.errors import OctuiError
from octui.recording.facts import RequestAnswered, RunState, RunStatus, StateChanged
from octui.recording.session import Session
from octui.tui.controls import SessionControls
from octui.tui.glyphs import Glyphs
from octui.tui.palette import Palette
from octui.tui.requests import Waiting, queue
from octui.tui.screens.events import EventsScreen
from octui.tui.summons import Summons, notification_bytes, notification_command, run_apart
from octui.tui.text import clean_line
from octui.tui.widgets.bars import KeysLine, keys_by_id
from octui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from octui.tui.app import OctuiApp
    from octui.tui.screens.answers import AnswerScreen, Reply
    from octui.tui.widgets.prompt_line import PromptLine

SHORT_TURN_S = 10.0
"""What a run has done for less long is ended without asking."""

SEND, FORK = "send", "fork"


class TalkScreen(EventsScreen):
    """Panes whose runs can be talked to, where a supervisor is at work on the session.

    Args:
        session: What is shown.
        palette: The colours.
        glyphs: What to draw with.
        now: The clock; tests pass their own.
    """

    app: OctuiApp

    def __init__(
        self, session: Session, palette: Palette, glyphs: Glyphs, *, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(session, palette, glyphs, now=now)
        self.controls = SessionControls(session)
        self.chosen: dict[str, tuple[str, str]] = {}
        self._answered: set[str] = set()
        self._answers: AnswerScreen | None = None
        self._summons = Summons(self._ring, self._count, self._tell_desktop)
        self._was_live: bool | None = None
        self._awaited_run = ""

    def on_mount(self) -> None:
        """Hold the supervisor of a live session; Textual lets the panes' own handler do the rest."""
        if self.view.is_live:
            self.run_worker(self.controls.hold(), group="control", exit_on_error=False)

    async def on_unmount(self) -> None:
        """Let go of the supervisor."""
        self._count(0)
        await self.controls.close()

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
            self.call_after_refresh(self.tell_keys)
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

    def came(self, names: Iterable[str]) -> None:
        """Runs came: go to the one that was asked for."""
        self._tell_answer_key()
        if self._awaited_run in self.panes:
            self.choose(self._awaited_run)
            self._awaited_run = ""

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

    # Asking more

    def _why_not(self, status: RunStatus) -> str:
        """Say why a run cannot be talked to; empty where it can."""
        name = clean_line(status.name)
        if status.session_id:
            return ""
        if self.session.meta(status.name).backend == "serve":
            return f"{name} has no session of opencode yet."
        return f"{name} runs by `opencode run`, which cannot be talked to; choose the serve backend."

    def _talk(self, act: Callable[[str], None]) -> None:
        """Do something with the current run, where it can be talked to; see to it that somebody listens."""
        name = self.current
        if self.pane is None:
            return
        if why := self._why_not(self.view.status.run(name)):
            self.notify(why, severity="warning", markup=False)
        elif self.session.is_live:
            act(name)
        else:
            self._send(self.controls.take_up, "", then=lambda: act(name))

    def action_send(self) -> None:
        """Ask the current run something more."""
        self._talk(lambda name: self._open_prompt(name, SEND))

    def action_fork(self) -> None:
        """Go on from where the current run stands in a run of its own."""
        self._talk(lambda name: self._open_prompt(name, FORK))

    def _open_prompt(self, name: str, purpose: str) -> None:
        self.run_worker(self._prompt(name, purpose), group="prompt", exclusive=True)

    async def _prompt(self, name: str, purpose: str) -> None:
        from octui.tui.widgets.prompt_line import PromptLine

        if not self.query(PromptLine):
            await self.mount(PromptLine(self._files_of), after="#body")
        self._reopen(self.query_one(PromptLine), name, purpose)

    def _reopen(self, line: PromptLine, name: str, purpose: str) -> None:
        run = clean_line(name)
        model, agent = self.chosen.get(name, ("", ""))
        sep = f" {self.glyphs.separator} "
        for_whom = sep.join(part for part in (run, clean_line(model), clean_line(agent)) if part)
        is_busy = self.view.status.run(name).state in (RunState.RUNNING, RunState.RETRYING)
        keys = "enter sends, ctrl+j new line, @ file, esc leaves"
        if purpose == FORK:
            title, hint = f"{self.glyphs.prompt} in a fork of {for_whom}", keys
        else:
            title = f"{self.glyphs.prompt} to {for_whom}"
            hint = f"queued: comes next{sep}{keys}" if is_busy else keys
        line.open(name, purpose, title, hint, [self.session.meta(name).prompt])

    def _folder_of(self, run: str) -> Path:
        status = self.view.status.run(run)
        made = status.worktree.folder if status.worktree is not None else ""
        return Path(status.directory or made or self.session.meta(run).workspace)

    def _files_of(self, run: str) -> list[str]:
        from octui.discovery.files import workspace_files

        folder = self._folder_of(run)
        return workspace_files(folder) if folder.is_absolute() and folder.is_dir() else []

    def on_prompt_line_left(self, message: PromptLine.Left) -> None:
        """Give the keys back to the pane."""
        self._to_pane()

    def on_prompt_line_sent(self, message: PromptLine.Sent) -> None:
        """Send what was typed."""
        self._to_pane()
        name, text = message.run, message.text
        run = clean_line(name)

        def refused() -> None:
            message.line.keep(name, message.purpose, text)

        if message.purpose == FORK:
            self._send(lambda: self._fork(name, text), "", refused)
            return
        from octui.tui.attached import files_in

        folder = self._folder_of(name)
        files = files_in(text, lambda path: _is_file(folder, path))
        model, agent = self.chosen.get(name, ("", ""))
        is_busy = self.view.status.run(name).state is RunState.RUNNING
        pane = self.panes[name]

        def sent() -> None:
            self.chosen.pop(name, None)
            pane.to_end()

        said = f"Queued for {run}: comes next." if is_busy else f"Sent to {run}."
        self._send(
            lambda: self.controls.send(name, text, files=files, model=model, agent=agent), said, refused, then=sent
        )

    async def _fork(self, name: str, text: str) -> None:
        self._awaited_run = await self.controls.fork(name, text)
        self.came(())

    def _to_pane(self) -> None:
        if self.pane is not None:
            self.pane.focus()

    def action_model(self) -> None:
        """Choose model or agent for what the current run is asked next."""

        def ask(name: str) -> None:
            self._send(lambda: self._offer(name), "")

        self._talk(ask)

    async def _offer(self, name: str) -> None:
        models, agents = await self.controls.choices(name)
        from octui.tui.screens.dialogs import PickScreen

        options = [("as-before", "as before")]
        options += [(f"agent:{agent}", f"agent  {clean_line(agent)}") for agent in agents]
        options += [(f"model:{model}", f"model  {clean_line(model)}") for model in models]

        def picked(choice: str | None) -> None:
            if choice is None:
                return
            kind, _, value = choice.partition(":")
            model, agent = self.chosen.get(name, ("", ""))
            self.chosen[name] = ("", "") if not value else (value, agent) if kind == "model" else (model, value)
            self._open_prompt(name, SEND)

        self.app.push_screen(PickScreen(f"For what {clean_line(name)} is asked next", options), picked)

    # Ending what it does

    def action_abort(self) -> None:
        """End what the current run does now; one that has worked on it for longer is asked about first."""
        self._talk(self._abort)

    def _abort(self, name: str) -> None:
        run = clean_line(name)
        if self.view.status.run(name).state not in (RunState.RUNNING, RunState.RETRYING):
            self.notify(f"{run} is not at work.", markup=False)
            return

        def abort() -> None:
            self._send(lambda: self.controls.abort(name), f"{run} ends what it does.")

        if self._at_work_s(name) < SHORT_TURN_S:
            abort()
        else:
            self._ask(
                f"End what {run} does now?", "What it did so far stays, and it can be asked more.", "end it", abort
            )

    def _at_work_s(self, name: str) -> float:
        """For how long a run has worked on what it was asked last, in seconds."""
        for fact in reversed(self.session.facts):
            if isinstance(fact, StateChanged) and fact.run == name and fact.state is RunState.RUNNING:
                return self.view.moment - fact.at
        return 0.0

    # What it changed

    def action_diff(self) -> None:
        """Show what the current run changed, file by file."""
        if self.pane is not None:
            self.show_changes(self.current)

    def show_changes(self, name: str) -> None:
        """Show what a run changed in its worktree, or else what its server tells of it."""
        status = self.session.status_now(name)
        has_tree = status.worktree is not None
        if not has_tree and (why := self._why_not(status)):
            self.notify(why, severity="warning", markup=False)
            return
        from octui.tui.changes import InWorktree, ToldByOpencode
        from octui.tui.screens.changes import ChangesScreen

        source = InWorktree(self.session, name) if has_tree else ToldByOpencode(self.session, name)
        can_revert = status.session_id and self.view.position is None
        self.app.push_screen(
            ChangesScreen(
                source,
                self.palette,
                self.glyphs,
                revert=partial(self._revert, name) if can_revert else None,
                settled=(name, self.session, self.look_again) if has_tree else None,
            )
        )

    def action_compare(self) -> None:
        """Show the runs side by side in a table."""
        if not self.view.run_names:
            return
        from octui.tui.screens.compare import CompareScreen

        self.app.push_screen(
            CompareScreen(self.view, self.current, self.show_changes, self.look_again, self.palette, self.glyphs)
        )

    def look_again(self) -> None:
        """Show what was written into a session that nobody is at work on."""
        self.view.look_again()
        self.show_all()

    def _revert(self, name: str, *, undo: bool) -> None:
        run = clean_line(name)
        said = f"What {run} changed is there again." if undo else f"What {run} changed is taken back."

        def act() -> None:
            self._send(lambda: self.controls.revert(name, undo=undo), said)

        if not self._can_control():
            return
        if undo:
            act()
            return
        self._ask(
            f"Take back what {run} changed since its last prompt?",
            "Files are put back as they were before; U brings the changes back.",
            "take it back",
            act,
        )

    # Commands

    def _ask(self, title: str, text: str, yes: str, act: Callable[[], None]) -> None:
        from octui.tui.screens.dialogs import AskScreen, Choice

        choices = [Choice("no", "no, leave it", "n"), Choice("yes", yes, "y")]

        def answered(answer: str | None) -> None:
            if answer == "yes":
                act()

        self.app.push_screen(AskScreen(title, text, choices, "no"), answered)

    def _can_control(self) -> bool:
        if self.session.is_live:
            return True
        why = "was interrupted: its supervisor is gone" if self.session.interrupted else "has ended"
        self.notify(f"This session {why}.", severity="warning", markup=False)
        return False

    def _send(
        self,
        act: Callable[[], Awaitable[None]],
        done: str,
        refused: Callable[[], None] | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Ask the supervisor for something; tell what is ``done``, or why it is refused."""

        async def send() -> None:
            try:
                await act()
            except OctuiError as error:
                self.app.notify(clean_line(str(error)), severity="error", markup=False)
                if refused is not None:
                    refused()
                return
            if done:
                self.app.notify(done, markup=False)
            if then is not None:
                then()

        self.run_worker(send(), group="control", exit_on_error=False)


def _is_file(folder: Path, path: str) -> bool:
    try:
        return (folder / path).is_file()
    except (OSError, ValueError):
        return False
