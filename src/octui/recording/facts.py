"""octui's own lifecycle facts, one JSON object a line in ``facts.jsonl``, and the pure fold over them.

Folding the facts up to a moment gives every run's state at that moment, live or replayed. All times are seconds since
the epoch (float). A fact of a kind this version does not know is passed over: a newer octui may have written it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from octui.client.serve.events import Permission, Question


class RunState(StrEnum):
    """What a run is doing; always exactly one of these."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"

    @property
    def is_active(self) -> bool:
        """Whether a process of the run is alive, or is about to be started again."""
        return self in (RunState.STARTING, RunState.RUNNING, RunState.RETRYING)

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED, RunState.TIMED_OUT)

    def because(self, why: str) -> str:
        """Say the state and why it is so; why alone where that begins with the state: ``stopped by you``."""
        words = self.replace("_", " ")
        if not why:
            return words
        return why if why.startswith(f"{words} ") else f"{words}: {why}"


SKIPPED = "skipped: "
"""How the reason begins of a run that is stopped before it began, since one it needs did not succeed."""


class Settled(StrEnum):
    """What was done with what a run changed in its worktree."""

    KEPT = "kept"
    APPLIED = "applied"
    COMMITTED = "committed"
    DISCARDED = "discarded"
    EMPTY = "empty"

    @property
    def is_gone(self) -> bool:
        """Whether the worktree is there no more; ``EMPTY`` is one in which nothing was changed."""
        return self in (Settled.KEPT, Settled.DISCARDED, Settled.EMPTY)


class Attention(StrEnum):
    """Why a run wants a person to look at it; opencode itself is silent about most of these."""

    PERMISSION_REJECTED = "permission_rejected"
    MCP_NOT_STARTED = "mcp_not_started"
    AGENT_UNKNOWN = "agent_unknown"
    NO_FINAL_ANSWER = "no_final_answer"
    ENDED_MID_STEP = "ended_mid_step"
    PROVIDER_REFUSES = "provider_refuses"
    SILENT = "silent"
    CONFIG_LEFT_OUT = "config_left_out"
    INTERRUPTED = "interrupted"
    DID_NOT_EXIT = "did_not_exit"
    PERMISSION_ASKED = "permission_asked"
    QUESTION_ASKED = "question_asked"
    CONNECTION_LOST = "connection_lost"
    BUDGET = "budget"
    CHECK_FAILED = "check_failed"

    @property
    def is_request(self) -> bool:
        """Whether the run waits for an answer, and goes on once it has it."""
        return self in (Attention.PERMISSION_ASKED, Attention.QUESTION_ASKED)


class Fact(Struct, frozen=True, kw_only=True, tag_field="fact", omit_defaults=True):
    """Base of all facts; ``at`` is seconds since the epoch."""

    at: Annotated[float, Meta(ge=0, le=1e11)]


class SessionStarted(Fact, frozen=True, kw_only=True, tag="session_started"):
    """The supervisor took the session up.

    ``pid`` is the supervisor's process, ``socket`` the path of its control socket; ``runs`` are the names in the plan's
    order. Whether it still is at work is told by its lock (`octui.recording.writer_lock`).
    """

    pid: int
    socket: str
    octui: str
    opencode: str
    runs: tuple[str, ...]


class StateChanged(Fact, frozen=True, kw_only=True, tag="state_changed"):
    """A run entered a state. ``why`` is one sentence for the user; empty where the state says it all."""

    run: str
    state: RunState
    why: str = ""


class AttemptStarted(Fact, frozen=True, kw_only=True, tag="attempt_started"):
    """A process was started for a run.

    ``attempt`` counts from 1 up to ``of`` and starts anew when a user restarts the run (``life`` counts those, from 1);
    the offsets, in bytes, say where in the run's logs its output begins.
    """

    run: str
    attempt: int
    of: int
    pid: int
    life: int = 1
    stdout_offset: int = 0
    stderr_offset: int = 0


