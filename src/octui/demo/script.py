"""What the scripted model answers: turns, scripts, and prompts that carry their own script (pure).

The turn a request asks for is read off the request itself: it is the number of assistant messages since the prompt
that chose the script. So a request that is repeated gets the same answer again, agents side by side never confuse each
other, and a session that is forked goes on from where it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from octui.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool: its name and its arguments, as the model would give them."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP error in place of an answer.

    Attributes:
        status: The HTTP status, such as 401 or 429.
        message: What the error body says.
        times: How many requests for the turn fail before it is answered; None for all of them.
        retry_after_s: Value of the ``Retry-After`` header, in seconds; None leaves it out.
    """

    status: int
    message: str = "scripted failure"
    times: int | None = None
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts told at the end of an answer."""

    input: int
    output: int
    reasoning: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One answer of the model.

    Attributes:
        text: What it says.
        reasoning: What it thinks before it says it.
        calls: The tools it calls, all in one answer.
        finish: The ``finish_reason``; None for ``tool_calls`` or ``stop``, whichever fits.
        usage: Token counts; None estimates them from the lengths.
        stall_s: Silence before the answer, in seconds.
        pieces: In how many deltas the text is sent.
        pace_s: Wait between those deltas, in seconds.
        failure: An HTTP error in place of the answer.
        cut: Whether the connection breaks after the text, before the answer is complete.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    stall_s: float = 0.0
    pieces: int = 1
    pace_s: float = 0.0
    failure: Failure | None = None
    cut: bool = False

    @property
    def finish_reason(self) -> str:
        """Why the answer ends, in the words of the OpenAI format."""
        return self.finish or ("tool_calls" if self.calls else "stop")

    def text_pieces(self) -> list[str]:
        """The text in at most ``pieces`` deltas of about the same length, none of them empty."""
        size = max(1, -(-len(self.text) // max(1, self.pieces)))
        return [self.text[start : start + size] for start in range(0, len(self.text), size)]


DONE = Turn(text="Done.")
"""What is said once a script has nothing left to say."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request for a completion, as it came.

    Attributes:
        body: The whole JSON body.
    """

    body: Mapping[str, Any] = field(repr=False)

    @property
    def model(self) -> str:
        """The name of the model that was asked."""
        return str(self.body.get("model") or "")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation."""
        return [message for message in self.body.get("messages") or [] if isinstance(message, dict)]

    @property
    def tools(self) -> list[str]:
        """Names of the tools the model was offered; empty for opencode's own requests, such as for a title."""
        offered = self.body.get("tools") or []
        return [str(tool.get("function", {}).get("name", "")) for tool in offered]

    @property
    def wants_title(self) -> bool:
        """Whether this is one of opencode's own requests, which come without tools."""
        return not self.tools

    @property
    def system(self) -> str:
        """The system messages, as one text."""
        return "\n".join(_text_of(message) for message in self.messages if message.get("role") == "system")

    @property
    def prompts(self) -> list[str]:
        """Every user message, to the letter, the last one last."""
        return [_text_of(message) for message in self.messages if message.get("role") == "user"]

    @property
    def prompt(self) -> str:
        """The last user message, to the letter."""
        return self.prompts[-1] if self.prompts else ""

    @property
    def answers(self) -> int:
        """How many answers were given in the whole conversation."""
        return sum(message.get("role") == "assistant" for message in self.messages)

    def answers_since(self, words: str = "") -> int:
        """How many answers were given since the last user message that holds these words."""
        count = 0
        for message in reversed(self.messages):
            if message.get("role") == "user" and words in _text_of(message):
                break
            count += message.get("role") == "assistant"
        return count

    @property
    def tool_results(self) -> list[str]:
        """What the tools answered so far, in order."""
        return [_text_of(message) for message in self.messages if message.get("role") == "tool"]


Turns = Sequence[Turn]
Story = Callable[["Request"], Turns]
"""Turns that depend on what was said: on the tools that are offered, on what they answered so far."""


