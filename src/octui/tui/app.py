"""The application: launcher, dashboard and replay, their theme, and how they are entered.

Nothing here owns a process of a run: the supervisor is one of its own, and the screens read the session's folder.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from octui import paths, quick_start, settings
from octui.errors import OctuiError
from octui.tui.charset import is_ascii_only
from octui.tui.keys import EVERYWHERE, key_name
from octui.tui.layout import SHORT_ROWS
from octui.tui.messages import Launched, Notice, Told
from octui.tui.raw_input import take_any_bytes
from octui.tui.screens.base import OctuiScreen
from octui.tui.text import clean_line
from octui.tui.theming import DEFAULT_THEME, folder_mark, load_theme, load_themes, theme_folders

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider
    from textual.notifications import SeverityLevel

    from octui.recording.session import Session
    from octui.tui.glyphs import Glyphs
    from octui.tui.palette import Palette

THEME_POLL_S = 2.0
MESSAGE_S = 4.0
"""How long a message stays if no key is pressed."""

MESSAGES_KEPT = 50
FIRST_LOOK_S = 0.03
"""How long logs are read before the first screen; the rest is while it is shown."""

LOADED_LATER = (
    "octui.tui.screens.replay",
    "octui.tui.screens.dialogs",
    "octui.tui.screens.sheets",
    "octui.tui.render.markdown",
    "octui.tui.widgets.typing_fields",
    "octui.tui.screens.answers",
    "octui.tui.widgets.prompt_line",
)


def _command_provider() -> type[Provider]:
    from octui.tui.command_provider import CommandProvider

    return CommandProvider


class OctuiApp(App[int]):
    """octui in a terminal.

    Args:
        first: Gives the first screen, once the application runs.
    """

    TITLE = "octui"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {_command_provider}  # noqa: RUF012 (Textual declares no ClassVar)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (SHORT_ROWS, "-tall")]  # noqa: RUF012 (Textual declares no ClassVar)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", show=False, priority=False),
        Binding("ctrl+p", "command_palette", "commands", show=False, priority=True, id="app.commands"),
        *(replace(command.binding, action=f"app.{action}", priority=True) for command, action in EVERYWHERE),
    ]

    def __init__(self, first: Callable[[OctuiApp], OctuiScreen]) -> None:
        self._default_variables = load_theme(paths.package_data_dir("themes") / f"{DEFAULT_THEME}.toml").variables
        super().__init__()
        self._first = first
        self.ascii_only = is_ascii_only()
        self._problems_told: frozenset[str] = frozenset()
        self.messages: deque[Notice] = deque(maxlen=MESSAGES_KEPT)
        self._last_key: events.Key | None = None
        self._title_words = ""
        self._waiting = 0
        self._left: OctuiScreen | None = None
        self._theme_mark = folder_mark(paths.user_themes_dir())
        self.settings, self._settings_problem = settings.load_or_default()
        self._own_keys: dict[str, str] = {}
        self._load_themes()
        self.theme = self.settings.theme if self.settings.theme in self.own_themes else DEFAULT_THEME

    def parting_words(self) -> str:
        """Return what the terminal says once the application has left it, clean; empty for nothing."""
        return self._left.parting_words() if self._left is not None else ""

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Leave, and remember which screen was left."""
        if isinstance(self._screen_below, OctuiScreen):
            self._left = self._screen_below
            self._left.about_to_exit()
        super().exit(result, return_code, message)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give roles their colours before a theme of ours is in force."""
        return dict(self._default_variables)

    def get_default_screen(self) -> OctuiScreen:
        """Give the first screen itself: an empty one below it would be laid out and drawn for nothing."""
        screen = self._first(self)
        self.stylesheet.read_all(screen.css_path)
        screen._push_result_callback(self, None)  # As each screen has that was pushed; switching takes it away.
        return screen

    def refresh_css(self, animate: bool = True) -> None:
        """Draw in the theme in force; before there is a screen, only see to it that style sheets are read in it."""
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    @cached_property
    def glyphs(self) -> Glyphs:
        """The signs this terminal can draw; the launcher's first frame has none."""
        from octui.tui.glyphs import choose

        return choose(ascii_only=self.ascii_only)

    @property
    def palette(self) -> Palette:
        """The colours of the theme in force."""
        from octui.tui.palette import Palette

        return Palette(self.theme_variables, ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        """Show the first screen, and then keep collections of garbage rare."""
        self._use_own_keys()
        self.set_class(self.ascii_only, "-ascii")
        self.theme_changed_signal.subscribe(self, lambda _: self._recolor())
        self.set_interval(THEME_POLL_S, self._watch_themes)
        self.call_after_refresh(quick_start.end)
        self.call_after_refresh(_load_the_rest)
        if self._settings_problem:
            self._tell("Settings skipped", self._settings_problem)
        if self.settings.theme not in self.own_themes:
            self._tell("Theme not found", f"There is no theme {self.settings.theme!r}; t chooses one.")
        self._tell_problems()

    async def on_event(self, event: events.Event) -> None:
        """Tell the panes of a key before anything is made of it: it is not to wait for their frames."""
        if isinstance(event, events.InputEvent) and isinstance(self._screen_below, OctuiScreen):
            self._screen_below.heard_key()
        if isinstance(event, events.Key):
            self._last_key = event
            if self.messages:
                self._hide_message()
        if not await self._ran_command(event):
            await super().on_event(event)

    async def _ran_command(self, event: events.Event) -> bool:
        """Run the command of a key at once, where it can be nothing else; give whether there was one.

        Textual would have the key rise through the widgets first, and meanwhile give the focused one the keys behind
        it: of what is typed without a pause behind a key that opens a line, the first letters would be commands still.
        """
        if not isinstance(event, events.Key) or event.is_forwarded:
            return False
        if not isinstance(self.screen, OctuiScreen) or not self.screen.keys_are_commands:
            return False
        return await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)

    @property
    def _screen_below(self) -> Screen[object] | None:
        """The screen below all dialogs."""
        return next((each for each in reversed(self.screen_stack) if not each.is_modal), None)

    def set_terminal_title(self, words: str) -> None:
        """Name the terminal's window; the words are cleaned."""
        self._title_words = clean_line(words)
        self._write_title()

    def tell_waiting(self, count: int) -> None:
        """Say in the terminal's title how many requests wait for an answer."""
        if count != self._waiting:
            self._waiting = count
            self._write_title()

    @property
    def window_title(self) -> str:
        """What the terminal's window is called, clean."""
        lead = f"{self.glyphs.attention} {self._waiting} " if self._waiting else ""
        return f"{lead}{self._title_words}"[:120]

    def _write_title(self) -> None:
        if self._title_words or self._waiting:
            self.write_to_terminal(f"\x1b]2;{self.window_title}\x07")

    def write_to_terminal(self, sequence: str) -> None:
        """Write an escape sequence; what is in it is clean."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def _use_own_keys(self) -> None:
        if not self.settings.keys:
            return
        from octui.tui.keymap import screens_with_commands, usable_keys

        keys, problems = usable_keys(self.settings.keys, screens_with_commands())
        self._own_keys = keys
        self.set_keymap(keys)
        for problem in problems:
            self._tell("Key skipped", problem)

    # Themes

    def _load_themes(self) -> None:
        loaded = load_themes(theme_folders())
        self.own_themes = loaded.themes
        self._theme_problems = loaded.problems
        for theme in loaded.themes.values():
            self.register_theme(theme)

    def _tell_problems(self) -> None:
        for problem in self._theme_problems:
            if problem not in self._problems_told:
                self._tell("Theme skipped", problem)
        self._problems_told = frozenset(self._theme_problems)

    def _tell(self, title: str, problem: str) -> None:
        self.notify(clean_line(problem), title=title, severity="warning", markup=False, timeout=8)

    # Messages

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a message at the bottom of the screen in front; from any thread.

        Textual's own messages are toasts, which cover what is below them and stay when the screen changes.

        Args:
            message: What happened, and what to do.
            title: A word or two before it; empty for none.
            severity: How it is drawn; warnings and errors stay for a moment whatever is pressed.
            timeout: Seconds after which it goes, if no key is pressed before; `MESSAGE_S` if None.
            markup: Whether ``message`` has Textual's markup, which is taken out.
        """
        words = Content.from_markup(message).plain if markup else message
        words = clean_line(f"{title}: {words}" if title else words)
        self.post_message(Told(Notice(words, severity, timeout or MESSAGE_S, time.time())))

    async def on_told(self, message: Told) -> None:
        """Show a message on the screen in front."""
        self.messages.append(message.notice)
        if not self.screen_stack:
            return
        from octui.tui.widgets.message_line import MessageLine

        screen = self.screen
        if not screen.query(MessageLine):
            line = MessageLine(self.palette)
            await (screen.mount_message_line(line) if isinstance(screen, OctuiScreen) else screen.mount(line))
        rows = screen.rows_below_messages if isinstance(screen, OctuiScreen) else 0
        screen.query_one(MessageLine).tell(message.notice, self.keys_of("app.messages")[0], rows)

    def _hide_message(self) -> None:
        """A key was pressed: the message on the screen in front has been seen."""
        from octui.tui.widgets.message_line import MessageLine

        for line in self.screen.query(MessageLine):
            line.heard_key()

    def action_show_settings(self) -> None:
        """Show where the settings are, and what they are."""
        from octui.tui.screens.sheets import settings_screen

        self.push_screen(settings_screen(settings.path(), self.settings, self.palette))

    def action_show_messages(self) -> None:
        """List the last messages, the newest first, each whole."""
        from octui.tui.screens.sheets import messages_screen

        self.push_screen(messages_screen(list(self.messages), self.palette))

    def _watch_themes(self) -> None:
        mark = folder_mark(paths.user_themes_dir())
        if mark == self._theme_mark:
            return
        self._theme_mark = mark
        self._load_themes()
        self._tell_problems()
        if self.theme not in self.own_themes:
            self.theme = DEFAULT_THEME
        else:
            self._invalidate_css()
            self.refresh_css(animate=False)
            self._recolor()

    def _recolor(self) -> None:
        palette = self.palette
        for screen in self.screen_stack:
            if isinstance(screen, OctuiScreen):
                screen.use_palette(palette)

    def action_pick_theme(self) -> None:
        """Choose a theme, seeing each while it is highlighted."""
        before = self.theme

        def picked(name: str | None) -> None:
            if name is None:
                self.theme = before
                return
            self.theme = name
            try:
                settings.save(theme=name)
            except OctuiError as error:
                self.notify(clean_line(str(error)), severity="warning", markup=False)

        def preview(name: str) -> None:
            self.theme = name

        options = [
            (name, f"{clean_line(name)}{'' if theme.dark else '  light'}") for name, theme in self.own_themes.items()
        ]
        from octui.tui.screens.dialogs import PickScreen

        self.push_screen(PickScreen("Theme", options, before, preview), picked)

    # Sessions

    def dashboard(self, session: Session) -> OctuiScreen:
        """Give the dashboard over a session."""
        from octui.tui.screens.dashboard import DashboardScreen

        self.set_terminal_title(f"octui: {session.name}")
        return DashboardScreen(session, self.palette, self.glyphs)

    def replay(self, session: Session) -> OctuiScreen:
        """Give the replay of a recording."""
        from octui.tui.screens.replay import ReplayScreen

        self.set_terminal_title(f"octui replay: {session.name}")
        return ReplayScreen(session, self.palette, self.glyphs)

    def on_launched(self, message: Launched) -> None:
        """Show what the launcher started."""
        self.show_session(message.session)

    def show_session(self, folder: Path) -> None:
        """Show a session in the dashboard, in the place of what is shown."""
        from octui.recording.session import Session

        try:
            self.switch_screen(self.dashboard(Session.open(folder, FIRST_LOOK_S)))
        except OctuiError as error:
            self.notify(clean_line(str(error)), severity="error", markup=False)

    def action_new_session(self) -> None:
        """Show the launcher in the place of what is shown; the agents of a session go on working."""
        from octui.tui.screens.launcher import LauncherScreen

        self.set_terminal_title("octui")
        self.switch_screen(LauncherScreen())

    def action_pick_session(self) -> None:
        """Open another session: a live one in the dashboard, one that is over as a replay."""
        from octui.recording.session import Session, list_sessions
        from octui.tui.screens.dialogs import PickScreen

        found = {str(summary.path): summary for summary in list_sessions(paths.sessions_dir())}
        options = [
            (path, clean_line(f"{'live ' if summary.is_live else '     '}{summary.path.name}"))
            for path, summary in found.items()
        ]

        def picked(path: str | None) -> None:
            if path is None:
                return
            try:
                session = Session.open(Path(path), FIRST_LOOK_S)
                self.switch_screen(self.dashboard(session) if session.is_live else self.replay(session))
            except OctuiError as error:
                self.notify(clean_line(str(error)), severity="error", markup=False)

        self.push_screen(PickScreen("Sessions", options, empty="There are no sessions yet."), picked)

    # Commands

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Give every command of the screen."""
        from octui.tui.command_provider import entries

        for entry in entries(self, screen):
            yield SystemCommand(entry.title, entry.help, entry.run)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave a key such as ``?`` to the field it is typed into."""
        if action in _EVERYWHERE_ACTIONS and self._is_typing:
            return False
        return super().check_action(action, parameters)

    @property
    def _is_typing(self) -> bool:
        key = self._last_key
        if key is None or not key.is_printable:
            return False
        from textual.widgets import Input, TextArea  # The first frame of a dashboard has neither.

        return isinstance(self.screen.focused, Input | TextArea)

    def keys_of(self, command: str) -> list[str]:
        """Give the keys of a command that works on every screen, by Textual's names."""
        default = next(each.keys for each, _ in EVERYWHERE if each.id == command)
        return self._own_keys.get(command, default).split(",")

    async def action_show_help(self) -> None:
        """Show the keys of the screen in front."""
        screen = self.screen
        if callable(own := getattr(screen, "action_help", None)):
            result = own()
            if inspect.isawaitable(result):
                await result
            return
        from octui.tui.screens.sheets import keys_screen

        self.push_screen(keys_screen(screen, self.palette))

    async def action_quit(self) -> None:
        """Quit as the dashboard below does, which asks where agents are running."""
        from octui.tui.screens.dashboard import DashboardScreen

        below = next((each for each in self.screen_stack if isinstance(each, DashboardScreen)), None)
        if below is not None:
            below.action_leave()
        else:
            self.exit()

    def action_help_quit(self) -> None:
        """Say which key quits, as ``ctrl+c`` does not."""
        active = [each.binding for each in self.screen.active_bindings.values()]
        found = [key_name(each.key) for each in active if each.id == "app.quit" or each.action in ("quit", "app.quit")]
        if found:
            self.notify(f"Press {found[0]} to quit.", markup=False)


