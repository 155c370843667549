"""A session up to a moment: what every widget of the dashboard reads, live and replayed alike.

Live, the moment is now; in a replay it is a position on the recording's clock. Nothing here knows of Textual.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath

from octui.client.events import (
    DIAGNOSTIC,
    Diagnostic,
    Event,
    Failure,
    Prompt,
    StepFinish,
    StepStart,
    Text,
    ToolUse,
    decode_line,
)
from octui.client.result import TokenUsage, Totals
from octui.client.serve.events import Activity
from octui.client.serve.live import Live
from octui.errors import RecordingError
from octui.recording.event_log import EventLog
from octui.recording.facts import RunState
from octui.recording.session import Session
from octui.recording.status import RunStatus, SessionStatus
from octui.tui import format as fmt
from octui.tui import requests
from octui.tui.glyphs import Glyphs, needs_you
from octui.tui.render.live import Scene, last_line, live_in_words
from octui.tui.render.tools import name_of, refusal, title_of
from octui.tui.text import clean_line

LOOK_AGAIN_S = 1.0
WAITS = "waits for you "
"""How words about what a run waits for begin; a list of runs leaves that out."""

QUIET_S = 5.0
"""After so many seconds without a word, a pane says how long it has been quiet."""
_PROMPT_WORDS = 200
"""Characters of a prompt that are looked at for a few words."""

_WAITS_FOR_RUN = (RunState.QUEUED, RunState.STARTING, RunState.RETRYING)


@dataclass(frozen=True, slots=True)
class RunView:
    """What a pane's frame shows of a run at the view's moment; all texts are clean.

    Attributes:
        name: The run's name.
        status: The fold of its facts.
        model: The name, without its provider, of the model that answers; empty where it is not known.
        agent: The name of the agent in force; empty where it is not known.
        elapsed_s: Whole seconds since the run's start, or its whole length; None before it began.
        totals: The fold of its visible events.
        incomplete: Whether steps are missing from tokens and cost.
        now: What it is doing, or why it ended, in a few words.
        attention: Why it needs a person, in words; empty where it does not.
        waits: What it waits for an answer to and for how long, in words; empty where it does not wait.
    """

    name: str
    status: RunStatus
    model: str
    agent: str
    elapsed_s: float | None
    totals: Totals
    incomplete: bool
    now: str
    attention: str
    waits: str = ""


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """The sums on the session bar.

    Attributes:
        counts: The runs by state, without those that need somebody.
        attention: The runs that need somebody; with ``counts``, each run is counted once.
        tokens: Of all runs.
        cost: Of all runs, in US dollars.
        incomplete: Whether steps are missing from tokens and cost.
        elapsed_s: Seconds since the session began; None where nothing says when that was.
    """

    counts: dict[RunState, int]
    attention: int
    tokens: TokenUsage
    cost: float
    incomplete: bool
    elapsed_s: float | None


class SessionView:
    """Reads a session as of ``position`` (seconds since the epoch; None: now).

    Args:
        session: What is shown.
        now: The clock; tests pass their own.
    """

    def __init__(self, session: Session, *, now: Callable[[], float] = time.time) -> None:
        self.session = session
        self.name = clean_line(session.name)
        self.position: float | None = None
        self._now = now
        self._totals: dict[str, tuple[int, Totals]] = {}
        self._status_at: tuple[float, SessionStatus] | None = None
        self._looked_at = -math.inf
        self._look()

    @property
    def run_names(self) -> list[str]:
        """The runs in the plan's order."""
        return list(self.session.run_names)

    @property
    def moment(self) -> float:
        """The time the view shows: the position, or now, or when the session ended."""
        if self.position is not None:
            return self.position
        if self.is_live:
            return self._now()
        return self.session.ended_at or self._now()

    def refresh(self, budget_s: float | None = None) -> set[str]:
        """Take in what was appended, for at most ``budget_s`` seconds; give the runs with anything new."""
        changed = self.session.refresh(budget_s)
        if self.position is None:
            changed |= {run for run in self.session.run_names if self._follow(run)}
        if changed or time.monotonic() - self._looked_at >= LOOK_AGAIN_S:
            self._look()
        return changed

    def _look(self) -> None:
        """Ask the system whether the supervisor lives: too dear to be asked for every pane and frame."""
        self._looked_at = time.monotonic()
        self.is_live = self.session.is_live
        self.interrupted = self.session.interrupted
        self.is_gone = self.session.is_gone
        self._status_now = self.session.status

    def look_again(self) -> None:
        """Show facts that were written behind the end of a recording."""
        self._status_at = None
        self._look()

    @property
    def status(self) -> SessionStatus:
        """Where the session stands at the view's moment."""
        if self.position is None:
            return self._status_now
        if self._status_at is None or self._status_at[0] != self.position:
            self._status_at = (self.position, self.session.status_at(self.position))
        return self._status_at[1]

    def log(self, run: str) -> EventLog:
        """The run's events."""
        return self.session.log(run)

    def visible(self, run: str) -> int:
        """How many of the run's events there are at the view's moment."""
        log = self.session.log(run)
        if self.position is None:
            return len(log)
        return log.first_at_or_after(math.nextafter(self.position, math.inf))

    def _follow(self, run: str) -> bool:
        """Take in what a server told of a run since."""
        session_id, stream = self.session.status_now(run).session_id, self.session.stream(run)
        if not session_id or stream is None:
            return False
        return stream.follow(session_id, self._near_ms)

    def live(self, run: str) -> Live | None:
        """What is under way at the view's moment; None for a run that is not over a server, or has no session yet."""
        session_id, stream = self.status.run(run).session_id, self.session.stream(run)
        if not session_id or stream is None:
            return None
        if self.position is None:
            if stream.live is None:
                self._follow(run)
            return stream.live
        stream.seek(session_id, self._near_ms, self.position)
        return stream.live

    def live_version(self, run: str) -> int:
        """Another number whenever what is under way is another."""
        stream = self.session.stream(run)
        return 0 if stream is None else stream.version

    def subagent(self, run: str, use: ToolUse) -> list[Event]:
        """What the subagent did that a whole call started, in order; nothing where that was not recorded."""
        child, stream = use.metadata.get("sessionId"), self.session.stream(run)
        if not isinstance(child, str) or stream is None or use.started_ms is None or use.ended_ms is None:
            return []
        return [*map(decode_line, stream.lines_of(child, use.started_ms, use.ended_ms))]

    @property
    def _near_ms(self) -> float:
        """A moment near all events of the session, in milliseconds since the epoch."""
        return (self.session.started_at or self._now()) * 1000

    def event(self, run: str, index: int) -> Event:
        """One event of a run; one whose file went away meanwhile says so in its place."""
        try:
            return self.session.log(run).event(index)
        except (OSError, IndexError, RecordingError) as error:
            return Event(DIAGNOSTIC, None, "", Diagnostic(f"This event can no longer be read: {error}"))

    def raw(self, run: str, index: int) -> bytes | None:
        """One event as opencode printed it; None where it can no longer be read."""
        try:
            return self.session.log(run).line(index)
        except (OSError, IndexError, RecordingError):
            return None

    def stderr(self, run: str) -> str:
        """The end of what the run wrote to stderr, not yet clean; empty where it can no longer be read."""
        try:
            return self.session.stderr(run)
        except (OSError, IndexError, RecordingError):
            return ""

    def totals(self, run: str) -> Totals:
        """The fold of the run's visible events."""
        log = self.session.log(run)
        if self.position is None:
            return log.totals
        count = self.visible(run)
        cached = self._totals.get(run)
        if cached is None or cached[0] != count:
            cached = self._totals[run] = (count, log.totals_at(count))
        return cached[1]

    def run(self, name: str, glyphs: Glyphs, status: SessionStatus | None = None) -> RunView:
        """Give what a pane's frame shows of a run; ``status`` spares a second fold for those who have it."""
        run_status = (status or self.status).run(name)
        meta = self.session.meta(name)
        totals = self.totals(name)
        ended = run_status.state.is_final
        elapsed = run_status.elapsed(self.moment)
        live = self.live(name)
        model, agent = (live.model or meta.model, live.agent or meta.agent) if live else (meta.model, meta.agent)
        return RunView(
            name=clean_line(name),
            status=run_status,
            model=clean_line(PurePath(model).name if model else ""),
            agent=clean_line(agent or ""),
            elapsed_s=None if elapsed is None else float(int(elapsed)),
            totals=totals,
            incomplete=totals.lacks_steps(is_over=ended),
            now=self._now_words(name, run_status, glyphs),
            attention="; ".join(map(clean_line, run_status.notices.values())),
            waits=self._waits_words(run_status),
        )

    def _waits_words(self, status: RunStatus) -> str:
        waiting = requests.waiting_of(status)
        if not waiting:
            return ""
        more = f" (and {len(waiting) - 1} more)" if len(waiting) > 1 else ""
        waited = fmt.clock(self.moment - waiting[0].since)
        return f"{WAITS}{waited}: {requests.in_words(waiting[0].request)}{more}"

    def session_totals(self, status: SessionStatus | None = None) -> SessionTotals:
        """Sum over all runs."""
        status = status or self.status
        counts = dict.fromkeys(RunState, 0)
        tokens, cost, incomplete = TokenUsage(), 0.0, False
        runs = [status.run(name) for name in self.session.run_names]
        for run in runs:
            counts[run.state] += not needs_you(run)
            totals = self.totals(run.name)
            tokens += totals.tokens
            cost += totals.cost
            incomplete |= totals.lacks_steps(is_over=run.state.is_final)
        started = self.session.started_at
        ends = [run.ended_at for run in runs]
        end = max((at for at in ends if at is not None), default=self.moment) if None not in ends else self.moment
        elapsed = None if started is None else max(0.0, min(end, self.moment) - started)
        return SessionTotals(counts, sum(map(needs_you, runs)), tokens, cost, incomplete, elapsed)

    def active_runs(self) -> list[str]:
        """The runs that have not come to an end, when somebody is at work on the session."""
        if not self.session.is_live:
            return []
        return [name for name in self.session.run_names if not self.session.status.run(name).state.is_final]

    def quiet_s(self, run: str, status: RunStatus) -> float:
        """Seconds since the run's last sign of life, or since its start."""
        count = self.visible(run)
        last = self.session.log(run).time(count - 1) if count else 0.0
        if self.live(run) is not None and (stream := self.session.stream(run)) is not None:
            last = max(last, stream.last_ms / 1000)
        since = max(last, status.started_at or 0.0)
        return max(0.0, self.moment - since) if since else 0.0

    def _now_words(self, name: str, status: RunStatus, glyphs: Glyphs) -> str:
        if status.state in _WAITS_FOR_RUN or status.state.is_final:
            waiting = "waiting for its turn" if status.state is RunState.QUEUED else ""
            return clean_line(status.why) or waiting
        words = self._last_words(name, glyphs)
        live = self.live(name)
        quiet = self.quiet_s(name, status) if live is None or live.retry is None else 0.0
        return f"quiet {fmt.clock(quiet)} {glyphs.separator} {words}" if quiet >= QUIET_S else words

    def _last_words(self, name: str, glyphs: Glyphs) -> str:
        live = self.live(name)
        if live is not None and live.activity is not Activity.IDLE:
            scene = Scene(live, self.moment * 1000, True, glyphs)
            if words := live_in_words(scene):
                return words
        count = self.visible(name)
        if not count:
            return "starting the model"
        for index in range(count - 1, max(-1, count - 6), -1):
            if words := event_in_words(self.event(name, index), glyphs):
                return words
        return "working"


