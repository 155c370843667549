"""Panes of a session whose supervisor takes commands."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from octui.errors import OctuiError
from octui.recording.session import Session
from octui.recording.status import RunStatus
from octui.tui.controls import SessionControls
from octui.tui.glyphs import Glyphs
from octui.tui.palette import Palette
from octui.tui.screens.events import EventsScreen
from octui.tui.text import clean_line

if TYPE_CHECKING:
    from octui.tui.app import OctuiApp


class ControlledScreen(EventsScreen):
    """Sends commands to the supervisor, where one is at work on the session.

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

    def on_mount(self) -> None:
        """Hold the supervisor of a live session; Textual lets the panes' own handler do the rest."""
        if self.view.is_live:
            self.run_worker(self.controls.hold(), group="control", exit_on_error=False)

    async def on_unmount(self) -> None:
        """Let go of the supervisor."""
        await self.controls.close()

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

    def _why_not(self, status: RunStatus) -> str:
        """Say why a run cannot be talked to; empty where it can."""
        name = clean_line(status.name)
        if status.session_id:
            return ""
        if self.session.meta(status.name).backend == "serve":
            return f"{name} has no session of opencode yet."
        return f"{name} runs by `opencode run`, which cannot be talked to; choose the serve backend."
