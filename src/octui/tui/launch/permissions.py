"""Permission overrides as rows of a table: a tool, what it may, and patterns under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from octui.client.compat import KNOWN_TOOLS, TOOLS_WITHOUT_PATTERNS
from octui.client.config import PermissionValue

Action = Literal["inherit", "allow", "ask", "deny"]
PATTERN_ACTIONS: tuple[Action, ...] = ("allow", "ask", "deny")

ANY_TOOL = "*"


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern under a tool, such as ``git push *``."""

    pattern: str
    action: Action


@dataclass(frozen=True, slots=True)
class ToolRow:
    """What a tool may: one word for all it does, and patterns, of which the last that matches wins."""

    tool: str
    action: Action = "inherit"
    patterns: tuple[PatternRow, ...] = ()

    @property
    def is_set(self) -> bool:
        """Whether the row overrides anything."""
        return self.action != "inherit" or bool(self.patterns)

    @property
    def takes_patterns(self) -> bool:
        """Whether opencode takes patterns for this tool; given one where it does not, it refuses the whole config."""
        return self.tool not in TOOLS_WITHOUT_PATTERNS

    @property
    def asks(self) -> bool:
        """Whether it, or a pattern of it, is `ask`."""
        return "ask" in (self.action, *(pattern.action for pattern in self.patterns))


def next_action(action: Action, step: int, *, is_pattern: bool, may_ask: bool) -> Action:
    """Give the value that comes so many steps after another; a pattern cannot inherit."""
    values: tuple[Action, ...] = PATTERN_ACTIONS if is_pattern else ("inherit", *PATTERN_ACTIONS)
    values = tuple(value for value in values if may_ask or value in (action, "inherit", "allow", "deny"))
    return values[(values.index(action) + step) % len(values)]


def default_rows() -> tuple[ToolRow, ...]:
    """A row for every tool opencode knows, nothing overridden."""
    return tuple(ToolRow(tool) for tool in KNOWN_TOOLS)


def complete_rows(rows: Iterable[ToolRow]) -> tuple[ToolRow, ...]:
    """Add the known tools that have no row.

    Rows come in the order of the table, unless one's name is a wildcard: it also speaks of the tools after which it
    stands, so rows then keep their order, with those added after them.
    """
    given = {row.tool: row for row in rows}
    if any(ANY_TOOL in tool for tool in given):
        return (*given.values(), *(ToolRow(tool) for tool in KNOWN_TOOLS if tool not in given))
    known = [given.pop(tool, ToolRow(tool)) for tool in KNOWN_TOOLS]
    return (*known, *given.values())


def rows_to_permission(rows: Iterable[ToolRow]) -> dict[str, PermissionValue]:
    """Give the rows as `RunConfig.permission`; rows that inherit are left out.

    A tool's own word comes first in its map, so that the patterns after it win.
    """
    permission: dict[str, PermissionValue] = {}
    for row in rows:
        if not row.is_set:
            continue
        if not row.patterns:
            permission[row.tool] = row.action
            continue
        rules = {} if row.action == "inherit" else {ANY_TOOL: str(row.action)}
        for pattern in row.patterns:
            rules.pop(pattern.pattern, None)
            rules[pattern.pattern] = pattern.action
        permission[row.tool] = rules
    return permission


def rows_from_permission(permission: PermissionValue | Mapping[str, PermissionValue]) -> tuple[ToolRow, ...]:
    """Give `RunConfig.permission` as the rows of the table.

    Raises:
        ValueError: It holds a word other than ``allow``, ``ask`` and ``deny``.
    """
    if isinstance(permission, str):
        return complete_rows([ToolRow(ANY_TOOL, _action(permission))])
    rows = []
    for tool, value in permission.items():
        if isinstance(value, str):
            rows.append(ToolRow(tool, _action(value)))
            continue
        patterns = [PatternRow(pattern, _action(action)) for pattern, action in value.items()]
        leads = bool(patterns) and patterns[0].pattern == ANY_TOOL
        action: Action = patterns[0].action if leads else "inherit"
        rows.append(ToolRow(tool, action, tuple(patterns[1:] if leads else patterns)))
    return complete_rows(rows)


def _action(word: str) -> Action:
    for action in PATTERN_ACTIONS:
        if word == action:
            return action
    raise ValueError(f"A permission is `allow`, `ask` or `deny`, not `{word}`.")


def check_pattern(row: ToolRow, pattern: str) -> str:
    """Say in a sentence what is wrong with a new pattern; empty where it is right."""
    if not pattern.strip():
        return "A pattern needs at least a character, such as `git push *`."
    if not row.takes_patterns:
        return f"opencode knows no patterns for {row.tool}: it is decided as a whole."
    if any(known.pattern == pattern for known in row.patterns):
        return f"`{pattern}` is there already."
    return ""


def with_pattern(row: ToolRow, pattern: str, action: Action = "deny") -> ToolRow:
    """Give the row with one more pattern at its end, where it wins."""
    return replace(row, patterns=(*row.patterns, PatternRow(pattern, action)))


def without_pattern(row: ToolRow, index: int) -> ToolRow:
    """Give the row without its pattern number ``index``, from 0."""
    return replace(row, patterns=row.patterns[:index] + row.patterns[index + 1 :])


def moved_pattern(row: ToolRow, index: int, step: int) -> ToolRow:
    """Give the row with a pattern moved up (-1) or down (1); unchanged at the ends."""
    target = index + step
    if not 0 <= target < len(row.patterns):
        return row
    patterns = list(row.patterns)
    patterns[index], patterns[target] = patterns[target], patterns[index]
    return replace(row, patterns=tuple(patterns))
