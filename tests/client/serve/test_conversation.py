"""One session from prompt to prompt, on a stand-in for the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.support.fake_server import FakeServer
from tests.support.talking import Recorder

from octui import RunConfig, ServerError
from octui.client.serve import conversation as conversation_module
from octui.client.serve.api import PromptOptions
from octui.client.serve.conversation import Conversation, in_words, open_session, options_of
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    Permission,
    Question,
    QuestionItem,
    RequestClosed,
)
from octui.client.serve.feed import listening
from octui.client.serve.v1 import V1Api

pytestmark = pytest.mark.anyio

SESSION = "ses_1"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as found:
        found.open(SESSION)
        yield found


@asynccontextmanager
async def talking(server: FakeServer) -> AsyncIterator[tuple[Conversation, Recorder]]:
    api = V1Api(server.url)
    recorder = Recorder()
    try:
        async with listening(api) as feed:
            await feed.wait_connected()
            yield Conversation(api, feed, SESSION, "/x", recorder), recorder
    finally:
        await api.close()


async def over(talk: Conversation) -> None:
    with anyio.fail_after(10):
        await talk.wait_over()


async def test_a_conversation_that_was_asked_nothing_is_over(server: FakeServer) -> None:
    async with talking(server) as (talk, recorder):
        assert talk.is_over
        await over(talk)
        assert recorder.lines == []


async def test_prompts_are_answered_one_after_another(server: FakeServer) -> None:
    server.on_prompt = lambda session, text: server.answer(session, text.upper())
    async with talking(server) as (talk, recorder):
        for text in ("one", "two"):
            await talk.send(text, PromptOptions())
            await over(talk)
        assert recorder.texts == ["ONE", "TWO"]
        assert [line["part"]["text"] for line in recorder.lines if line["type"] == "prompt"] == ["prompt for TWO"]


async def test_a_prompt_that_crosses_the_end_of_a_turn_is_waited_for(server: FakeServer) -> None:
    """The server has taken it, and rests before it begins to work on it."""
    async with talking(server) as (talk, recorder):
        server.on_prompt = server.take
        await talk.send("one", PromptOptions())
        await recorder.wait_for(lambda: len(recorder.events) >= 3)
        server.on_prompt = lambda session, text: server.status(session, "idle")
        await talk.send("two", PromptOptions())
        await recorder.wait_for(lambda: has_rested(recorder))
        assert not talk.is_over
        server.answer(SESSION, "Both")
        await over(talk)
        assert recorder.texts == ["Both"]


def has_rested(recorder: Recorder) -> bool:
    return any(isinstance(each, ActivityChanged) and each.activity is Activity.IDLE for each in recorder.events)


async def test_a_prompt_that_is_refused_leaves_it_over(server: FakeServer) -> None:
    server.refusals["/prompt_async"] = (400, "a bad prompt")
    async with talking(server) as (talk, _):
        with pytest.raises(ServerError, match=r"refuses \(400\): a bad prompt") as raised:
            await talk.send("one", PromptOptions())
        assert raised.value.status == 400
        assert talk.is_over


async def test_a_mistake_that_is_told_twice_makes_one_error_and_not_one_of_the_next_turn(server: FakeServer) -> None:
    def refuse(session: str, text: str) -> None:
        error = {"name": "UnknownError", "data": {"message": "Agent not found"}}
        server.emit("session.error", sessionID=session, error=error)

    async with talking(server) as (talk, recorder):
        server.on_prompt = refuse
        await talk.send("one", PromptOptions())
        await over(talk)
        server.on_prompt = server.take
        await talk.send("two", PromptOptions())
        again = {"name": "UnknownError", "data": {"message": "UnknownError\n    at x (y.js:1:2)"}}
        server.emit("session.error", sessionID=SESSION, error=again)
        server.say(SESSION, "Fine")
        server.status(SESSION, "idle")
        await over(talk)
        assert recorder.kinds.count("error") == 1
        assert recorder.texts == ["Fine"]


async def test_an_abort_is_no_error_and_the_next_turn_is_none(server: FakeServer) -> None:
    async with talking(server) as (talk, recorder):
        server.on_prompt = server.take
        await talk.send("one", PromptOptions())
        await recorder.wait_for(lambda: len(recorder.events) >= 3)
        await talk.abort()
        await over(talk)
        assert talk.aborted
        assert recorder.kinds == []
        server.on_prompt = lambda session, text: server.answer(session, "Fine")
        await talk.send("two", PromptOptions())
        await over(talk)
        assert not talk.aborted


async def test_requests_wait_until_they_are_answered_here_or_elsewhere(server: FakeServer) -> None:
    async with talking(server) as (talk, recorder):
        server.on_prompt = server.take
        await talk.send("one", PromptOptions())
        server.ask_permission(SESSION, "per_1", "ls")
        server.ask_permission(SESSION, "per_2", "rm x")
        server.ask_question(SESSION, "que_1", "Which?")
        await recorder.wait_for(lambda: len(talk.waiting) == 3)
        await talk.reply("per_1", "once")
        server.close_request("per_2", "reject")
        await talk.answer("que_1", [["A"]])
        await recorder.wait_for(lambda: not talk.waiting)
        answers = [event.answer for event in recorder.events if isinstance(event, RequestClosed)]
        assert answers == ["once", "reject", "A"]
        with pytest.raises(ServerError, match="no such request") as raised:
            await talk.reply("per_2", "once")
        assert raised.value.status == 404
        assert talk.rejected == []


async def test_what_is_rejected_here_is_remembered_until_the_next_prompt(server: FakeServer) -> None:
    async with talking(server) as (talk, recorder):
        server.on_prompt = server.take
        await talk.send("one", PromptOptions())
        server.ask_permission(SESSION, "per_1", "ls")
        server.ask_permission(SESSION, "per_2", "rm x")
        server.ask_question(SESSION, "que_1", "Which?")
        await recorder.wait_for(lambda: len(talk.waiting) == 3)
        await talk.reply("per_1", "reject")
        await talk.reply("per_2", "reject", "Use git rm.")
        await talk.answer("que_1", None)
        assert talk.rejected == ["bash: ls", "Which?"]
        server.status(SESSION, "idle")
        await over(talk)
        await talk.send("two", PromptOptions())
        assert talk.rejected == []


async def test_what_waits_when_the_turn_ends_is_told_as_closed(server: FakeServer) -> None:
    async with talking(server) as (talk, recorder):
        server.on_prompt = server.take
        await talk.send("one", PromptOptions())
        server.ask_permission(SESSION, "per_1", "ls")
        server.status(SESSION, "idle")
        await over(talk)
        (closed,) = [event for event in recorder.events if isinstance(event, RequestClosed)]
        assert (closed.request_id, closed.answer, talk.waiting) == ("per_1", "not answered", {})


async def test_giving_up_ends_the_turn_with_an_error_in_the_log(server: FakeServer) -> None:
    async with talking(server) as (talk, recorder):
        server.on_prompt = server.take
        await talk.send("one", PromptOptions())
        server.ask_permission(SESSION, "per_1", "ls")
        await recorder.wait_for(lambda: bool(talk.waiting))
        talk.give_up("The server died.")
        await over(talk)
        assert recorder.lines[-1]["error"]["data"]["message"] == "The server died."
        assert talk.waiting == {}
        talk.give_up("Again.")
        assert recorder.kinds == ["error"]


async def test_a_prompt_the_server_does_nothing_about_is_given_up(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_module, "TAKEN_WITHIN_S", 0.2)
    async with talking(server) as (talk, recorder):
        await talk.send("lost", PromptOptions())
        await over(talk)
        assert "does nothing about it" in recorder.lines[-1]["error"]["data"]["message"]


async def test_a_turn_of_which_events_were_lost_is_asked_after(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_module, "TAKEN_WITHIN_S", 0.2)
    async with talking(server) as (talk, recorder):
        server.muted = True
        server.on_prompt = lambda session, text: server.answer(session, "Lost")
        await talk.send("one", PromptOptions())
        await over(talk)
        assert recorder.texts == ["Lost"]
        assert "error" not in recorder.kinds


async def test_what_a_session_holds_makes_no_lines_when_it_is_taken_up(server: FakeServer) -> None:
    server.answer(SESSION, "Before")
    async with talking(server) as (talk, recorder):
        await talk.take_up()
        server.cut()  # What is fetched after it is the whole history.
        await recorder.wait_for(lambda: recorder.troubles[-1:] == [""])
        server.on_prompt = lambda session, text: server.answer(session, "After")
        await talk.send("more", PromptOptions())
        await over(talk)
        assert recorder.texts == ["After"]


async def test_two_who_use_one_session_see_the_same_and_either_answers(server: FakeServer) -> None:
    server.on_prompt = server.take
    async with talking(server) as (mine, seen_by_me), talking(server) as (theirs, seen_by_them):
        await mine.send("one", PromptOptions())
        server.ask_permission(SESSION, "per_1", "ls")
        await seen_by_me.wait_for(lambda: bool(mine.waiting))
        await seen_by_them.wait_for(lambda: bool(theirs.waiting))
        assert not theirs.is_over
        await theirs.reply("per_1", "once")
        await seen_by_me.wait_for(lambda: not mine.waiting)
        server.say(SESSION, "Both")
        server.status(SESSION, "idle")
        await over(mine)
        await over(theirs)
        assert seen_by_me.printed_lines == seen_by_them.printed_lines
        assert seen_by_me.texts == ["Both"]


async def test_thirty_sessions_share_one_stream_of_events(server: FakeServer) -> None:
    server.on_prompt = lambda session, text: server.answer(session, text)
    names = [f"ses_x{number}" for number in range(30)]
    recorders = {name: Recorder() for name in names}
    api = V1Api(server.url)

    async def ask(talk: Conversation) -> None:
        await talk.send(f"for {talk.session_id}", PromptOptions())
        await over(talk)

    async with listening(api) as feed:
        await feed.wait_connected()
        async with anyio.create_task_group() as group:
            for name in names:
                server.open(name)
                group.start_soon(ask, Conversation(api, feed, name, "/x", recorders[name]))
        assert server.listeners == 1
    await api.close()
    assert {name: recorder.texts for name, recorder in recorders.items()} == {name: [f"for {name}"] for name in names}


async def test_a_sink_is_told_a_line_before_what_it_says(server: FakeServer) -> None:
    order: list[str] = []

    class Sink(Recorder):
        def received(self, line: bytes) -> None:
            order.append("received")

        def printed(self, line: bytes) -> None:
            order.append("printed")

        def happened(self, event: Any) -> None:
            order.append("happened")
            super().happened(event)

    api = V1Api(server.url)
    async with listening(api) as feed:
        await feed.wait_connected()
        sink = Sink()
        Conversation(api, feed, SESSION, "/x", sink)
        server.answer(SESSION, "Fine")
        await sink.wait_for(lambda: has_rested(sink))
    await api.close()
    words = " ".join(order)
    assert words.count("received") == words.count("happened")
    assert "received printed happened" in words
    assert "received received" not in words


def test_a_request_in_words() -> None:
    whole = Permission(id="1", permission="bash", patterns=("git *",), metadata={"command": "git push --force"})
    assert in_words(whole) == "bash: git push --force"
    assert in_words(Permission(id="1", permission="edit", metadata={"filepath": "a.py"})) == "edit: a.py"
    assert in_words(Permission(id="1", permission="read", patterns=("a", "b"))) == "read: a, b"
    assert in_words(Permission(id="1", permission="doom_loop")) == "doom_loop"
    assert in_words(Question(id="1", questions=(QuestionItem(question="Why?"),))) == "Why?"
    assert in_words(Question(id="1", questions=())) == "a question"


def test_what_goes_with_a_prompt() -> None:
    config = RunConfig(model="a/b", agent="plan", variant="high", command="look")
    wanted = PromptOptions(model="a/b", agent="plan", variant="high", files=("/x/a",), command="look")
    assert options_of(config, ("/x/a",)) == wanted


async def test_a_session_is_begun_forked_or_gone_on_with(server: FakeServer) -> None:
    server.open("ses_2")
    server.open("ses_3", parent="ses_2")
    api = V1Api(server.url)
    asked = RunConfig(permission={"bash": "ask"}, attach=server.url)
    try:
        new = await open_session(api, "/x", asked, title="T")
        method, path, body = server.asked[-1]
        assert (method, path, new in server.sessions) == ("POST", "/session", True)
        assert body == {"title": "T", "permission": [{"permission": "bash", "pattern": "*", "action": "ask"}]}
        assert await open_session(api, "/x", replace(asked, session_id="ses_2")) == "ses_2"
        assert server.asked[-1][:2] == ("PATCH", "/session/ses_2")
        assert await open_session(api, "/x", RunConfig(continue_session=True)) == new
        await open_session(api, "/x", RunConfig(session_id="ses_2", fork=True))
        assert server.asked[-1][:2] == ("POST", "/session/ses_2/fork")
        server.sessions.clear()
        with pytest.raises(ServerError, match="no session to continue in /x"):
            await open_session(api, "/x", RunConfig(continue_session=True))
    finally:
        await api.close()
