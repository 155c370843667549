"""What is in a transcript, whatever it is written as: what each run said, did, asked and was answered, in its order.

The structs are the shape of ``octui export --format json`` too; docs/export.md describes it. A field is never taken
away or given another meaning within a `VERSION`. Times are seconds since the epoch, costs US dollars.

Entries are made one by one as they are asked for, so that a log of any length can be exported.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from heapq import merge
from typing import Any

from msgspec import Struct, structs

from octui.client.events import Diagnostic, Event, Failure, Prompt, StepFinish, StepStart, Text, ToolUse, Unknown
from octui.client.lenient_json import as_count
from octui.client.result import TokenUsage
from octui.client.serve.events import Permission, QuestionItem
from octui.plan.secrets import mask
from octui.recording.facts import (
    AnyFact,
    AttemptStarted,
    AttentionRaised,
    RequestAnswered,
    RequestAsked,
    StateChanged,
)
from octui.recording.session import Session
from octui.tui.render.diffs import changes_of
from octui.tui.render.tools import name_of, refusal, title_of, todos_of

VERSION = 1


class Entry(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all entries; ``at`` is when it happened."""

    at: float


class Asked(Entry, frozen=True, kw_only=True, tag="prompt"):
    """What a user asked; the first one is the run's own prompt."""

    text: str


class Said(Entry, frozen=True, kw_only=True, tag="answer"):
    """A text of the assistant, Markdown as the model wrote it."""

    text: str


class Thought(Entry, frozen=True, kw_only=True, tag="reasoning"):
    """What the model thought before it went on."""

    text: str


class Change(Struct, frozen=True, kw_only=True):
    """What was changed in one file; ``patch`` is a unified diff, or as near as one gets."""

    file: str
    additions: int
    deletions: int
    patch: str


class Todo(Struct, frozen=True, kw_only=True):
    """An item of a todo list; ``status`` is opencode's word."""

    status: str
    content: str


class Called(Entry, frozen=True, kw_only=True, tag="tool"):
    """A tool call.

    Attributes:
        tool: The tool the model meant.
        title: What it was about, on one line.
        status: ``completed`` or ``error``.
        refused: Why it was not carried out for want of permission; empty where it was not refused.
        input: The arguments, secrets masked.
        output: What it gave.
        error: Why it failed.
        exit_code: Of a command; None where there is none.
        duration_ms: How long it took; None where opencode does not tell.
        changes: The files it changed.
        todos: The list it wrote.
    """

    tool: str
    title: str
    status: str
    refused: str
    input: Any
    output: str
    error: str
    exit_code: int | None
    duration_ms: float | None
    changes: list[Change]
    todos: list[Todo]


class Stepped(Entry, frozen=True, kw_only=True, tag="step"):
    """A step of the model is complete."""

    reason: str
    tokens: int
    cost: float


class Failed(Entry, frozen=True, kw_only=True, tag="error"):
    """Something went wrong, as opencode told it."""

    name: str
    message: str


class Requested(Entry, frozen=True, kw_only=True, tag="request"):
    """The run waited for an answer: to a permission or to questions, exactly one of which is there.

    Attributes:
        permission: Which permission, and for what.
        questions: What was asked, with the options there were.
        answer: How it was answered, in a word or two; empty where it was not.
        answered_at: When; None where it was not.
    """

    permission: Permission | None
    questions: list[QuestionItem]
    answer: str
    answered_at: float | None


class Entered(Entry, frozen=True, kw_only=True, tag="state"):
    """The run entered a state."""

    state: str
    why: str


class Attempted(Entry, frozen=True, kw_only=True, tag="attempt"):
    """A process was started for the run; ``life`` counts the starts by a person."""

    attempt: int
    of: int
    life: int


class Noted(Entry, frozen=True, kw_only=True, tag="attention"):
    """A reason to look at the run."""

    reason: str
    words: str


class Other(Entry, frozen=True, kw_only=True, tag="other"):
    """An event that is not known here, or a line that is none."""

    type: str
    value: Any


AnyEntry = Asked | Said | Thought | Called | Stepped | Failed | Requested | Entered | Attempted | Noted | Other


class Check(Struct, frozen=True, kw_only=True):
    """What the check of a run came to."""

    command: str
    exit_code: int | None
    duration_s: float


class RunHead(Struct, frozen=True, kw_only=True):
    """What a run was and what it came to; the fields are named as in ``octui run --json``."""

    name: str
    state: str
    error: str
    attention: list[str]
    model: str
    agent: str
    workspace: str
    overrides: dict[str, Any]
    session_id: str
    attempts: int
    exit_code: int | None
    started: float | None
    ended: float | None
    duration_s: float
    turns: int
    tool_calls: int
    tokens: TokenUsage
    cost: float
    cost_is_incomplete: bool
    changes: list[Change]
    branch: str
    base: str
    check: Check | None


class SessionHead(Struct, frozen=True, kw_only=True):
    """What a session was; ``state`` is ``live``, ``interrupted`` or ``ended``, as in ``octui sessions --json``."""

    name: str
    state: str
    started: float | None
    ended: float | None
    octui: str
    opencode: str