@dataclass(frozen=True, slots=True)
class Script:
    """The answers to one conversation.

    Attributes:
        marker: The script is for requests whose last user message holds this text, or whose model has this name.
        turns: The answers, in order, or what makes them of a request; after the last one `DONE` is said.
        title: What a request for the session's title is answered with.
        follow_up: What everything is answered with that is asked later in the same conversation. Asked before the turns
            are over, it is said with the last of them.
    """

    marker: str
    turns: Turns | Story
    title: str = "Scripted session"
    follow_up: Turn | None = None

    def is_for(self, request: Request) -> bool:
        """Whether a request is to be answered by this script."""
        if self.marker == request.model:
            return True
        prompts = request.prompts if self.follow_up is not None else [request.prompt]
        return any(self.marker in prompt for prompt in prompts)

    def answer(self, request: Request) -> Turn:
        """The answer to a request."""
        turns = self.turns(request) if callable(self.turns) else self.turns
        if self.follow_up is None:
            number = request.answers_since()
            return turns[number] if number < len(turns) else DONE
        number = request.answers_since(self.marker)
        if number >= len(turns):
            return self.follow_up
        asked_meanwhile = self.marker not in request.prompt and number == len(turns) - 1
        return _both(turns[number], self.follow_up) if asked_meanwhile else turns[number]


def _both(first: Turn, second: Turn) -> Turn:
    return replace(first, text=f"{first.text}\n{second.text}", pieces=first.pieces + second.pieces)


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if isinstance(part, dict) and part.get("type") == "text")
    return content if isinstance(content, str) else ""


_DIRECTIVE = re.compile(r"^(TOOL|ALSO|SAY|THINK|FAIL|STALL|SLOW|FINISH|USAGE|CUT)(?::(.*))?$", re.MULTILINE)


def script_from_prompt(prompt: str) -> Script:
    r"""Read the script that a prompt carries.

    Directives stand at the start of a line; every other line is left alone. They build up one turn, which ``TOOL``
    ends; what comes after the last ``TOOL`` is the final answer::

        TOOL:bash:{"command":"echo hi","description":"x"}   the answer calls this tool
        ALSO:read:{"filePath":"/x"}                         … and this one as well
        SAY:text   SAY:"two\nlines"                         what it says; "Done." where a final answer has none
        SAY:"cut \ud83d"                                   … with half of an emoji in it
        THINK:text                                          what it thinks before
        STALL:2.5                                           seconds of silence before it
        SLOW:20:0.1                                         its text in 20 deltas, 0.1 seconds apart
        FAIL:401   FAIL:503:2   FAIL:429:1:1                HTTP error: always; twice; once, with Retry-After 1 s
        FINISH:length                                       its finish_reason
        USAGE:1200:80   USAGE:1200:80:30:900                tokens: input, output, reasoning, cached
        CUT                                                 the connection breaks after the text

    Raises:
        ConfigError: A directive that cannot be understood.
    """
    turns: list[Turn] = []
    current = Turn()
    said = False
    for match in _DIRECTIVE.finditer(prompt):
        word, value = match[1], match[2] or ""
        try:
            if word == "TOOL":
                turns.append(replace(current, calls=(_tool_call(value),)))
                current, said = Turn(), False
            elif word == "ALSO":
                turns[-1] = replace(turns[-1], calls=(*turns[-1].calls, _tool_call(value)))
            else:
                current = _apply(current, word, value)
                said = said or word == "SAY"
        except (ValueError, TypeError, IndexError) as error:
            raise ConfigError(f"The scripted model cannot follow {match[0]!r}: {error}.") from error
    return Script("", (*turns, current if said else replace(current, text=DONE.text)))


def _apply(turn: Turn, word: str, value: str) -> Turn:
    if word == "SAY":
        return replace(turn, text=json.loads(value) if value.startswith('"') else value)
    if word == "THINK":
        return replace(turn, reasoning=value)
    if word == "STALL":
        return replace(turn, stall_s=float(value))
    if word == "SLOW":
        pieces, pace = value.split(":")
        return replace(turn, pieces=int(pieces), pace_s=float(pace))
    if word == "FAIL":
        status, *rest = (int(number) for number in value.split(":"))
        return replace(turn, failure=Failure(status, f"scripted failure {status}", *rest))
    if word == "FINISH":
        return replace(turn, finish=value)
    if word == "USAGE":
        return replace(turn, usage=Usage(*(int(number) for number in value.split(":"))))
    return replace(turn, cut=True)


def _tool_call(value: str) -> ToolCall:
    name, _, arguments = value.partition(":")
    return ToolCall(name, json.loads(arguments))
