"""The small questions of the dashboard: choose one of a few, tick some, write a line, pick a theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, SelectionList, Static
from textual.widgets.option_list import Option
from textual.widgets.selection_list import Selection

from octui.tui.option_filter import matching_options
from octui.tui.widgets.typing_fields import TypingLine

MOST_ROWS = 20
LOW_ROWS = 16
LOW_OR_TALL = [(0, "-low"), (LOW_ROWS, "-tall")]
"""Classes of dialogs by the rows of the screen: where it is low, they do without empty lines."""

LIST_KEYS = [("enter", "Choose what is highlighted."), ("↑ ↓", "Move the highlight.")]


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: what it is called in code, what it says, the letter that gives it."""

    id: str
    words: str
    key: str


class AskScreen(ModalScreen[str]):
    """Asks for one of a few answers; escape gives ``cancel``.

    Args:
        title: The question, clean text.
        text: What there is to know about it, clean text; may be empty.
        choices: The answers; the first is the default.
        cancel: What escape answers.
    """

    CSS_PATH = "dialogs.tcss"
    VERTICAL_BREAKPOINTS = LOW_OR_TALL
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "answer_cancel", "cancel", id="dialog.cancel")]

    def __init__(self, title: str, text: str, choices: Sequence[Choice], cancel: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self.choices = choices
        self._cancel = cancel

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            if self._text:
                yield Static(Content(self._text), classes="text")
            yield OptionList(
                *(
                    Option(Content.assemble((choice.key, "bold"), f"  {choice.words}"), id=choice.id)
                    for choice in self.choices
                )
            )
            yield Static(Content("enter chooses, esc goes back"), classes="hint")

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(OptionList).focus()

    def more_keys(self) -> list[tuple[str, str]]:
        """Give the letters of the choices, and the keys of the list."""
        return [
            *((choice.key, f"{choice.words[:1].upper()}{choice.words[1:]}.") for choice in self.choices),
            *LIST_KEYS,
        ]

    def on_key(self, event: events.Key) -> None:
        """A choice's letter gives it, and means nothing to the screen below."""
        for choice in self.choices:
            if choice.key == event.character:
                event.stop()
                event.prevent_default()
                self.dismiss(choice.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the chosen answer."""
        self.dismiss(event.option.id)

    def action_answer_cancel(self) -> None:
        """Answer as escape does."""
        self.dismiss(self._cancel)


class PickScreen(ModalScreen[str | None]):
    """Picks one of a list that is filtered by what is typed; escape gives None.

    Args:
        title: What is picked, clean text.
        options: (id, clean text) of each.
        current: The id highlighted first.
        preview: Called with the id that is highlighted.
        empty: What to say where there is nothing to pick.
    """

    CSS_PATH = "dialogs.tcss"
    VERTICAL_BREAKPOINTS = LOW_OR_TALL
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "cancel", id="dialog.cancel"),
        Binding("up", "move('cursor_up')", "up", show=False),
        Binding("down", "move('cursor_down')", "down", show=False),
        Binding("pageup", "move('page_up')", "page up", show=False),
        Binding("pagedown", "move('page_down')", "page down", show=False),
    ]

    def __init__(
        self,
        title: str,
        options: Sequence[tuple[str, str]],
        current: str | None = None,
        preview: Callable[[str], None] | None = None,
        empty: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self.options = options
        self._current = current
        self._preview = preview
        self._empty = empty

    def compose(self) -> ComposeResult:
        """The line above the list."""
        with Vertical(classes="dialog pick"):
            yield Static(Content(self._title), classes="title")
            yield TypingLine(placeholder="type to filter", select_on_focus=False)
            yield Static(classes="text")
            yield OptionList()
            yield Static(Content("enter chooses, esc cancels"), classes="hint")

    def on_mount(self) -> None:
        """Show everything, the current one highlighted."""
        self.query_one(OptionList).can_focus = False
        self.query_one(TypingLine).display = bool(self.options)
        self._show("")

    def _show(self, typed: str) -> None:
        shown = [self.options[index] for index in matching_options([words for _, words in self.options], typed)]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options(Option(Content(words), id=name) for name, words in shown)
        listed.display = bool(shown)
        names = [name for name, _ in shown]
        if names:
            listed.highlighted = names.index(self._current) if not typed and self._current in names else 0
        text = self.query_one(".text", Static)
        text.display = not shown
        text.update(Content("Nothing matches." if self.options else self._empty))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches."""
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Give the highlighted one."""
        option = self.query_one(OptionList).highlighted_option
        if option is not None:
            self.dismiss(option.id)

    def more_keys(self) -> list[tuple[str, str]]:
        """Give the keys of the list."""
        return LIST_KEYS

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show what is highlighted."""
        if self._preview and event.option.id:
            self._preview(event.option.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the one that was clicked."""
        self.dismiss(event.option.id)

    def on_resize(self) -> None:
        """Leave room for the line and the hint; the list takes what is left."""
        room = int(self.size.height * 0.9) - (3 if self.size.height < LOW_ROWS else 8)
        self.query_one(OptionList).styles.max_height = max(1, min(MOST_ROWS, room))

    async def action_move(self, action: str) -> None:
        """Move in the list, which never has the keys."""
        await self.query_one(OptionList).run_action(action)

    def action_give_up(self) -> None:
        """Pick nothing."""
        self.dismiss(None)


class FilterScreen(ModalScreen[frozenset[str] | None]):
    """Ticks the kinds of events that are shown; gives those that are hidden.

    Args:
        kinds: (kind, what it is called) of each.
        hidden: The kinds hidden now.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "cancel", id="dialog.cancel"),
        Binding("enter", "accept", "show these", priority=True, id="filter.accept"),
        Binding("a", "all", "all", id="filter.all"),
    ]

    def __init__(self, kinds: Sequence[tuple[str, str]], hidden: frozenset[str]) -> None:
        super().__init__()
        self.kinds = kinds
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """The kinds, ticked where they are shown."""
        with Vertical(classes="dialog"):
            yield Static(Content("Show these events"), classes="title")
            yield SelectionList[str](
                *(Selection(Content(words), kind, kind not in self._hidden) for kind, words in self.kinds)
            )
            yield Static(Content("space ticks, a ticks all, enter applies, esc goes back"), classes="hint")

    def on_mount(self) -> None:
        """Take the keys."""
        self.query_one(SelectionList).focus()

    def more_keys(self) -> list[tuple[str, str]]:
        """Give the keys of the list."""
        return [("space", "Tick or untick what is highlighted."), LIST_KEYS[1]]

    def action_accept(self) -> None:
        """Give the kinds left without a tick."""
        shown = set(self.query_one(SelectionList).selected)
        self.dismiss(frozenset(kind for kind, _ in self.kinds if kind not in shown))

    def action_all(self) -> None:
        """Tick every kind."""
        self.query_one(SelectionList).select_all()

    def action_give_up(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class LineScreen(ModalScreen[str | None]):
    """Asks for one line; escape gives None.

    Args:
        title: What is asked for, clean text.
        placeholder: An example of it.
        check: Gives a sentence that says what is wrong with a line; empty where it is right.
        text: What it holds at first.
        hint: What enter does.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "cancel", id="dialog.cancel")]

    def __init__(
        self, title: str, placeholder: str, check: Callable[[str], str], *, text: str = "", hint: str = "goes there"
    ) -> None:
        super().__init__()
        self._title = title
        self._placeholder = placeholder
        self._check = check
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The line."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            yield TypingLine(self._text, placeholder=self._placeholder, select_on_focus=False)
            yield Static(Content(f"enter {self._hint}, esc goes back"), classes="hint")

    def more_keys(self) -> list[tuple[str, str]]:
        """Give the key that submits the line."""
        return [("enter", f"{self._hint[:1].upper()}{self._hint[1:]}.")]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the line, or say what is wrong with it."""
        if problem := self._check(event.value):
            hint = self.query_one(".hint", Static)
            hint.update(Content(problem))
            hint.add_class("problem")
        else:
            self.dismiss(event.value)

    def action_give_up(self) -> None:
        """Give nothing."""
        self.dismiss(None)
