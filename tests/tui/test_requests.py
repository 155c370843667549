from __future__ import annotations

import pytest
from tests.tui.talking import EDIT, ONE, PUSH, TWO, asked

from octui.client.serve.events import Permission, Question
from octui.recording.facts import RunState, StateChanged
from octui.recording.status import fold
from octui.tui.requests import in_words, queue, wish


def test_the_queue_is_over_all_runs_the_oldest_first() -> None:
    status = fold([asked("b", EDIT, 30), asked("a", PUSH, 20), asked("b", ONE, 10)])
    assert [(each.run, each.request.id, each.since) for each in queue(status, ["a", "b"])] == [
        ("b", "que_one", 10),
        ("a", "per_push", 20),
        ("b", "per_edit", 30),
    ]


def test_a_run_that_is_over_waits_for_nothing() -> None:
    status = fold([asked("a", PUSH, 20), StateChanged(at=30, run="a", state=RunState.STOPPED)])
    assert queue(status, ["a"]) == []


@pytest.mark.parametrize(
    ("request_", "words", "wishes"),
    [
        (PUSH, "bash git push origin main", "wants to run a command"),
        (EDIT, "edit /srv/gateway/src/limits.py", "wants to change a file"),
        (ONE, "Which database shall the service use?", "asks you a question"),
        (TWO, "Which of these shall be covered by tests? (and 1 more)", "asks you 2 questions"),
        (Permission(id="p", permission="lsp", patterns=("a", "b")), "lsp a b", "asks for a permission: lsp"),
        (Question(id="q", questions=()), "a question", "asks you 0 questions"),
    ],
)
def test_requests_are_told_in_words(request_: Permission | Question, words: str, wishes: str) -> None:
    assert in_words(request_) == words
    assert wish(request_) == wishes


def test_hostile_text_and_secrets_are_not_in_the_words() -> None:
    command = "curl\x1b]52;c;eA==\x07 -H 'Authorization: Bearer sesame'\nhttps://me:open@host/\x9b2J"
    words = in_words(Permission(id="p", permission="ba\x1b[2Jsh", metadata={"command": command}))
    assert words.isprintable()
    assert "sesame" not in words
    assert "open" not in words
    assert words.startswith("bash curl")
