"""Talking to runs: asking them more, ending what they do, taking back what they changed, going on in another run.

Dialogs and the prompt line are loaded when they are opened, not before the first frame.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from octui.errors import OctuiError
from octui.recording.facts import RunState
from octui.recording.session import Session
from octui.tui.glyphs import Glyphs
from octui.tui.palette import Palette
from octui.tui.screens.waiting import WaitingScreen
from octui.tui.text import clean_line

if TYPE_CHECKING:
    from octui.tui.widgets.prompt_line import PromptLine

SEND, SEND_ALL, FORK = "send", "send_all", "fork"
_AT_WORK = (RunState.STARTING, RunState.RUNNING, RunState.RETRYING)


class TalkScreen(WaitingScreen):
    """Panes whose runs can be talked to, where a supervisor is at work on the session.

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
        self.chosen: dict[str, tuple[str, str]] = {}
        self._awaited_run = ""
        self._waking = asyncio.Lock()

    def came(self, names: Iterable[str]) -> None:
        """Runs came: go to the one that was asked for."""
        self._tell_answer_key()
        if self._awaited_run in self.panes:
            self.choose(self._awaited_run)
            self._awaited_run = ""

    # Asking more

    def _can_talk(self) -> bool:
        """Whether the current run can be talked to; say why not, before anything is typed."""
        if self.pane is None:
            return False
        if why := self._why_not(self.view.status.run(self.current)):
            self.notify(why, severity="warning", markup=False)
        return not why

    def _talk(self, act: Callable[[str], None]) -> None:
        """Do something with the current run, where it can be talked to; see to it that somebody listens."""
        if self._can_talk():
            name = self.current
            self._send(self._wake, "", then=lambda: act(name))

    async def _wake(self) -> None:
        """Have a session that is over taken up: once, however much is asked of it meanwhile."""
        async with self._waking:
            if not self.session.is_live:
                await self.controls.take_up()

    async def _awake(self, act: Callable[[], Awaitable[None]]) -> None:
        await self._wake()
        await act()

    async def action_send(self) -> None:
        """Ask the current run something more."""
        if self._can_talk():
            await self._open_prompt([self.current], SEND)

    async def action_send_all(self) -> None:
        """Ask all runs something more at once that can be asked."""
        runs = [name for name in self.panes if not self._why_not(self.view.status.run(name))]
        if runs:
            await self._open_prompt(runs, SEND_ALL if len(runs) > 1 else SEND)
        else:
            self.notify("No run can be asked something more.", severity="warning", markup=False)

    async def action_fork(self) -> None:
        """Go on from where the current run stands in a run of its own."""
        if self._can_talk():
            await self._open_prompt([self.current], FORK)

    async def _open_prompt(self, runs: Sequence[str], purpose: str) -> None:
        """Open the line; whoever awaits it leaves further keys where they are until it can take them."""
        from octui.tui.widgets.prompt_line import PromptLine

        if not self.query(PromptLine):
            await self.mount(PromptLine(self._files_of), after="#body")
        self._reopen(self.query_one(PromptLine), runs, purpose)

    def _reopen(self, line: PromptLine, runs: Sequence[str], purpose: str) -> None:
        sep = f" {self.glyphs.separator} "
        hint = "enter sends, ctrl+j new line, @ file, esc leaves"
        if not self.session.is_live:
            hint = f"ended: sending takes it up{sep}{hint}"
        elif purpose == SEND and self._is_busy(runs[0]):
            hint = f"queued: comes next{sep}{hint}"
        elif purpose == SEND_ALL and any(map(self._is_busy, runs)):
            hint = f"queued where at work{sep}{hint}"
        before = dict.fromkeys(self.session.meta(name).prompt for name in runs)
        line.open(runs, purpose, f"{self.glyphs.prompt} {self._addressees(runs, purpose)}", hint, [*before])

    def _addressees(self, runs: Sequence[str], purpose: str) -> str:
        """Say for whom a prompt is, each by name, and what they answer it with."""
        if purpose == SEND_ALL:
            of = len(self.panes)
            return f"to {f'all {of}' if len(runs) == of else f'{len(runs)} of {of}'} runs: {named(runs)}"
        sep = f" {self.glyphs.separator} "
        for_whom = sep.join(filter(None, map(clean_line, (runs[0], *self.chosen.get(runs[0], ())))))
        return f"{'in a fork of' if purpose == FORK else 'to'} {for_whom}"

    def _is_busy(self, run: str) -> bool:
        return self.view.status.run(run).state in (RunState.RUNNING, RunState.RETRYING)

    def _folder_of(self, run: str) -> Path:
        status = self.view.status.run(run)
        made = status.worktree.folder if status.worktree is not None else ""
        return Path(status.directory or made or self.session.meta(run).workspace)

    def _files_of(self, runs: Sequence[str]) -> list[str]:
        """The files of the folders that runs work in; each is attached for those in whose folder it is."""
        from octui.discovery.files import workspace_files

        folders = dict.fromkeys(map(self._folder_of, runs))
        found = [workspace_files(folder) for folder in folders if folder.is_absolute() and folder.is_dir()]
        return [*dict.fromkeys(file for files in found for file in files)]

    def on_prompt_line_left(self, message: PromptLine.Left) -> None:
        """Give the keys back to the pane."""
        self._to_pane()

    def on_prompt_line_sent(self, message: PromptLine.Sent) -> None:
        """Send what was typed."""
        self._to_pane()
        if message.purpose == SEND_ALL:
            self._send_to_all(message.line, message.runs, message.text)
            return
        (name,) = message.runs
        run, text = clean_line(name), message.text

        def refused() -> None:
            message.line.keep(name, message.purpose, text)

        if message.purpose == FORK:
            self._send(lambda: self._awake(lambda: self._fork(name, text)), "", refused)
            return
        is_queued = self.session.is_live and self.view.status.run(name).state is RunState.RUNNING
        said = f"Queued for {run}: comes next." if is_queued else f"Sent to {run}."
        self._send(lambda: self._awake(lambda: self._ask_more(name, text)), said, refused)

    async def _ask_more(self, name: str, text: str) -> None:
        from octui.tui.attached import files_in

        folder = self._folder_of(name)
        files = files_in(text, lambda path: _is_file(folder, path))
        model, agent = self.chosen.get(name, ("", ""))
        await self.controls.send(name, text, files=files, model=model, agent=agent)
        self.chosen.pop(name, None)
        self.panes[name].to_end()

    def _send_to_all(self, line: PromptLine, runs: Sequence[str], text: str) -> None:
        """Send a prompt to several runs; where one of them refuses it, it is kept for that one."""

        async def send() -> None:
            refused: dict[str, list[str]] = {}

            async def ask(name: str) -> None:
                try:
                    await self._ask_more(name, text)
                except OctuiError as error:
                    refused.setdefault(clean_line(str(error)), []).append(name)

            await asyncio.gather(*map(ask, runs))
            left = [name for names in refused.values() for name in names]
            if len(left) == len(runs):
                line.keep("", SEND_ALL, text)
            else:
                self.app.notify(f"Sent to {named([name for name in runs if name not in left])}.", markup=False)
                for name in left:
                    line.keep(name, SEND, text)
            for why, names in refused.items():
                words = f"{named(names)}: {why} What you wrote is kept."
                self.app.notify(words, severity="error", markup=False)

        self._send(lambda: self._awake(send), "", lambda: line.keep("", SEND_ALL, text))

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

        async def picked(choice: str | None) -> None:
            if choice is None:
                return
            kind, _, value = choice.partition(":")
            model, agent = self.chosen.get(name, ("", ""))
            self.chosen[name] = ("", "") if not value else (value, agent) if kind == "model" else (model, value)
            await self._open_prompt([name], SEND)

        self.app.push_screen(PickScreen(f"For what {clean_line(name)} is asked next", options), picked)

    # Ending what it does

    def action_abort(self) -> None:
        """End what the current run does now, after asking."""
        if not self._can_talk():
            return
        name, run = self.current, clean_line(self.current)
        if not self.session.is_live or self.view.status.run(name).state not in _AT_WORK:
            self.notify(f"{run} is idle.", markup=False)
            return
        self._ask(
            f"Interrupt {run}'s current turn?",
            "What it did so far stays, and it takes further prompts.",
            "interrupt it",
            lambda: self._send(lambda: self.controls.abort(name), f"{run} is interrupted."),
        )

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


def named(runs: Iterable[str]) -> str:
    """Runs by name, as clean text."""
    return ", ".join(map(clean_line, runs))


def _is_file(folder: Path, path: str) -> bool:
    try:
        return (folder / path).is_file()
    except (OSError, ValueError):
        return False
