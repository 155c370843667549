"""Listening to a server over connections that break, stall, repeat and lose; over real sockets on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.to_thread
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fake_server import FakeServer
from tests.support.talking import Recorder

from octui import ServerError
from octui.client.serve import feed as feed_module
from octui.client.serve.api import PromptOptions
from octui.client.serve.conversation import Conversation
from octui.client.serve.events import PermissionAsked, RequestClosed
from octui.client.serve.feed import EventFeed, listening
from octui.client.serve.v1 import V1Api

pytestmark = pytest.mark.anyio

SESSION = "ses_1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setattr(feed_module, "FIRST_PAUSE_S", 0.01)
    with FakeServer() as found:
        found.open(SESSION)
        yield found


@asynccontextmanager
async def heard(server: FakeServer, silence_s: float = 30.0) -> AsyncIterator[tuple[Conversation, Recorder, EventFeed]]:
    api = V1Api(server.url, server.password, silence_s=silence_s)
    recorder = Recorder()
    try:
        async with listening(api) as feed:
            await feed.wait_connected()
            yield Conversation(api, feed, SESSION, "/x", recorder), recorder, feed
    finally:
        await api.close()


async def elsewhere(work: Callable[[], object]) -> None:
    await anyio.to_thread.run_sync(work)


async def begin(server: FakeServer, talk: Conversation, recorder: Recorder) -> None:
    """Have a prompt taken."""
    server.on_prompt = server.take
    await talk.send("Hello", PromptOptions())
    await recorder.wait_for(lambda: len(recorder.events) >= 3)


async def test_what_happens_is_told_in_order(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.say(SESSION, "Hello there you")
        server.status(SESSION, "idle")
        with anyio.fail_after(10):
            await talk.wait_over()
        assert recorder.kinds == ["step_start", "text", "step_finish"]
        assert recorder.texts == ["Hello there you"]
        assert recorder.troubles == []


async def test_what_was_missed_while_the_connection_was_cut_is_fetched(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.muted = True
        server.say(SESSION, "Missed")
        server.muted = False
        server.cut()
        await recorder.wait_for(lambda: "step_finish" in recorder.kinds)
        assert not talk.is_over
        server.say(SESSION, "Heard")
        server.status(SESSION, "idle")
        with anyio.fail_after(10):
            await talk.wait_over()
        assert recorder.texts == ["Missed", "Heard"]
        assert recorder.kinds == ["step_start", "text", "step_finish"] * 2
        assert [bool(trouble) for trouble in recorder.troubles] == [True, False]


async def test_the_end_of_a_turn_that_was_missed_is_fetched_too(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.muted = True
        server.say(SESSION, "Missed")
        server.status(SESSION, "idle")
        server.muted = False
        server.cut()
        with anyio.fail_after(10):
            await talk.wait_over()
        assert recorder.texts == ["Missed"]


async def test_a_server_that_says_nothing_is_listened_to_anew(server: FakeServer) -> None:
    async with heard(server, silence_s=0.3) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.muted = True
        server.say(SESSION, "Missed")
        server.status(SESSION, "idle")
        with anyio.fail_after(10):
            await talk.wait_over()
        assert recorder.texts == ["Missed"]
        assert "does not answer in time" in recorder.troubles[0]


async def test_events_that_are_sent_twice_are_told_once(server: FakeServer) -> None:
    server.twice = True
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.say(SESSION, "Once")
        server.status(SESSION, "idle")
        with anyio.fail_after(10):
            await talk.wait_over()
        assert recorder.texts == ["Once"]
        assert len(set(recorder.stream)) == len(recorder.stream)


async def test_a_server_that_goes_away_and_comes_back_is_found_again(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, feed):
        await begin(server, talk, recorder)
        await elsewhere(server.go)
        await recorder.wait_for(lambda: bool(recorder.troubles))
        assert not feed.is_connected
        assert not talk.is_over
        server.say(SESSION, "Meanwhile")
        server.status(SESSION, "idle")
        await elsewhere(server.come)
        with anyio.fail_after(20):
            await talk.wait_over()
        assert recorder.texts == ["Meanwhile"]
        await recorder.wait_for(lambda: recorder.troubles[-1] == "")


async def test_a_request_that_was_answered_while_nothing_was_heard_does_not_wait_any_more(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.ask_permission(SESSION, "per_1", "ls")
        server.ask_permission(SESSION, "per_2", "rm")
        server.ask_question(SESSION, "que_1", "Which?")
        await recorder.wait_for(lambda: len(talk.waiting) == 3)
        server.muted = True
        server.close_request("per_1", "once")
        server.close_request("que_1", "A")
        server.ask_permission(SESSION, "per_3", "cp")
        server.muted = False
        server.cut()
        await recorder.wait_for(lambda: recorder.troubles[-1:] == [""])
        assert list(talk.waiting) == ["per_2", "per_3"]
        closed = [event.request_id for event in recorder.events if isinstance(event, RequestClosed)]
        assert sorted(closed) == ["per_1", "que_1"]
        asked = [event.request.id for event in recorder.events if isinstance(event, PermissionAsked)]
        assert asked == ["per_1", "per_2", "per_3"]


async def test_what_subagents_ask_is_told_also_where_their_begin_was_missed(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.open("ses_2", parent=SESSION)
        server.ask_permission("ses_2", "per_1", "ls")
        await recorder.wait_for(lambda: "per_1" in talk.waiting)
        server.muted = True
        server.open("ses_3", parent=SESSION)
        server.ask_permission("ses_3", "per_2", "rm")
        server.muted = False
        server.cut()
        await recorder.wait_for(lambda: "per_2" in talk.waiting)
        server.ask_permission("ses_3", "per_3", "cp")
        await recorder.wait_for(lambda: "per_3" in talk.waiting)


async def test_other_sessions_are_none_of_its_business(server: FakeServer) -> None:
    server.open("ses_9")
    async with heard(server) as (talk, recorder, _):
        server.answer("ses_9", "Other")
        await begin(server, talk, recorder)
        server.say(SESSION, "Mine")
        await recorder.wait_for(lambda: "step_finish" in recorder.kinds)
        assert recorder.texts == ["Mine"]
        assert b"ses_9" not in b"".join(recorder.stream)


async def test_what_is_no_event_does_no_harm(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        for line in (b"", b"{", b"\xff\xff", b'{"payload":{"type":"sync","properties":{}}}', b"x" * 300_000):
            server.send(line)
        server.say(SESSION, "Still here")
        await recorder.wait_for(lambda: "step_finish" in recorder.kinds)
        assert recorder.texts == ["Still here"]
        assert recorder.troubles == []


async def test_a_session_the_server_does_not_know_any_more_is_given_up_and_others_go_on(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, feed):
        await begin(server, talk, recorder)
        server.open("ses_2")
        other = Recorder()
        second = Conversation(talk._api, feed, "ses_2", "/x", other)
        await second.send("Hello", PromptOptions())
        await other.wait_for(lambda: len(other.events) >= 3)
        del server.sessions[SESSION]
        server.cut()
        with anyio.fail_after(10):
            await talk.wait_over()
        assert recorder.kinds == ["error"]
        await other.wait_for(lambda: other.troubles[-1:] == [""])
        server.say("ses_2", "Fine")
        await other.wait_for(lambda: "step_finish" in other.kinds)


async def test_a_wrong_password_is_said_when_nothing_is_heard_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "CONNECT_WITHIN_S", 0.3)
    with FakeServer("secret") as server:
        api = V1Api(server.url, "wrong")
        async with listening(api) as feed:
            with pytest.raises(ServerError, match="does not accept the user name or the password"):
                await feed.wait_connected()
        await api.close()


async def test_an_error_of_the_block_comes_out_as_it_is(server: FakeServer) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with heard(server):
            raise LookupError("mine")


async def test_who_does_not_listen_any_more_is_told_nothing(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, feed):
        await begin(server, talk, recorder)
        server.open("ses_2", parent=SESSION)
        talk.close()
        before = len(recorder.events)
        later = Recorder()
        server.open("ses_3")
        third = Conversation(talk._api, feed, "ses_3", "/x", later)
        server.say(SESSION, "Unheard")
        server.answer("ses_2", "Unheard")
        server.answer("ses_3", "Heard")
        await later.wait_for(lambda: later.texts == ["Heard"])
        assert len(recorder.events) - before <= 1
        third.close()


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 12), max_size=3), muted=st.integers(0, 12))
def test_wherever_the_connection_is_cut_and_whatever_is_lost_each_line_comes_once(cuts: list[int], muted: int) -> None:
    async def work() -> None:
        with FakeServer() as server:
            server.open(SESSION)
            steps: list[Callable[[], object]] = [lambda: server.take(SESSION, "Hello")]
            steps += [partial(server.say, SESSION, f"Part {number}") for number in range(10)]
            async with heard(server) as (talk, recorder, _):
                await talk.send("Hello", PromptOptions())
                for number, step in enumerate(steps):
                    server.muted = number == muted
                    step()
                    server.muted = False
                    if number in cuts or number == muted:
                        server.cut()
                server.status(SESSION, "idle")
                with anyio.fail_after(20):
                    await talk.wait_over()
                assert sorted(recorder.texts) == sorted(f"Part {number}" for number in range(10))
                ids = [line["part"]["id"] for line in recorder.lines]
                assert len(ids) == len(set(ids)) == 30

    feed_module.FIRST_PAUSE_S, before = 0.01, feed_module.FIRST_PAUSE_S
    try:
        anyio.run(work)
    finally:
        feed_module.FIRST_PAUSE_S = before


async def test_a_request_that_names_no_session_is_told_to_the_only_one(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.emit("permission.asked", id="per_1", sessionID=None, permission="bash", patterns=["ls \ud83d"])
        await recorder.wait_for(lambda: bool(talk.waiting))
        (event,) = [each for each in recorder.events if isinstance(each, PermissionAsked)]
        assert (event.request.id, event.request.patterns) == ("per_1", ("ls \ufffd",))


async def test_parts_without_ids_are_told_each(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.message(SESSION, "assistant")
        for text in ("One.", "Two \ud83d."):
            part = {"type": "text", "sessionID": SESSION, "text": text, "time": {"end": 1}}
            server.emit("message.part.updated", sessionID=SESSION, part=part)
        await recorder.wait_for(lambda: recorder.texts == ["One.", "Two \ufffd."])


async def test_a_text_of_which_no_end_is_told_is_whole_at_the_end_of_its_step(server: FakeServer) -> None:
    async with heard(server) as (talk, recorder, _):
        await begin(server, talk, recorder)
        server.message(SESSION, "assistant")
        server.part(SESSION, "step-start")
        server.part(SESSION, "text", text="All of it.", time=None)
        server.part(SESSION, "step-finish", reason="stop", cost=None, tokens={"input": None, "output": 1.0})
        server.status(SESSION, "idle")
        await talk.wait_over()
        assert recorder.kinds == ["step_start", "text", "step_finish"]
        assert recorder.texts == ["All of it."]
