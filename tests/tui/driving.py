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


async def until(pilot: Pilot[int], holds: Callable[[], bool], tries: int = 200) -> None:
    """Let the application work until something holds."""
    for _ in range(tries):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"it never came to hold; on the screen:\n{on_screen(pilot.app)}")
