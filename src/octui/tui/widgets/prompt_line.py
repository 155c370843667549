"""The line at the bottom in which runs are asked something more; loaded when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from octui.discovery.files import matching
from octui.tui.attached import as_named, being_typed
from octui.tui.text import clean_line
from octui.tui.widgets.typing_area import TypingArea

MAX_ROWS = 5
SHOWN_FILES = 8
_NEW_LINE = frozenset({"alt+enter", "ctrl+j", "shift+enter"})


class PromptArea(TypingArea):
    """Where the prompt is typed: enter sends it."""

    class Submitted(Message):
        """Enter was pressed."""

    class Recalled(Message):
        """The prompt before (-1) or after (1) is wanted."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    async def _on_key(self, event: events.Key) -> None:
        line = self.parent
        assert isinstance(line, PromptLine)
        if event.key in _NEW_LINE:
            self.insert("\n")
        elif line.is_completing and event.key in ("up", "down"):
            line.move(1 if event.key == "down" else -1)
        elif line.is_completing and event.key in ("tab", "enter"):
            line.take()
        elif event.key == "enter":
            self.post_message(self.Submitted())
        elif event.key == "up" and self.cursor_location[0] == 0:
            self.post_message(self.Recalled(-1))
        elif event.key == "down" and self.cursor_location[0] == self.document.line_count - 1:
            self.post_message(self.Recalled(1))
        else:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()


