"""The replay: the dashboard over a recording, on one clock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from octui.recording.replay import ReplayClock, Timeline
from octui.recording.session import Session
from octui.tui.glyphs import Glyphs
from octui.tui.keys import REPLAY_COMMANDS, Command, bindings
from octui.tui.layout import Arrangement, arrange
from octui.tui.palette import Palette
from octui.tui.screens.dashboard import DashboardScreen
from octui.tui.screens.panes import SLICE_S
from octui.tui.text import clean_line
from octui.tui.view import SessionView
from octui.tui.widgets.bars import keys_by_id
from octui.tui.widgets.transport import Transport, TransportState

FRAME_S = 1 / 20
GAPS_S = 2.0
SPARK_BUCKETS = 16
_AT_TIMES = ("session.resume", "pane.seen")
SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_TIME = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)")


class ReplayScreen(DashboardScreen, inherit_bindings=False):
    """Plays a recording from its start, idle gaps shortened to `GAPS_S` seconds until one asks for them.

    Args:
        session: The recording.
        palette: The colours.
        glyphs: What to draw with.
        playing: Whether it plays at once.
        by_itself: Whether time goes on with the clock on the wall; otherwise only `run_on` makes it.
    """

    COMMANDS_TABLE: ClassVar[tuple[Command, ...]] = REPLAY_COMMANDS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_COMMANDS)]

    def __init__(
        self, session: Session, palette: Palette, glyphs: Glyphs, *, playing: bool = True, by_itself: bool = True
    ) -> None:
        self.timeline = Timeline(session)
        self.clock = ReplayClock(self.timeline, gap_s=GAPS_S)
        super().__init__(session, palette, glyphs)
        self._activity = self._count_activity()
        self._is_whole = session.indexed >= 1
        self._playing_at_start = playing
        self._by_itself = by_itself
        self._at = 0.0
        self._offers: tuple[str, ...] = ()

    def make_view(self, session: Session, now: Callable[[], float]) -> SessionView:
        """Look at the recording as it was at the clock's position, from the first frame on."""
        view = super().make_view(session, now)
        view.position = self.clock.position
        return view

    def compose_bottom(self) -> ComposeResult:
        """The transport in place of the keys."""
        yield Transport(self.palette, self.glyphs)

    def arrangement(self, width: int, height: int) -> Arrangement:
        """How panes stand; the transport takes a line more than the keys."""
        return arrange(len(self.panes), width, height - 3)

    def on_mount(self) -> None:
        """Play."""
        if self._playing_at_start:
            self.clock.play()
        self._at = time.monotonic()
        if self._by_itself:
            self.set_interval(FRAME_S, self._frame)
        self.show_moment()
        self.call_after_refresh(self.tell_keys)

    def tell_keys(self) -> None:
        """Say which keys do what can only be done at times: what is left of the session, what needs to be seen."""
        bound = keys_by_id([active.binding for active in self.active_bindings.values()])
        offered = {command.id: command.label for command in self.COMMANDS_TABLE if self.rank_of(command)}
        self._offers = tuple(
            f"{bound[name][0]} {offered[name]}" for name in _AT_TIMES if name in bound and name in offered
        )
        self._show_transport()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the new size; Textual lets the dashboard's own handler do the rest."""
        self.call_after_refresh(self._show_transport)

    def read(self) -> set[str]:
        """Index what is left of the recording; it does not grow while it is replayed."""
        if not self._is_whole:
            self.view.refresh(SLICE_S)
        return set()

    def draw(self, changed: set[str]) -> None:
        """Show how far the recording is indexed; what stands at the moment comes with its frames."""
        if self._is_whole:
            return
        self._is_whole = self.session.indexed >= 1
        self.show_sums()
        if self._is_whole:
            self._activity = self._count_activity()
            self.show_moment()

    def _count_activity(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return tuple(
            (clean_line(name), tuple(self.timeline.activity(name, SPARK_BUCKETS))) for name in self.view.run_names
        )

    def session_note(self) -> tuple[str, str]:
        """A word about the session itself, and its role."""
        if not self._is_whole:
            return super().session_note()
        return ("replay, interrupted", "error/bold") if self.view.interrupted else ("replay", "muted")

    def _frame(self) -> None:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        self.run_on(passed)

    def run_on(self, passed_s: float) -> None:
        """Play so many seconds on, if it plays."""
        if self.clock.playing:
            self.clock.tick(passed_s)
            self.show_moment()

    def show_moment(self) -> None:
        """Bring everything to the clock's position."""
        self.view.position = self.clock.position
        status = self.view.status
        for pane in self.panes.values():
            pane.tick(status)
        self.show_sums()
        self._show_transport()

    def _show_transport(self) -> None:
        clock = self.clock
        self.query_one(Transport).show(
            TransportState(
                playing=clock.playing,
                position_s=clock.position - clock.start,
                length_s=clock.end - clock.start,
                speed=clock.speed,
                gaps_s=clock.gap_s,
                activity=self._activity,
                offers=self._offers,
            )
        )

    def on_transport_sought(self, message: Transport.Sought) -> None:
        """A click on the bar seeks."""
        self._seek(self.clock.start + message.share * (self.clock.end - self.clock.start))

    def _seek(self, position: float) -> None:
        self.clock.seek(position)
        self.show_moment()

    def action_play(self) -> None:
        """Play or pause; at the end, play from the start."""
        if self.clock.playing:
            self.clock.pause()
        else:
            if self.clock.position >= self.clock.end:
                self.clock.seek(self.clock.start)
            self.clock.play()
        self.show_moment()

    def action_seek_by(self, seconds: float) -> None:
        """Go back or on."""
        self._seek(self.clock.position + seconds)

    def action_step(self, step: int) -> None:
        """Go to the next event of any run, or the one before, and pause there."""
        self.clock.step(step)
        self.show_moment()

    def action_speed(self, step: int) -> None:
        """Play faster or slower."""
        speed = self.clock.speed
        index = len(SPEEDS) - 1 if speed is None else SPEEDS.index(speed) + step
        self.clock.set_speed(SPEEDS[max(0, min(index, len(SPEEDS) - 1))])
        self._show_transport()

    def action_fastest(self) -> None:
        """Play as fast as it can, or at 1× again."""
        self.clock.set_speed(1.0 if self.clock.speed is None else None)
        self._show_transport()

    def action_gaps(self) -> None:
        """Shorten idle gaps, or keep them."""
        self.clock.set_gaps(GAPS_S if self.clock.gap_s is None else None)
        self._show_transport()

    def action_jump(self, tenths: int) -> None:
        """Go to so many tenths of the recording."""
        self._seek(self.clock.start + tenths / 10 * (self.clock.end - self.clock.start))

    def action_go(self) -> None:
        """Ask for a time, and go there."""

        def check(text: str) -> str:
            return "" if parse_time(text) is not None else "Write a time as 1:30, 90 or 1:02:30."

        def go(text: str | None) -> None:
            if text is not None and (seconds := parse_time(text)) is not None:
                self._seek(self.clock.start + seconds)

        from octui.tui.screens.dialogs import LineScreen

        self.app.push_screen(LineScreen("Go to", "1:30", check), go)

    def resumed(self) -> None:
        """Go on as a dashboard: there is more to come than was recorded."""
        self.app.show_session(self.session.folder)

    def action_leave(self) -> None:
        """Leave the replay; nothing is at work."""
        self.app.exit(0)


def parse_time(text: str) -> float | None:
    """Read ``90``, ``1:30`` or ``1:02:30`` as seconds; None where it is none of them."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
