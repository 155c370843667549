"""The permission overrides: a row a tool, patterns under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from octui.discovery.queries import Effective
from octui.tui.launch.permissions import (
    Action,
    PatternRow,
    ToolRow,
    default_rows,
    moved_pattern,
    next_action,
    with_pattern,
    without_pattern,
)
from octui.tui.text import clean_line, pad
from octui.tui.widgets.launcher.row_list import Row, RowList

NAME_CELLS = 22
_STYLES = {"inherit": "$text-muted", "allow": "$success", "ask": "$warning", "deny": "$error"}
_REJECTED = "ask, so rejected"
_NOBODY = ("ask  ✗ nobody is asked", "$error")


def inherited_words(found: Effective | None, *, may_ask: bool) -> str:
    """Say what inheriting comes to, such as ``inherit (allow, not *.env)``."""
    if found is None:
        return "inherit"
    words = _REJECTED if found.action == "ask" and not may_ask else found.action
    others = [pattern for pattern, _ in found.exceptions if not pattern.startswith(("/", "~"))]
    if others:
        words += f", {'only' if found.action == 'deny' else 'not'} {' '.join(others)}"
    return f"inherit ({clean_line(words)})"


class PermissionTable(RowList):
    """Inherit, allow, ask or deny for every tool, and patterns, the last that matches winning."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space,enter", "turn(1)", "change", show=False),
        Binding("left", "turn(-1)", "change", show=False),
        Binding("i", "choose('inherit')", "inherit", show=False),
        Binding("a", "choose('allow')", "allow", show=False),
        Binding("s", "choose('ask')", "ask", show=False),
        Binding("d", "choose('deny')", "deny", show=False),
        Binding("p,plus", "add_pattern", "add a pattern", show=False),
        Binding("delete,backspace,x", "remove", "remove the pattern", show=False),
        Binding("shift+up,K", "shift(-1)", "pattern up", show=False),
        Binding("shift+down,J", "shift(1)", "pattern down", show=False),
    ]

    class PatternWanted(Message):
        """A pattern is to be asked for, for a tool."""

        def __init__(self, tool: ToolRow) -> None:
            super().__init__()
            self.tool = tool

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tools = default_rows()
        self._inherited: Mapping[str, Effective] = {}
        self._may_ask = True

    @property
    def tools(self) -> tuple[ToolRow, ...]:
        """The overrides."""
        return self._tools

    def show_tools(self, tools: tuple[ToolRow, ...]) -> None:
        """Show other overrides."""
        self._tools = tools
        self.redraw()

    def show_inherited(self, inherited: Mapping[str, Effective]) -> None:
        """Show what inheriting comes to, by tool."""
        self._inherited = inherited
        self.redraw()

    def show_asking(self, may_ask: bool) -> None:
        """Show whether somebody can be asked; where not, each `ask` is marked."""
        self._may_ask = may_ask
        self.redraw()

    def go_to_ask(self) -> None:
        """Put the cursor on the first row that asks."""
        for place, (index, number) in enumerate(self._places()):
            tool = self._tools[index]
            if (tool.action if number is None else tool.patterns[number].action) == "ask":
                self.cursor = place
                return

    def _value(self, action: Action) -> tuple[str, str]:
        return _NOBODY if action == "ask" and not self._may_ask else (action, _STYLES[action])

    def _places(self) -> list[tuple[int, int | None]]:
        """Row by row: the tool's index, and the pattern's where the row is one."""
        places: list[tuple[int, int | None]] = []
        for index, tool in enumerate(self._tools):
            places.append((index, None))
            places += [(index, number) for number in range(len(tool.patterns))]
        return places

    def rows(self) -> Sequence[Row]:
        """A row a tool and a row a pattern."""
        rows = []
        for index, number in self._places():
            tool = self._tools[index]
            if number is None:
                rows.append(Row(self._tool_line(tool), "+ pattern " if tool.takes_patterns else ""))
            else:
                rows.append(Row(self._pattern_line(tool.patterns[number]), "remove "))
        return rows

    def _tool_line(self, tool: ToolRow) -> Content:
        words, style = self._value(tool.action)
        if tool.action == "inherit":
            words = inherited_words(self._inherited.get(tool.tool), may_ask=self._may_ask)
        name = (pad(f" {clean_line(tool.tool)}", NAME_CELLS), "bold" if tool.is_set else "")
        return Content.assemble(name, (words, style))

    def _pattern_line(self, row: PatternRow) -> Content:
        name = f"   {clean_line(row.pattern)}  "
        return Content.assemble(name if cell_len(name) > NAME_CELLS else pad(name, NAME_CELLS), self._value(row.action))

    def press(self, index: int, x: int, at_action: bool) -> None:
        """A click on the word adds or removes a pattern, one on the value changes it."""
        _, number = self._places()[index]
        if at_action:
            self.action_add_pattern() if number is None else self.action_remove()
        elif x >= NAME_CELLS:
            self.action_turn(1)

    def action_turn(self, step: int) -> None:
        """Change the row's value to the next one."""
        index, number = self._places()[self.cursor]
        tool = self._tools[index]
        action = tool.action if number is None else tool.patterns[number].action
        self.action_choose(next_action(action, step, is_pattern=number is not None, may_ask=self._may_ask))

    def action_choose(self, action: Action) -> None:
        """Set the row's value; a pattern cannot inherit."""
        index, number = self._places()[self.cursor]
        tool = self._tools[index]
        if number is None:
            self._put(index, replace(tool, action=action))
        elif action != "inherit":
            patterns = list(tool.patterns)
            patterns[number] = replace(patterns[number], action=action)
            self._put(index, replace(tool, patterns=tuple(patterns)))

    def action_add_pattern(self) -> None:
        """Ask for a pattern for the tool under the cursor."""
        tool = self._tools[self._places()[self.cursor][0]]
        if tool.takes_patterns:
            self.post_message(self.PatternWanted(tool))
        else:
            self.notify(f"opencode knows no patterns for {tool.tool}: it is decided as a whole.", markup=False)

    def add_pattern(self, name: str, pattern: str) -> None:
        """Add a pattern to a tool, denied at first, and go to it."""
        for index, tool in enumerate(self._tools):
            if tool.tool == name:
                self._put(index, with_pattern(tool, pattern))
                self.cursor = self._places().index((index, len(tool.patterns)))

    def action_remove(self) -> None:
        """Remove the pattern under the cursor."""
        index, number = self._places()[self.cursor]
        if number is not None:
            self._put(index, without_pattern(self._tools[index], number))

    def action_shift(self, step: int) -> None:
        """Move the pattern under the cursor up or down among those of its tool."""
        index, number = self._places()[self.cursor]
        if number is None or not 0 <= number + step < len(self._tools[index].patterns):
            return
        self._put(index, moved_pattern(self._tools[index], number, step))
        self.cursor += step

    def _put(self, index: int, tool: ToolRow) -> None:
        self._tools = (*self._tools[:index], tool, *self._tools[index + 1 :])
        self.redraw()
        self.post_message(self.Changed())