_EVERYWHERE_ACTIONS = frozenset(action for _, action in EVERYWHERE)


def _load_the_rest() -> None:
    """Load what the first frame did not need before somebody asks for it, and without keeping keys waiting."""
    threading.Thread(target=lambda: [import_module(name) for name in LOADED_LATER], daemon=True).start()


def _run(first: Callable[[OctuiApp], OctuiScreen]) -> int:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Ignored, it would leave a dashboard without a terminal behind.
    take_any_bytes()
    app = OctuiApp(first)
    result = app.run()
    if words := app.parting_words():
        print(words)
    return result if result is not None else app.return_code or 0


def run_dashboard(session: Path) -> int:
    """Show a session as it goes on; give the exit status.

    Raises:
        RecordingError: ``session`` is no session folder.
    """
    from octui.recording.session import Session

    opened = Session.open(session, FIRST_LOOK_S)
    return _run(lambda app: app.dashboard(opened))


def run_replay(path: Path) -> int:
    """Replay a session folder, or a log of ``opencode run``, or what ``opencode export`` wrote; give the exit status.

    Raises:
        RecordingError: ``path`` is neither.
    """
    from octui.recording.session import Session

    opened = Session.open(path, FIRST_LOOK_S)
    if (
        not sys.stdin.isatty() and sys.stdout.isatty()
    ):  # The recording came that way, and is read; keys come from the terminal.
        os.dup2(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC), sys.stdin.fileno())
    return _run(lambda app: app.replay(opened))


def run_launcher(*, plan: Path | None = None, binary: str | None = None) -> int:
    """Show the launcher, and then the dashboard over what it launched; give the exit status.

    Args:
        plan: A plan to open in the form.
        binary: The opencode to use; None to look for it.
    """
    from octui.tui.screens.launcher import LauncherScreen

    def first(app: OctuiApp) -> OctuiScreen:
        return LauncherScreen(plan=plan, binary=binary)

    return _run(first)
