"""The launcher: what the agents shall do, where, and with what; nothing starts before it is valid.

The first frame has the prompt, which takes keys at once. The other fields, and most modules, come right after it; a
command that needs them waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.types import CSSPathType
from textual.widgets import Input, Static, TextArea

from octui.discovery.folders import suggest
from octui.tui.keys import bindings
from octui.tui.launch import remembered_prompt
from octui.tui.launch.commands import COMMANDS, HINTS, help_text
from octui.tui.messages import Launched
from octui.tui.screens import launcher_words
from octui.tui.screens.base import OctuiScreen
from octui.tui.screens.launcher_checks import Checks
from octui.tui.screens.launcher_offers import News, Offers
from octui.tui.screens.launcher_starter import Starter
from octui.tui.text import clean_line
from octui.tui.widgets.launcher.button import Button
from octui.tui.widgets.launcher.foot import Foot
from octui.tui.widgets.launcher.form_view import FormView, Pickers
from octui.tui.widgets.launcher.notice import Notice

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel
    from textual.widget import AwaitMount

    from octui.tui.launch.drafts import Drafts
    from octui.tui.launch.form import LaunchForm
    from octui.tui.launch.services import Services
    from octui.tui.screens.launcher_plans import PlanFiles
    from octui.tui.widgets.launcher.permission_table import PermissionTable
    from octui.tui.widgets.launcher.server_list import ServerList
    from octui.tui.widgets.message_line import MessageLine

LOADED_LATER = (
    "octui.tui.screens.launcher_plans",
    "octui.tui.widgets.launcher.form_fields",
    "octui.tui.launch.services",
)
FIELDS_SHEET = Path(__file__).with_name("launcher_fields.tcss")
"""How the fields below the prompt look; with them, it would be 1 % of the first frame."""


DRAFT_DELAY_S = 1.0
"""The form is kept so long after the last change, so that a terminal that is closed loses no more than that."""


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
        # Textual's own ctrl+c only says in a notification that ctrl+q quits.
        Binding("ctrl+c", "interrupt", "copy or quit", show=False, priority=True, id="launch.interrupt"),
        Binding("escape", "back", "quit", show=False, id="launch.back"),
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
        self._given_services = services
        self._base = base or Path.cwd()
        self._offers = Offers(
            self, binary, lambda: self._services, heard=self._heard, tell=self._tell, hand_over=self._hand_over
        )
        self._checks = Checks(
            self, self._base, self._offers, form=self._form, use=self._show_checked, hand_over=self._hand_over
        )
        self._starter = Starter(
            self,
            self._base,
            self._offers,
            lambda: self._services,
            draw=self._draw_summary,
            started=self._started,
            refused=self._checks.soon,
            tell=self._tell,
            hand_over=self._hand_over,
        )
        self._recent: tuple[str, ...] = ()
        self._first_run = False
        self._prompt = remembered_prompt.load(self._base)
        self._drafts: Drafts | None = None
        self._drafting: Timer | None = None
        self._last_form: LaunchForm | None = None
        self._whole = asyncio.Event()

    def compose(self) -> ComposeResult:
        """The form between what was found and what can be done."""
        yield Static(id="head")
        yield Notice()
        pickers = Pickers(
            lambda: suggest(self._base, self._recent), self._offers.match_models, self._offers.match_agents
        )
        yield FormView(self._base, pickers, self._prompt)
        yield Foot()

    def on_mount(self) -> None:
        """Show what takes keys, and then all else."""
        self._draw_head()
        self._draw_notice()
        self.call_after_refresh(lambda: self.run_worker(self._become_whole()))

    async def _become_whole(self) -> None:
        """Make the other fields, bring back the last used values, and look around."""
        try:
            await asyncio.to_thread(lambda: [import_module(name) for name in LOADED_LATER])
            from octui.tui.launch.drafts import Drafts

            self.app.stylesheet.read(FIELDS_SHEET)
            self.app.stylesheet.parse()  # What is mounted next would be drawn by the rules from before otherwise.
            drafts = self._drafts = Drafts(self._base)
            self._recent = drafts.recent
            self._first_run = drafts.is_first
            await self._view.make_fields(drafts.form)
        finally:
            self._whole.set()
        if self._drafts is not None and self._drafts.words:
            self._tell(self._drafts.words)
        self._offers.look_around()
        if self._plan is not None:
            self._plan_files.open(self._plan)

    def on_unmount(self) -> None:
        """End what opencode is still being asked, and keep the form."""
        self._offers.close()
        self._keep_draft(self._last_form)

    def mount_message_line(self, line: MessageLine) -> AwaitMount:
        """Mount the line for messages below the foot's buttons."""
        return self.query_one(Foot).mount(line)

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

        return PlanFiles(
            self,
            self._base,
            show=self._view.show,
            launch=self._starter.start_plan,
            tell=self._tell,
            hand_over=self._hand_over,
        )

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

    def _heard(self, news: News) -> None:
        """Show what is known now."""
        from octui.client.compat import can_be_served

        offers = self._offers
        if news in ("opencode", "models"):
            self._draw_notice()
        if news == "opencode":
            if offers.opencode is not None and not can_be_served(offers.opencode.version):
                self._view.fields.way.value = "run"
                self._fill_in(backend="run")
        elif news == "config" and offers.config is not None:
            self._view.fields.servers.show_found(offers.config.servers)
            self._draw_notice()
        elif news == "agents":
            self._show_inherited()
        elif news == "models":
            self._choose_model()
        self._draw_head()
        self._draw_summary()
        self._checks.soon()

    def _choose_model(self) -> None:
        """Fill in a model at the first start; leave the one used elsewhere to opencode where it is not offered."""
        model, offers = self._view.form.model, self._offers
        guessed = self._drafts.guessed_model if self._drafts is not None else ""
        chosen = model
        if self._first_run and not model:
            chosen = offers.first_model
        elif model and model == guessed and offers.models and model not in offers.models:
            chosen = ""
        if chosen != model:
            self._view.fields.model.value = chosen
            self._fill_in(model=chosen)

    def _fill_in(self, **values: str) -> None:
        if self._drafts is not None:
            self._drafts.fill_in(**values)

    def _show_inherited(self) -> None:
        table = self._view.fields.permissions
        table.show_inherited(self._offers.inherited(self._view.form.agent.strip(), table.tools))

    # Checking

    def _form(self) -> LaunchForm | None:
        return self._view.form if self._is_whole else None

    @on(FormView.Changed)
    def _form_changed(self) -> None:
        self._checks.soon()
        if self._drafting is not None:
            self._drafting.stop()
        self._drafting = self.set_timer(DRAFT_DELAY_S, lambda: self._keep_draft(self._form()))

    def _show_checked(self, form: LaunchForm, folder: Path) -> None:
        checked = self._checks.checked
        assert checked is not None
        self._last_form = form
        self._view.mark(checked)
        self._view.describe_more(launcher_words.more(form, checked))
        self._draw_notice()
        self._show_inherited()
        self._draw_summary()
        self._offers.ask_about(folder, inherit=form.inherit)

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
        if self._checks.checked is not None and self._checks.checked.problems:
            self._view.mark(self._checks.checked, everything=True)
            self._view.focus_field(next(iter(self._checks.checked.problems)))

    @on(Button.Pressed, "#launch")
    def action_launch(self) -> None:
        """Check the form as it stands, and start it."""
        checked = self._checks.checked
        if not self._starter.can_start():
            return
        if checked is None or checked.plan is None:
            self.action_go_to_problem()
        else:
            self._starter.start_form(self._view.form, len(checked.plan.runs))

    @on(Button.Pressed, "#preview")
    def action_preview(self) -> None:
        """Show what opencode will be given."""
        if self._checks.checked is None or self._checks.checked.plan is None:
            self.action_go_to_problem()
            return
        from octui.tui.launch.preview import preview_text
        from octui.tui.screens.launcher_dialogs import SheetScreen

        text = preview_text(self._checks.checked.plan, self._base)
        sheet = SheetScreen("Preview config", text, "Launch")
        self.app.push_screen(sheet, lambda launch: self.action_launch() if launch else None)

    async def action_toggle_more(self) -> None:
        """Show the further settings, or hide them."""
        await self._whole.wait()
        more = self._view.fields.more
        more.collapsed = not more.collapsed
        if not more.collapsed:
            self._view.focus_field("title")

    async def action_clear(self) -> None:
        """Clear the form; on a form that was just cleared, bring everything back."""
        await self._whole.wait()
        if self._view.clear():
            self._tell("The form is cleared. F9 once more brings everything back.")
        self._view.focus_field("prompt")

    # Leaving

    def _started(self, session: Path) -> None:
        """Go on in the dashboard; what was launched is no draft."""
        self._drafts = None
        self.post_message(Launched(session))

    def _keep_draft(self, form: LaunchForm | None) -> str:
        """Keep the form for the next time; return why that is not possible, or nothing."""
        if self._drafts is None or form is None or self._starter.busy:
            return ""
        self._last_form = form
        try:
            self._drafts.keep(form)
        except OSError as error:
            return f"The form cannot be kept: {error.strerror or error}."
        return ""

    def about_to_exit(self) -> None:
        """Keep the form."""
        self._keep_draft(self._form())

    def parting_words(self) -> str:
        """Say where the draft is."""
        return self._drafts.parting_words if self._drafts is not None else ""

    async def action_interrupt(self) -> None:
        """Copy what is selected; where nothing is, quit."""
        focused = self.focused
        selected = focused.selected_text if isinstance(focused, (Input, TextArea)) else ""
        if selected := selected or self.get_selected_text() or "":
            self.app.copy_to_clipboard(selected)
        else:
            await self.action_leave()

    async def action_back(self) -> None:
        """Quit, after asking where something was filled in: escape is pressed by mistake."""
        await self._whole.wait()
        form = self._form()
        if self._drafts is not None and form is not None and self._drafts.is_changed(form):
            self._ask_to_leave("Quit octui?", "The form is kept as a draft for this folder.")
        else:
            await self.action_leave()

    @on(Button.Pressed, "#quit")
    async def action_leave(self) -> None:
        """Quit; the form is kept as a draft."""
        await self._whole.wait()
        if self._starter.busy:
            self._ask_to_leave("Quit octui?", f"{self._starter.busy} It goes on; `octui sessions` lists what runs.")
        elif problem := self._keep_draft(self._form()):
            self._ask_to_leave("Quit octui without a draft?", problem)
        else:
            self.app.exit(0)

    def _ask_to_leave(self, title: str, text: str) -> None:
        from octui.tui.screens.dialogs import AskScreen, Choice

        def answered(answer: str | None) -> None:
            if answer == "quit":
                self.app.exit(0)

        choices = [Choice("quit", "quit", "q"), Choice("stay", "stay here", "s")]
        self.app.push_screen(AskScreen(title, clean_line(text), choices, "stay"), answered)

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
        if self._checks.checked is None or self._checks.checked.plan is None:
            self.action_go_to_problem()
        else:
            self._plan_files.ask_where(self._checks.checked.plan)

    # Overrides

    def on_permission_table_pattern_wanted(self, event: PermissionTable.PatternWanted) -> None:
        """Ask for a pattern."""
        from octui.tui.screens.launcher_overrides import ask_pattern

        ask_pattern(self, event, self._view.fields.permissions)

    def on_server_list_edit_wanted(self, event: ServerList.EditWanted) -> None:
        """Edit a server, or make one."""
        from octui.tui.screens.launcher_overrides import edit_server

        edit_server(self, event, self._view.fields.servers)

    # Installing

    @on(Button.Pressed, "#install")
    def action_install(self) -> None:
        """Install opencode into octui's own folder, after asking."""
        self._starter.ask_to_install()

    # Words on the screen

    def on_descendant_focus(self) -> None:
        """Help with the field one stands in; after quick keys that may be another than the message is about."""
        self.query_one(Foot).help_with(HINTS.get(self._view.field_of(self.focused), ""))

    def _tell(self, words: str, severity: SeverityLevel = "information") -> None:
        self.notify(clean_line(words), severity=severity, markup=False, timeout=8)

    def _draw_head(self) -> None:
        self.query_one("#head", Static).update(launcher_words.head(self._offers, self._base, self.size.width))

    def _draw_notice(self) -> None:
        no_account = self._first_run and self._offers.has_no_models
        self.query_one(Notice).show(self._offers.missing, no_account=no_account, left_out=self._left_out())

    def _left_out(self) -> tuple[str, ...]:
        """Keys of the user's configuration that runs of the form as it stands may miss."""
        form, config = self._form(), self._offers.config
        if form is None or config is None or form.inherit:
            return ()
        return tuple(key for key in config.left_out if key not in form.base.keep)

    def _draw_summary(self) -> None:
        checked, busy = self._checks.checked, self._starter.busy
        ready = checked is not None and checked.plan is not None and self._offers.opencode is not None and not busy
        self.query_one(Foot).show(launcher_words.summary(checked, busy, self._offers.missing), ready=ready)

    def on_resize(self) -> None:
        """Fit the head to the width."""
        self._draw_head()