class PromptLine(Vertical):
    """Asks for a prompt, with files of the workspace completed after ``@``.

    Args:
        find_files: Gives the files of the workspaces of runs; called in a thread.
    """

    DEFAULT_CSS = """
    PromptLine { height: auto; background: $panel; display: none; padding: 0 1; }
    PromptLine #prompt-title { color: $accent; text-style: bold; height: auto; max-height: 5; }
    PromptLine PromptArea {
        height: 1; border: none; padding: 0; background: $panel; scrollbar-size-vertical: 1;
    }
    PromptLine PromptArea:focus { border: none; }
    PromptLine OptionList {
        height: auto; max-height: 8; border: none; padding: 0; background: $surface; display: none;
    }
    PromptLine #prompt-hint { color: $role-muted; height: auto; max-height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, priority=True, id="prompt.leave")
    ]

    @dataclass
    class Sent(Message):
        """A prompt is to be sent."""

        line: PromptLine
        runs: tuple[str, ...]
        purpose: str
        text: str

    class Left(Message):
        """The line was left without sending; what was typed is kept."""

    @dataclass
    class FilesFound(Message):
        """The files of workspaces were looked up."""

        runs: tuple[str, ...]
        files: list[str]

    def __init__(self, find_files: Callable[[Sequence[str]], list[str]]) -> None:
        super().__init__(id="prompt-line")
        self._find_files = find_files
        self._files: dict[tuple[str, ...], list[str]] = {}
        self._drafts: dict[tuple[str, str], str] = {}
        self._sent: list[str] = []
        self._recalled = 0
        self._offered: list[str] = []
        self.runs: tuple[str, ...] = ()
        self.purpose = ""

    def compose(self) -> ComposeResult:
        """What could be completed, for whom it is, what is typed, what the keys do."""
        yield OptionList()
        yield Static("", id="prompt-title", markup=False)
        yield PromptArea(soft_wrap=True, show_line_numbers=False, tab_behavior="focus", highlight_cursor_line=False)
        yield Static("", id="prompt-hint", markup=False)

    def on_mount(self) -> None:
        """The list never has the keys, and nothing blinks."""
        self.query_one(OptionList).can_focus = False
        self.area.cursor_blink = False

    @property
    def area(self) -> PromptArea:
        """Where it is typed."""
        return self.query_one(PromptArea)

    @property
    def is_completing(self) -> bool:
        """Whether files are offered."""
        return self.query_one(OptionList).display

    def open(self, runs: Sequence[str], purpose: str, title: str, hint: str, before: Sequence[str]) -> None:
        """Take the keys.

        Args:
            runs: The runs it is for.
            purpose: What the prompt is for; a draft is kept for each run and purpose, and one for several runs at once.
            title: What the line is, clean text.
            hint: What comes of sending, clean text.
            before: What was asked before, the oldest first; `up` recalls it.
        """
        self.runs, self.purpose = tuple(runs), purpose
        self._before = [text for text in before if text]
        self._recalled = 0
        self.query_one("#prompt-title", Static).update(Content(title))
        self.query_one("#prompt-hint", Static).update(Content(hint))
        self.display = True
        self._fill(self._drafts.get(self._draft, ""))
        self.screen.set_focus(self.area)  # At once: the area's own `focus` lets keys that wait already go first.
        self._files.pop(self.runs, None)
        self.run_worker(partial(self._look_up, self.runs), thread=True, group="files", exclusive=True)

    @property
    def _draft(self) -> tuple[str, str]:
        return self.runs[0] if len(self.runs) == 1 else "", self.purpose

    def say(self, hint: str) -> None:
        """Tell what comes of sending, clean text."""
        self.query_one("#prompt-hint", Static).update(Content(hint))

    def keep(self, run: str, purpose: str, text: str) -> None:
        """Keep a prompt that could not be sent, for the next time the line is opened; there, where nothing is typed.

        An empty ``run`` keeps it for several at once.
        """
        self._drafts[run, purpose] = text
        if self.display and self._draft == (run, purpose) and not self.area.text:
            self._fill(text)

    def close(self) -> None:
        """Give the keys back."""
        self._offer([])
        self.display = False

    def _fill(self, text: str) -> None:
        self.area.load_text(text)
        self.area.move_cursor(self.area.document.end)
        self._fit()

    def _fit(self) -> None:
        self.area.styles.height = max(1, min(MAX_ROWS, self.area.wrapped_document.height))

    def on_resize(self) -> None:
        """Fit the new width."""
        self._fit()

    # What is typed

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._fit()
        self._complete()

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()

    def _complete(self) -> None:
        row, column = self.area.cursor_location
        typed = being_typed(self.area.document.get_line(row)[:column])
        files = self._files.get(self.runs, [])
        self._offer([] if typed is None else matching(files, typed, SHOWN_FILES))

    def _look_up(self, runs: tuple[str, ...]) -> None:
        self.post_message(self.FilesFound(runs, self._find_files(runs)))

    @on(FilesFound)
    def _found(self, event: FilesFound) -> None:
        event.stop()
        self._files[event.runs] = [path for path in event.files if path.isprintable()]
        if self.display:
            self._complete()

    def _offer(self, files: list[str]) -> None:
        shown = self.query_one(OptionList)
        self._offered = files
        shown.clear_options()
        shown.add_options(Option(Content(clean_line(path))) for path in files)
        shown.display = bool(files)
        if files:
            shown.highlighted = 0

    def move(self, step: int) -> None:
        """Go on in the list of files."""
        shown = self.query_one(OptionList)
        shown.highlighted = ((shown.highlighted or 0) + step) % max(1, shown.option_count)

    def take(self) -> None:
        """Write the highlighted file into the prompt."""
        index = self.query_one(OptionList).highlighted
        row, column = self.area.cursor_location
        before = self.area.document.get_line(row)[:column]
        if index is None or being_typed(before) is None:
            return
        start = before.rindex("@")
        self.area.replace(f"{as_named(self._offered[index])} ", (row, start), (row, column))
        self._offer([])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one(OptionList).highlighted = event.option_index
        self.take()
        self.area.focus()

    @on(PromptArea.Recalled)
    def _recall(self, event: PromptArea.Recalled) -> None:
        event.stop()
        before = [*self._before, *self._sent]
        wanted = self._recalled - event.step
        if not 0 <= wanted <= len(before):
            return
        if self._recalled == 0:
            self._drafts[self._draft] = self.area.text
        self._recalled = wanted
        self._fill(before[-wanted] if wanted else self._drafts.get(self._draft, ""))

    @on(PromptArea.Submitted)
    def _submitted(self, event: PromptArea.Submitted) -> None:
        event.stop()
        text = self.area.text.strip()
        if not text:
            self.say("Write something first; esc leaves.")
            return
        self._drafts.pop(self._draft, None)
        if text in self._sent:
            self._sent.remove(text)
        self._sent.append(text)
        self.close()
        self.post_message(self.Sent(self, self.runs, self.purpose, text))

    def action_leave(self) -> None:
        """Close the list of files, or leave and keep what was typed."""
        if self.is_completing:
            self._offer([])
            return
        if not self._recalled:
            self._drafts[self._draft] = self.area.text
        self.close()
        self.post_message(self.Left())
