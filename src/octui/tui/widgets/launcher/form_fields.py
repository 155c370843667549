"""The fields below the prompt, laid out; apart from it, as they are dear and the first frame does not need them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Static

from octui.tui.launch.form import DEFAULT_WORKSPACES, LaunchForm
from octui.tui.widgets.launcher.choice import WayChoice
from octui.tui.widgets.launcher.completing_input import CompletingInput
from octui.tui.widgets.launcher.field import Field
from octui.tui.widgets.launcher.form_view import CHOSEN, MORE, PICKED, TICKED, TYPED, Pickers
from octui.tui.widgets.launcher.notice import KEEP_ALL
from octui.tui.widgets.launcher.permission_table import PermissionTable
from octui.tui.widgets.launcher.row_list import RowList
from octui.tui.widgets.launcher.server_list import ServerList
from octui.tui.widgets.launcher.tick import Tick
from octui.tui.widgets.launcher.workspace_field import WorkspaceField
from octui.tui.widgets.typing_fields import TypingLine

WAYS = (
    ("serve", "talk to me", "live words, questions, follow-ups"),
    ("run", "work on their own", "a process each, nothing is asked"),
)


class FormFields(Vertical):
    """Every field of `LaunchForm` but the prompt.

    Args:
        form: What they hold at first.
        base: Where relative paths start.
        pickers: What completes the fields.
    """

    class Changed(Message):
        """A field changed."""

        def __init__(self, changed: Widget | None) -> None:
            super().__init__()
            self.changed = changed

    def __init__(self, form: LaunchForm, base: Path, pickers: Pickers) -> None:
        super().__init__(id="fields")
        self._shown = form
        self._base = base
        self._pickers = pickers
        self._has_more = False
        self._remarks: list[Content] = []

    def compose(self) -> ComposeResult:
        """The fields in the order of their importance."""
        yield Field("Workspaces", WorkspaceField(self._base, self._pickers.folders, id="workspaces"))
        with Horizontal(classes="row"):
            model = CompletingInput(self._pickers.models, placeholder="opencode's choice", id="model")
            agent = CompletingInput(self._pickers.agents, placeholder="opencode's default", id="agent")
            with Horizontal(classes="pair"):
                yield Field("Model", model, below=False)
                yield Field("Agent", agent, classes="next agent", below=False)
            with Horizontal(classes="pair numbers"):
                yield Field("Copies", _line("copies"), below=False)
                yield Field("At once", _line("at_once"), classes="next", below=False)
        remarks = Static(id="row-remarks")
        remarks.display = False
        yield remarks
        yield Field("Agents shall", WayChoice(WAYS, id="backend"))
        with Horizontal(id="trees") as trees:
            trees.display = False
            yield Field("Worktrees", Tick("work in a git worktree each, on a branch of its own", id="worktree"))
            yield Field("Begin at", _line("worktree_base", "what is checked out"), classes="next begin")
        with Horizontal(classes="row overrides"):
            with Vertical(classes="left"):
                yield Static("Permissions", classes="heading")
                yield PermissionTable(id="tools")
            with Vertical():
                yield Static("MCP servers", classes="heading")
                yield ServerList(id="servers")
        yield Collapsible(title="More", id="more")

    def on_mount(self) -> None:
        """Fill the fields, and make what is folded away once the rest is on the screen."""
        self.show(self._shown)
        self.call_after_refresh(self._make_more)

    async def _make_more(self) -> None:
        await self.query_one("#more Contents").mount(MoreFields())
        self._has_more = True
        with self._quietly(), suppress(NoMatches):  # While a screen closes its fields go before it.
            self._fill(MORE)

    @property
    def values(self) -> dict[str, Any]:
        """What the fields hold, by their names in `LaunchForm`; those that are not made yet are left out."""
        return {
            "workspaces": self.query_one(WorkspaceField).folders,
            "model": self.model.value,
            "agent": self.query_one("#agent", CompletingInput).value,
            "tools": self.permissions.tools,
            "servers": self.servers.servers,
            **{name: self._box(name).value for name in filter(self._is_there, (*TYPED, *TICKED, *CHOSEN))},
        }

    def show(self, form: LaunchForm) -> None:
        """Fill the fields."""
        self._shown = form
        with self._quietly():
            for name in PICKED:
                self.query_one(f"#{name}", CompletingInput).value = getattr(form, name)
            self._fill({*TYPED, *TICKED, *CHOSEN})
        is_default = form.workspaces == DEFAULT_WORKSPACES
        self.query_one(WorkspaceField).show_folders(form.workspaces, filled_in=is_default)
        self.permissions.show_tools(form.tools)
        self.permissions.show_asking(form.backend == "serve")
        self.servers.show_servers(form.servers)
        self.servers.show_inherit(form.inherit)

    def _quietly(self) -> AbstractContextManager[None]:
        return self.prevent(Input.Changed, Tick.Changed, WayChoice.Changed)

    def _box(self, name: str) -> Any:
        kind = Tick if name in TICKED else WayChoice if name in CHOSEN else Input
        return self.query_one(f"#{name}", kind)

    def _is_there(self, name: str) -> bool:
        """Whether a field is made and filled, and not gone yet: while a screen closes its fields go before it."""
        return (self._has_more or name not in MORE) and self.query_one_optional(f"#{name}") is not None

    def _fill(self, names: Collection[str]) -> None:
        for name in filter(self._is_there, names):
            self._box(name).value = getattr(self._shown, name)

    def offer_worktrees(self, offered: bool) -> None:
        """Offer worktrees where a folder is in a git repository; where each shall begin, once they are wanted."""
        wanted = self._box("worktree").value
        self.query_one("#trees").display = offered or wanted
        self.query_one(".begin").display = wanted

    @property
    def typed_folder(self) -> str:
        """The folder that is being typed, which is not wrong for being unfinished; empty for none."""
        return self.query_one(WorkspaceField).typed

    def mark_folders(self, wrong: Collection[str]) -> None:
        """Mark the folders that cannot be used."""
        self.query_one(WorkspaceField).mark(wrong)

    def show_remarks(self) -> None:
        """Say below the row of narrow fields what is wrong with them."""
        remarks = [words for field in self.query(Field) if not field.below and (words := field.words)]
        if remarks != self._remarks:
            self._remarks = remarks
            below = self.query_one("#row-remarks", Static)
            below.display = bool(remarks)
            below.update(Content("\n").join(remarks))

    @property
    def model(self) -> CompletingInput:
        """The model's line."""
        return self.query_one("#model", CompletingInput)

    @property
    def way(self) -> WayChoice:
        """Whether the agents talk or work on their own."""
        return self.query_one(WayChoice)

    @property
    def permissions(self) -> PermissionTable:
        """The permission overrides."""
        return self.query_one(PermissionTable)

    @property
    def servers(self) -> ServerList:
        """The MCP overrides."""
        return self.query_one(ServerList)

    @property
    def more(self) -> Collapsible:
        """What is folded away."""
        return self.query_one("#more", Collapsible)

    @on(Input.Changed)
    @on(CompletingInput.Changed)
    @on(WorkspaceField.Changed)
    @on(RowList.Changed)
    @on(Tick.Changed)
    @on(WayChoice.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        control = getattr(event, "control", None)
        changed = control if isinstance(control, Widget) else None
        if isinstance(event, WorkspaceField.Changed):
            changed = self.query_one(WorkspaceField)
        if isinstance(event, Tick.Changed) and event.tick.id == "worktree":
            self.query_one(".begin").display = event.tick.value
        if isinstance(event, Tick.Changed) and event.tick.id == "inherit":
            self.servers.show_inherit(event.tick.value)
        if isinstance(event, WayChoice.Changed):
            self.permissions.show_asking(event.choice.value == "serve")
        self.post_message(self.Changed(changed))


class MoreFields(Vertical):
    """The further fields, which are rarely wanted."""

    def compose(self) -> ComposeResult:
        """The fields in two columns, and the ticks."""
        with Horizontal(classes="row"):
            with Vertical(classes="left"):
                yield Field("Title", _line("title", "from the prompt"))
                yield Field("Files", _line("files", "none"))
                yield Field("Instructions", _line("instructions", "none"))
                yield Field("Variant", _line("variant", "the model's default"))
            with Vertical(classes="numbers"):
                yield Field("Time limit", _line("timeout", "none, in seconds"))
                yield Field("Retries", _line("retries"))
                yield Field("Silence", _line("silence", "60"))
        yield Tick("show the model's reasoning", id="thinking")
        yield Tick("private data home for each run", id="isolate")
        yield Tick(KEEP_ALL, id="inherit")

    def on_show(self) -> None:
        """Come into sight once there is a layout: scrolling that began before it knew only where the heading is."""
        self.scroll_visible(animate=False)
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            focused.scroll_visible(animate=False)


def _line(name: str, placeholder: str = "") -> Input:
    return TypingLine(placeholder=placeholder, id=name, select_on_focus=False)
