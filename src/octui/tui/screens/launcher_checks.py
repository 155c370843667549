"""What the launcher's form comes to: checked in a thread, a moment after the last change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.timer import Timer

from octui.discovery.folders import expand

if TYPE_CHECKING:
    from octui.tui.launch.form import Checked, LaunchForm
    from octui.tui.screens.launcher_offers import Offers

DELAY_S = 0.1
"""The form is checked so long after the last key."""


class Checks:
    """Checks a form.

    Args:
        screen: Whose form and threads they are.
        base: Where relative paths start.
        offers: What there is to choose from.
        form: Gives the form as it stands; None while it is not whole.
        use: Called with a form that was checked, unless it is another by now, and with its first folder.
        hand_over: Has a call made on the screen's own time; callable from threads.

    Attributes:
        checked: What the form came to when it was checked last.
    """

    def __init__(
        self,
        screen: Screen[None],
        base: Path,
        offers: Offers,
        *,
        form: Callable[[], LaunchForm | None],
        use: Callable[[LaunchForm, Path], None],
        hand_over: Callable[..., None],
    ) -> None:
        self.checked: Checked | None = None
        self._screen = screen
        self._base = base
        self._offers = offers
        self._form = form
        self._use = use
        self._hand_over = hand_over
        self._timer: Timer | None = None

    def soon(self) -> None:
        """Check the form once nothing changes for a moment."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._screen.set_timer(DELAY_S, self._begin)

    def _begin(self) -> None:
        form, offers = self._form(), self._offers
        if form is not None:
            names = tuple(agent.name for agent in offers.agents)
            version = offers.opencode.version if offers.opencode else ""
            check = partial(self._check, form, offers.models, names, version)
            self._screen.run_worker(check, thread=True, exclusive=True, group="check")

    def _check(self, form: LaunchForm, models: Sequence[str], agents: Sequence[str], version: str) -> None:
        from octui.tui.launch.beginnings import check_beginnings
        from octui.tui.launch.form import check_form

        checked = check_beginnings(check_form(form, self._base, models=models, agents=agents, version=version))
        folders = expand(form.workspaces[0], self._base) if form.workspaces else []
        self._hand_over(self._take, form, checked, folders[0] if folders else self._base)

    def _take(self, form: LaunchForm, checked: Checked, folder: Path) -> None:
        if form == self._form():
            self.checked = checked
            self._use(form, folder)
