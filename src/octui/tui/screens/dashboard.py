"""The dashboard of a session at work: its panes, and the commands for its runs.

Dialogs are loaded when they are opened, not before the first frame.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from octui.errors import ControlError
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
        if self._can_control():
            self._ask(
                f"Stop all runs of {self.view.name}?",
                "Waiting runs will not start. What was done so far stays.",
                "stop all",
                lambda: self._send(lambda: self.controls.stop(None), "All runs stop."),
            )

    def action_restart(self) -> None:
        """Start the current run anew; a live one is asked about first."""
        pane = self.pane
        if pane is None or not self._can_control():
            return
        name = self.current

        def restart() -> None:
            self._send(lambda: self.controls.restart(name), f"{clean_line(name)} starts anew.")

        if pane.run_view.status.state.is_final:
            restart()
        else:
            self._ask(
                f"End {pane.run_view.name} and start it anew?", "What it did so far stays.", "start it anew", restart
            )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to resume where there is something left to do, and nobody at work on it."""
        if action == "resume":
            return bool(rest_of(self.session).anew)
        return super().check_action(action, parameters)

    def action_resume(self) -> None:
        """Run what did not succeed once more, after asking."""
        anew = len(rest_of(self.session).anew)
        kept = len(self.session.run_names) - anew
        one = anew == 1
        stays = f" What {kept} came to is kept, and quoted as before." if kept else ""
        self._ask(
            f"Resume {self.view.name}?",
            f"{anew} of {anew + kept} runs {'begins' if one else 'begin'} anew.{stays}",
            "resume it",
            lambda: self._send(
                lambda: self.controls.take_up(resume=True),
                f"{'1 run begins' if one else f'{anew} runs begin'} anew.",
                then=self.resumed,
            ),
        )

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
