"""The dashboard of a session at work: its panes, and the commands for its runs.

Dialogs are loaded when they are opened, not before the first frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from octui.errors import ControlError
from octui.recording.facts import RunState
from octui.recording.rest import rest_of
from octui.tui.keys import DASHBOARD_COMMANDS, Command, bindings
from octui.tui.screens.talk import TalkScreen
from octui.tui.text import clean_line
from octui.tui.widgets.bars import keys_by_id


class DashboardScreen(TalkScreen):
    """Shows a session as it goes on, and commands its runs.

    Args:
        session: What is shown.
        palette: The colours.
        glyphs: What to draw with.
        now: The clock; tests pass their own.
    """

    COMMANDS_TABLE: ClassVar[tuple[Command, ...]] = DASHBOARD_COMMANDS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DASHBOARD_COMMANDS)]

    def action_stop(self) -> None:
        """Stop the current run, after asking."""
        pane = self.pane
        if pane is None or not self._can_control():
            return
        if pane.run_view.status.state.is_final:
            self.notify(f"{pane.run_view.name} is over already.", markup=False)
            return
        name = self.current
        self._ask(
            f"Stop {pane.run_view.name}?",
            "Its agent and everything the agent started will end. What it did so far stays.",
            "stop it",
            lambda: self._send(lambda: self.controls.stop(name), f"{clean_line(name)} stops."),
        )

    def action_stop_all(self) -> None:
        """Stop all runs, after asking."""
        if not self._can_control():
            return
        if not self.view.active_runs():
            self.notify("No run is active.", markup=False)
        else:
            self._ask(
                f"Stop all runs of {self.view.name}?",
                "Waiting runs will not start. What was done so far stays.",
                "stop all",
                lambda: self._send(lambda: self.controls.stop(None), "All runs stop."),
            )

    def action_restart(self) -> None:
        """Restart the current run, after asking: it costs tokens, and may change files twice."""
        pane = self.pane
        if pane is None or not self._can_control():
            return
        name, run = self.current, pane.run_view.name
        is_over = pane.run_view.status.state.is_final
        before = "" if is_over else "It is stopped first. "
        self._ask(
            f"Restart {run}?" if is_over else f"Stop and restart {run}?",
            f"{before}Its prompt runs again from the start, on the files as they are now: changes may be made twice.",
            "restart it",
            lambda: self._send(lambda: self.controls.restart(name), f"{run} restarts."),
        )

    def key_state(self) -> tuple[object, ...]:
        """Give what decides which keys are shown."""
        return *super().key_state(), self._can_resume, self._is_active

    def rank_of(self, command: Command) -> int:
        """Leave out what is of no use now."""
        if command.id == "session.resume" and not self._can_resume:
            return 0
        if command.id in ("talk.abort", "run.stop") and not self._is_active:
            return 0
        return super().rank_of(command)

    @property
    def _is_active(self) -> bool:
        """Whether the current run has not come to an end."""
        return self.view.is_live and not self.view.status.run(self.current).state.is_final

    @property
    def _can_resume(self) -> bool:
        """Whether something is left to do, and no run is active."""
        if self.session.is_bare:
            return False
        runs = [self.session.status.run(name) for name in self.session.run_names]
        if self.view.is_live and not all(run.state.is_final for run in runs):
            return False
        return any(run.state is not RunState.SUCCEEDED and not run.origin for run in runs)

    def _why_no_resume(self) -> str:
        """Say why nothing can be resumed, and what to do; empty where it can."""
        rest = rest_of(self.session, as_if_over=True).anew
        active = self.view.active_runs()
        if self.session.is_bare:
            return "This is a recording without a plan: it cannot be resumed."
        if not rest:
            return "All runs have succeeded: there is nothing to resume."
        if active:
            what = f"{active[0]} is" if len(active) == 1 else f"{len(active)} runs are"
            return clean_line(f"{what} still active. {self._key('run.restart', 'Restart')} restarts one run.")
        return ""

    def _key(self, command: str, words: str) -> str:
        """Give the key a command is bound to now; words for it where it has none."""
        return keys_by_id([active.binding for active in self.active_bindings.values()]).get(command, [words])[0]

    def action_resume(self) -> None:
        """Run what did not succeed again, after asking; say why where that cannot be."""
        if why := self._why_no_resume():
            self.notify(why, markup=False)
            return
        runs = rest_of(self.session, as_if_over=True).anew
        anew = len(runs)
        kept = len(self.session.run_names) - anew
        one = anew == 1
        stays = f" What {kept} came to is kept, and quoted as before." if kept else ""
        self._ask(
            f"Resume {self.view.name}?",
            f"{anew} of {anew + kept} runs {'begins' if one else 'begin'} anew.{stays}",
            "resume it",
            lambda: self._send(
                lambda: self._resume(runs),
                f"{'1 run begins' if one else f'{anew} runs begin'} anew.",
                then=self.resumed,
            ),
        )

    async def _resume(self, runs: Sequence[str]) -> None:
        """Restart runs over the supervisor that is there, or start one."""
        if self.session.is_live:
            await asyncio.gather(*map(self.controls.restart, runs))
        else:
            await self.controls.take_up(resume=True)

    def resumed(self) -> None:
        """The session is at work again."""

    def action_help(self) -> None:
        """Show every key."""
        from octui.tui.screens.sheets import help_screen, state_legend

        bound = keys_by_id([active.binding for active in self.active_bindings.values()])
        signs = {state.replace("_", " "): sign for state, sign in self.glyphs.states.items()}
        signs["needs you"] = self.glyphs.attention
        self.app.push_screen(help_screen(self.COMMANDS_TABLE, bound, self.palette, state_legend(signs)))

    async def action_theme(self) -> None:
        """Choose a theme."""
        await self.app.run_action("pick_theme")

    async def action_sessions(self) -> None:
        """Open another session."""
        await self.app.run_action("pick_session")

    def action_leave(self) -> None:
        """Leave; where runs are alive, ask what shall become of them."""
        active = self.view.active_runs()
        if not active:
            self.app.exit(0)
            return
        from octui.tui.screens.dialogs import AskScreen, Choice

        count = f"{len(active)} runs are" if len(active) > 1 else "1 run is"
        choices = [
            Choice("keep", "leave, and keep them running (octui attach shows them again)", "k"),
            Choice("stop", "leave, and stop them", "x"),
            Choice("stay", "stay here", "s"),
        ]
        self.app.push_screen(AskScreen(f"{count} still at work.", "", choices, "stay"), self._leave)

    def _leave(self, answer: str | None) -> None:
        if answer == "keep":
            self.app.exit(0)
        elif answer == "stop":
            self.run_worker(self._stop_and_leave(), group="control", exit_on_error=False)

    async def _stop_and_leave(self) -> None:
        try:
            await self.controls.shutdown()
        except ControlError as error:
            self.notify(clean_line(f"The runs were not stopped: {error}"), severity="error", markup=False)
        else:
            self.is_stopped = True
            self.app.exit(0)
