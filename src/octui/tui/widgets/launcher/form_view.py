"""The form: every field of `LaunchForm`, laid out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Collapsible, Input, Static, TextArea

from octui.tui.launch.form import Checked, LaunchForm
from octui.tui.widgets.launcher.completing_input import CompletingInput
from octui.tui.widgets.launcher.field import Field
from octui.tui.widgets.launcher.permission_table import PermissionTable
from octui.tui.widgets.launcher.row_list import RowList
from octui.tui.widgets.launcher.server_list import ServerList
from octui.tui.widgets.launcher.tick import Tick
from octui.tui.widgets.launcher.workspace_field import WorkspaceField
from octui.tui.widgets.typing_area import TypingArea
from octui.tui.widgets.typing_fields import TypingLine

PICKED = ("model", "agent")
TYPED = ("copies", "at_once", "title", "timeout", "retries", "silence", "files", "instructions", "variant")
TICKED = ("thinking", "isolate", "inherit")
MORE = frozenset({"title", "timeout", "retries", "silence", "files", "instructions", "variant", *TICKED})


@dataclass(frozen=True, slots=True)
class Pickers:
    """What completes the fields; each is called in a thread with what is typed, or without anything."""

    folders: Callable[[], list[str]]
    models: Callable[[str], list[str]]
    agents: Callable[[str], list[str]]


class FormView(VerticalScroll, can_focus=False):
    """The fields; they become a `LaunchForm` and come from one.

    Args:
        base: Where relative paths start.
        pickers: What completes the fields.
    """

    class Changed(Message):
        """A field changed."""

    def __init__(self, base: Path, pickers: Pickers) -> None:
        super().__init__(id="body")
        self._base = base
        self._pickers = pickers
        self._shown = LaunchForm()
        self._has_more = False
        self._touched: set[str] = set()
        self._wrong_before: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        """The fields in the order of their importance."""
        yield Field("Prompt", TypingArea(id="prompt", show_line_numbers=False, tab_behavior="focus"))
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
        yield Static(id="row-remarks")
        with Horizontal(classes="row overrides"):
            with Vertical(classes="left"):
                yield Static("Permissions", classes="heading")
                yield PermissionTable(id="tools")
            with Vertical():
                yield Static("MCP servers", classes="heading")
                yield ServerList(id="servers")
        yield Collapsible(title="More", id="more")

    def on_mount(self) -> None:
        """Make what is folded away once the rest is on the screen."""
        self.query_one("#row-remarks").display = False
        self.call_after_refresh(self._make_more)

    async def _make_more(self) -> None:
        await self.query_one("#more Contents").mount(MoreFields())
        self._has_more = True
        with self._quietly():
            self._fill(MORE)

    @property
    def form(self) -> LaunchForm:
        """What the fields hold; those that are not made yet, what was shown."""
        return replace(
            self._shown,
            prompt=self.query_one("#prompt", TextArea).text,
            workspaces=self.query_one(WorkspaceField).folders,
            model=self.query_one("#model", CompletingInput).value,
            agent=self.query_one("#agent", CompletingInput).value,
            tools=self.query_one(PermissionTable).tools,
            servers=self.query_one(ServerList).servers,
            **{name: self._box(name).value for name in filter(self._is_there, (*TYPED, *TICKED))},
        )

    def show(self, form: LaunchForm) -> None:
        """Fill the fields."""
        self._shown = form
        with self._quietly():
            self.query_one("#prompt", TextArea).text = form.prompt
            for name in PICKED:
                self.query_one(f"#{name}", CompletingInput).value = getattr(form, name)
            self._fill({*TYPED, *TICKED})
        self.query_one(WorkspaceField).show_folders(form.workspaces)
        self.query_one(PermissionTable).show_tools(form.tools)
        self.query_one(ServerList).show_servers(form.servers)
        self.query_one(ServerList).show_inherit(form.inherit)
        self._touched.clear()
        self.post_message(self.Changed())

    def _quietly(self) -> AbstractContextManager[None]:
        return self.prevent(Input.Changed, Tick.Changed, TextArea.Changed)

    def _box(self, name: str) -> Any:
        return self.query_one(f"#{name}", Tick if name in TICKED else Input)

    def _is_there(self, name: str) -> bool:
        return self._has_more or name not in MORE

    def _fill(self, names: Collection[str]) -> None:
        for name in filter(self._is_there, names):
            self._box(name).value = getattr(self._shown, name)

    def mark(self, checked: Checked, *, everything: bool = False) -> None:
        """Say under each field what is wrong; a required field left empty only once it was touched.

        Args:
            checked: What the form comes to.
            everything: Also mark what was not touched, as after an attempt to launch.
        """
        if everything:
            self._touched |= set(checked.problems)
        for field in self.query(Field):
            problem = checked.problems.get(field.field, "")
            if field.field in ("prompt", "workspaces") and field.field not in self._touched:
                problem = ""
            if field.field == "workspaces" and self.query_one(WorkspaceField).is_typing:
                problem = ""
            field.remark(problem, checked.warnings.get(field.field, ""))
        remarks = [words for field in self.query(Field) if not field.below and (words := field.words)]
        below = self.query_one("#row-remarks", Static)
        below.display = bool(remarks)
        below.update(Content("\n").join(remarks))
        hidden = MORE & set(checked.problems)
        if hidden - self._wrong_before:
            self.query_one("#more", Collapsible).collapsed = False
        self._wrong_before = hidden

    def focus_field(self, name: str) -> None:
        """Focus a field by its name; a server's is ``server:NAME``."""
        target = "servers" if name.startswith("server:") else name
        if target in MORE:
            self.query_one("#more", Collapsible).collapsed = False
        for widget in self.query(f"#{target}").results(Widget):
            self.call_after_refresh(self._go_to, widget)

    @staticmethod
    def _go_to(widget: Widget) -> None:
        widget.focus()
        widget.scroll_visible(animate=False)

    def field_of(self, widget: Widget | None) -> str:
        """Name the field a widget is in; empty for none."""
        known = {*PICKED, *TYPED, *TICKED, "prompt", "workspaces", "tools", "servers"}
        ancestors: Iterable[object] = widget.ancestors_with_self if widget else ()
        return next((node.id for node in ancestors if isinstance(node, Widget) and node.id in known), "") or ""

    def describe_more(self, values: Mapping[str, str]) -> None:
        """Say beside More what it holds, in octui's own words."""
        words = ", ".join(f"{name} {value}" for name, value in values.items())
        self.query_one("#more", Collapsible).title = f"More   {words}"

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(CompletingInput.Changed)
    @on(WorkspaceField.Changed)
    @on(RowList.Changed)
    @on(Tick.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        control = getattr(event, "control", None)
        self._touched.add(self.field_of(control if isinstance(control, Widget) else None))
        if isinstance(event, WorkspaceField.Changed):
            self._touched.add("workspaces")
        if isinstance(event, Tick.Changed) and event.tick.id == "inherit":
            self.query_one(ServerList).show_inherit(event.tick.value)
        self.post_message(self.Changed())


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
        yield Tick("keep your global opencode configuration", id="inherit")


def _line(name: str, placeholder: str = "") -> Input:
    return TypingLine(placeholder=placeholder, id=name, select_on_focus=False)
