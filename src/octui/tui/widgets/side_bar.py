"""What stands beside a zoomed run: todos, changed files, steps with their cost, what it was started with, stderr."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from octui.recording.session import RunMeta
from octui.tui import format as fmt
from octui.tui.digest import Digest
from octui.tui.glyphs import Glyphs
from octui.tui.palette import Palette
from octui.tui.render.lines import Line, justify, width_of, wrap_text
from octui.tui.render.worktree import changes_spans, check_spans
from octui.tui.requests import masked
from octui.tui.text import clean, clean_line, cut_middle, cut_path
from octui.tui.view import RunView
from octui.tui.widgets.drawn import Drawn

STEPS_SHOWN = 12
STDERR_LINES = 8
SHORT_COMMIT = 10
_WIDE = 30
LEAST_WIDTH = 12


class SideBar(Drawn):
    """The zoomed run's details, from its digest."""

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(palette, ground="surface", id="side-bar")
        self.glyphs = glyphs

        self._shown: tuple[RunView, Digest, RunMeta, str] | None = None

    def show(self, run: RunView, digest: Digest, meta: RunMeta, stderr: str) -> None:
        """Draw the details, as soon as there is room for them."""
        self._shown = run, digest, meta, stderr
        self._compose_lines()

    def on_resize(self) -> None:
        """Compose the details for the new width."""
        self._compose_lines()

    def _compose_lines(self) -> None:
        if self._shown is None or self.size.width < LEAST_WIDTH:
            return  # It has just come into sight, and gets its size with the next layout.
        lines = side_lines(*self._shown, self.size.width - 2, self.glyphs)
        self.show_lines([[(" ", "text"), *line] for line in lines])


def side_lines(run: RunView, digest: Digest, meta: RunMeta, stderr: str, width: int, glyphs: Glyphs) -> list[Line]:
    """Compose the side bar's lines, ``width`` cells wide."""
    lines: list[Line] = []
    usage = run.totals.tokens
    if digest.todos:
        done = sum(status == "completed" for status, _ in digest.todos)
        _heading(lines, "Todos", f"{done}/{len(digest.todos)}", width)
        for status, content in digest.todos:
            sign = glyphs.todo.get(status, glyphs.todo["pending"])
            role = "muted" if status in ("completed", "cancelled") else "text"
            rows = wrap_text(content, width, role, indent="  ")
            rows[0] = [(f"{sign} ", "accent" if status == "in_progress" else role), *rows[0][1:]]
            lines += rows
    _worktree(lines, run, meta, width, glyphs)
    if digest.files:
        _heading(lines, "Files changed", str(len(digest.files)), width)
        for path, (added, removed) in digest.files.items():
            right: Line = [(f"+{added}", "added"), (" ", "text"), (f"{glyphs.minus}{removed}", "removed")]
            shown = cut_path(path, max(6, width - width_of(right) - 1), glyphs.ellipsis)
            lines.append(justify([(shown, "text")], right, width))
    _heading(lines, "Tokens", fmt.tokens(usage.total), width)
    for label, count in (
        ("input", usage.input),
        ("output", usage.output),
        ("reasoning", usage.reasoning),
        ("cache read", usage.cache_read),
        ("cache written", usage.cache_write),
    ):
        if count:
            lines.append(justify([(label, "muted")], [(fmt.tokens(count), "text")], width))
    lines.append(justify([("cost", "muted")], [(fmt.cost(run.totals.cost, incomplete=run.incomplete), "text")], width))
    if digest.steps:
        _heading(lines, "Steps", str(len(digest.steps)), width)
        left_out = max(0, len(digest.steps) - STEPS_SHOWN)
        if left_out:
            lines.append([(f"{glyphs.ellipsis} {left_out} before", "faint")])
        for number, step in enumerate(digest.steps[left_out:], left_out + 1):
            tools = fmt.plural(step.tools, "tool") if step.tools else step.reason or "open"
            tools = tools if width >= _WIDE else ""
            figures = f"{fmt.tokens(step.tokens):>6} {fmt.cost(step.cost):>8}" if step.reason else "no end yet"
            lines.append(justify([(f"{number:>2}  {tools}", "muted")], [(figures, "text")], width))
    _heading(lines, "Started with", "", width)
    started = (("model", meta.model), ("agent", meta.agent), ("workspace", meta.workspace))
    for label, value in started:
        if value:
            shown = cut_path(clean_line(str(value)), width - len(label) - 2, glyphs.ellipsis)
            lines.append(justify([(label, "muted")], [(shown, "text")], width))
    for label, value in _in_force(run, meta):
        shown = cut_middle(value, width - len(label) - 2, glyphs.ellipsis)
        lines.append(justify([(label, "muted")], [(shown, "accent")], width))
    for key, value in meta.overrides.items():
        if isinstance(value, bool | str):
            lines.append(justify([(key, "muted")], [(clean_line(_override(value)), "text")], width))
        else:
            lines.append([(key, "muted")])
            lines += wrap_text(_override(value), width, "text", indent="  ")
    _permissions(lines, run, width)
    if stderr.strip():
        _heading(lines, "stderr", "", width)
        for row in clean(stderr).strip().split("\n")[-STDERR_LINES:]:
            lines += wrap_text(row, width, "diagnostic")
    return lines


