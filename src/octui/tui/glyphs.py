"""The signs octui draws with, in Unicode and in plain ASCII, and the words and styles of states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from octui.recording.facts import RunState
from octui.recording.status import RunStatus


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; every sign is one cell wide."""

    states: Mapping[RunState, str]
    attention: str
    closed: str
    opened: str
    denied: str
    ok: str
    failed: str
    separator: str
    ellipsis: str
    rule: str
    bar: str
    prompt: str
    bullet: str
    up: str
    down: str
    corners: str
    horizontal: str
    vertical: str
    todo: Mapping[str, str]
    sparks: str
    play: str
    pause: str
    minus: str
    thumb: str
    play_bar: str
    play_head: str
    arrows: str


UNICODE = Glyphs(
    states={
        RunState.QUEUED: "○",
        RunState.STARTING: "◔",
        RunState.RUNNING: "●",
        RunState.RETRYING: "↻",
        RunState.SUCCEEDED: "✓",
        RunState.FAILED: "✗",
        RunState.STOPPED: "■",
        RunState.TIMED_OUT: "⧖",
    },
    attention="◆",
    closed="▸",
    opened="▾",
    denied="⊘",
    ok="✓",
    failed="✗",
    separator="·",
    ellipsis="…",
    rule="─",
    bar="▌",
    prompt="❯",
    bullet="•",
    up="↑",
    down="↓",
    corners="╭╮╰╯",
    horizontal="─",
    vertical="│",
    todo={"completed": "✓", "in_progress": "◐", "cancelled": "✗", "pending": "○"},
    sparks=" ▁▂▃▄▅▆▇█",
    play="▶",
    pause="‖",
    minus="−",
    thumb="▐",
    play_bar="━",
    play_head="●",
    arrows="←→",
)

ASCII = Glyphs(
    states={
        RunState.QUEUED: "o",
        RunState.STARTING: ".",
        RunState.RUNNING: "*",
        RunState.RETRYING: "~",
        RunState.SUCCEEDED: "+",
        RunState.FAILED: "x",
        RunState.STOPPED: "#",
        RunState.TIMED_OUT: "T",
    },
    attention="!",
    closed=">",
    opened="v",
    denied="/",
    ok="+",
    failed="x",
    separator="-",
    ellipsis="~",
    rule="-",
    bar="|",
    prompt=">",
    bullet="*",
    up="^",
    down="v",
    corners="++++",
    horizontal="-",
    vertical="|",
    todo={"completed": "x", "in_progress": "/", "cancelled": "-", "pending": " "},
    sparks=" .:-=+*#@",
    play=">",
    pause="=",
    minus="-",
    thumb="#",
    play_bar="=",
    play_head="O",
    arrows="<>",
)


def choose(*, ascii_only: bool) -> Glyphs:
    """Give the signs in ASCII or in Unicode."""
    return ASCII if ascii_only else UNICODE


def needs_you(status: RunStatus) -> bool:
    """Whether a run waits for an answer, or has another open reason to be looked at."""
    return bool(status.requests or status.attention)


def state_glyph(status: RunStatus, glyphs: Glyphs) -> str:
    """Give the sign of a run's state; a run that needs a person shows that first."""
    return glyphs.attention if needs_you(status) else glyphs.states[status.state]


def state_role(status: RunStatus) -> str:
    """Name the style of a run's state."""
    return "state-attention" if needs_you(status) else f"state-{status.state.replace('_', '-')}"


def state_words(status: RunStatus) -> str:
    """Say a run's state in a word or two, with the attempt where there is more than one."""
    if status.requests:
        return "needs you"
    words = status.state.replace("_", " ")
    if status.state is RunState.RETRYING:
        words += f" {status.attempt}/{status.attempts_allowed}"
    return f"{words}, needs you" if needs_you(status) else words
