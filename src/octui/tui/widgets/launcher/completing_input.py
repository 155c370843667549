"""A line to type in, with a list of what it could be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from octui.tui.option_filter import matching_options
from octui.tui.text import clean_line
from octui.tui.widgets.typing_fields import TypingLine

MAX_SHOWN = 50


def matching(options: tuple[str, ...], typed: str) -> list[str]:
    """Return the options that match what is typed, the best first."""
    return [options[index] for index in matching_options(options, typed)[:MAX_SHOWN]]


class _Line(TypingLine):
    """An input that tells of several lines pasted at once; Textual's keeps the first and drops the rest."""

    def on_paste(self, event: events.Paste) -> None:
        """Hand several lines on."""
        lines = event.text.splitlines()
        if len(lines) > 1:
            event.stop()
            event.prevent_default()
            self.post_message(CompletingInput.Pasted(lines))


class CompletingInput(Vertical):
    """An input with a list below it that completes what is typed; anything else may be typed too.

    Args:
        choices: Gives what the line could be, for what is typed; called in a thread.
        value: What it holds at first.
        placeholder: Shown while it is empty.
        id: Identifier of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "choose", show=False),
        Binding("up", "move(-1)", "choose", show=False),
        Binding("tab", "fill", "fill in", show=False, priority=True),
        Binding("escape", "close", "close the list", show=False),
    ]

    class Changed(Message):
        """What is typed changed."""

    class Found(Message):
        """What the line could be was looked up."""

        def __init__(self, typed: str, options: list[str]) -> None:
            super().__init__()
            self.typed = typed
            self.options = options

    class Pasted(Message):
        """Several lines were pasted; the line itself is unchanged."""

        def __init__(self, lines: list[str]) -> None:
            super().__init__()
            self.lines = lines

    class Submitted(Message):
        """Enter was pressed with the list closed, or an option was chosen."""

        def __init__(self, sender: CompletingInput, value: str) -> None:
            super().__init__()
            self.sender = sender
            self.value = value

    def __init__(
        self,
        choices: Callable[[str], list[str]],
        *,
        value: str = "",
        placeholder: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._choices = choices
        self._initial = value
        self._placeholder = placeholder
        self._options: list[str] = []

    def compose(self) -> ComposeResult:
        """The line, and the list over what is below it."""
        yield _Line(self._initial, placeholder=self._placeholder, select_on_focus=False)
        options = OptionList(classes="choices")
        options.can_focus = False
        options.display = False
        yield options

    @property
    def input(self) -> Input:
        """The line."""
        return self.query_one(Input)

    @property
    def list_is_open(self) -> bool:
        """Whether the list is shown."""
        return self.query_one(OptionList).display

    @property
    def value(self) -> str:
        """What is typed."""
        return self.input.value if self.is_mounted else self._initial

    @value.setter
    def value(self, value: str) -> None:
        with self.prevent(Input.Changed):
            self.input.value = value
        self.input.cursor_position = len(value)

    def focus(self, scroll_visible: bool = True) -> CompletingInput:
        """Focus the line."""
        self.input.focus(scroll_visible)
        return self

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())
        if self.input.has_focus:
            self._look_up(event.value)

    def _look_up(self, typed: str) -> None:
        self.run_worker(partial(self._find, typed), thread=True, exclusive=True, group="choices")

    def _find(self, typed: str) -> None:
        self.post_message(self.Found(typed, self._choices(typed)))

    @on(Found)
    def _show(self, event: Found) -> None:
        event.stop()
        if not self.query(Input) or not self.input.has_focus or event.typed not in (self.value, ""):
            return
        shown = self.query_one(OptionList)
        self._options = [option for option in event.options if option != self.value]
        shown.clear_options()
        shown.add_options(Option(Content(clean_line(option))) for option in self._options)
        shown.display = bool(self._options)
        shown.highlighted = None

    def action_move(self, step: int) -> None:
        """Open the list, or go on in it."""
        shown = self.query_one(OptionList)
        if not shown.display:
            self._look_up("")
        elif shown.highlighted is None:
            shown.highlighted = 0 if step > 0 else shown.option_count - 1
        else:
            shown.highlighted = (shown.highlighted + step) % shown.option_count

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape and tab belong to others while there is nothing for them here."""
        if action == "close":
            return self.list_is_open
        if action == "fill":
            return self.list_is_open and self.query_one(OptionList).highlighted is not None
        return True

    def action_fill(self) -> None:
        """Take the option into the line, to go on typing."""
        if (index := self.query_one(OptionList).highlighted) is not None:
            self.value = self._options[index]
            self.action_close()
            self.post_message(self.Changed())

    def action_close(self) -> None:
        """Close the list."""
        self.query_one(OptionList).display = False

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        shown = self.query_one(OptionList)
        if shown.display and shown.highlighted is not None:
            self._take(shown.highlighted)
        else:
            self.action_close()
            self.post_message(self.Submitted(self, self.value))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)

    def _take(self, index: int) -> None:
        self.query_one(OptionList).highlighted = index
        self.action_fill()
        self.input.focus()
        self.post_message(self.Submitted(self, self.value))

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """Leaving the line closes the list."""
        self.action_close()