class Transcript:
    """All of a session, to be written.

    Args:
        session: The recording, whole.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._status = session.status
        started = self._status.started
        self.head = SessionHead(
            name=session.name,
            state="live" if session.is_live else "interrupted" if session.interrupted else "ended",
            started=session.started_at,
            ended=session.ended_at,
            octui=started.octui if started else "",
            opencode=started.opencode if started else "",
        )
        self.runs = [self._run_head(name) for name in session.run_names]

    def entries(self, run: str) -> Iterator[AnyEntry]:
        """What happened in a run, in the order of time, and of the log where times are equal."""
        return merge(self._asked_first(run), self._told(run), self._of_facts(run), key=lambda entry: entry.at)

    def _run_head(self, name: str) -> RunHead:
        status, totals = self._status.run(name), self._session.log(name).totals
        meta = self._session.meta(name)
        return RunHead(
            name=name,
            state=str(status.state),
            error=mask(status.why),
            attention=[mask(words) for words, _ in status.attention.values()],
            model=meta.model,
            agent=meta.agent,
            workspace=meta.workspace,
            overrides=mask(meta.overrides),
            session_id=status.session_id or totals.session_id,
            attempts=status.attempt,
            exit_code=status.exit_code,
            started=status.started_at,
            ended=status.ended_at,
            duration_s=round(status.elapsed(time.time()) or 0.0, 3),
            turns=totals.turns,
            tool_calls=totals.tool_calls,
            tokens=totals.tokens,
            cost=totals.cost,
            cost_is_incomplete=totals.lacks_steps(is_over=status.state.is_final),
            changes=[
                Change(file=diff.file, additions=diff.additions, deletions=diff.deletions, patch=mask(diff.patch))
                for diff in self._session.diffs(name)
            ],
            branch=status.worktree.branch if status.worktree is not None else "",
            base=status.worktree.base if status.worktree is not None else "",
            check=Check(command=mask(meta.check), exit_code=status.checked.exit_code, duration_s=status.checked.seconds)
            if status.checked is not None
            else None,
        )

    def _asked_first(self, run: str) -> Iterator[AnyEntry]:
        """The run's own prompt, which no log has, before all else."""
        prompt = self._session.meta(run).prompt
        if prompt:
            yield Asked(at=self._session.started_at or 0.0, text=mask(prompt))

    def _told(self, run: str) -> Iterator[AnyEntry]:
        log = self._session.log(run)
        latest = 0.0
        for index in range(len(log)):
            # A clock that was set back must not put what came later before what came sooner.
            latest = max(latest, log.time(index))
            entry = entry_of(log.event(index), latest)
            if entry is not None:
                yield entry

    def _of_facts(self, run: str) -> Iterator[AnyEntry]:
        facts = [fact for fact in self._session.facts if getattr(fact, "run", None) == run]
        answers = {fact.request_id: fact for fact in facts if isinstance(fact, RequestAnswered)}
        latest = 0.0
        for fact in facts:
            latest = max(latest, fact.at)
            entry = _entry_of_fact(fact, latest, answers)
            if entry is not None:
                yield entry


def entry_of(event: Event, at: float) -> AnyEntry | None:
    """What an event is in a transcript; None for the start of a step, which says nothing that its end does not."""
    match event.body:
        case StepStart():
            return None
        case Text(text=text, reasoning=True):
            return Thought(at=at, text=mask(text))
        case Text(text=text):
            return Said(at=at, text=mask(text))
        case Prompt(text=text):
            return Asked(at=at, text=mask(text))
        case ToolUse() as use:
            return _called(use, at)
        case StepFinish(reason=reason, cost=cost, tokens=tokens):
            return Stepped(at=at, reason=reason, tokens=tokens.overall, cost=cost)
        case Failure(name=name, message=message):
            return Failed(at=at, name=name, message=mask(message))
        case Diagnostic(text=text):
            return Other(at=at, type=event.type, value=mask(text))
        case Unknown(type=kind, value=value):
            return Other(at=at, type=kind, value=mask(value))


def _called(use: ToolUse, at: float) -> Called:
    # Masked before anything is made of it: a title may be made of the arguments.
    use = structs.replace(
        use,
        title=mask(use.title),
        input=mask(use.input),
        output=mask(use.output),
        error=mask(use.error),
        metadata=mask(use.metadata),
    )
    return Called(
        at=at,
        tool=name_of(use),
        title=title_of(use),
        status=use.status,
        refused=refusal(use),
        input=use.input,
        output=use.output,
        error=use.error,
        exit_code=as_count(use.metadata.get("exit")),
        duration_ms=use.duration_ms,
        changes=[
            Change(file=each.path, additions=each.additions, deletions=each.deletions, patch=each.patch)
            for each in changes_of(use)
        ],
        todos=[Todo(status=status, content=content) for status, content in todos_of(use)]
        if use.tool == "todowrite"
        else [],
    )


def _entry_of_fact(fact: AnyFact, at: float, answers: dict[str, RequestAnswered]) -> AnyEntry | None:
    match fact:
        case StateChanged(state=state, why=why):
            return Entered(at=at, state=str(state), why=mask(why))
        case AttemptStarted(attempt=attempt, of=of, life=life) if attempt > 1 or life > 1:
            return Attempted(at=at, attempt=attempt, of=of, life=life)
        case AttentionRaised(kind=kind, words=words) if not kind.is_request:
            return Noted(at=at, reason=str(kind), words=mask(words))
        case RequestAsked() if fact.permission or fact.question:
            answer = answers.get(fact.request.id)
            return Requested(
                at=at,
                permission=_masked(fact.permission) if fact.permission else None,
                questions=list(fact.question.questions) if fact.question else [],
                answer=mask(answer.answer) if answer else "",
                answered_at=answer.at if answer else None,
            )
    return None


def _masked(permission: Permission) -> Permission:
    return Permission(
        id=permission.id,
        permission=permission.permission,
        patterns=tuple(map(mask, permission.patterns)),
        always=tuple(map(mask, permission.always)),
        metadata=mask(permission.metadata),
    )
