"""What the launcher sets going, one thing at a time: a session, or the installation of opencode."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from octui.discovery.folders import shorten
from octui.errors import OctuiError
from octui.tui.screens.launcher_words import count_agents

if TYPE_CHECKING:
    from octui.plan.model import Plan
    from octui.tui.launch.form import LaunchForm
    from octui.tui.launch.services import Opencode, Services
    from octui.tui.screens.launcher_offers import Offers

_INSTALLING = "Installing opencode with npm …"


class Starter:
    """Starts and installs, in threads.

    Args:
        screen: Whose threads they are.
        base: Where relative paths start.
        offers: Which opencode there is.
        services: Gives what other rooms do for the launcher.
        draw: Called when it began with something or is done.
        started: Called with the folder of a session that was started.
        refused: Called where nothing came of it, once that was told.
        tell: Tells the user a sentence, with ``warning`` or ``error`` where it is one.
        hand_over: Has a call made on the screen's own time; callable from threads.

    Attributes:
        busy: What it is at, in words; empty for nothing.
    """

    def __init__(
        self,
        screen: Screen[None],
        base: Path,
        offers: Offers,
        services: Callable[[], Services],
        *,
        draw: Callable[[], None],
        started: Callable[[Path], object],
        refused: Callable[[], None],
        tell: Callable[..., None],
        hand_over: Callable[..., None],
    ) -> None:
        self.busy = ""
        self._screen = screen
        self._base = base
        self._offers = offers
        self._services = services
        self._draw = draw
        self._started = started
        self._refused = refused
        self._tell = tell
        self._hand_over = hand_over

    def start_form(self, form: LaunchForm, agents: int) -> None:
        """Check a form once more, keep its values for the next time, and start it."""
        self._start(agents, partial(self._start_form, form))

    def start_plan(self, plan: Plan) -> None:
        """Start a plan as it is."""
        self._start(len(plan.runs), partial(self._start_plan, plan))

    def can_start(self) -> bool:
        """Tell whether it is free and there is an opencode; where there is none, say so."""
        if self._offers.opencode is None and not self.busy:
            self._tell(self._offers.missing or "octui is still looking for opencode.", "error")
        return self._offers.opencode is not None and not self.busy

    def _start(self, agents: int, work: Callable[[Opencode], None]) -> None:
        opencode = self._offers.opencode
        if self.can_start() and opencode is not None:
            self._begin(f"Starting {count_agents(agents)} …", partial(work, opencode), "launch")

    def ask_to_install(self) -> None:
        """Install opencode into octui's own folder, after asking; where there is one already, do nothing."""
        if not self._offers.missing or self.busy:
            return
        from octui.tui.screens.dialogs import AskScreen, Choice

        choices = [Choice("install", "install it", "i"), Choice("back", "go back", "b")]
        words = "npm brings it into octui's own data folder; nothing is installed system-wide."
        self._screen.app.push_screen(
            AskScreen("Install opencode?", words, choices, "back"),
            lambda answer: self._begin(_INSTALLING, self._install, "install") if answer == "install" else None,
        )

    def _begin(self, words: str, work: Callable[[], None], group: str) -> None:
        self.busy = words
        self._draw()
        self._screen.run_worker(work, thread=True, group=group)

    def _end(self, then: Callable[..., object], *args: object) -> None:
        """Be done, and go on with what comes of it; called in threads."""

        def done() -> None:
            self.busy = ""
            self._draw()
            then(*args)

        self._hand_over(done)

    def _refuse(self, words: str) -> None:
        self._tell(words, "error")
        self._refused()

    def _start_form(self, form: LaunchForm, opencode: Opencode) -> None:
        from octui.tui.launch import last_used
        from octui.tui.launch.beginnings import check_beginnings
        from octui.tui.launch.form import check_form

        checked = check_beginnings(check_form(form, self._base))
        if checked.plan is None:
            self._end(self._refuse, checked.summary)
            return
        try:
            folders = tuple(dict.fromkeys(_remembered(run.workspace) for run in checked.plan.runs))
            last_used.save_launched(form, folders, self._base)
        except OSError as error:
            words = f"The form's values could not be kept for the next time: {error.strerror or error}."
            self._hand_over(self._tell, words, "warning")
        self._start_plan(checked.plan, opencode)

    def _start_plan(self, plan: Plan, opencode: Opencode) -> None:
        try:
            session = self._services().start(plan, opencode)
        except (OctuiError, OSError) as error:
            self._end(self._refuse, str(error))
        else:
            self._end(self._started, session)

    def _install(self) -> None:
        try:
            self._services().install()
        except (OctuiError, OSError) as error:
            self._end(self._refuse, str(error))
        else:
            self._end(self._offers.look_around)


def _remembered(folder: Path) -> str:
    """Write a folder for the list of those used before: from the home folder, or absolute."""
    return shorten(folder, folder / "-")