def _permissions(lines: list[Line], run: RunView, width: int) -> None:
    """What its agent may do, the last match winning, and where that comes from."""
    found = run.status.permissions
    if found is None:
        return
    _heading(lines, "Permissions", clean_line(found.agent), width)
    for rule in found.rules:
        tool = rule.tool if rule.pattern == "*" else f"{rule.tool} {rule.pattern}"
        lines.append(justify([(clean_line(tool), "text")], [(clean_line(rule.action), "accent")], width))
        lines += wrap_text(clean_line(rule.source) or "override of this run", width, "muted", indent="  ")


def _worktree(lines: list[Line], run: RunView, meta: RunMeta, width: int, glyphs: Glyphs) -> None:
    """The worktree, its branch and base, what was changed there, the check, and what was done with it."""
    status = run.status
    made = status.worktree
    if made is not None:
        settled = str(status.settled or "")
        _heading(lines, "Worktree", "unchanged" if settled == "empty" else settled, width)
        base = f"{made.base_name} {made.base[:SHORT_COMMIT]}".strip()
        path = made.path if status.has_worktree else "removed"
        for label, value in (("branch", made.branch), ("base", base), ("path", path)):
            shown = cut_path(clean_line(value), width - len(label) - 2, glyphs.ellipsis)
            lines.append(justify([(label, "muted")], [(shown, "text")], width))
        changes = changes_spans(status, glyphs) or [("none so far", "muted")]
        lines.append(justify([("changes", "muted")], changes, width))
        for note in made.notes:
            lines += wrap_text(note, width, "muted")
    if status.setting_up is not None:
        lines += wrap_text(f"sets up: {status.setting_up.command}", width, "text")
    if meta.check:
        lines.append(justify([("check", "muted")], check_spans(status, glyphs) or [("not yet", "muted")], width))
        lines += wrap_text(masked(meta.check), width, "muted", indent="  ")


def _in_force(run: RunView, meta: RunMeta) -> list[tuple[str, str]]:
    """The model and the agent at work, where they are others than those the run was started with."""
    found = []
    if run.model and run.model != clean_line(PurePath(meta.model).name):
        found.append(("model now", run.model))
    if run.agent and run.agent != clean_line(meta.agent):
        found.append(("agent now", run.agent))
    return found


def _override(value: Any) -> str:
    """An override on a line a pattern: ``bash = deny``; anything deeper as JSON."""
    if isinstance(value, Mapping):
        return "\n".join(f"{key} = {_as_json(part)}" for key, part in value.items())
    return _as_json(value)


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _heading(lines: list[Line], words: str, figure: str, width: int) -> None:
    if lines:
        lines.append([])
    lines.append(justify([(words, "heading/bold")], [(figure, "muted")] if figure else [], width))
