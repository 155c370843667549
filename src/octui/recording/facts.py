"""octui's own lifecycle facts, one JSON object a line in ``facts.jsonl``. Pure.

All times are seconds since the epoch (float). A fact of a kind this version does not know is passed over: a newer octui
may have written it. What they come to is told by `octui.recording.status`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from octui.client.serve.events import InForce, Permission, Question
from octui.encoding import decode_json, encode_json


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
    """The reason is gone, such as silence that was broken, or a person says to have ``seen`` it."""

    run: str
    kind: Attention
    seen: bool = False


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


class PermissionsInForce(Fact, frozen=True, kw_only=True, tag="permissions"):
    """What the agent of a run may do, but for opencode's defaults, and where that comes from."""

    run: str
    agent: str
    rules: tuple[InForce, ...] = ()


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
    made of, ``common`` git's own folder, which stays where that is removed. ``notes`` say in a sentence each what of
    the working tree is not in it, such as uncommitted work.
    """

    run: str
    path: str
    folder: str
    branch: str
    base: str
    repository: str
    common: str = ""
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
    | PermissionsInForce
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

_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def encode_fact(fact: AnyFact) -> bytes:
    """Give a fact as one line, newline included."""
    return encode_json(fact) + b"\n"


def decode_fact(line: bytes) -> AnyFact | None:
    """Read one line; None for a fact of an unknown kind and for a line that is cut or garbled."""
    try:
        return decode_json(line, _decoder)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
