"""What a zoomed run's side bar tells: its steps, todos and changed files; a fold that catches up in slices of time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from octui.client.events import StepFinish, StepStart, ToolUse
from octui.tui.render.diffs import changes_of
from octui.tui.render.tools import todos_of
from octui.tui.text import clean_line
from octui.tui.view import SessionView


@dataclass(slots=True)
class Step:
    """One step: its tokens, its cost in US dollars, its tool calls; ``reason`` is empty while it is open."""

    tokens: int = 0
    cost: float = 0.0
    tools: int = 0
    reason: str = ""


@dataclass(slots=True)
class Digest:
    """The fold over the visible events of a run."""

    view: SessionView
    run: str
    steps: list[Step] = field(default_factory=list)
    todos: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    _fed: int = 0

    def advance(self, budget_s: float = 0.008) -> bool:
        """Take in visible events for at most ``budget_s`` seconds; give whether anything changed."""
        target = self.view.visible(self.run)
        if target < self._fed:
            self.steps, self.todos, self.files, self._fed = [], [], {}, 0
        if target == self._fed:
            return False
        log = self.view.log(self.run)
        stop = time.perf_counter() + budget_s
        while self._fed < target:
            if log.kind(self._fed) in ("step_start", "step_finish", "tool_use"):
                self._feed(self.view.event(self.run, self._fed).body)
            self._fed += 1
            if time.perf_counter() > stop:
                break
        return True

    def _feed(self, body: object) -> None:
        match body:
            case StepStart():
                self.steps.append(Step())
            case StepFinish(reason=reason, cost=cost, tokens=tokens):
                step = self._step()
                step.tokens, step.cost, step.reason = tokens.overall, cost, clean_line(reason)
            case ToolUse():
                self._step().tools += 1
                if body.tool == "todowrite" and body.status == "completed":
                    self.todos = todos_of(body)
                for change in changes_of(body):
                    path = clean_line(change.path) or "?"
                    added, removed = self.files.get(path, (0, 0))
                    self.files[path] = (added + change.additions, removed + change.deletions)

    def _step(self) -> Step:
        if not self.steps:
            self.steps.append(Step())
        return self.steps[-1]
