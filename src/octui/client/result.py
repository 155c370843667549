"""Folding a run's events into what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from octui.client.events import (
    Event,
    Failure,
    StepFinish,
    StepStart,
    Text,
    ToolUse,
)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Token counts of a run: the sum over its steps, as opencode counts them."""

    total: int = 0
    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(
            self.total + other.total,
            self.input + other.input,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one ``opencode run`` came to.

    Attributes:
        exit_code: As the process gave it.
        final_text: The assistant's text after its last tool call; empty where it gave none.
        events: The events as opencode printed them, unknown fields kept.
        tool_calls: The ``part`` dicts of all ``tool_use`` events, in order.
        token_usage: Sum over the steps.
        total_cost: Sum over the steps, in US dollars.
        turns: How many steps (answers of the model) began.
        session_id: opencode's session; empty where none was told.
        stderr: What the last attempt wrote to stderr, as text.
    """

    exit_code: int
    final_text: str
    events: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    token_usage: TokenUsage
    total_cost: float
    turns: int
    session_id: str
    stderr: str


@dataclass(slots=True)
class Totals:
    """Running totals of one run, fed one event at a time; what a pane's head and a session's outcome show.

    Feeding the same events always gives the same totals, live or replayed.
    """

    turns: int = 0
    tokens: TokenUsage = field(default_factory=TokenUsage)
    cost: float = 0.0
    tool_calls: int = 0
    session_id: str = ""
    last_error: str = ""
    last_status: int | None = None
    last_reason: str = ""
    open_step: bool = False
    lost_steps: int = 0
    events: int = 0
    _texts: list[str] = field(default_factory=list, compare=False)
    _text_count: int = 0

    @property
    def final_text(self) -> str:
        """The assistant's text after its last tool call or step; empty where it gave none."""
        return "\n".join(self._texts[: self._text_count])

    def feed(self, event: Event) -> None:
        """Take one event into account."""
        self.events += 1
        self.session_id = event.session_id or self.session_id
        match event.body:
            case StepStart():
                self.turns += 1
                self.lost_steps += self.open_step
                self.open_step = True
                self._forget_texts()
            case Text(text=text, reasoning=False):
                self._add_text(text)
            case ToolUse():
                self.tool_calls += 1
                self._forget_texts()
            case StepFinish(reason=reason, cost=cost, tokens=tokens):
                self.open_step = False
                self.last_reason = reason
                if reason == "stop":
                    self.last_error, self.last_status = "", None  # The answer came in spite of it.
                self.cost += cost
                self.tokens += TokenUsage(
                    tokens.total,
                    tokens.input,
                    tokens.output,
                    tokens.reasoning,
                    tokens.cache_read,
                    tokens.cache_write,
                )
            case Failure(name=name, message=message, status=status):
                self.last_status = status
                self.last_error = f"{name}: {message}" if name and name not in message else message

    def _add_text(self, text: str) -> None:
        """Keep a text; a copy of these totals may share the list, and have gone on with it."""
        if len(self._texts) != self._text_count:
            self._texts = self._texts[: self._text_count]
        self._texts.append(text)
        self._text_count += 1

    def _forget_texts(self) -> None:
        if self._text_count:
            self._texts, self._text_count = [], 0

    @property
    def finished(self) -> bool:
        """Whether the model ended its answer of its own will: the last step is closed, with reason ``stop``."""
        return not self.open_step and self.last_reason == "stop"

    @property
    def cost_is_incomplete(self) -> bool:
        """Whether a step began that was never closed, so that its tokens and cost are missing."""
        return self.open_step or self.lost_steps > 0