class AttemptEnded(Fact, frozen=True, kw_only=True, tag="attempt_ended"):
    """The process of an attempt is gone, with all it started.

    ``exit_code`` is negative where a signal ended it and None where it is not known; ``retry_in_s`` is set when another
    attempt follows, after that many seconds.
    """

    run: str
    attempt: int
    exit_code: int | None = None
    timed_out: bool = False
    retry_in_s: float | None = None


class AttentionRaised(Fact, frozen=True, kw_only=True, tag="attention_raised"):
    """A run wants a person to look at it; ``words`` say why, in a sentence."""

    run: str
    kind: Attention
    words: str


class AttentionCleared(Fact, frozen=True, kw_only=True, tag="attention_cleared"):
    """The reason is gone, such as silence that was broken."""

    run: str
    kind: Attention


class RunAdded(Fact, frozen=True, kw_only=True, tag="run_added"):
    """A run came while the session was going on; ``origin`` is the run it goes on from."""

    run: str
    origin: str


class SessionOpened(Fact, frozen=True, kw_only=True, tag="session_opened"):
    """A run over a server has its session there: with it, the run can be gone on with, now and later.

    ``directory`` is the folder it works in, on the server's machine; ``url`` names a server that is not ours.
    """

    run: str
    session_id: str
    directory: str
    url: str = ""


class RequestAsked(Fact, frozen=True, kw_only=True, tag="request_asked"):
    """A run waits for an answer: to a permission or to questions, exactly one of which is set."""

    run: str
    permission: Permission | None = None
    question: Question | None = None

    @property
    def request(self) -> Permission | Question:
        """What is asked."""
        found = self.permission or self.question
        if found is None:
            raise ValueError("A request is a permission or a question.")
        return found


class RequestAnswered(Fact, frozen=True, kw_only=True, tag="request_answered"):
    """A request was answered, or is not waited for any more; ``answer`` says how in a word or two."""

    run: str
    request_id: str
    answer: str = ""


class WorktreeMade(Fact, frozen=True, kw_only=True, tag="worktree_made"):
    """A run has a git worktree of its own, and works in it.

    ``path`` is the worktree, ``folder`` the part of it the run works in; ``branch`` begins at the commit ``base``,
    which the plan calls ``base_name``. ``repository`` is the user's working tree, or the bare repository, that it was
    made of. ``notes`` say in a sentence each what of that is not in it, such as uncommitted work.
    """

    run: str
    path: str
    folder: str
    branch: str
    base: str
    repository: str
    base_name: str = ""
    notes: tuple[str, ...] = ()


class SettingUp(Fact, frozen=True, kw_only=True, tag="setting_up"):
    """A command that comes before a run is under way; ``number`` counts from 1 up to ``of``."""

    run: str
    command: str
    number: int = 1
    of: int = 1


class SetUp(Fact, frozen=True, kw_only=True, tag="set_up"):
    """That command is over; ``exit_code`` is None where it was ended for its time or its run."""

    run: str
    command: str
    exit_code: int | None = None
    seconds: float = 0.0
    number: int = 1
    of: int = 1


class ChangesCounted(Fact, frozen=True, kw_only=True, tag="changes_counted"):
    """How much a run's worktree differs from its base: files, lines added and lines removed."""

    run: str
    files: int
    added: int
    removed: int


class Checking(Fact, frozen=True, kw_only=True, tag="checking"):
    """The check of a run that is over is under way."""

    run: str
    command: str


class Checked(Fact, frozen=True, kw_only=True, tag="checked"):
    """The check is over; ``exit_code`` is None where it was ended for its time or its run."""

    run: str
    exit_code: int | None = None
    seconds: float = 0.0


class WorktreeSettled(Fact, frozen=True, kw_only=True, tag="worktree_settled"):
    """Something was done with what a run changed; ``words`` say what came of it, such as a commit."""

    run: str
    how: Settled
    words: str = ""


