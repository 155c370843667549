"""Folding a run's events into what it came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter
from typing import Any

from msgspec import Struct, structs

from octui.client.events import (
    KINDS,
    Event,
    Failure,
    StepFinish,
    StepStart,
    Text,
    Tokens,
    ToolUse,
    Unknown,
    decode_line,
    decode_step_finishes,
)

_SESSION_AT = len('{"type":"step_start","timestamp":1790000000000,')
"""Where opencode 1.18 tells the session of a step; a line that tells it elsewhere is decoded."""

_TEXT_KEY = b'"text":"'

_START, _TEXT, _CALL, _FINISH = (
    bytes([KINDS.index(kind)]) for kind in ("step_start", "text", "tool_use", "step_finish")
)
_IS_START, _IS_TEXT, _IS_FINISH = (
    bytes(kind[0] == number for number in range(256)) for kind in (_START, _TEXT, _FINISH)
)
_NO_STEP = bytes(number for number in range(256) if number not in _START + _FINISH)
_PLAIN = _START + _TEXT + _CALL + _FINISH + bytes([KINDS.index("reasoning")])
"""Lines of any other kind are decoded whole."""

_REASON = attrgetter("reason")


class TokenUsage(Struct, frozen=True):
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
        rejected: What was rejected in a session for want of somebody to ask, in a few words each.
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
    rejected: tuple[str, ...] = ()


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
            case StepFinish() as finish:
                self._finish_step(finish)
            case Failure(name=name, message=message, status=status):
                self.last_status = status
                self.last_error = f"{name}: {message}" if name and name not in message else message

    def feed_lines(self, kinds: bytes, lines: Sequence[bytes]) -> None:
        """Take lines into account, decoding those only of which it is not plain to see what counts.

        Lines that are taken to be plain do not tell of another session; all others do.

        Args:
            kinds: What `skim` says they are.
            lines: As opencode printed them.
        """
        done = 0
        while done < len(lines):
            until = self._plain_until(kinds, lines, done)
            if until > done:
                self._feed_plain(kinds[done:until], lines[done:until])
            if until < len(lines):
                self.feed(decode_line(lines[until]))
            done = until + 1

    def _plain_until(self, kinds: bytes, lines: Sequence[bytes], done: int) -> int:
        """The first of the lines not done that has to be decoded for what it says of itself or of the session."""
        if not self.session_id:
            return done
        odd = kinds[done:].translate(None, _PLAIN)
        until = kinds.find(odd[0], done) if odd else len(kinds)
        if kinds.find(_START, done, until) < 0:
            return until
        told = b'"sessionID":"%b"' % self.session_id.encode()
        spot = slice(_SESSION_AT, _SESSION_AT + len(told))
        is_start = kinds[done:until].translate(_IS_START)
        if {line[spot] for line in compress(lines[done:until], is_start)} <= {told}:
            return until
        return next(start for start in compress(range(done, until), is_start) if lines[start][spot] != told)

    def _feed_plain(self, kinds: bytes, lines: Sequence[bytes]) -> None:
        """Take lines of the one session into account, none of them odd.

        Written for a million lines: what is done for each is done by built-in functions.
        """
        finishes = decode_step_finishes([*compress(lines, kinds.translate(_IS_FINISH))]) if _FINISH in kinds else []
        if finishes is None or not all(map(_REASON, finishes)):
            for line in lines:
                self.feed(decode_line(line))
            return
        self.events += len(lines)
        self._add_up(finishes)
        if steps := kinds.translate(None, _NO_STEP):
            starts = steps.count(_START)
            in_order = steps.count(_FINISH + _START) + (steps.startswith(_START) and not self.open_step)
            self.turns += starts
            self.lost_steps += starts - in_order
            self.open_step = steps.endswith(_START)
        self.tool_calls += kinds.count(_CALL)
        last = max(kinds.rfind(_CALL), kinds.rfind(_START))
        self.answered = (self.answered and last < 0) or (
            kinds.find(_TEXT, last + 1) >= 0
            and any(map(_speaks, compress(lines[last + 1 :], kinds[last + 1 :].translate(_IS_TEXT))))
        )

    def _add_up(self, finishes: Sequence[StepFinish]) -> None:
        """Add tokens and cost of steps that have a reason."""
        if finishes:
            self.last_reason = finishes[-1].reason
            self.tokens += _sum([finish.tokens for finish in finishes])
        for finish in finishes:
            self.cost += finish.cost
            if finish.reason == "stop":
                self.last_error, self.last_status = "", None  # The answer came in spite of it.

    def _start_step(self) -> None:
        self.turns += 1
        self.lost_steps += self.open_step
        self.open_step = True
        self.answered = False

    def _finish_step(self, finish: StepFinish) -> None:
        self.open_step = False
        if not finish.reason and self.answered:
            # Recordings of 2025 have no reasons. A step that ends after answer text has finished.
            finish = structs.replace(finish, reason="stop")
        self._add_up([finish])

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
        return self.lacks_steps(is_over=True)

    def lacks_steps(self, *, is_over: bool) -> bool:
        """Whether tokens and cost are lower bounds; of the step that is open only a run that is over tells no more."""
        return self.lost_steps > 0 or (is_over and self.open_step)


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


def _sum(all_tokens: Iterable[Tokens]) -> TokenUsage:
    total = input = output = reasoning = cache_read = cache_write = 0
    for tokens in all_tokens:
        total += tokens.overall
        input += tokens.input
        output += tokens.output
        reasoning += tokens.reasoning
        cache_read += tokens.cache.read
        cache_write += tokens.cache.write
    return TokenUsage(total, input, output, reasoning, cache_read, cache_write)


def _speaks(line: bytes) -> bool:
    """Whether there is any text in a text line; decoded only where that is not plain to see."""
    start = line.find(_TEXT_KEY)
    first = line[start + len(_TEXT_KEY)] if start >= 0 else 0
    if 0x20 < first < 0x7F and first not in b'"\\':
        return True
    body = decode_line(line).body
    return isinstance(body, Text) and bool(body.text.strip())
