"""The launcher: what the agents shall do, where, and with what; nothing starts before it is valid.

The first frame has the prompt, which takes keys at once. The other fields, and most modules, come right after it; a
command that needs them waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.types import CSSPathType
from textual.widgets import Static

from octui.discovery.folders import expand, shorten, suggest
from octui.errors import OctuiError, OpenCodeBinaryNotFoundError
from octui.tui.keys import bindings
from octui.tui.launch import remembered_prompt
from octui.tui.launch.commands import COMMANDS, HINTS, help_text
from octui.tui.messages import Launched
from octui.tui.screens.base import OctuiScreen
from octui.tui.text import clean_line, cut_start
from octui.tui.widgets.launcher.button import Button
from octui.tui.widgets.launcher.form_view import FormView, Pickers

if TYPE_CHECKING:
    from octui.discovery.config_files import FoundConfig
    from octui.discovery.queries import Agent
    from octui.plan.model import Plan
    from octui.tui.launch.form import Checked, LaunchForm
    from octui.tui.launch.services import Asking, Opencode, Services
    from octui.tui.screens.launcher_plans import PlanFiles
    from octui.tui.widgets.launcher.permission_table import PermissionTable
    from octui.tui.widgets.launcher.server_list import ServerList

LOADED_LATER = (
    "octui.tui.screens.launcher_plans",
    "octui.tui.widgets.launcher.form_fields",
    "octui.tui.launch.services",
)
FIELDS_SHEET = Path(__file__).with_name("launcher_fields.tcss")
"""How the fields below the prompt look; with them, it would be 1 % of the first frame."""
CHECK_DELAY_S = 0.1
"""The form is checked so long after the last key."""
DEFAULT_AGENT = "build"
"""opencode's default agent, and the one it takes for one that it does not know."""
DEMO_LINE = "No account yet? `octui demo` shows everything with a scripted model."


class Answered(Message):
    """A thread is done; what it found is to be used when the screen gets to it."""

    def __init__(self, use: Callable[[], object]) -> None:
        super().__init__()
        self.use = use


