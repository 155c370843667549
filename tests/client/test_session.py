"""`OpenCodeSession` on a stand-in for the server, on asyncio and trio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from tests.client.conftest import StandIn
from tests.support.fake_server import FakeServer

from octui import (
    AsyncOpenCodeClient,
    ConfigError,
    OpenCodeBinaryNotFoundError,
    OpenCodeProcessError,
    OpenCodeSession,
    OpenCodeTimeoutError,
    Permission,
    Question,
    RunConfig,
    RunResult,
    ServerError,
    TokenUsage,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer("secret") as found:
        found.on_prompt = lambda session, text: found.answer(session, text.upper())
        yield found


def session_on(server: FakeServer, *, config: dict[str, Any] | None = None, **options: Any) -> OpenCodeSession:
    run_cfg = RunConfig(attach=server.url, password="secret", remote_dir="/srv/x", **(config or {}))
    return OpenCodeSession(AsyncOpenCodeClient(), "/nowhere", run_cfg=run_cfg, **options)


def prompts(server: FakeServer) -> list[dict[str, Any]]:
    return [body or {} for method, path, body in server.asked if path.endswith("/prompt_async")]


def asks(server: FakeServer, *requests: str) -> None:
    """Have each turn ask this first, and end when it is all answered."""

    def work(session: str, text: str) -> None:
        server.take(session, text)
        for request in requests:
            if request.startswith("per"):
                server.ask_permission(session, request, "ls")
            else:
                server.ask_question(session, request, "Which?")
        server.wait_for(lambda: is_aborted(server) or all(asked_for(server, request) for request in requests))
        if is_aborted(server):
            return
        server.say(session, text)
        server.status(session, "idle")

    server.on_prompt = work


def is_aborted(server: FakeServer) -> bool:
    return any(path.endswith("/abort") for _, path, _ in server.asked)


def asked_for(server: FakeServer, request: str) -> list[Any]:
    """What was answered to a request."""
    return [
        body for _, path, body in server.asked if path.startswith(("/permission/", "/question/")) and request in path
    ]


async def test_each_prompt_gives_what_came_of_it(server: FakeServer) -> None:
    async with session_on(server) as session:
        assert session.session_id in server.sessions
        first = await session.send("one")
        second = await session.send("two")
    for result, text in ((first, "ONE"), (second, "TWO")):
        assert (result.final_text, result.exit_code, result.turns, result.total_cost) == (text, 0, 1, 0.5)
        assert [event["type"] for event in result.events] == ["step_start", "text", "step_finish"]
        assert result.token_usage == TokenUsage(total=3, input=2, output=1)
        assert (result.session_id, result.rejected) == (session.session_id, ())


async def test_prompts_that_come_at_once_are_answered_one_after_another(server: FakeServer) -> None:
    results: dict[str, RunResult] = {}

    async def ask(session: OpenCodeSession, text: str) -> None:
        results[text] = await session.send(text)

    async with session_on(server) as session, anyio.create_task_group() as group:
        for text in ("a", "b", "c"):
            group.start_soon(ask, session, text)
    assert {text: result.final_text for text, result in results.items()} == {"a": "A", "b": "B", "c": "C"}


async def test_files_go_with_the_first_prompt_and_model_and_agent_stay(server: FakeServer) -> None:
    async with session_on(server, config={"files": ["a.txt"], "model": "p/m"}) as session:
        await session.send("one")
        await session.send("two", run_cfg=RunConfig(agent="plan", model="p/n", permission={"bash": "deny"}))
        await session.send("three")
    first, second, third = prompts(server)
    assert [part["type"] for part in first["parts"]] == ["text", "file"]
    assert first["parts"][1]["url"] == "file:///srv/x/a.txt"
    assert [part["type"] for part in second["parts"]] == ["text"]
    assert first["model"] == {"providerID": "p", "modelID": "m"}
    assert second["agent"] == third["agent"] == "plan"
    assert second["model"] == third["model"] == {"providerID": "p", "modelID": "n"}
    (rules,) = [body for method, _, body in server.asked if method == "PATCH"]
    assert rules == {"permission": [{"permission": "bash", "pattern": "*", "action": "deny"}]}


@pytest.mark.parametrize("is_async", [False, True])
async def test_callbacks_answer_what_is_asked(is_async: bool, server: FakeServer) -> None:
    asks(server, "per_1", "que_1")
    seen: list[Permission | Question] = []

    def permit(request: Permission) -> Any:
        seen.append(request)
        return later("always") if is_async else "always"

    def choose(request: Question) -> Any:
        seen.append(request)
        return later([["A"]]) if is_async else [["A"]]

    async def later(value: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return value

    async with session_on(server, on_permission=permit, on_question=choose) as session:
        result = await session.send("one")
    assert {request.id for request in seen} == {"per_1", "que_1"}
    assert asked_for(server, "per_1") == [{"reply": "always"}]
    assert asked_for(server, "que_1") == [{"answers": [["A"]]}]
    assert result.rejected == ()


async def test_without_callbacks_everything_is_rejected_and_the_result_says_so(server: FakeServer) -> None:
    asks(server, "per_1", "que_1")
    async with session_on(server) as session:
        result = await session.send("one")
    assert sorted(result.rejected) == ["Which?", "bash: ls"]
    assert asked_for(server, "per_1") == [{"reply": "reject"}]


async def test_a_callback_is_let_go_of_when_somebody_else_has_answered(server: FakeServer) -> None:
    let_go = anyio.Event()

    async def permit(request: Permission) -> str:
        try:
            await anyio.to_thread.run_sync(lambda: server.close_request("per_1", "once"))
            await anyio.sleep_forever()
        finally:
            let_go.set()
        return "reject"

    def work(session: str, text: str) -> None:
        server.take(session, text)
        server.ask_permission(session, "per_1", "ls")

    server.on_prompt = work
    async with session_on(server, on_permission=permit) as session:
        with pytest.raises(OpenCodeTimeoutError):
            await session.send("one", timeout_s=1)
        with anyio.fail_after(5):
            await let_go.wait()
    assert asked_for(server, "per_1") == []


@pytest.mark.parametrize(
    ("callbacks", "request_id", "words"),
    [
        ({"on_permission": lambda request: "maybe"}, "per_1", "gave 'maybe'"),
        ({"on_question": lambda request: "A"}, "que_1", "a list of labels for each question"),
        ({"on_question": lambda request: ["A"]}, "que_1", "a list of labels for each question"),
        ({"on_question": lambda request: []}, "que_1", "a list of labels for each question"),
    ],
)
async def test_what_a_callback_must_not_give_ends_the_turn(
    callbacks: dict[str, Any], request_id: str, words: str, server: FakeServer
) -> None:
    asks(server, request_id)
    async with session_on(server, **callbacks) as session:
        with pytest.raises(ConfigError, match=words):
            await session.send("one")


async def test_an_error_of_the_turn_carries_its_events(server: FakeServer) -> None:
    def fail(session: str, text: str) -> None:
        server.take(session, text)
        server.emit("session.error", sessionID=session, error={"name": "APIError", "data": {"message": "no key"}})
        server.status(session, "idle")

    server.on_prompt = fail
    async with session_on(server) as session:
        with pytest.raises(OpenCodeProcessError, match="no key") as raised:
            await session.send("one")
    assert raised.value.exit_code == 1
    assert [event["type"] for event in raised.value.events] == ["error"]


async def test_a_turn_that_is_cut_off_is_an_error(server: FakeServer) -> None:
    def stop(session: str, text: str) -> None:
        server.take(session, text)
        server.message(session, "assistant")
        server.part(session, "step-start")
        server.status(session, "idle")

    server.on_prompt = stop
    async with session_on(server) as session:
        with pytest.raises(OpenCodeProcessError, match="cut off"):
            await session.send("one")


async def test_time_that_is_up_ends_the_turn_and_the_session_stays(server: FakeServer) -> None:
    server.on_prompt = server.take
    async with session_on(server, timeout_s=0.5) as session:
        with pytest.raises(OpenCodeTimeoutError, match=r"after 0\.5 s") as raised:
            await session.send("one")
        assert raised.value.timeout_s == 0.5
        assert [path for _, path, _ in server.asked if path.endswith("/abort")]
        server.on_prompt = lambda session, text: server.answer(session, "Fine")
        assert (await session.send("two", timeout_s=20)).final_text == "Fine"


async def test_a_cancel_ends_the_turn_on_the_server(server: FakeServer) -> None:
    server.on_prompt = server.take
    async with session_on(server) as session:
        with anyio.move_on_after(0.5) as scope:
            await session.send("one")
        assert scope.cancelled_caught
        assert [path for _, path, _ in server.asked if path.endswith("/abort")]


async def test_an_abort_gives_what_there_is(server: FakeServer) -> None:
    def begin(session: str, text: str) -> None:
        server.take(session, text)
        server.say(session, "Half")

    server.on_prompt = begin
    results: list[RunResult] = []

    async def ask(session: OpenCodeSession) -> None:
        results.append(await session.send("one"))

    async with session_on(server) as session:
        await session.abort()  # Nothing is under way; nothing happens.
        assert not [path for _, path, _ in server.asked if path.endswith("/abort")]
        async with anyio.create_task_group() as group:
            group.start_soon(ask, session)
            await anyio.to_thread.run_sync(lambda: server.wait_for(lambda: prompts(server)))
            await anyio.sleep(0.2)
            await session.abort()
    assert (results[0].exit_code, results[0].final_text) == (130, "Half")


async def test_a_stream_gives_words_and_lines_as_they_come(server: FakeServer) -> None:
    def work(session: str, text: str) -> None:
        server.take(session, text)
        server.message(session, "assistant")
        state = {"status": "running", "input": {"command": "ls"}, "metadata": {"output": "a\n"}, "time": {"start": 1}}
        part = server.part(session, "tool", tool="bash", state=state)
        server.part(session, "tool", part, tool="bash", state={**state, "status": "completed", "output": "a\n"})
        server.say(session, "Hello there")
        server.status(session, "idle")

    server.on_prompt = work
    async with session_on(server) as session:
        events = [event async for event in session.stream("one")]
    assert [event["type"] for event in events] == [
        "tool",
        "tool_use",
        "step_start",
        "delta",
        "delta",
        "text",
        "step_finish",
    ]
    tool, delta = events[0], events[3]
    assert (tool["tool"], tool["status"], tool["input"], tool["output"]) == (
        "bash",
        "running",
        {"command": "ls"},
        "a\n",
    )
    assert (delta["kind"], delta["text"]) == ("text", "Hello ")
    assert delta["part"] == events[5]["part"]["id"]


async def test_leaving_a_stream_ends_its_turn_and_its_errors_come_after_the_last_event(server: FakeServer) -> None:
    def work(session: str, text: str) -> None:
        server.take(session, text)
        server.say(session, "a b c")

    server.on_prompt = work
    async with session_on(server) as session:
        async with aclosing(session.stream("one")) as events:
            async for event in events:
                assert event["type"] == "step_start"
                break
        assert [path for _, path, _ in server.asked if path.endswith("/abort")]
        seen: list[str] = []
        with pytest.raises(OpenCodeTimeoutError) as raised:
            async for event in session.stream("two", timeout_s=0.5):
                seen.append(event["type"])
        assert seen[-1] == "step_finish"
        assert raised.value.events[-1]["type"] == "step_finish"


async def test_a_session_that_goes_on_gives_only_what_is_new(server: FakeServer) -> None:
    server.open("ses_1")
    server.answer("ses_1", "Before")
    async with session_on(server, config={"session_id": "ses_1", "share": True}) as session:
        assert session.session_id == "ses_1"
        assert (await session.send("after")).final_text == "AFTER"
    assert [path for _, path, _ in server.asked if path.endswith("/share")]


async def test_a_server_that_goes_away_and_comes_back_is_waited_for(server: FakeServer) -> None:
    server.on_prompt = server.take
    results: list[RunResult] = []

    async def ask(session: OpenCodeSession) -> None:
        results.append(await session.send("one"))

    async with session_on(server) as session, anyio.create_task_group() as group:
        group.start_soon(ask, session)
        await anyio.to_thread.run_sync(lambda: server.wait_for(lambda: prompts(server)))
        await anyio.sleep(0.1)
        await anyio.to_thread.run_sync(server.go)
        server.say(session.session_id, "Meanwhile")
        server.status(session.session_id, "idle")
        await anyio.to_thread.run_sync(server.come)
    assert results[0].final_text == "Meanwhile"


async def test_a_wrong_password_is_said_at_once(server: FakeServer) -> None:
    config = RunConfig(attach=server.url, password="wrong", remote_dir="/x")
    with pytest.raises(ServerError, match="does not accept the user name or the password"):
        async with OpenCodeSession(AsyncOpenCodeClient(), ".", run_cfg=config):
            pytest.fail("it does not let us in")


async def test_no_server_is_said_at_once() -> None:
    config = RunConfig(attach="http://127.0.0.1:9", remote_dir="/x")
    with pytest.raises(ServerError, match="is not there") as raised:
        async with OpenCodeSession(AsyncOpenCodeClient(), ".", run_cfg=config):
            pytest.fail("there is none")
    assert raised.value.is_gone


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (RunConfig(permission={"bash": "alow"}), "'allow', 'deny' or 'ask'"),
        (RunConfig(cli_kwargs={"auto": True}), "cli_kwargs"),
        (RunConfig(files=["none.txt"]), r"none\.txt does not exist"),
    ],
)
async def test_what_cannot_be_used_is_refused_before_anything_starts(
    config: RunConfig, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        async with OpenCodeSession(AsyncOpenCodeClient("/nope"), tmp_path, run_cfg=config):
            pytest.fail("it cannot be used")


async def test_what_is_the_server_s_cannot_be_had_for_one_prompt(server: FakeServer) -> None:
    async with session_on(server) as session:
        with pytest.raises(ConfigError, match="instructions is the server's"):
            await session.send("one", run_cfg=RunConfig(instructions=("A.md",)))


async def test_a_session_outside_of_its_block_says_so(server: FakeServer) -> None:
    session = session_on(server)
    with pytest.raises(ServerError, match="was not entered"):
        await session.send("one")
    with pytest.raises(ServerError, match="was not entered"):
        await anext(session.stream("one"))
    async with session:
        pass
    with pytest.raises(ServerError, match="is over"):
        await session.send("one")
    with pytest.raises(RuntimeError, match="entered once"):
        await session.__aenter__()


async def test_an_error_of_the_block_comes_out_as_it_is(server: FakeServer) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with session_on(server):
            raise LookupError("mine")


async def test_there_is_no_opencode_to_run(tmp_path: Path) -> None:
    with pytest.raises(OpenCodeBinaryNotFoundError):
        async with OpenCodeSession(AsyncOpenCodeClient("/nope/opencode"), tmp_path):
            pytest.fail("there is none")


async def test_an_executable_that_is_no_server_says_so(stand_in: StandIn, tmp_path: Path) -> None:
    client = AsyncOpenCodeClient(stand_in('print("unknown command: serve", file=sys.stderr); sys.exit(2)'))
    with pytest.raises(ServerError, match="exit code 2: unknown command: serve"):
        async with OpenCodeSession(client, tmp_path):
            pytest.fail("it is none")
