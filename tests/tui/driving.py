"""Driving the application in tests: screens over a recording, what is on them, waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.tui.sessions import NOW
from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen
from textual.timer import Timer

from octui.recording.session import Session
from octui.tui.app import OctuiApp
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.panes import PanesScreen
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
    """Let the application work until nothing is left to do and its screen, colours too, looks the same for a while.

    On a busy machine a screen may look the same although work is left, so what is known to be left counts first.
    """
    same, before = 0, None
    for _ in range(tries):
        await pilot.pause(0.04)
        now = None if _is_at_work(pilot.app) else pilot.app.screen._compositor.render_strips()
        same, before = (same + 1 if now is not None and now == before else 0), now
        if same >= looks:
            return
    raise AssertionError(f"it never came to rest; on the screen:\n{on_screen(pilot.app)}")


def _is_at_work(app: App[Any]) -> bool:
    """Whether something is looked for, made or about to be.

    The connection to a supervisor is held as long as a screen is there.
    """
    if any(not worker.is_finished and worker.group != "control" for worker in app.workers):
        return True
    if app.animator._animations or app.animator._scheduled:
        return True
    return any(_owes_frames(screen) or any(map(_is_delay, screen._timers)) for screen in app.screen_stack)


def _owes_frames(screen: Screen[Any]) -> bool:
    """Whether panes have changed that are not drawn yet, as frames are paced, or a log is not read to its end."""
    return isinstance(screen, PanesScreen) and (bool(screen._changed) or screen.session.behind > 0)


def _is_delay(timer: Timer) -> bool:
    """Whether a timer is one that something waits for, other than the next look at a session."""
    called = timer._callback.args if isinstance(timer._callback, partial) else (timer._callback,)
    polls = any(getattr(call, "__func__", None) is PanesScreen._poll for call in called)
    return timer._repeat == 0 and timer._task is not None and not timer._task.done() and not polls
