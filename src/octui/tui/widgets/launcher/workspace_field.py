"""The folders to work in: those chosen, and a line that adds more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on
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
_CHIP = "chip"
_WRONG = "✗ "
_SELECTED = "$block-cursor-foreground on $block-cursor-background"


class Chips(Static):
    """The chosen folders on as many lines as they need; a click on one removes it."""

    class Removed(Message):
        """A folder was clicked away."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def show(self, folders: Sequence[str], wrong: Collection[str] = (), selected: int | None = None) -> None:
        """Show folders.

        Args:
            folders: The folders and globs.
            wrong: Those of them that cannot be used.
            selected: The position of the one that the next key is for.
        """
        self.display = bool(folders)
        self.update(
            Content(_GAP).join(
                self._chip(index, folder, folder in wrong, index == selected) for index, folder in enumerate(folders)
            )
        )

    @staticmethod
    def _chip(index: int, folder: str, is_wrong: bool, is_selected: bool) -> Content:
        sign = _WRONG if is_wrong else ""
        name = (f"{sign}{clean_line(folder)}", "$error" if is_wrong else "$accent")
        chip = Content.assemble(name, (_REMOVE, "$text-muted"))
        if is_selected:
            chip = Content.assemble("[", chip, "]").stylize(_SELECTED)
        return chip.stylize(Style.from_meta({_CHIP: index}))  # A link would have one colour for right and wrong ones.

    def on_click(self, event: events.Click) -> None:
        """Remove the folder that was clicked."""
        index = event.style.meta.get(_CHIP)
        if isinstance(index, int):
            self.post_message(self.Removed(index))


class WorkspaceField(Vertical):
    """Folders and globs. Enter adds what is typed.

    In the empty line, backspace and delete remove a folder: the last one, or the one selected with the left and right
    arrows, which enter moves back into the line.

    Folders that were filled in for the user give way to the first one that the user names.

    Args:
        base: Where relative paths start.
        suggestions: Gives folders to suggest while nothing is typed; called in a thread.
        id: Identifier of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace,delete", "remove", "remove a folder", show=False, priority=True),
        Binding("left", "select(-1)", "folder before", show=False, priority=True),
        Binding("right", "select(1)", "next folder", show=False, priority=True),
        Binding("enter", "edit", "edit the folder", show=False, priority=True),
    ]

    class Changed(Message):
        """The folders changed."""

    def __init__(self, base: Path, suggestions: Callable[[], list[str]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._base = base
        self._suggestions = suggestions
        self._folders: tuple[str, ...] = ()
        self._are_filled_in = False
        self._wrong: frozenset[str] = frozenset()
        self._selected: int | None = None

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
        return self._with([typed]) if typed else self._folders

    def _with(self, named: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(() if self._are_filled_in else self._folders), *named]))

    @property
    def is_typing(self) -> bool:
        """Whether a folder is being typed, which is not wrong for being unfinished."""
        return self.line.input.has_focus and bool(self.line.value.strip())

    @property
    def typed(self) -> str:
        """The folder that is being typed."""
        return self.line.value.strip() if self.is_typing else ""

    def show_folders(self, folders: Sequence[str], *, filled_in: bool = False) -> None:
        """Choose other folders.

        Args:
            folders: The folders and globs.
            filled_in: Whether they are a default that the user did not choose.
        """
        self._folders = tuple(dict.fromkeys(folders))
        self._are_filled_in = filled_in
        self._selected = None
        self.line.value = ""
        self._draw_chips()

    def mark(self, wrong: Collection[str]) -> None:
        """Mark the folders that cannot be used."""
        if self._wrong != wrong:
            self._wrong = frozenset(wrong)
            self._draw_chips()

    def _draw_chips(self) -> None:
        self.query_one(Chips).show(self._folders, self._wrong, self._selected)

    def focus(self, scroll_visible: bool = True) -> WorkspaceField:
        """Focus the line."""
        self.line.focus(scroll_visible)
        return self

    def on_mount(self) -> None:
        """Show no chips before there are any."""
        self._draw_chips()

    def _complete(self, typed: str) -> list[str]:
        if not typed:
            return [folder for folder in self._suggestions() if folder not in self._folders]
        return complete(typed, self._base) or matching(tuple(self._suggestions()), typed)

    @on(CompletingInput.Changed)
    def _typed(self, event: CompletingInput.Changed) -> None:
        event.stop()
        self._select(len(self._folders))
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
            self.show_folders(self._with(short))
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
        self._remove(event.index)

    def _remove(self, index: int) -> None:
        typed = self.line.value
        self.show_folders([*self._folders[:index], *self._folders[index + 1 :]])
        self.line.value = typed
        self.post_message(self.Changed())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are for the folders only where there is nothing for them to do in the line."""
        if action in ("remove", "select", "edit"):
            is_free = bool(self._folders) and not self.line.value and self.line.input.has_focus
            needs_one = action == "edit" or parameters == (1,)
            return is_free and (self._selected is not None or not needs_one)
        return True

    def action_remove(self) -> None:
        """Remove the selected folder, or the last one; the one before is selected then, if one was."""
        selected = self._selected
        self._remove(len(self._folders) - 1 if selected is None else selected)
        if selected is not None and self._folders:
            self._select(min(selected, len(self._folders) - 1))

    def action_select(self, step: int) -> None:
        """Select the folder before or after; after the last one, none."""
        now = len(self._folders) if self._selected is None else self._selected
        self._select(max(0, now + step))

    def _select(self, index: int) -> None:
        self._selected = index if index < len(self._folders) else None
        self._draw_chips()

    def action_edit(self) -> None:
        """Move the selected folder back into the line."""
        assert self._selected is not None
        folder = self._folders[self._selected]
        self.action_remove()
        self._select(len(self._folders))
        self.line.value = folder
        self.post_message(self.Changed())

    def on_descendant_blur(self) -> None:
        """Leaving the line leaves the selected folder, too."""
        self._select(len(self._folders))
