"""Plans as files, for the launcher: asking which, reading it, asking where to, and writing it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual.screen import Screen

from octui.discovery.folders import absolute, complete, expand, fault_of, shorten
from octui.encoding import holds_raw_bytes
from octui.errors import OctuiError, PlanError
from octui.names import fit
from octui.names import shorten as shorten_name
from octui.plan.model import Plan
from octui.plan.secrets import secret_values
from octui.plan.toml import load_plan
from octui.plan.writing import plan_to_dict, plan_to_toml
from octui.tui.launch.form import LaunchForm, form_from_plan
from octui.tui.launch.last_used import write_private
from octui.tui.launch.preview import preview_text
from octui.tui.screens.dialogs import AskScreen, Choice
from octui.tui.screens.launcher_dialogs import AskLineScreen, SheetScreen, problem_sheet
from octui.tui.screens.launcher_words import count_agents
from octui.tui.text import clean_line
from octui.tui.widgets.launcher.completing_input import matching


class PlanFiles:
    """Opens and saves plans over a screen.

    Args:
        screen: What the questions are asked over.
        base: Where relative paths start.
        show: Fills the form.
        launch: Starts a plan that does not fit the form.
        tell: Tells the user a sentence, with ``warning`` or ``error`` where it is one.
        hand_over: Has a call made on the screen's own time; callable from threads.
    """

    def __init__(
        self,
        screen: Screen[None],
        base: Path,
        *,
        show: Callable[[LaunchForm], None],
        launch: Callable[[Plan], None],
        tell: Callable[..., None],
        hand_over: Callable[..., None],
    ) -> None:
        self._screen = screen
        self._base = base
        self._show = show
        self._launch = launch
        self._tell = tell
        self._hand_over = hand_over

    def ask_which(self) -> None:
        """Ask for a plan and open it."""

        def asked(typed: str | None) -> None:
            if typed:
                self.open(absolute(typed, self._base))

        self._screen.app.push_screen(
            AskLineScreen(
                "Open a plan",
                "A TOML file, from the folder octui was started in.",
                lambda typed: "" if absolute(typed, self._base).is_file() else "There is no such file.",
                choices=self._match,
            ),
            asked,
        )

    def open(self, path: Path) -> None:
        """Read a plan in a thread; its mistakes are listed."""
        self._screen.run_worker(partial(self._read, path), thread=True, exclusive=True, group="plan")

    def _read(self, path: Path) -> None:
        name = shorten(path, self._base)
        try:
            plan = load_plan(path)
        except PlanError as error:
            problems = [(problem.where, problem.line, problem.message) for problem in error.problems]
            self._hand_over(self._list_problems, name, problems)
        except (OctuiError, OSError) as error:
            self._hand_over(self._tell, str(error), "error")
        else:
            self._hand_over(self._use, plan, form_from_plan(plan, self._base), name)

    def _use(self, plan: Plan, form: LaunchForm | None, name: str) -> None:
        """Fill the form with a plan, or show it to be launched as it is."""
        if form is not None:
            self._show(form)
            self._tell(f"Opened {name}.")
            return
        words = (
            "The runs of this plan differ in more than their folder, so it does not fit the form.\n"
            "It can be launched as it is.\n\n\n"
        )
        agents = count_agents(len(plan.runs))
        sheet = SheetScreen(clean_line(name), words + preview_text(plan, self._base), f"Launch {agents}")
        self._screen.app.push_screen(sheet, lambda launch: self._launch(plan) if launch else None)

    def _list_problems(self, name: str, problems: list[tuple[str, int | None, str]]) -> None:
        self._screen.app.push_screen(problem_sheet(name, problems))

    def ask_where(self, plan: Plan) -> None:
        """Ask where to, and save a plan there."""
        secret = "\nIt will hold secret values, and be readable by you alone." if _holds_secrets(plan) else ""
        self._screen.app.push_screen(
            AskLineScreen(
                "Save as a plan",
                f"`octui run` runs it, and the launcher opens it.{secret}",
                self._cannot_save,
                value=f"{_file_name(plan.name)}.toml",
                choices=self._match,
            ),
            lambda typed: self._save(plan, absolute(typed, self._base)) if typed else None,
        )

    def _cannot_save(self, typed: str) -> str:
        path = absolute(typed, self._base)
        if not typed.strip() or path.is_dir():
            return "That is a folder; write a file's name."
        folder = str(path.parent)
        fault = fault_of(folder, self._base, expand(folder, self._base))
        return "" if fault is None else f"{fault}: {shorten(path.parent, self._base)}."

    def _save(self, plan: Plan, path: Path, *, replacing: bool = False) -> None:
        name = clean_line(shorten(path, self._base))
        if path.exists() and not replacing:
            choices = [Choice("keep", "keep it", "k"), Choice("replace", "replace it", "r")]
            self._screen.app.push_screen(
                AskScreen(f"{name} is there already.", "", choices, "keep"),
                lambda answer: self._save(plan, path, replacing=True) if answer == "replace" else None,
            )
            return
        text = plan_to_toml(plan, relative_to=path.parent)
        if holds_raw_bytes(text):
            words = "TOML is UTF-8, and the name of a folder or file in it has bytes that are none"
            self._tell(f"{name} was not saved: {words}. Rename that.", "error")
            return
        try:
            if _holds_secrets(plan):
                write_private(path, text.encode())
            else:
                path.write_bytes(text.encode())
        except OSError as error:
            self._tell(f"{name} could not be written: {error.strerror or error}.", "error")
        else:
            self._tell(f"Saved {name}. `octui run {name}` runs it.")

    def _match(self, typed: str) -> list[str]:
        """The plans and folders that could complete a path."""
        head = typed.rpartition("/")[0]
        folder = absolute(head or ".", self._base)
        names = sorted(path.name for path in folder.glob("*.toml") if path.name != "pyproject.toml")
        plans = tuple(f"{head}/{name}" if head else name for name in names)
        return [*matching(plans, typed), *(f"{name}/" for name in complete(typed, self._base))]


def _holds_secrets(plan: Plan) -> bool:
    return any(secret_values(plan_to_dict(plan)))


def _file_name(name: str) -> str:
    kept = fit(name.lower()).replace(".", "-")
    return shorten_name("-".join(part for part in kept.split("-") if part), 40) or "plan"
