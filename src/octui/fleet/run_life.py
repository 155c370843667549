"""What every run of a session has, however opencode is run: its lives, its state, what it needs; all written down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio.to_thread

from octui.client.overrides import permissions_of
from octui.client.permissions import in_force
from octui.client.result import Totals
from octui.errors import OctuiError, RecordingError
from octui.fleet.attention import Raised, Watch
from octui.fleet.outcome import Outcome
from octui.fleet.workplace import Workplace
from octui.plan.budget import Meter, Spent
from octui.plan.model import RunSpec
from octui.program_output import plain_text
from octui.recording.facts import (
    AnyFact,
    AttemptStarted,
    Attention,
    AttentionCleared,
    AttentionRaised,
    PermissionsInForce,
    RunState,
    StateChanged,
)
from octui.recording.journal import Journal
from octui.recording.log_index import Lines
from octui.recording.status import RunStatus

STOPPED_BY_USER = "stopped by you"
LOOK_EVERY_S = 0.5
LOG_TAIL_BYTES = 64 * 1024


class RunLife:
    """One run of a plan, which is run as often as it is asked to.

    Args:
        spec: The run.
        journal: Where its output goes.
        write: Writes down a fact.

    Attributes:
        spends: Is called when it may have spent more; None where nobody counts.
        meter: Counts what its present life spends.
        life_offset: Where in its log that begins, in bytes.
        place: Where it works.
    """

    def __init__(self, spec: RunSpec, journal: Journal, write: Callable[[AnyFact], None]) -> None:
        self.spec = spec
        self.place = Workplace(spec, journal, write)
        self.state = RunState.QUEUED
        self.life = 0
        self._journal = journal
        self._write = write
        self._why = ""
        self._attention: dict[Attention, str] = {}
        self._ended_at = 0.0
        self.spends: Callable[[], None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._started_at = 0.0
        self._idle_s = 0.0
        self._exit_code: int | None = None
        self._attempts = 0
        self._life_totals = Totals()
        self.life_offset = self._journal.sizes(self.spec.name)[0]
        self.meter = Meter(self.spec.budget, "its")
        self._is_overdrawn = False
        self._watch = Watch(self.spec.silence_s, time.monotonic())

    def queue(self) -> None:
        """Be one of those that wait, to begin anew."""
        self._begin()
        self._attention.clear()
        self._enter(RunState.QUEUED)

    def take_over(self, before: RunStatus, *, interrupted: bool, origin: RunLife | None = None) -> None:
        """Be as an earlier supervisor left it.

        Args:
            before: How that was.
            interrupted: Whether that supervisor went away, so that what became of the run is not written yet.
            origin: The run it goes on from, for a fork.
        """
        self.life = before.life if before.attempt_offsets else 0  # One that never began has had no life yet.
        self._started_at, self._ended_at = before.started_at or 0.0, before.ended_at or 0.0
        self._idle_s = before.idle_s
        self._attempts, self._exit_code = before.attempt, before.exit_code
        self._attention = {kind: words for kind, (words, _) in before.attention.items()}
        self.state, self._why = before.state, before.why
        self.place.take_over(before, origin.place if origin is not None else None)
        if before.life_offset is not None:
            self.life_offset = before.life_offset
        if self.life > 1:
            self._life_totals = self._journal.totals_from(self.spec.name, self.life_offset)
        if interrupted and before.state is RunState.FAILED:
            self._enter(before.state, before.why)

    async def prepare(self) -> bool:
        """Have the folder it works in ready; give whether it is, or the run is over by that."""
        try:
            outcome = await self.place.prepare(lambda why: self._enter(RunState.STARTING, why))
        except (OctuiError, OSError) as error:
            outcome = Outcome(RunState.FAILED, str(error))
        if outcome is not None:
            self._finish(outcome)
        return outcome is None

    async def check(self) -> None:
        """Check what it came to, after it came to an end by itself."""
        self._clear(Attention.CHECK_FAILED)
        await self.place.check()
        checked = self.place.checked
        if checked is not None and checked.exit_code != 0:
            how = "took too long" if checked.exit_code is None else f"failed with exit code {checked.exit_code}"
            why = f": {self.place.check_said}" if self.place.check_said else ""
            self._raise([(Attention.CHECK_FAILED, f"its check {how}{why}")])

    def settled(self) -> None:
        """What it changed was dealt with by somebody, who need not be called to look at its check any more."""
        self._clear(Attention.CHECK_FAILED)

    def acknowledge(self, reasons: Iterable[Attention]) -> None:
        """Somebody has seen why it wants to be looked at, and need not be called for that any more."""
        for kind in reasons:
            self._clear(kind, seen=True)

    def wait(self, why: str) -> None:
        """Say why it does not start yet."""
        self._enter(RunState.QUEUED, why)

    async def run(self) -> None:
        """Live one life: from start-up to a final state, which is written down.

        Cancelling it ends what opencode does for it; the caller then says what that means with `stopped`.

        Raises:
            RecordingError: Facts cannot be written any more.
        """
        self.life += 1
        self._begin()
        self._started_at = time.time()
        self._enter(RunState.STARTING)
        await self._write_permissions()
        await self._to_its_end()

    async def _write_permissions(self) -> None:
        config = self.spec.config
        if config.attach is not None:
            return  # What the server's own configuration says is not known.
        found = await anyio.to_thread.run_sync(permissions_of, config, self.place.folder)
        fact = PermissionsInForce(
            at=time.time(),
            run=self.spec.name,
            agent=found.agent,
            rules=tuple(in_force(found.rules, str(self.place.folder))),
        )
        if fact.rules:
            self._write(fact)

    async def _to_its_end(self) -> None:
        """Do what it was asked to, and come to a final state."""
        try:
            outcome = await self._live()
        except (OctuiError, OSError) as error:
            outcome = Outcome(RunState.FAILED, str(error))
        self._finish(outcome)

    async def _live(self) -> Outcome:
        """Do what it was asked to; give what came of it."""
        raise NotImplementedError

    @property
    def _totals(self) -> Totals:
        """Of this life; those of the first are the log's, which the journal has folded already."""
        return self._life_totals if self.life > 1 else self._journal.totals(self.spec.name)

    def stopped(self, why: str) -> None:
        """Say that it was ended, or never started, because somebody asked for it."""
        self._finish(Outcome(RunState.STOPPED, why))

    def failed(self, why: str) -> None:
        """Say that it could not be started."""
        self._finish(Outcome(RunState.FAILED, why))

    def outcome(self) -> dict[str, Any] | None:
        """What it came to, for ``session.toml``; None while it is not over."""
        if not self.state.is_final:
            return None
        totals = self._totals
        return {
            "state": str(self.state),
            "why": self._why or None,
            "exit_code": self._exit_code,
            "attempts": self._attempts,
            "attention": list(self._attention.values()) or None,
            "duration_s": round(self._ended_at - self._started_at - self._idle_s, 3) if self._started_at else 0.0,
            "turns": totals.turns,
            "tokens": totals.tokens.total,
            "cost": totals.cost,
            "cost_is_incomplete": totals.cost_is_incomplete or None,
            "tool_calls": totals.tool_calls,
            "session_id": totals.session_id or None,
            **self._changes(),
        }

    def _changes(self) -> dict[str, Any]:
        tree, counts, checked = self.place.tree, self.place.counts, self.place.checked
        return {
            "branch": tree.branch if tree is not None else None,
            "base": tree.base if tree is not None else None,
            "files_changed": counts.files if counts is not None else None,
            "lines_added": counts.added if counts is not None else None,
            "lines_removed": counts.removed if counts is not None else None,
            "check_exit_code": checked.exit_code if checked is not None else None,
        }

    def _write_attempt(self, attempt: int, of: int, pid: int) -> None:
        self._attempts = attempt
        self._journal.begin_attempt(self.spec.name)
        stdout_offset, stderr_offset = self._journal.sizes(self.spec.name)
        self._write(
            AttemptStarted(
                at=time.time(),
                run=self.spec.name,
                attempt=attempt,
                of=of,
                pid=pid,
                life=self.life,
                stdout_offset=stdout_offset,
                stderr_offset=stderr_offset,
            )
        )

    def warned(self, words: str) -> None:
        """Something was not taken over; that is a reason to look."""
        self._raise(self._watch.left_out(words))

    def _take(self, lines: Lines) -> None:
        if self.state is RunState.STARTING and lines.has_event:
            self._enter(RunState.RUNNING)
        if self.life > 1:
            self._life_totals.feed_lines(*lines)
        if self.spends is not None:
            self.spends()

    @property
    def spent(self) -> Spent:
        """What its present life has spent, but for time."""
        totals = self._totals
        return Spent(cost=totals.cost, tokens=totals.tokens.total, turns=totals.turns)

    @property
    def has_answered(self) -> bool:
        """Whether its last answer is whole, so that there is nothing left to stop."""
        return self.state is RunState.RUNNING and self._totals.finished

    def nearly_spent(self, words: str) -> None:
        """A budget is nearly spent; that is a reason to look as long as it works."""
        self._raise([(Attention.BUDGET, words)])

    def overdrawn(self, words: str) -> None:
        """Its last answer went over a budget; that stays a reason to look."""
        if not self._is_overdrawn:
            self._is_overdrawn = True
            self._raise([(Attention.BUDGET, words)])

    def _spend_time(self, seconds: float) -> None:
        for words in self.meter.nearly(Spent(seconds=seconds)):
            self.nearly_spent(words)

    def _break_silence(self) -> None:
        if self._watch.heard(time.monotonic()):
            self._clear(Attention.SILENT)

    def _raise(self, found: list[Raised]) -> None:
        for kind, told in found:
            words = self._attention[kind] = plain_text(told)
            self._write(AttentionRaised(at=time.time(), run=self.spec.name, kind=kind, words=words))

    def _clear(self, kind: Attention, *, seen: bool = False) -> None:
        if self._attention.pop(kind, None) is not None:
            self._write(AttentionCleared(at=time.time(), run=self.spec.name, kind=kind, seen=seen))

    def _enter(self, state: RunState, why: str = "") -> None:
        if self.state.is_final and state in (RunState.STARTING, RunState.RUNNING):
            self._idle_s += time.time() - self._ended_at  # It goes on; nobody worked meanwhile.
        why = plain_text(why)  # Whatever program it comes from, it acts on no terminal and no report.
        self.state, self._why = state, why
        self._write(StateChanged(at=time.time(), run=self.spec.name, state=state, why=why))

    def _finish(self, outcome: Outcome) -> None:
        self._ended_at = time.time()
        self.state, self._why = outcome.state, outcome.why
        with suppress(RecordingError):
            self._break_silence()  # Of one that is over nobody expects a word.
            if not self._is_overdrawn:
                self._clear(Attention.BUDGET)
            self._raise(list(outcome.attention))
            self._enter(outcome.state, outcome.why)


def tail(path: Path, start: int = 0) -> str:
    """Give the end of a file from a byte on, at most `LOG_TAIL_BYTES`; nothing where it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
    return ""