def event_in_words(event: Event, glyphs: Glyphs) -> str:
    """Say in a few words what a run was last heard doing; empty for an event that tells nothing of it."""
    match event.body:
        case ToolUse() as use:
            sign = glyphs.denied if refusal(use) else glyphs.failed if use.status == "error" else glyphs.ok
            return f"{name_of(use)} {title_of(use)} {sign}".replace("  ", " ")
        case Text(text=text, reasoning=reasoning):
            return "thinking" if reasoning else last_line(text)
        case Prompt(text=text):
            return f"{glyphs.prompt} {clean_line(text[:_PROMPT_WORDS])}"
        case StepStart():
            return "waiting for the model"
        case StepFinish(reason=reason):
            return "" if reason == "tool-calls" else "finishing"
        case Failure(message=message):
            return clean_line(message)
        case Diagnostic(text=text):
            return clean_line(text)
    return ""


def first_in_need(runs: Iterable[RunView], after: str | None) -> str | None:
    """Give the run that needs a person most, or the next one after the named one, around the end.

    Those that wait for an answer come first, the longest waiting before the others; failed ones when none needs one.
    """
    ordered = list(runs)
    waiting = sorted((run for run in ordered if run.status.requests), key=_waits_since)
    if waiting:
        in_turn = [run.name for run in (*waiting, *(run for run in ordered if run.attention and not run.waits))]
        at = in_turn.index(after) + 1 if after in in_turn else 0
        return in_turn[at % len(in_turn)]
    start = next((i + 1 for i, run in enumerate(ordered) if run.name == after), 0)
    turned = ordered[start:] + ordered[:start]
    troubled = [run for run in turned if run.attention] or [
        run for run in turned if run.status.state in (RunState.FAILED, RunState.TIMED_OUT)
    ]
    return troubled[0].name if troubled else None


def _waits_since(run: RunView) -> float:
    return min(since for _, since in run.status.requests.values())