class LauncherScreen(OctuiScreen):
    """Fills in a plan and starts it; posts `Launched` with the session's folder.

    Everything that may take a while (looking at folders, asking opencode, starting) happens in threads.

    Args:
        plan: A plan to open at once.
        binary: The opencode to use; None to look for it.
        services: What other rooms do for the launcher.
        base: Where relative paths start; the current folder if None.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = ["launcher_parts.tcss", "launcher.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(COMMANDS),
        Binding("tab", "go_on(1)", "next field", show=False),
        Binding("shift+tab", "go_on(-1)", "field before", show=False),
    ]
    AUTO_FOCUS = "#prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 (Textual declares no ClassVar)

    def __init__(
        self,
        *,
        plan: Path | None = None,
        binary: str | None = None,
        services: Services | None = None,
        base: Path | None = None,
    ) -> None:
        super().__init__()
        self._plan = plan
        self._binary = binary
        self._given_services = services
        self._base = base or Path.cwd()
        self._opencode: Opencode | None = None
        self._asking: Asking | None = None
        self._models: tuple[str, ...] = ()
        self._agents: tuple[Agent, ...] = ()
        self._found: FoundConfig | None = None
        self._asked_for: tuple[Path, bool] | None = None
        self._recent: tuple[str, ...] = ()
        prompt = remembered_prompt.load()
        self._first_run = prompt is None
        self._prompt = prompt or ""
        self._whole = asyncio.Event()
        self._cleared: LaunchForm | None = None
        self._checked: Checked | None = None
        self._missing = ""
        self._busy = ""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The form between what was found and what can be done."""
        yield Static(id="head")
        with Horizontal(id="notice"):
            yield Static(id="notice-text")
            yield Button("Install opencode  F10", id="install", classes="main")
        pickers = Pickers(self._suggest_folders, self._match_models, self._match_agents)
        yield FormView(self._base, pickers, self._prompt)
        with Vertical(id="foot"):
            yield Static(id="hint")
            with Horizontal(id="actions"):
                yield Static(id="summary")
                with Horizontal(id="buttons"):
                    yield Button("What opencode gets  F4", id="preview")
                    yield Button("Open plan  F3", id="open")
                    yield Button("Save plan  F2", id="save")
                    yield Button("Launch  F5", id="launch", classes="main", disabled=True)

    def on_mount(self) -> None:
        """Show what takes keys, and then all else."""
        self._draw_head()
        self._draw_notice()
        self.call_after_refresh(lambda: self.run_worker(self._become_whole()))

    async def _become_whole(self) -> None:
        """Make the other fields, bring back the last used values, and look around."""
        try:
            await asyncio.to_thread(lambda: [import_module(name) for name in LOADED_LATER])
            from octui.tui.launch import last_used
            from octui.tui.launch.form import LaunchForm

            self.app.stylesheet.read(FIELDS_SHEET)
            self.app.stylesheet.parse()  # What is mounted next would be drawn by the rules from before otherwise.
            remembered = last_used.load()
            self._recent = remembered.folders if remembered else ()
            await self._view.make_fields(remembered.form if remembered else LaunchForm(workspaces=(".",)))
        finally:
            self._whole.set()
        self._look_around()
        if self._plan is not None:
            self._plan_files.open(self._plan)

    def on_unmount(self) -> None:
        """End what opencode is still being asked."""
        if self._asking is not None:
            self._asking.close()

    @property
    def _view(self) -> FormView:
        return self.query_one(FormView)

    @cached_property
    def _services(self) -> Services:
        from octui.tui.launch.services import Services

        return self._given_services or Services()

    @cached_property
    def _plan_files(self) -> PlanFiles:
        from octui.tui.screens.launcher_plans import PlanFiles

        return PlanFiles(self, self._base, use=self._use_plan, tell=self._tell, hand_over=self._hand_over)

    # Threads: they post what they found and never wait for the screen, which may be closing

    def _hand_over(self, use: Callable[..., object], *args: object) -> None:
        self.post_message(Answered(partial(use, *args)))

    @on(Answered)
    def _use_answer(self, event: Answered) -> None:
        if self._is_whole:
            event.use()

    @property
    def _is_whole(self) -> bool:
        return bool(self.query(FormView)) and self._view.is_whole

    # What there is to choose from

    @work(thread=True, exclusive=True, group="opencode")
    def _look_around(self) -> None:
        try:
            opencode = self._services.find(self._binary)
        except (OpenCodeBinaryNotFoundError, OSError) as error:
            self._hand_over(self._show_missing, str(error))
        else:
            self._hand_over(self._show_opencode, opencode)

    def _show_missing(self, words: str) -> None:
        self._missing = words
        self._opencode = None
        self._draw_notice()
        self._draw_head()
        self._draw_summary()

    def _show_opencode(self, opencode: Opencode) -> None:
        from octui.client.compat import can_be_served

        self._missing = ""
        self._opencode = opencode
        self._asking = self._services.ask(opencode.path)
        self._asked_for = None
        if not can_be_served(opencode.version):
            self._view.fields.way.value = "run"
        self._draw_notice()
        self._draw_head()
        self._check_soon()

    def _ask_about(self, folder: Path, inherit: bool) -> None:
        """Ask what applies in a folder, unless that is known."""
        if self._asked_for != (folder, inherit):
            self._asked_for = (folder, inherit)
            self._read_config(folder)
            if self._asking is not None:
                self._ask(self._asking, folder, inherit)

    @work(thread=True, exclusive=True, group="config")
    def _read_config(self, folder: Path) -> None:
        self._hand_over(self._show_config, self._services.read_config(folder))

    @work(thread=True, exclusive=True, group="ask")
    def _ask(self, asking: Asking, folder: Path, inherit: bool) -> None:
        try:
            agents = asking.agents(folder, inherit=inherit)
            self._hand_over(self._show_agents, agents)
            models = asking.models(folder)
            self._hand_over(self._show_models, models)
        except OctuiError as error:
            self._hand_over(self._tell, str(error), "warning")

    def _show_config(self, found: FoundConfig) -> None:
        for problem in set(found.problems) - set(self._found.problems if self._found else ()):
            self._tell(problem, "warning")
        self._found = found
        self._view.fields.servers.show_found(found.servers)
        self._check_soon()

    def _show_agents(self, agents: tuple[Agent, ...]) -> None:
        self._agents = agents
        self._show_inherited()
        self._check_soon()

    def _show_models(self, models: tuple[str, ...]) -> None:
        self._models = models
        form = self._view.form
        if self._first_run and not form.model and models:
            configured = self._found.model if self._found else None
            self._view.fields.model.value = configured if configured in models else models[0]
        self._draw_head()
        self._check_soon()

    def _show_inherited(self) -> None:
        """Show what inheriting a permission comes to for the agent that will run."""
        from octui.discovery.queries import effective

        agents = {agent.name: agent for agent in self._agents}
        agent = agents.get(self._view.form.agent.strip()) or agents.get(DEFAULT_AGENT)
        rules = agent.rules if agent else ()
        table = self._view.fields.permissions
        found = {row.tool: effective(rules, row.tool) for row in table.tools}
        table.show_inherited({tool: value for tool, value in found.items() if value is not None})

    def _suggest_folders(self) -> list[str]:
        return suggest(self._base, self._recent)

    def _match_models(self, typed: str) -> list[str]:
        from octui.tui.widgets.launcher.completing_input import matching

        return matching(self._models, typed)

    def _match_agents(self, typed: str) -> list[str]:
        from octui.tui.widgets.launcher.completing_input import matching

        return matching(tuple(agent.name for agent in self._agents if agent.mode != "subagent"), typed)

    # Checking

    @on(FormView.Changed)
    def _check_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(CHECK_DELAY_S, self._check)

    def _check(self) -> None:
        if not self._is_whole:
            return
        form = self._view.form
        names = tuple(agent.name for agent in self._agents)
        self._check_in_thread(form, self._models, names, self._opencode.version if self._opencode else "")
        self._show_inherited()

    @work(thread=True, exclusive=True, group="check")
    def _check_in_thread(self, form: LaunchForm, models: Sequence[str], agents: Sequence[str], version: str) -> None:
        from octui.tui.launch.form import check_form

        checked = check_form(form, self._base, models=models, agents=agents, version=version)
        folders = expand(form.workspaces[0], self._base) if form.workspaces else []
        self._hand_over(self._show_checked, form, checked, folders[0] if folders else self._base)

    def _show_checked(self, form: LaunchForm, checked: Checked, folder: Path) -> None:
        if form != self._view.form:
            return
        self._checked = checked
        self._view.mark(checked)
        self._view.describe_more(_more_words(form, checked))
        self._draw_summary()
        self._ask_about(folder, form.inherit)

    # What can be done

    async def action_go_on(self, step: int) -> None:
        """Go to the next field, or the one before; keys that follow are for that one, and wait until it is there."""
        await self._whole.wait()
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def action_go_to_problem(self) -> None:
        """Go to the first field that has to be mended, and say what is wrong under each."""
        if self._checked is not None and self._checked.problems:
            self._view.mark(self._checked, everything=True)
            self._view.focus_field(next(iter(self._checked.problems)))

    @on(Button.Pressed, "#launch")
    def action_launch(self) -> None:
        """Check the form as it stands, and start it."""
        if self._busy:
            return
        if self._opencode is None:
            self._tell(self._missing or "octui is still looking for opencode.", "error")
            return
        form = self._view.form
        checked = self._checked
        if checked is None or checked.plan is None:
            self.action_go_to_problem()
            return
        self._be_busy(f"Starting {_count(len(checked.plan.runs))} …")
        self._start_form(form, self._opencode)

    @work(thread=True, group="launch")
    def _start_form(self, form: LaunchForm, opencode: Opencode) -> None:
        from octui.tui.launch import last_used
        from octui.tui.launch.form import check_form

        checked = check_form(form, self._base)
        if checked.plan is None:
            self._hand_over(self._not_started, checked.summary)
            return
        try:
            folders = tuple(dict.fromkeys(_remembered(run.workspace) for run in checked.plan.runs))
            last_used.save(form, folders)
        except OSError as error:
            words = f"The form's values could not be kept for the next time: {error.strerror or error}."
            self._hand_over(self._tell, words, "warning")
        self._start_plan(checked.plan, opencode)

    def _start_plan(self, plan: Plan, opencode: Opencode) -> None:
        """Start a plan; runs in a thread."""
        try:
            session = self._services.start(plan, opencode)
        except (OctuiError, OSError) as error:
            self._hand_over(self._not_started, str(error))
        else:
            self._hand_over(self._started, session)

    def _started(self, session: Path) -> None:
        self._be_busy("")
        self.post_message(Launched(session))

    def _not_started(self, words: str) -> None:
        self._be_busy("")
        self._tell(words, "error")
        self._check_soon()

    @on(Button.Pressed, "#preview")
    def action_preview(self) -> None:
        """Show what opencode will be given."""
        if self._checked is None or self._checked.plan is None:
            self.action_go_to_problem()
            return
        from octui.tui.launch.preview import preview_text
        from octui.tui.screens.launcher_dialogs import SheetScreen

        text = preview_text(self._checked.plan, self._base)
        self.app.push_screen(SheetScreen("What opencode will be given", text, "Launch"), self._preview_closed)

    def _preview_closed(self, launch: bool | None) -> None:
        if launch:
            self.action_launch()

    async def action_toggle_more(self) -> None:
        """Show the further settings, or hide them."""
        await self._whole.wait()
        more = self._view.fields.more
        more.collapsed = not more.collapsed
        if not more.collapsed:
            self._view.focus_field("title")

    async def action_clear(self) -> None:
        """Clear the form; on a form that was just cleared, bring everything back."""
        from octui.tui.launch.form import LaunchForm

        await self._whole.wait()
        form = self._view.form
        empty = LaunchForm(workspaces=(".",))
        before, self._cleared = self._cleared, None
        if before is not None and not form.prompt:
            self._view.show(before)
        else:
            self._cleared = form
            self._view.show(empty)
            self._tell("The form is cleared. F9 once more brings everything back.")
        self._view.focus_field("prompt")

    def action_help(self) -> None:
        """Show every key."""
        from octui.tui.screens.launcher_dialogs import SheetScreen

        bound: dict[str, list[str]] = {}
        for active in self.active_bindings.values():
            if active.binding.id:
                bound.setdefault(active.binding.id, []).append(active.binding.key)
        self.app.push_screen(SheetScreen("Keys and fields", help_text(bound)))

    # Plans

    @on(Button.Pressed, "#open")
    def action_open_plan(self) -> None:
        """Ask for a plan and open it."""
        self._plan_files.ask_which()

    @on(Button.Pressed, "#save")
    def action_save_plan(self) -> None:
        """Ask where to, and save the form as a plan."""
        if self._checked is None or self._checked.plan is None:
            self.action_go_to_problem()
        else:
            self._plan_files.ask_where(self._checked.plan)

    def _use_plan(self, plan: Plan, name: str) -> None:
        """Fill the form with a plan, or show it to be launched as it is; runs in a thread."""
        from octui.tui.launch.form import form_from_plan

        self._hand_over(self._show_plan, plan, form_from_plan(plan, self._base), name)

    def _show_plan(self, plan: Plan, form: LaunchForm | None, name: str) -> None:
        if form is not None:
            self._view.show(form)
            self._tell(f"Opened {name}.")
            return
        from octui.tui.launch.preview import preview_text
        from octui.tui.screens.launcher_dialogs import SheetScreen

        words = (
            "The runs of this plan differ in more than their folder, so it does not fit the form.\n"
            "It can be launched as it is.\n\n\n"
        )
        sheet = SheetScreen(
            clean_line(name), words + preview_text(plan, self._base), f"Launch {_count(len(plan.runs))}"
        )
        self.app.push_screen(sheet, lambda launch: self._launch_plan(plan) if launch else None)

    def _launch_plan(self, plan: Plan) -> None:
        if self._opencode is None:
            self._tell(self._missing or "octui is still looking for opencode.", "error")
        elif not self._busy:
            self._be_busy(f"Starting {_count(len(plan.runs))} …")
            self.run_worker(partial(self._start_plan, plan, self._opencode), thread=True, group="launch")

    # Overrides

    def on_permission_table_pattern_wanted(self, event: PermissionTable.PatternWanted) -> None:
        """Ask for a pattern."""
        from octui.tui.launch.permissions import check_pattern
        from octui.tui.screens.launcher_dialogs import AskLineScreen

        tool = event.tool
        table = self._view.fields.permissions
        self.app.push_screen(
            AskLineScreen(
                f"A pattern for {clean_line(tool.tool)}",
                "Such as `git push *`; * stands for anything. It is denied at first, and a later pattern wins.",
                partial(check_pattern, tool),
            ),
            lambda typed: table.add_pattern(tool.tool, typed) if typed else None,
        )

    def on_server_list_edit_wanted(self, event: ServerList.EditWanted) -> None:
        """Edit a server, or make one."""
        from octui.tui.screens.launcher_dialogs import ServerScreen

        servers = self._view.fields.servers
        self.app.push_screen(
            ServerScreen(event.kind, event.row, event.taken),
            lambda row: servers.put_edited(event.row, row) if row else None,
        )

    # Installing

    @on(Button.Pressed, "#install")
    def action_install(self) -> None:
        """Install opencode into octui's own folder, after asking."""
        if not self._missing or self._busy:
            return
        from octui.tui.screens.dialogs import AskScreen, Choice

        choices = [Choice("install", "install it", "i"), Choice("back", "go back", "b")]
        words = "npm brings it into octui's own data folder; nothing is installed system-wide."
        self.app.push_screen(
            AskScreen("Install opencode?", words, choices, "back"),
            lambda answer: self._begin_install() if answer == "install" else None,
        )

    def _begin_install(self) -> None:
        self._be_busy("Installing opencode with npm …")
        self._install()

    @work(thread=True, group="install")
    def _install(self) -> None:
        try:
            self._services.install()
        except (OctuiError, OSError) as error:
            self._hand_over(self._not_started, str(error))
        else:
            self._hand_over(self._be_busy, "")
            self._hand_over(self._look_around)

    # Words on the screen

    def on_descendant_focus(self) -> None:
        """Help with the field one stands in; after quick keys that may be another than the message is about."""
        self.query_one("#hint", Static).update(Content(HINTS.get(self._view.field_of(self.focused), "")))

    def _tell(self, words: str, severity: str = "information") -> None:
        level = severity if severity in ("warning", "error") else "information"
        self.notify(clean_line(words), severity=level, markup=False, timeout=8)  # type: ignore[arg-type]

    def _be_busy(self, words: str) -> None:
        self._busy = words
        self._draw_summary()

    def _draw_head(self) -> None:
        known = "looking for opencode …"
        if self._missing:
            known = "opencode is missing"
        elif self._opencode is not None:
            known = f"opencode {self._opencode.version}"
            known += f" · {len(self._models)} models" if self._models else ""
        line = Content.assemble((" octui ", "bold $accent"), ("  New session  ", "bold"))
        room = self.size.width - line.cell_length - len(known) - 4
        where = cut_start(clean_line(shorten(self._base, Path.home() / "-")), room)
        right = Content.styled(f"{known} · {where} " if where else f"{known} ", "$text-muted")
        gap = " " * (self.size.width - line.cell_length - right.cell_length)
        self.query_one("#head", Static).update(Content.assemble(line, gap, right))

    def _draw_notice(self) -> None:
        self.query_one("#notice").display = bool(self._missing) or self._first_run
        self.query_one("#install").display = bool(self._missing)
        text = self.query_one("#notice-text", Static)
        text.set_class(bool(self._missing), "problem")
        text.update(Content(clean_line(self._missing) if self._missing else DEMO_LINE))

    def _draw_summary(self) -> None:
        checked, words, style = self._checked, "", "$text-muted"
        ready = checked is not None and checked.plan is not None and self._opencode is not None and not self._busy
        if self._busy:
            words, style = self._busy, "$accent"
        elif checked is not None and checked.plan is None:
            words, style = checked.summary, "$warning"
        elif self._missing:
            words, style = "opencode is missing.", "$warning"
        elif checked is not None:
            words, style = checked.summary, "bold"
        self.query_one("#launch", Button).disabled = not ready
        self.query_one("#summary", Static).update(Content.styled(clean_line(words), style))

    def on_resize(self) -> None:
        """Fit the head to the width."""
        self._draw_head()


def _count(agents: int) -> str:
    return "1 agent" if agents == 1 else f"{agents} agents"


def _remembered(folder: Path) -> str:
    """Write a folder for the list of those used before: from the home folder, or absolute."""
    return shorten(folder, folder / "-")


def _more_words(form: LaunchForm, checked: Checked) -> dict[str, str]:
    """What the further settings are, in short; numbers only where they are right."""
    words = {}
    if "timeout" not in checked.problems:
        words["time limit"] = f"{form.timeout.strip()} s" if form.timeout.strip() else "none"
    if "retries" not in checked.problems:
        words["retries"] = form.retries.strip()
    words["data home"] = "private" if form.isolate else "shared"
    words["your config"] = "kept" if form.inherit else "left out"
    return words
