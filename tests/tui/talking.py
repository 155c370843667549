"""Sessions over a server that wait, for the tests of talking to runs, and what takes the place of their supervisor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from tests.tui.driving import on_dashboard
from tests.tui.sessions import API, GATEWAY, NOW, START, Script, record

from octui.client.serve.events import FileDiff, Option, Permission, Question, QuestionItem
from octui.errors import ControlError
from octui.recording.facts import Attention, RequestAnswered, RequestAsked, SessionOpened
from octui.recording.journal import Journal
from octui.recording.layout import diff_path
from octui.tui.app import OctuiApp
from octui.tui.widgets.prompt_line import PromptArea

PUSH = Permission(
    id="per_push",
    permission="bash",
    patterns=("git push origin main",),
    always=("git push *",),
    metadata={"command": "git push origin main"},
)
DIFF = """--- a/src/limits.py
+++ b/src/limits.py
@@ -10,5 +10,6 @@
 # Requests a minute and customer.
 def limit(customer):
-    return 10
+    if customer.is_trial:
+        return 10
+    return 100


"""
EDIT = Permission(
    id="per_edit",
    permission="edit",
    patterns=("src/limits.py",),
    always=("*",),
    metadata={"filepath": "/srv/gateway/src/limits.py", "diff": DIFF},
)
ONE = Question(
    id="que_one",
    questions=(
        QuestionItem(
            question="Which database shall the service use?",
            header="Database",
            options=(
                Option(label="PostgreSQL", description="What the other services use; needs a container."),
                Option(label="SQLite", description="Nothing to run, one writer at a time."),
            ),
            custom=False,
        ),
    ),
)
TWO = Question(
    id="que_two",
    questions=(
        QuestionItem(
            question="Which of these shall be covered by tests?",
            header="Tests",
            options=(
                Option(label="Router", description="The catch-all and what it hides."),
                Option(label="Limits", description="Both kinds of customers."),
                Option(label="Migrations"),
            ),
            multiple=True,
        ),
        QuestionItem(question="What is the release called?", header="Name"),
    ),
)


class Controls:
    """Takes the place of the supervisor's socket, and notes what it is asked.

    Args:
        refusal: Why it refuses everything; empty where it does not.

    Attributes:
        refusals: Why it refuses what is asked of a run, by run.
    """

    def __init__(self, refusal: str = "") -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.refusal = refusal
        self.refusals: dict[str, str] = {}

    async def _take(self, *what: Any) -> None:
        if why := self.refusal or self.refusals.get("".join(what[1:2]), ""):
            raise ControlError(why)
        self.asked.append(what)

    async def reply(self, run: str, request: str, reply: str, message: str = "") -> None:
        await self._take("reply", run, request, reply, message)

    async def answer(self, run: str, request: str, answers: Sequence[Sequence[str]] | None) -> None:
        await self._take("answer", run, request, answers)

    async def send(self, run: str, text: str, *, files: Sequence[str] = (), model: str = "", agent: str = "") -> None:
        await self._take("send", run, text, [*files], model, agent)

    async def abort(self, run: str) -> None:
        await self._take("abort", run)

    async def fork(self, run: str, text: str) -> str:
        await self._take("fork", run, text)
        return f"{run}-fork"

    async def revert(self, run: str, *, undo: bool = False) -> None:
        await self._take("revert", run, undo)

    async def acknowledge(self, run: str, reasons: Sequence[Attention]) -> None:
        await self._take("acknowledge", run, [*reasons])

    async def choices(self, run: str) -> tuple[list[str], list[str]]:
        await self._take("choices", run)
        return ["anthropic/claude-opus-4-5", "openai/gpt-5"], ["build", "plan"]

    async def take_up(self, *, resume: bool = False) -> None:
        await self._take("resume" if resume else "take_up")

    async def hold(self) -> None:
        """There is nothing to hold."""

    async def close(self) -> None:
        """Nothing is held."""


def in_charge(app: OctuiApp, refusal: str = "") -> Controls:
    """Put a stand-in in the place of the dashboard's supervisor."""
    controls = Controls(refusal)
    on_dashboard(app).controls = controls  # type: ignore[assignment]  # a stand-in
    return controls


def is_typing(app: OctuiApp) -> bool:
    """Whether keys go into the prompt line."""
    return isinstance(app.focused, PromptArea)


def typed(app: OctuiApp) -> str:
    """What stands in the prompt line."""
    assert isinstance(app.focused, PromptArea)
    return app.focused.text


def asked(run: str, request: Permission | Question, at: float = NOW - 41) -> RequestAsked:
    """The fact that a run waits."""
    if isinstance(request, Permission):
        return RequestAsked(at=at, run=run, permission=request)
    return RequestAsked(at=at, run=run, question=request)


def answered(run: str, request: Permission | Question, answer: str = "once") -> RequestAnswered:
    """The fact that it waits no more."""
    return RequestAnswered(at=NOW, run=run, request_id=request.id, answer=answer)


def served(
    folder: Path, waiting: Sequence[tuple[str, Permission | Question]], scripts: Sequence[Script] = (API, GATEWAY)
) -> Journal:
    """A live session over a server, whose runs wait for so much, ten seconds apart."""
    journal = record(folder, scripts, live=True)
    for script in scripts:
        journal.fact(
            SessionOpened(at=START + 1, run=script.name, session_id=f"ses_{script.name}", directory=str(folder))
        )
    for number, (run, request) in enumerate(waiting):
        journal.fact(asked(run, request, NOW - 41 + 10 * number))
    return journal


CHANGES = (
    FileDiff(file="src/limits.py", patch=DIFF, additions=3, deletions=1),
    FileDiff(
        file="src/tests/test_limits_of_trial_customers.py",
        patch="@@ -0,0 +1,2 @@\n+def test_limit():\n+    assert limit(trial) == 10\n",
        additions=2,
        status="added",
    ),
    FileDiff(file="src/old.py", patch="@@ -1 +0,0 @@\n-print('old')\n", deletions=1, status="deleted"),
)


def write_changes(folder: Path, run: str, changes: Sequence[FileDiff] = CHANGES) -> None:
    """What the supervisor writes after a turn."""
    diff_path(folder, run).write_bytes(msgspec.json.encode(changes))
