"""What a run over a server changed, file by file, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

from octui.client.serve.events import FileDiff
from octui.tui.format import plural
from octui.tui.glyphs import Glyphs
from octui.tui.palette import Palette
from octui.tui.render.diffs import diff_block
from octui.tui.render.lines import Line, justify, wrap_text
from octui.tui.render.long_text import Block
from octui.tui.requests import masked
from octui.tui.screens.text_screen import Sheet
from octui.tui.text import clean_line, cut_start
from octui.tui.widgets.bars import keys_by_id
from octui.tui.widgets.drawn import Drawn

LOOK_AGAIN_S = 1.0
_PAGE = 10
_STATUS_WORDS = {"added": "new", "deleted": "deleted"}


class Revert(Protocol):
    """Takes back what the run changed, or brings it back."""

    def __call__(self, *, undo: bool) -> None:
        """Do it, or say why not."""


class FileList(Drawn):
    """The files, each with how many lines came and went."""

    @dataclass
    class Chosen(Message):
        """A click chose a file."""

        index: int

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(palette)
        self.glyphs = glyphs
        self.selected = 0

    def show(self, files: Sequence[FileDiff], selected: int) -> None:
        """Draw these files; the selected one stays in sight."""
        self.selected = selected
        width = max(8, self.size.width - 3)
        self.lines = [self._file_line(file, width) for file in files]
        if not self.top <= selected < self.top + max(1, self.size.height):
            self.top = max(0, min(selected, len(self.lines) - self.size.height))
        self.refresh()

    def _file_line(self, file: FileDiff, width: int) -> Line:
        word = _STATUS_WORDS.get(file.status, "")
        right: Line = [(f"{word} ", "muted")] if word else []
        right += [(f"+{file.additions}", "added"), (" ", "text"), (f"{self.glyphs.minus}{file.deletions}", "removed")]
        room = width - sum(len(text) for text, _ in right) - 1
        return justify([(cut_start(clean_line(file.file), max(6, room), self.glyphs.ellipsis), "text")], right, width)

    def render_line(self, y: int) -> Strip:
        """Draw one file; the selected one stands on a ground of its own, behind a bar."""
        index = y + self.top
        width = self.size.width - 1
        edge = self.palette.strip([(self.glyphs.vertical, "border")], 1)
        line = self.lines[index] if index < len(self.lines) else []
        chosen = index == self.selected and bool(line)
        row: Line = [(self.glyphs.bar if chosen else " ", "accent"), *line]
        ground = "selected-ground" if chosen else "background"
        return Strip([*self.palette.strip(row, width, ground), *edge], width + 1)

    def on_click(self, event: events.Click) -> None:
        """Choose the file that was clicked."""
        event.stop()
        if event.y + self.top < len(self.lines):
            self.post_message(self.Chosen(event.y + self.top))


class ChangesScreen(Screen[None]):
    """Shows the files a run changed beside the diff of one of them.

    Args:
        run: The run's name, clean.
        read: Gives what it has changed so far.
        revert: Takes it back; None in a replay.
        palette: The colours.
        glyphs: What to draw with.
    """

    CSS_PATH = "changes.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "file(1)", "next file", id="changes.next"),
        Binding("k", "file(-1)", "file before", id="changes.previous"),
        Binding("down", "scroll(1)", "down", id="changes.down"),
        Binding("up", "scroll(-1)", "up", id="changes.up"),
        Binding("pagedown,space", f"scroll({_PAGE})", "page down", id="changes.page_down"),
        Binding("pageup", f"scroll(-{_PAGE})", "page up", id="changes.page_up"),
        Binding("enter", "alone", "the diff alone", id="changes.alone"),
        Binding("u", "revert", "take back", id="changes.revert"),
        Binding("U", "unrevert", "bring back", id="changes.unrevert"),
        Binding("escape,q,D", "close", "back", id="changes.close"),
    ]

    def __init__(
        self,
        run: str,
        read: Callable[[], Sequence[FileDiff]],
        revert: Revert | None,
        palette: Palette,
        glyphs: Glyphs,
    ) -> None:
        super().__init__()
        self._run = run
        self._read = read
        self._revert = revert
        self._files: Sequence[FileDiff] = read()
        self._at = 0
        self.glyphs = glyphs
        self._list = FileList(palette, glyphs)
        self._sheet = Sheet(self._diff, palette, ground="background")

    def compose(self) -> ComposeResult:
        """The sums, the files, the diff, the keys."""
        yield Static("", id="changes-title", markup=False)
        with Horizontal(id="changes-body"):
            yield self._list
            yield self._sheet
        yield Static("", id="changes-hint", markup=False)

    def on_mount(self) -> None:
        """Show the first file, and look again whether there is more."""
        self.set_interval(LOOK_AGAIN_S, self._look)
        self.call_after_refresh(self._show)

    def on_resize(self, event: events.Resize) -> None:
        """Lay everything out anew, once the parts have their sizes."""
        self._list.styles.width = max(24, min(44, event.size.width // 3))
        self.call_after_refresh(self._show)

    def _look(self) -> None:
        files = self._read()
        if files != self._files:
            name = self._files[self._at].file if self._files else ""
            self._files = files
            self._at = next((at for at, file in enumerate(files) if file.file == name), 0)
            self._show()

    def _show(self, *, from_start: bool = False) -> None:
        added, removed = sum(file.additions for file in self._files), sum(file.deletions for file in self._files)
        sums = f"changed {plural(len(self._files), 'file')}, +{added} {self.glyphs.minus}{removed}"
        title = f"{self._run} {sums}" if self._files else f"{self._run} has changed nothing"
        self.query_one("#changes-title", Static).update(Content(title))
        self.query_one("#changes-hint", Static).update(self._keys())
        self._list.show(self._files, self._at)
        self._sheet.recompose_block(from_start=from_start)

    def _keys(self) -> Content:
        bound = keys_by_id([active.binding for active in self.active_bindings.values()])
        told = [("changes.next", "next file"), ("changes.previous", "before"), ("changes.alone", "diff alone")]
        if self._revert is not None:
            told += [("changes.revert", "take back"), ("changes.unrevert", "bring back")]
        told.append(("changes.close", "back"))
        spans: list[str | tuple[str, str]] = []
        for name, words in told:
            if name in bound:
                spans += [(bound[name][0], "bold"), f" {words}  "]
        return Content.assemble(*spans)

    def _diff(self, width: int) -> Block:
        if not self._files:
            words = "What a run over a server changes is listed here after each of its turns."
            return [wrap_text(words, width, "muted")]
        file = self._files[self._at]
        head: list[Line] = [[(clean_line(file.file), "heading/bold")], []]
        if not file.patch:
            return [[*head, [("The server gives no diff of it.", "muted")]]]
        return [head, *diff_block(masked(file.patch), width, indent="")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A replay takes nothing back."""
        return not (action in ("revert", "unrevert") and self._revert is None)

    def action_file(self, step: int) -> None:
        """Go to another file."""
        if 0 <= self._at + step < len(self._files):
            self._at += step
            self._show(from_start=True)

    def on_file_list_chosen(self, message: FileList.Chosen) -> None:
        """A click chose a file."""
        self.action_file(message.index - self._at)

    def action_scroll(self, rows: int) -> None:
        """Scroll the diff."""
        self._sheet.scroll_rows(rows)

    def action_alone(self) -> None:
        """Show the diff alone, or the files beside it again."""
        self.toggle_class("-alone")
        self.call_after_refresh(self._show)

    def action_revert(self) -> None:
        """Take back what was changed since the last prompt, after asking."""
        if self._revert is not None:
            self._revert(undo=False)

    def action_unrevert(self) -> None:
        """Bring back what was taken back."""
        if self._revert is not None:
            self._revert(undo=True)

    def action_close(self) -> None:
        """Go back to the panes."""
        self.dismiss(None)
