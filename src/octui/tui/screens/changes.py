"""What a run changed, or how the changes of two differ, file by file; and what is to become of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Static

from octui.client.serve.events import FileDiff
from octui.recording.session import Session
from octui.tui.changes import Changes, Source, in_thread
from octui.tui.format import plural
from octui.tui.glyphs import Glyphs
from octui.tui.keys import key_name
from octui.tui.palette import Palette
from octui.tui.render.diffs import diff_block
from octui.tui.render.lines import Line, justify, wrap_text
from octui.tui.render.long_text import Block
from octui.tui.render.side_by_side import side_by_side
from octui.tui.requests import masked
from octui.tui.screens.settling import Settler
from octui.tui.screens.text_screen import Sheet
from octui.tui.text import clean_line, cut, cut_path, pad
from octui.tui.widgets.bars import keys_by_id, keys_content
from octui.tui.widgets.drawn import Drawn

if TYPE_CHECKING:
    from octui.tui.app import OctuiApp

LOOK_AGAIN_S = 1.0
_PAGE = 10
_LOOKED_AT = 20_000
_STATUS_WORDS = {"added": "new", "deleted": "deleted"}


NARROW = 100
"""In fewer columns the files stand above the diff."""

MOST_ROWS_ABOVE = 8
SIDE_BY_SIDE = 120
"""From so many columns on, two runs stand side by side."""


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
        self.is_above = False
        """Whether it stands above the diff instead of on its left."""

    def show(self, files: Sequence[FileDiff], selected: int) -> None:
        """Draw these files; the selected one stays in sight."""
        self.selected = selected
        width = max(8, self.size.width - 3)
        height = max(1, self.size.height - self.is_above)
        self.lines = [self._file_line(file, width) for file in files]
        if not self.top <= selected < self.top + height:
            self.top = max(0, min(selected, len(self.lines) - height))
        self.refresh()

    def _file_line(self, file: FileDiff, width: int) -> Line:
        word = _STATUS_WORDS.get(file.status, "")
        right: Line = [(f"{word} ", "muted")] if word else []
        if is_binary(file):
            right.append(("no text", "muted"))
        else:
            right += [(f"+{file.additions}", "added"), (" ", "text")]
            right.append((f"{self.glyphs.minus}{file.deletions}", "removed"))
        room = width - sum(len(text) for text, _ in right) - 1
        return justify([(cut_path(clean_line(file.file), max(6, room), self.glyphs.ellipsis), "text")], right, width)

    def render_line(self, y: int) -> Strip:
        """Draw one file; the selected one stands on a ground of its own, behind a bar."""
        index = y + self.top
        line = self.lines[index] if index < len(self.lines) else []
        chosen = index == self.selected and bool(line)
        row: Line = [(self.glyphs.bar if chosen else " ", "accent"), *line]
        ground = "selected-ground" if chosen else "background"
        if self.is_above:
            last = y == self.size.height - 1
            rule: Line = [(self.glyphs.rule * self.size.width, "border")]
            return self.palette.strip(rule if last else row, self.size.width, "background" if last else ground)
        width = self.size.width - 1
        edge = self.palette.strip([(self.glyphs.vertical, "border")], 1)
        return Strip([*self.palette.strip(row, width, ground), *edge], width + 1)

    def on_click(self, event: events.Click) -> None:
        """Choose the file that was clicked."""
        event.stop()
        if event.y + self.top < len(self.lines):
            self.post_message(self.Chosen(event.y + self.top))


class ChangesScreen(Screen[None]):
    """Shows the files that differ beside the diff of one of them.

    Args:
        source: Gives what differs.
        palette: The colours.
        glyphs: What to draw with.
        revert: Takes back what a run over a server changed last; None where that cannot be, as in a replay.
        settled: The run, its session, and what to call once it was settled; None where there is nothing to settle.
    """

    app: OctuiApp
    CSS_PATH = "changes.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "file(1)", "next file", id="changes.next"),
        Binding("k", "file(-1)", "file before", id="changes.previous"),
        Binding("down", "scroll(1)", "down", id="changes.down"),
        Binding("up", "scroll(-1)", "up", id="changes.up"),
        Binding("pagedown,space", f"scroll({_PAGE})", "page down", id="changes.page_down"),
        Binding("pageup", f"scroll(-{_PAGE})", "page up", id="changes.page_up"),
        Binding("enter", "alone", "the diff alone", id="changes.alone"),
        Binding("a", "settle('apply')", "apply", id="changes.apply", tooltip="Bring it into your working tree."),
        Binding("c", "settle('commit')", "commit", id="changes.commit", tooltip="Commit it on its branch."),
        Binding("b", "settle('keep')", "keep the branch", id="changes.keep", tooltip="Keep the branch alone."),
        Binding("x", "settle('discard')", "discard", id="changes.discard", tooltip="Remove worktree and branch."),
        Binding("u", "revert", "take back", id="changes.revert"),
        Binding("U", "unrevert", "bring back", id="changes.unrevert"),
        Binding("escape,q,d,D", "close", "back", id="changes.close"),
    ]

    def __init__(
        self,
        source: Source,
        palette: Palette,
        glyphs: Glyphs,
        *,
        revert: Revert | None = None,
        settled: tuple[str, Session, Callable[[], None]] | None = None,
    ) -> None:
        super().__init__()
        self._source = source
        self._revert = revert
        self._run = settled[0] if settled is not None else ""
        self._settler = Settler(self, *settled[1:]) if settled is not None else None
        self._found: Changes | None = None
        self._mark: object = object()
        self._at = 0
        self.glyphs = glyphs
        self._list = FileList(palette, glyphs)
        self._sheet = Sheet(self._diff, palette, ground="background")

    @property
    def _files(self) -> Sequence[FileDiff]:
        return self._found.files if self._found is not None else ()

    def compose(self) -> ComposeResult:
        """The sums, the files, the diff, the keys."""
        yield Static("", id="changes-title", markup=False)
        with Container(id="changes-body"):
            yield self._list
            yield self._sheet
        yield Static("", id="changes-hint", markup=False)

    def on_mount(self) -> None:
        """Find out what differs, and look again whether there is more."""
        self.set_interval(LOOK_AGAIN_S, self._look)
        self.call_after_refresh(self._show)
        self._look()

    def on_resize(self, event: events.Resize) -> None:
        """Lay everything out anew, once the parts have their sizes."""
        self._list.is_above = event.size.width < NARROW
        self.set_class(self._list.is_above, "-narrow")
        self._size_list(event.size.width)
        self.call_after_refresh(self._show)

    def _size_list(self, width: int) -> None:
        if self._list.is_above:
            self._list.styles.width = "1fr"
            self._list.styles.height = min(MOST_ROWS_ABOVE, max(1, len(self._files))) + 1
        else:
            self._list.styles.width = max(24, min(32, width // 4) if self._source.sides else min(44, width // 3))
            self._list.styles.height = "1fr"

    def _look(self) -> None:
        """Load what differs where it may be something else by now."""
        mark = self._source.mark()
        if mark != self._mark:
            self._mark = mark
            self.call_after_refresh(self._show_keys)
            self.run_worker(self._load(), group="load", exclusive=True, exit_on_error=False)

    async def _load(self) -> None:
        found = await in_thread(self._source.load)
        if found == self._found:
            return
        name = self._files[self._at].file if self._files else ""
        self._found = found
        self._at = next((at for at, file in enumerate(found.files) if file.file == name), 0)
        is_other = not self._files or self._files[self._at].file != name
        self._size_list(self.size.width)
        self.call_after_refresh(self._show, from_start=is_other)

    def _show(self, *, from_start: bool = False) -> None:
        self.query_one("#changes-title", Static).update(self._title())
        self._show_keys()
        self._list.show(self._files, self._at)
        self._sheet.recompose_block(from_start=from_start)

    def _show_keys(self) -> None:
        self.query_one("#changes-hint", Static).update(self._keys())

    def _title(self) -> Content:
        title = self._source.title
        if self._found is None:
            return Content(f"{title} is looked at")
        if not self._files:
            return Content(f"{title}: no difference" if self._source.sides else f"{title} has changed nothing")
        added, removed = sum(file.additions for file in self._files), sum(file.deletions for file in self._files)
        sums = f"{plural(len(self._files), 'file')}, +{added} {self.glyphs.minus}{removed}"
        told = f"{title}: {sums}" if self._source.sides else f"{title} changed {sums}"
        return Content.assemble(told, (f"   {self._found.note}", "not bold $role-muted") if self._found.note else "")

    def _keys(self) -> Content:
        bound = keys_by_id([active.binding for active in self.active_bindings.values()])
        beside = " ".join(bound[name][0] for name in ("changes.next", "changes.previous") if name in bound)
        told = [("changes.alone", "alone")]
        told += [("changes.apply", "apply"), ("changes.commit", "commit"), ("changes.keep", "keep")]
        told += [("changes.discard", "discard"), ("changes.revert", "take back"), ("changes.unrevert", "bring back")]
        back = bound.get("changes.close", [""])[0]
        return keys_content(
            [(beside, "file"), *((bound.get(name, [""])[0], words) for name, words in told)],
            back,
            self.size.width - 2,
            key_name(self.app.keys_of("app.help")[0]),
        )

    def _diff(self, width: int) -> Block:
        if self._found is None:
            return []
        if not self._files:
            return [wrap_text(self._found.note or self._source.empty, width, "muted")]
        file = self._files[self._at]
        sides = self._source.sides if self.size.width >= SIDE_BY_SIDE else None
        head: list[Line] = [[(clean_line(file.file), "heading/bold")], []]
        if sides is not None:
            half = (width - 3) // 2
            names: Line = [(pad(sides[0], half), "muted"), (" │ ", "border"), (cut(sides[1], half), "muted")]
            head = [head[0], names]
        elif self._source.sides is not None:
            head = [head[0], [("- ", "removed"), (self._source.sides[0], "muted"), ("  + ", "added")], []]
            head[1].append((self._source.sides[1], "muted"))
        if not file.patch:
            return [[*head, [("There is no diff of it: the server told none, or all are too long.", "muted")]]]
        if is_binary(file):
            return [[*head, [("It is no text.", "muted")]]]
        patch = masked(file.patch)
        return [head, *(diff_block(patch, width, indent="") if sides is None else side_by_side(patch, width))]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A replay takes nothing back, and only what is in a worktree is settled, as far as that can still be done."""
        if action == "settle":
            return self._settler is not None and parameters[0] in self._settler.can_be(self._run)
        return not (action in ("revert", "unrevert") and self._revert is None)

    def action_settle(self, how: str) -> None:
        """Apply, commit, keep or discard it."""
        if self._settler is not None:
            getattr(self._settler, how)(self._run)

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


def is_binary(file: FileDiff) -> bool:
    """Whether git says that a file holds no text."""
    return not file.additions and not file.deletions and "\nBinary files " in file.patch[:_LOOKED_AT]