class SessionEnded(Fact, frozen=True, kw_only=True, tag="session_ended"):
    """The supervisor left in order; a session without this fact, and without its supervisor, was interrupted."""

    why: str = ""


AnyFact = (
    SessionStarted
    | StateChanged
    | AttemptStarted
    | AttemptEnded
    | AttentionRaised
    | AttentionCleared
    | RunAdded
    | SessionOpened
    | RequestAsked
    | RequestAnswered
    | WorktreeMade
    | SettingUp
    | SetUp
    | ChangesCounted
    | Checking
    | Checked
    | WorktreeSettled
    | SessionEnded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def encode_fact(fact: AnyFact) -> bytes:
    """Give a fact as one line, newline included."""
    return _encoder.encode(fact) + b"\n"


def decode_fact(line: bytes) -> AnyFact | None:
    """Read one line; None for a fact of an unknown kind and for a line that is cut or garbled."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


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
        attention: Open reasons to look at the run, oldest first, each with its words and since when.
        session_id: opencode's session, for a run over a server; empty for others and before it has one.
        directory: The folder that session works in, on the server's machine.
        requests: What waits for an answer, by id, the oldest first, each with since when.
        worktree: The git worktree it works in; None for a run that works in its folder itself.
        settled: What was done last with what it changed there; None where nothing was.
        changes: How much it changed there, as counted last; None before that.
        setting_up: The command that comes before it and is under way; None where none is.
        set_up: The last such command that is over; None where none was begun.
        checking: The check that is under way; empty where none is.
        checked: What the last check came to; None where there was none since it was restarted.
        attempt_offsets: For each attempt of each life: (life, attempt, stdout offset, stderr offset), in bytes.
        origin: The run it goes on from, for a fork; empty for others.
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
    attention: dict[Attention, tuple[str, float]] = field(default_factory=dict)
    session_id: str = ""
    directory: str = ""
    requests: dict[str, tuple[Permission | Question, float]] = field(default_factory=dict)
    worktree: WorktreeMade | None = None
    settled: Settled | None = None
    changes: ChangesCounted | None = None
    setting_up: SettingUp | None = None
    set_up: SetUp | None = None
    checking: str = ""
    checked: Checked | None = None
    attempt_offsets: list[tuple[int, int, int, int]] = field(default_factory=list)
    origin: str = ""

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
    def has_worktree(self) -> bool:
        """Whether it has a worktree that was not removed."""
        return self.worktree is not None and not (self.settled is not None and self.settled.is_gone)

    @property
    def is_skipped(self) -> bool:
        """Whether it never began, since a run that it needs did not succeed."""
        return self.state is RunState.STOPPED and self.why.startswith(SKIPPED)

    def elapsed(self, now: float) -> float | None:
        """Seconds from the start of this life to its end, or to ``now``; None before it began."""
        if self.started_at is None:
            return None
        return max(0.0, (self.ended_at if self.ended_at is not None else now) - self.started_at)


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
                self.run(fact.run).settled = fact.how

    def run(self, name: str) -> RunStatus:
        """Give a run's status, made at its first mention."""
        return self.runs.setdefault(name, RunStatus(name))

    @staticmethod
    def _change_state(run: RunStatus, fact: StateChanged) -> None:
        if fact.state is RunState.QUEUED and run.state.is_final:
            run.attention.clear()
            run.attempt, run.exit_code, run.started_at = 0, None, None
        if run.state.is_final and not fact.state.is_final:
            run.checked = None
        run.state = fact.state
        run.why = fact.why
        run.ended_at = fact.at if fact.state.is_final else None
        if fact.state.is_final:
            run.pid = None
            run.requests.clear()

    @staticmethod
    def _make_worktree(run: RunStatus, fact: WorktreeMade) -> None:
        run.worktree, run.settled, run.changes = fact, None, None
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
