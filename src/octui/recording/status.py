"""Where runs and a session stand: the pure fold over the facts.

Folding the facts up to a moment gives every run's state at that moment, live or replayed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from octui.client.serve.events import Permission, Question
from octui.recording.facts import (
    SKIPPED,
    AnyFact,
    AttemptEnded,
    AttemptStarted,
    Attention,
    AttentionCleared,
    AttentionRaised,
    ChangesCounted,
    Checked,
    Checking,
    PermissionsInForce,
    RequestAnswered,
    RequestAsked,
    RunAdded,
    RunState,
    SessionEnded,
    SessionOpened,
    SessionStarted,
    SettingUp,
    Settled,
    SetUp,
    StateChanged,
    WorktreeMade,
    WorktreeSettled,
)


@dataclass(slots=True)
class RunStatus:
    """Where one run stands.

    Attributes:
        name: The run's name in the plan.
        state: See `RunState`.
        why: One sentence for a state that needs one.
        attempt: The current or last attempt, from 1; 0 before the first.
        attempts_allowed: How many attempts the run has at most.
        life: How often the run was started by a person, from 1.
        pid: Of the current process; None where none is alive.
        exit_code: Of the last attempt that ended.
        started_at: When the first attempt of this life began.
        ended_at: When the run came to a final state.
        idle_s: For how many seconds of this life it was over, until it was asked to go on.
        attention: Open reasons to look at the run, oldest first, each with its words and since when.
        session_id: opencode's session, for a run over a server; empty for others and before it has one.
        directory: The folder that session works in, on the server's machine.
        requests: What waits for an answer, by id, the oldest first, each with since when.
        worktree: The git worktree it works in; None for a run that works in its folder itself.
        has_worktree: Whether that was not removed; what was kept can be applied all the same.
        settled: What was done last with what it changed there; None where nothing was.
        changes: How much it changed there, as counted last; None before that.
        setting_up: The command that comes before it and is under way; None where none is.
        set_up: The last such command that is over; None where none was begun.
        checking: The check that is under way; empty where none is.
        checked: What the last check came to; None where there was none since it was restarted.
        attempt_offsets: For each attempt of each life: (life, attempt, stdout offset, stderr offset), in bytes.
        origin: The run it goes on from, for a fork; empty for others.
        permissions: What its agent may do; None before it began.
    """

    name: str
    state: RunState = RunState.QUEUED
    why: str = ""
    attempt: int = 0
    attempts_allowed: int = 1
    life: int = 1
    pid: int | None = None
    exit_code: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    idle_s: float = 0.0
    attention: dict[Attention, tuple[str, float]] = field(default_factory=dict)
    session_id: str = ""
    directory: str = ""
    requests: dict[str, tuple[Permission | Question, float]] = field(default_factory=dict)
    worktree: WorktreeMade | None = None
    has_worktree: bool = False
    settled: Settled | None = None
    changes: ChangesCounted | None = None
    setting_up: SettingUp | None = None
    set_up: SetUp | None = None
    checking: str = ""
    checked: Checked | None = None
    attempt_offsets: list[tuple[int, int, int, int]] = field(default_factory=list)
    origin: str = ""
    permissions: PermissionsInForce | None = None

    @property
    def is_set_up(self) -> bool:
        """Whether all commands that come before it have succeeded."""
        done = self.set_up
        return self.setting_up is None and done is not None and done.number == done.of and done.exit_code == 0

    @property
    def life_offset(self) -> int | None:
        """Where in its log its last life begins, in bytes; None where nothing of that has begun yet."""
        if not self.attempt_offsets:
            return 0  # A log without facts is one life.
        if not self.attempt:
            return None
        return min(stdout for life, _, stdout, _ in self.attempt_offsets if life == self.life)

    @property
    def notices(self) -> dict[Attention, str]:
        """The open reasons that need nothing but to be seen, with their words: all that are no question."""
        return {kind: words for kind, (words, _) in self.attention.items() if not (kind.is_request and self.requests)}

    @property
    def is_skipped(self) -> bool:
        """Whether it never began, since a run that it needs did not succeed."""
        return self.state is RunState.STOPPED and self.why.startswith(SKIPPED)

    def elapsed(self, now: float) -> float | None:
        """Seconds of work from the start of this life to its end, or to ``now``; None before it began."""
        if self.started_at is None:
            return None
        return max(0.0, (self.ended_at if self.ended_at is not None else now) - self.started_at - self.idle_s)


@dataclass(slots=True)
class SessionStatus:
    """Where a whole session stands: the fold of its facts."""

    runs: dict[str, RunStatus] = field(default_factory=dict)
    started: SessionStarted | None = None
    ended: SessionEnded | None = None
    last_at: float | None = None

    def apply(self, fact: AnyFact) -> None:
        """Take one more fact into account."""
        self.last_at = fact.at
        match fact:
            case SessionStarted():
                self.started = fact
                self.ended = None
                for name in fact.runs:
                    self.runs.setdefault(name, RunStatus(name))
                for run in self.runs.values():
                    run.setting_up, run.checking = None, ""  # An earlier supervisor's, if any.
            case SessionEnded():
                self.ended = fact
            case StateChanged():
                self._change_state(self.run(fact.run), fact)
            case AttemptStarted():
                self._start_attempt(self.run(fact.run), fact)
            case AttemptEnded():
                run = self.run(fact.run)
                run.pid = None
                run.exit_code = fact.exit_code
            case AttentionRaised():
                self.run(fact.run).attention[fact.kind] = (fact.words, fact.at)
            case AttentionCleared():
                self.run(fact.run).attention.pop(fact.kind, None)
            case RunAdded():
                self.run(fact.run).origin = fact.origin
            case SessionOpened():
                run = self.run(fact.run)
                run.session_id, run.directory = fact.session_id, fact.directory
            case PermissionsInForce():
                self.run(fact.run).permissions = fact
            case RequestAsked():
                self.run(fact.run).requests[fact.request.id] = (fact.request, fact.at)
            case RequestAnswered():
                self.run(fact.run).requests.pop(fact.request_id, None)
            case WorktreeMade():
                self._make_worktree(self.run(fact.run), fact)
            case SettingUp():
                self.run(fact.run).setting_up = fact
            case SetUp():
                run = self.run(fact.run)
                run.setting_up, run.set_up = None, fact
            case ChangesCounted():
                self.run(fact.run).changes = fact
            case Checking():
                self.run(fact.run).checking = fact.command
            case Checked():
                run = self.run(fact.run)
                run.checking, run.checked = "", fact
            case WorktreeSettled():
                run = self.run(fact.run)
                run.settled, run.has_worktree = fact.how, run.has_worktree and not fact.how.is_gone

    def run(self, name: str) -> RunStatus:
        """Give a run's status, made at its first mention."""
        return self.runs.setdefault(name, RunStatus(name))

    @staticmethod
    def _change_state(run: RunStatus, fact: StateChanged) -> None:
        if fact.state is RunState.QUEUED and run.state.is_final:
            run.attention.clear()
            run.attempt, run.exit_code, run.started_at, run.idle_s = 0, None, None, 0.0
        if run.state.is_final and not fact.state.is_final:
            run.checked = None
            if run.started_at is not None and run.ended_at is not None:
                run.idle_s += max(0.0, fact.at - run.ended_at)
        run.state = fact.state
        run.why = fact.why
        run.ended_at = fact.at if fact.state.is_final else None
        if fact.state.is_final:
            run.pid = None
            run.requests.clear()

    @staticmethod
    def _make_worktree(run: RunStatus, fact: WorktreeMade) -> None:
        run.worktree, run.has_worktree, run.settled, run.changes = fact, True, None, None
        run.set_up = None  # What was set up stood in the one before it, if there was one.

    @staticmethod
    def _start_attempt(run: RunStatus, fact: AttemptStarted) -> None:
        run.pid = fact.pid
        run.attempt = fact.attempt
        run.attempts_allowed = fact.of
        run.life = fact.life
        run.attempt_offsets.append((fact.life, fact.attempt, fact.stdout_offset, fact.stderr_offset))
        if run.started_at is None:
            run.started_at = fact.at


def fold(facts: Iterable[AnyFact]) -> SessionStatus:
    """Fold facts, in the order written, into where the session stands after them."""
    status = SessionStatus()
    for fact in facts:
        status.apply(fact)
    return status
