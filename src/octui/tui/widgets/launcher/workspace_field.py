"""The folders to work in: those chosen, and a line that adds more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from octui.discovery.folders import absolute, complete, shorten
from octui.tui.text import clean_line
from octui.tui.widgets.launcher.completing_input import CompletingInput, matching

_GAP = "   "
_REMOVE = " ×"


class Chips(Static):
    """The chosen folders on as many lines as they need; a click on one removes it."""

    class Removed(Message):
        """A folder was clicked away."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def show(self, folders: Sequence[str]) -> None:
        """Show folders."""
        chips = [
            Content.assemble((clean_line(folder), "$accent"), (_REMOVE, "$text-muted")).stylize(
                Style.from_meta({"@click": f"chip({index})"})
            )
            for index, folder in enumerate(folders)
        ]
        self.display = bool(chips)
        self.update(Content(_GAP).join(chips))

    def action_chip(self, index: int) -> None:
        """Remove the folder that was clicked."""
        self.post_message(self.Removed(index))


class WorkspaceField(Vertical):
    """Folders and globs. Enter adds what is typed; backspace in the empty line takes the last one back into it.

    Args:
        base: Where relative paths start.
        suggestions: Gives folders to suggest while nothing is typed; called in a thread.
        id: Identifier of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace", "take_back", "change the last folder", show=False, priority=True),
    ]

    class Changed(Message):
        """The folders changed."""

    def __init__(self, base: Path, suggestions: Callable[[], list[str]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._base = base
        self._suggestions = suggestions
        self._folders: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """The folders above the line."""
        yield Chips()
        yield CompletingInput(self._complete, placeholder="add a folder or a glob such as services/*, then enter")

    @property
    def line(self) -> CompletingInput:
        """The line that adds."""
        return self.query_one(CompletingInput)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders chosen, with what is still in the line."""
        typed = self.line.value.strip() if self.is_mounted else ""
        return (*self._folders, typed) if typed and typed not in self._folders else self._folders

    @property
    def is_typing(self) -> bool:
        """Whether a folder is being typed, which is not wrong for being unfinished."""
        return self.line.input.has_focus and bool(self.line.value.strip())

    def show_folders(self, folders: Sequence[str]) -> None:
        """Choose other folders."""
        self._folders = tuple(dict.fromkeys(folders))
        self.line.value = ""
        self.query_one(Chips).show(self._folders)

    def focus(self, scroll_visible: bool = True) -> WorkspaceField:
        """Focus the line."""
        self.line.focus(scroll_visible)
        return self

    def on_mount(self) -> None:
        """Show no chips before there are any."""
        self.query_one(Chips).show(self._folders)

    def _complete(self, typed: str) -> list[str]:
        if not typed:
            return [folder for folder in self._suggestions() if folder not in self._folders]
        return complete(typed, self._base) or matching(tuple(self._suggestions()), typed)

    @on(CompletingInput.Changed)
    def _typed(self, event: CompletingInput.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(CompletingInput.Submitted)
    def _entered(self, event: CompletingInput.Submitted) -> None:
        event.stop()
        self.add([event.value])

    def add(self, typed: Sequence[str]) -> None:
        """Add folders to those chosen, written as short as they can be."""
        named = [text.strip() for text in typed if text.strip()]
        short = [text if any(sign in text for sign in "*?[") else self._short(text) for text in named]
        if short:
            self.show_folders((*self._folders, *short))
            self.post_message(self.Changed())

    def _short(self, typed: str) -> str:
        return shorten(absolute(typed, self._base), self._base)

    @on(CompletingInput.Pasted)
    def _pasted(self, event: CompletingInput.Pasted) -> None:
        event.stop()
        self.add(event.lines)

    @on(Chips.Removed)
    def _removed(self, event: Chips.Removed) -> None:
        event.stop()
        self.show_folders([folder for index, folder in enumerate(self._folders) if index != event.index])
        self.post_message(self.Changed())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Backspace takes a folder back only where there is nothing else for it to do."""
        if action == "take_back":
            return bool(self._folders) and not self.line.value and self.line.input.has_focus
        return True

    def action_take_back(self) -> None:
        """Put the last folder back into the line."""
        *rest, last = self._folders
        self.show_folders(rest)
        self.line.value = last
        self.post_message(self.Changed())
