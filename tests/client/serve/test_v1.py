"""The adapter for the API of 1.x: what it asks, and what it makes of answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_server import FakeServer

from octui import ServerError
from octui.client.serve import v1
from octui.client.serve.api import PromptOptions
from octui.client.serve.events import (
    ActivityChanged,
    FileDiff,
    MessageChanged,
    PartChanged,
    PermissionAsked,
    QuestionAsked,
    RequestClosed,
    Rule,
    SessionOpened,
)
from octui.client.serve.v1 import V1Api

pytestmark = pytest.mark.anyio

SESSION = "ses_1"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as found:
        found.open(SESSION)
        yield found


@pytest.fixture
async def api(server: FakeServer) -> AsyncIterator[V1Api]:
    found = V1Api(f"{server.url}/")
    yield found
    await found.close()


async def test_a_prompt_says_what_was_chosen_and_nothing_else(server: FakeServer, api: V1Api) -> None:
    await api.prompt(SESSION, "/x", "Hi", PromptOptions())
    await api.prompt(SESSION, "/x", "Hi", PromptOptions(model="a/b/c", agent="plan", variant="high"))
    bodies = [body for _, path, body in server.asked if path == f"/session/{SESSION}/prompt_async"]
    assert bodies == [
        {"parts": [{"type": "text", "text": "Hi"}]},
        {
            "parts": [{"type": "text", "text": "Hi"}],
            "model": {"providerID": "a", "modelID": "b/c"},
            "agent": "plan",
            "variant": "high",
        },
    ]


async def test_a_command_gets_the_prompt_as_its_arguments(server: FakeServer, api: V1Api) -> None:
    await api.prompt(SESSION, "/x", "a b", PromptOptions(command="look", model="a/b"))
    assert server.asked[-1] == (
        "POST",
        f"/session/{SESSION}/command",
        {"command": "look", "arguments": "a b", "model": "a/b"},
    )


async def test_files_are_attached_as_what_they_are(server: FakeServer, api: V1Api, tmp_path: Path) -> None:
    names = ["a.py", "b.png", "c.pdf", "d.html", "e"]
    for name in names:
        (tmp_path / name).touch()
    files = [str(tmp_path / name) for name in names] + [str(tmp_path)]
    await api.prompt(SESSION, "/x", "", PromptOptions(files=files))
    parts = (server.asked[-1][2] or {})["parts"]
    kinds = ["text/plain", "image/png", "application/pdf", "text/plain", "text/plain", "application/x-directory"]
    assert [part["mime"] for part in parts] == kinds
    assert parts[0] == {
        "type": "file",
        "mime": "text/plain",
        "url": (tmp_path / "a.py").as_uri(),
        "filename": "a.py",
    }


async def test_rules_are_given_to_a_session(server: FakeServer, api: V1Api) -> None:
    rule = Rule(permission="bash", pattern="rm *", action="deny")
    await api.create_session("/x", title="T", rules=[rule])
    assert server.asked[-1][2] == {
        "title": "T",
        "permission": [{"permission": "bash", "pattern": "rm *", "action": "deny"}],
    }


async def test_how_a_session_stands_is_told_as_events(server: FakeServer, api: V1Api) -> None:
    server.open("ses_2", parent=SESSION)
    server.answer(SESSION, "Hello")
    server.answer("ses_2", "Below")
    server.ask_permission("ses_2", "per_1", "ls")
    server.open("ses_9")
    server.ask_permission("ses_9", "per_9", "ls")
    found = await api.catch_up(SESSION, "/x", ["per_1", "per_2", "que_1"])
    told = [what.event for what in found]
    assert all(what.event_id == "" for what in found)
    (opened,) = [event for event in told if isinstance(event, SessionOpened)]
    assert (opened.session_id, opened.parent_id) == ("ses_2", SESSION)
    assert sum(isinstance(event, MessageChanged) for event in told) == 4
    assert {event.session_id for event in told if isinstance(event, PartChanged)} == {SESSION, "ses_2"}
    assert [event.request.id for event in told if isinstance(event, PermissionAsked)] == ["per_1"]
    closed = [(event.request_id, event.answer) for event in told if isinstance(event, RequestClosed)]
    assert closed == [("per_2", v1.ELSEWHERE), ("que_1", v1.ELSEWHERE)]
    assert isinstance(told[-1], ActivityChanged)
    for what in found:
        assert json.loads(what.line)["payload"]["id"].startswith("evt_")


async def test_the_last_session_of_a_folder_is_the_one_used_last_and_no_subagent_s(
    server: FakeServer, api: V1Api
) -> None:
    server.open("ses_2")
    server.open("ses_3", parent="ses_2")
    assert await api.last_session("/x") == "ses_2"
    server.sessions.clear()
    assert await api.last_session("/x") is None


def summary(*files: tuple[str, int, int, str]) -> dict[str, Any]:
    keys = ("file", "additions", "deletions", "status")
    return {"diffs": [{**dict(zip(keys, each, strict=True)), "patch": f"@@ {each[0]}"} for each in files]}


async def test_what_each_turn_changed_is_put_together_by_file(server: FakeServer, api: V1Api) -> None:
    turns = [summary(("a", 2, 0, "added"), ("b", 1, 1, "modified")), summary(("a", 1, 1, "modified")), summary()]
    for turn in turns:
        server.message(SESSION, "user")
        server.messages[SESSION][-1]["info"]["summary"] = turn
    assert await api.diff(SESSION, "/x") == [
        FileDiff(file="b", patch="@@ b", additions=1, deletions=1, status="modified"),
        FileDiff(file="a", patch="@@ a\n@@ a", additions=3, deletions=1, status="added"),
    ]


async def test_taking_back_goes_one_prompt_further_each_time(server: FakeServer, api: V1Api) -> None:
    first, second = (server.message(SESSION, "user") for _ in range(2))
    for message in server.messages[SESSION]:
        message["info"]["summary"] = summary(("a", 1, 0, "added"))
    for wanted in (second, first):
        await api.revert(SESSION, "/x")
        assert server.asked[-1][2] == {"messageID": wanted}
        server.sessions[SESSION]["revert"] = {"messageID": wanted}
    assert await api.diff(SESSION, "/x") == []
    with pytest.raises(ServerError, match="nothing to take back"):
        await api.revert(SESSION, "/x")


@pytest.mark.parametrize(
    ("status", "word", "words"),
    [(400, "a bad prompt", r"refuses \(400\): a bad prompt"), (500, "", r"refuses \(500\): Refused")],
)
async def test_a_refusal_says_why(status: int, word: str, words: str, server: FakeServer, api: V1Api) -> None:
    server.refusals["/abort"] = (status, word)
    with pytest.raises(ServerError, match=words) as raised:
        await api.abort(SESSION, "/x")
    assert (raised.value.status, raised.value.is_gone) == (status, False)


async def test_another_program_is_no_opencode(server: FakeServer, api: V1Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeServer, "reply", lambda *_: (200, {"hello": "world"}))
    with pytest.raises(ServerError, match="is no opencode server"):
        await api.version()
    with pytest.raises(ServerError, match="a session without an id"):
        await api.create_session("/x")


async def test_a_server_that_is_not_there_is_gone() -> None:
    api = V1Api("http://127.0.0.1:9")
    with pytest.raises(ServerError, match="is not there") as raised:
        await api.version()
    assert raised.value.is_gone
    await api.close()


async def test_a_session_is_shared_and_forked(server: FakeServer, api: V1Api) -> None:
    assert await api.share(SESSION, "/x") == f"https://x.example/{SESSION}"
    await api.fork_session(SESSION, "/x")
    assert server.asked[-1] == ("POST", f"/session/{SESSION}/fork", {})


async def test_half_a_character_and_odd_neighbours_hide_no_request(server: FakeServer, api: V1Api) -> None:
    server.ask_permission(SESSION, "per_1", "echo \ud83d")
    server.requests["per_2"] = {"id": "per_2", "sessionID": ["odd"], "permission": "bash"}
    server.requests["per_3"] = {"id": 7, "sessionID": SESSION, "permission": None, "patterns": "ls", "metadata": []}
    server.ask_question(SESSION, "que_1", "Which \ud83d?")
    told = [each.event for each in await api.catch_up(SESSION, "/x", ["7"])]
    asked = [each.request for each in told if isinstance(each, PermissionAsked)]
    assert [(each.id, each.permission, each.patterns) for each in asked] == [
        ("per_1", "bash", ("echo \ufffd",)),
        ("7", "unknown", ("ls",)),
    ]
    (question,) = [each.request for each in told if isinstance(each, QuestionAsked)]
    assert [each.question for each in question.questions] == ["Which \ufffd?"]
    assert not [each for each in told if isinstance(each, RequestClosed)]


async def test_a_subagent_without_an_id_hides_no_other(server: FakeServer, api: V1Api) -> None:
    server.open("ses_2", parent=SESSION)
    server.open("ses_3", parent=SESSION)
    server.sessions["ses_2"]["id"] = None
    told = [each.event for each in await api.catch_up(SESSION, "/x")]
    assert [each.session_id for each in told if isinstance(each, SessionOpened)] == ["ses_3"]


async def test_odd_counts_lose_no_change(server: FakeServer, api: V1Api) -> None:
    diffs = [
        {"file": "a", "patch": "half \ud83d", "additions": None, "deletions": 1.5, "status": None},
        None,
        {"file": "b", "additions": "2", "deletions": 10**400},
    ]
    server.message(SESSION, "user")
    server.messages[SESSION][-1]["info"]["summary"] = {"diffs": diffs}
    assert await api.diff(SESSION, "/x") == [
        FileDiff(file="a", patch="half \ufffd", additions=0, deletions=2),
        FileDiff(file="b", additions=2),
    ]
