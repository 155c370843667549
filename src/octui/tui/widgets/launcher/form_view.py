"""The form: the prompt, and once that is on the screen every other field of `LaunchForm` below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import TextArea

from octui.discovery.folders import describe_faults
from octui.tui.widgets.launcher.field import Field
from octui.tui.widgets.typing_area import TypingArea

if TYPE_CHECKING:
    from octui.tui.launch.form import Checked, LaunchForm
    from octui.tui.widgets.launcher.form_fields import FormFields

PICKED = ("model", "agent")
TYPED = (
    "copies",
    "at_once",
    "worktree_base",
    "title",
    "timeout",
    "retries",
    "silence",
    "files",
    "instructions",
    "variant",
)
CHOSEN = ("backend",)
TICKED_MORE = ("thinking", "isolate", "inherit")
TICKED = ("worktree", *TICKED_MORE)
MORE = frozenset({"title", "timeout", "retries", "silence", "files", "instructions", "variant", *TICKED_MORE})
_KNOWN = frozenset({*PICKED, *TYPED, *CHOSEN, *TICKED, "prompt", "workspaces", "tools", "servers"})


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
        prompt: What the prompt holds at first.
    """

    class Changed(Message):
        """A field changed."""

    def __init__(self, base: Path, pickers: Pickers, prompt: str = "") -> None:
        super().__init__(id="body")
        self._base = base
        self._pickers = pickers
        self._prompt = prompt
        self._shown: LaunchForm | None = None
        self._fields: FormFields | None = None
        self._cleared: LaunchForm | None = None
        self._touched: set[str] = set()
        self._wrong_before: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        """The prompt; `make_fields` makes the rest."""
        prompt = TypingArea(self._prompt, id="prompt", show_line_numbers=False, tab_behavior="focus")
        yield Field("Prompt", prompt)

    def on_mount(self) -> None:
        """Go on typing where the prompt ends."""
        prompt = self.query_one("#prompt", TextArea)
        prompt.move_cursor(prompt.document.end)

    async def make_fields(self, form: LaunchForm) -> None:
        """Make the other fields, with a form's values; the prompt stays as it is by now."""
        from octui.tui.widgets.launcher.form_fields import FormFields

        fields = FormFields(form, self._base, self._pickers)
        await self.mount(fields)
        self._shown = form
        self._fields = fields
        self.post_message(self.Changed())

    @property
    def is_whole(self) -> bool:
        """Whether all fields are there; while a screen closes they go before it."""
        return self._fields is not None and self._fields.is_attached and bool(self.query("#prompt"))

    @property
    def fields(self) -> FormFields:
        """The fields below the prompt, once `make_fields` made them."""
        assert self._fields is not None
        return self._fields

    @property
    def form(self) -> LaunchForm:
        """What the fields hold; those that are not made yet, what was shown."""
        assert self._shown is not None
        return replace(self._shown, prompt=self.query_one("#prompt", TextArea).text, **self.fields.values)

    def show(self, form: LaunchForm) -> None:
        """Fill the fields."""
        self._shown = form
        with self.prevent(TextArea.Changed):
            self.query_one("#prompt", TextArea).text = form.prompt
        self.fields.show(form)
        self._touched.clear()
        self.post_message(self.Changed())

    def clear(self) -> bool:
        """Empty the fields, or where they were just emptied, bring back what they held; tell whether they are empty."""
        from octui.tui.launch.form import DEFAULT_WORKSPACES, LaunchForm

        form, before = self.form, self._cleared
        is_undone = before is not None and not form.prompt
        self._cleared = None if is_undone else form
        self.show(before if before is not None and is_undone else LaunchForm(workspaces=DEFAULT_WORKSPACES))
        return not is_undone

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
            if field.field == "workspaces" and (typed := self.fields.typed_folder):
                finished = {folder: fault for folder, fault in checked.folder_faults.items() if folder != typed}
                problem = describe_faults(finished)
            elif field.field in ("prompt", "workspaces") and field.field not in self._touched:
                problem = ""
            field.remark(problem, checked.warnings.get(field.field, ""))
        self.fields.mark_folders(checked.folder_faults)
        self.fields.offer_worktrees(checked.offers_worktrees)
        self.fields.show_remarks()
        hidden = MORE & set(checked.problems)
        if hidden - self._wrong_before:
            self.fields.more.collapsed = False
        self._wrong_before = hidden

    def focus_field(self, name: str) -> None:
        """Focus a field by its name; a server's is ``server:NAME``."""
        target = "servers" if name.startswith("server:") else name
        if target in MORE:
            self.fields.more.collapsed = False
        if target == "tools":
            self.fields.permissions.go_to_ask()
        for widget in self.query(f"#{target}").results(Widget):
            self.call_after_refresh(self._go_to, widget)

    @staticmethod
    def _go_to(widget: Widget) -> None:
        widget.focus()
        widget.scroll_visible(animate=False)

    def field_of(self, widget: Widget | None) -> str:
        """Name the field a widget is in; empty for none."""
        ancestors: Iterable[object] = widget.ancestors_with_self if widget else ()
        return next((node.id for node in ancestors if isinstance(node, Widget) and node.id in _KNOWN), "") or ""

    def describe_more(self, values: Mapping[str, str]) -> None:
        """Say beside More what it holds, in octui's own words."""
        words = ", ".join(f"{name} {value}" for name, value in values.items())
        self.fields.more.title = f"More   {words}"

    @on(TextArea.Changed)
    def _prompt_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._heard_of(event.text_area)

    def on_form_fields_changed(self, event: FormFields.Changed) -> None:
        """A field below the prompt changed; found by its name, as the fields are loaded late."""
        event.stop()
        self._heard_of(event.changed)

    def _heard_of(self, changed: Widget | None) -> None:
        self._touched.add(self.field_of(changed))
        self.post_message(self.Changed())
