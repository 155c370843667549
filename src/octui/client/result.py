"""Folding a run's events into what it came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from octui.client.events import (
    Event,
    Failure,
    StepFinish,
    StepStart,
    Text,
    Tokens,
    ToolUse,
    Unknown,
    decode_line,
    decode_step_finish,
)

_HEAD_BYTES = 128
"""A line's session stands within so many bytes of its begin."""

_TEXT_KEY = b'"text":"'


class TokenUsage(Struct, frozen=True):
    """Token counts of a run: the sum over its steps, as opencode counts them."""

    total: int = 0
    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: TokenUsage | Tokens) -> TokenUsage:
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

    Attributes:
        answered: Whether there is any text of the assistant after its last tool call or start of a step.
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
    answered: bool = False

    def feed(self, event: Event) -> None:
        """Take one event into account."""
        self.events += 1
        self.session_id = event.session_id or self.session_id
        match event.body:
            case StepStart():
                self._start_step()
            case Text(text=text, reasoning=False):
                self.answered = self.answered or bool(text.strip())
            case ToolUse() | Unknown(type="tool_use"):
                self._call_tool()
            case StepFinish(reason=reason, cost=cost, tokens=tokens):
                self._finish_step(reason, cost, tokens)
            case Failure(name=name, message=message, status=status):
                self.last_status = status
                self.last_error = f"{name}: {message}" if name and name not in message else message

    def feed_lines(self, kinds: Iterable[str], lines: Iterable[bytes]) -> None:
        """Take lines into account, decoding those only of which it is not plain to see what counts.

        Written for a million lines: what is done for each is done here, not in methods.

        Args:
            kinds: What `skim` says they are.
            lines: As opencode printed them.
        """
        light = 0
        session = self.session_id.encode()
        for kind, line in zip(kinds, lines, strict=True):
            if kind == "tool_use" and session:
                self.tool_calls += 1
                self.answered = False
            elif kind == "step_finish" and session:
                if (finish := decode_step_finish(line)) is not None:
                    self._finish_step(finish.reason, finish.cost, finish.tokens)
            elif kind == "text" and session and (self.answered or _speaks(line)):
                self.answered = True
            elif kind == "step_start" and session and session in line[:_HEAD_BYTES]:
                self._start_step()
            else:
                self.feed(decode_line(line))
                session = self.session_id.encode()
                continue
            light += 1
        self.events += light

    def _start_step(self) -> None:
        self.turns += 1
        self.lost_steps += self.open_step
        self.open_step = True
        self.answered = False

    def _finish_step(self, reason: str, cost: float, tokens: Tokens) -> None:
        self.open_step = False
        self.last_reason = reason
        if reason == "stop":
            self.last_error, self.last_status = "", None  # The answer came in spite of it.
        self.cost += cost
        self.tokens += tokens

    def _call_tool(self) -> None:
        self.tool_calls += 1
        self.answered = False

    @property
    def finished(self) -> bool:
        """Whether the model ended its answer of its own will: the last step is closed, with reason ``stop``."""
        return not self.open_step and self.last_reason == "stop"

    @property
    def cost_is_incomplete(self) -> bool:
        """Whether a step began that was never closed, so that its tokens and cost are missing."""
        return self.open_step or self.lost_steps > 0


def final_text(newest_first: Iterable[bytes]) -> str:
    """Give the assistant's text after its last tool call or start of a step; empty where it gave none.

    Args:
        newest_first: The run's lines, from the last to the first; no more of them are read than needed.
    """
    texts: list[str] = []
    for line in newest_first:
        body = decode_line(line).body
        if isinstance(body, ToolUse | StepStart):
            break
        if isinstance(body, Text) and not body.reasoning:
            texts.append(body.text)
    return "\n".join(reversed(texts))


def _speaks(line: bytes) -> bool:
    """Whether a text line's text plainly begins with a letter, digit or sign; False where only decoding tells."""
    start = line.find(_TEXT_KEY)
    first = line[start + len(_TEXT_KEY)] if start >= 0 else 0
    return 0x20 < first < 0x7F and first not in b'"\\'
