"""Driving the application in tests: screens over a recording, what is on them, waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tui.sessions import NOW
from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from octui.recording.session import Session
from octui.tui.app import OctuiApp
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.replay import ReplayScreen


def dashboard(folder: Path, now: Callable[[], float] = lambda: NOW) -> OctuiApp:
    """The application with the dashboard over a folder, its clock standing still."""
    return OctuiApp(lambda app: DashboardScreen(Session.open(folder), app.palette, app.glyphs, now=now))


def replay(path: Path, *, playing: bool = False) -> OctuiApp:
    """The application with the replay of a recording, paused at its start."""
    return OctuiApp(lambda app: ReplayScreen(Session.open(path), app.palette, app.glyphs, playing=playing))


def on_dashboard(app: App[Any]) -> DashboardScreen:
    """The dashboard of an application, under whatever dialog is open."""
    return next(screen for screen in app.screen_stack if isinstance(screen, DashboardScreen))


def on_screen(app: App[Any]) -> str:
    """Everything on the screen, as text."""
    height = app.size.height
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[:height])


def typed_at_once(app: App[Any], text: str) -> None:
    """Have the terminal send characters in one go, as a paste or a slow link does; nothing waits between them."""
    for character in text:
        app.post_message(events.Key(_character_to_key(character), character))


async def until(pilot: Pilot[Any], holds: Callable[[], object], tries: int = 1000) -> None:
    """Let the application work until something holds."""
    for _ in range(tries):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"it never came to hold; on the screen:\n{on_screen(pilot.app)}")


async def steady(pilot: Pilot[Any], looks: int = 4, tries: int = 500) -> None:
    """Let the application work until it has done so and its screen, colours too, has looked the same for a while."""
    same, before = 0, None
    for _ in range(tries):
        _stand_still(pilot.app)
        await pilot.pause(0.04)
        now = None if _is_at_work(pilot.app) else pilot.app.screen._compositor.render_strips()
        same, before = (same + 1 if now is not None and now == before else 0), now
        if same >= looks:
            return
    raise AssertionError(f"it never came to rest; on the screen:\n{on_screen(pilot.app)}")


def _stand_still(app: App[Any]) -> None:
    """Let no cursor blink; a screen that was opened a moment ago may have its fields only at a later look."""
    for line in app.screen.query(Input):
        line.cursor_blink = False
    for area in app.screen.query(TextArea):
        area.cursor_blink = False


def _is_at_work(app: App[Any]) -> bool:
    """Whether something is looked for or made; the connection to a supervisor is held as long as a screen is there."""
    return any(not worker.is_finished and worker.group != "control" for worker in app.workers)
