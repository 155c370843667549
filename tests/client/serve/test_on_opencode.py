"""A server of the real opencode, and sessions on it, against the scripted model."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import psutil
import pytest
from tests.conftest import ScriptedModel
from tests.support.shared_server import SharedServer
from tests.support.talking import Recorder

from octui import AsyncOpenCodeClient, OpenCodeSession, RunConfig, ServerError
from octui.client.serve import v1
from octui.client.serve.api import PromptOptions
from octui.client.serve.conversation import Conversation, open_session
from octui.client.serve.events import FileDiff, PermissionAsked, Question, QuestionAsked, RequestClosed, Rule
from octui.client.serve.feed import EventFeed, listening
from octui.client.serve.server import OpenCodeServer, ServerLaunch, running
from octui.client.serve.shares import server_config
from octui.client.serve.v1 import V1Api
from octui.demo.model_server import provider_config

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.integration,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


class Place:
    """A server that runs, and what a test needs of it."""

    def __init__(self, server: OpenCodeServer, api: V1Api, feed: EventFeed, folder: Path) -> None:
        self.server = server
        self.api = api
        self.feed = feed
        self.directory = str(folder)

    async def talk(self, **config: Any) -> tuple[Conversation, Recorder]:
        """Begin a session, or go on with one."""
        recorder = Recorder()
        asked = RunConfig(attach=self.server.url, **config)
        session = await open_session(self.api, self.directory, asked)
        conversation = Conversation(self.api, self.feed, session, self.directory, recorder)
        if config.get("session_id"):
            await conversation.take_up()
        return conversation, recorder


@pytest.fixture
def scripted_model(shared_server: SharedServer) -> ScriptedModel:
    return ScriptedModel(shared_server.model, provider_config(shared_server.model.base_url))


@pytest.fixture
def launch(opencode_binary: Path, scripted_model: ScriptedModel, tmp_path: Path) -> ServerLaunch:
    config = server_config(RunConfig(config_overrides=scripted_model.config))
    return ServerLaunch(binary=opencode_binary, config=config, data_dir=tmp_path / "data")


@asynccontextmanager
async def place_of(launch: ServerLaunch, folder: Path) -> AsyncIterator[Place]:
    async with running(launch) as server, place_on(server, folder) as found:
        yield found


@asynccontextmanager
async def place_on(server: OpenCodeServer, folder: Path) -> AsyncIterator[Place]:
    api = V1Api(server.url, server.password)
    try:
        async with listening(api) as feed:
            await feed.wait_connected()
            yield Place(server, api, feed, folder)
    finally:
        await api.close()


@pytest.fixture
async def place(shared_server: SharedServer, git_workspace: Path) -> AsyncIterator[Place]:
    async with place_on(shared_server.server, git_workspace) as found:
        yield found


def tool(name: str, **arguments: Any) -> str:
    return f"TOOL:{name}:{json.dumps(arguments)}"


def bash(command: str) -> str:
    return tool("bash", command=command, description="x")


async def ask(talk: Conversation, prompt: str, **options: Any) -> None:
    with anyio.fail_after(100):
        await talk.send(prompt, PromptOptions(**options))
        await talk.wait_over()


async def test_what_is_asked_while_it_works_comes_next_and_is_waited_for(place: Place) -> None:
    talk, seen = await place.talk()
    await talk.send(f"{bash('sleep 1; echo a')}\nSAY:First.", PromptOptions())
    await seen.wait_for(lambda: seen.runs("bash"))
    assert not talk.is_over
    await ask(talk, "SAY:Second.")
    assert seen.texts == ["First.", "Second."] or seen.texts == ["Second."]
    prompts = [line["part"]["text"] for line in seen.lines if line["type"] == "prompt"]
    assert prompts == ["SAY:Second."]
    assert seen.kinds[-1] == "step_finish"


async def test_a_prompt_sent_at_the_very_end_of_a_turn_is_waited_for(place: Place) -> None:
    talk, seen = await place.talk()
    await talk.send("SAY:First.", PromptOptions())
    await seen.wait_for(lambda: "step_finish" in seen.kinds)
    await ask(talk, "SAY:Second.")
    assert seen.texts == ["First.", "Second."]


async def test_an_abort_ends_the_turn_and_the_command_and_the_next_prompt_is_answered(place: Place) -> None:
    talk, seen = await place.talk()
    await talk.send(f"{bash('sleep 7117')}\nSAY:Never.", PromptOptions())
    await seen.wait_for(lambda: seen.runs("bash"))
    await talk.abort()
    with anyio.fail_after(30):
        await talk.wait_over()
    assert talk.aborted
    await ask(talk, "SAY:Here.")
    assert not talk.aborted
    assert seen.texts[-1] == "Here."
    assert "error" not in seen.kinds
    commands = [each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"])]
    assert not any("sleep 7117" in " ".join(words) for words in commands)


async def test_an_abort_while_a_request_waits_closes_it(place: Place) -> None:
    talk, seen = await place.talk(permission={"bash": "ask"})
    await talk.send(bash("echo hi"), PromptOptions())
    await seen.wait_for(lambda: bool(talk.waiting))
    await talk.abort()
    with anyio.fail_after(30):
        await talk.wait_over()
    assert not talk.waiting
    assert seen.has(RequestClosed)


async def test_a_rejection_ends_the_turn_and_one_with_a_message_lets_it_go_on(place: Place) -> None:
    talk, seen = await place.talk(permission={"bash": "ask"})
    await talk.send(f"{bash('echo hi')}\nSAY:Went on.", PromptOptions())
    await seen.wait_for(lambda: bool(talk.waiting))
    await talk.reply(next(iter(talk.waiting)), "reject")
    await talk.wait_over()
    assert (seen.texts, talk.rejected) == ([], ["bash: echo hi"])
    await talk.send(f"{bash('echo hi')}\nSAY:Went on.", PromptOptions())
    await seen.wait_for(lambda: bool(talk.waiting))
    await talk.reply(next(iter(talk.waiting)), "reject", "Use printf.")
    await talk.wait_over()
    assert (seen.texts[-1], talk.rejected) == ("Went on.", [])
    assert "Use printf." in seen.calls[-1]["error"]


async def test_always_allows_what_comes_after_it(place: Place) -> None:
    talk, seen = await place.talk(permission={"bash": "ask"})
    await talk.send(f"{bash('echo one')}\n{bash('echo two')}\nSAY:Done.", PromptOptions())
    await seen.wait_for(lambda: bool(talk.waiting))
    await talk.reply(next(iter(talk.waiting)), "always")
    with anyio.fail_after(60):
        await talk.wait_over()
    assert [call["output"] for call in seen.calls] == ["one\n", "two\n"]
    assert sum(isinstance(event, PermissionAsked) for event in seen.events) == 1


async def test_a_request_that_was_answered_is_refused(place: Place) -> None:
    talk, seen = await place.talk(permission={"bash": "ask"})
    await talk.send(bash("echo one"), PromptOptions())
    await seen.wait_for(lambda: bool(talk.waiting))
    request = next(iter(talk.waiting))
    await place.api.reply_permission(request, place.directory, "once")
    with pytest.raises(ServerError) as raised:
        await talk.reply(request, "once")
    assert raised.value.status == 404
    await talk.wait_over()


async def test_several_questions_are_answered_at_once_with_words_of_ones_own_too(place: Place) -> None:
    options = [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]
    questions = [
        {"question": "Which?", "header": "One", "options": options, "multiple": True},
        {"question": "Why?", "header": "Two", "options": options},
    ]
    talk, seen = await place.talk()
    await talk.send(tool("question", questions=questions), PromptOptions())
    await seen.wait_for(lambda: seen.has(QuestionAsked))
    (request,) = talk.waiting.values()
    assert isinstance(request, Question)
    assert [(each.multiple, each.custom) for each in request.questions] == [(True, True), (False, True)]
    await talk.answer(request.id, [["A", "B"], ["because"]])
    with anyio.fail_after(60):
        await talk.wait_over()
    assert "because" in seen.calls[0]["output"]


async def test_what_a_subagent_asks_arrives_and_is_answered(launch: ServerLaunch, git_workspace: Path) -> None:
    permission = {"bash": "ask"}
    asking = server_config(replace(launch.config, permission=permission))
    async with place_of(replace(launch, config=asking), git_workspace) as place:
        await _answer_a_subagent(*await place.talk(permission=permission))


async def _answer_a_subagent(talk: Conversation, seen: Recorder) -> None:
    task = tool("task", description="Look", prompt=bash("echo below"), subagent_type="general")
    await talk.send(f"{task}\nSAY:Done.", PromptOptions())
    await seen.wait_for(lambda: seen.has(PermissionAsked))
    (asked,) = [event for event in seen.events if isinstance(event, PermissionAsked)]
    assert asked.session_id != talk.session_id
    await talk.reply(asked.request.id, "once")
    with anyio.fail_after(60):
        await talk.wait_over()
    assert seen.texts[-1] == "Done."
    assert [line["part"]["tool"] for line in seen.lines if line["type"] == "tool_use"] == ["task"]


async def test_a_fork_goes_on_from_what_was_said_and_leaves_it_alone(
    place: Place, scripted_model: ScriptedModel
) -> None:
    talk, _ = await place.talk()
    await ask(talk, "SAY:Origin.")
    fork, seen = await place.talk(session_id=talk.session_id, fork=True)
    assert fork.session_id != talk.session_id
    await ask(fork, "SAY:Branch.")
    assert seen.texts == ["Branch."]
    assert "Origin." in json.dumps(scripted_model.server.requests[-1].body)
    await ask(talk, "SAY:Trunk.")
    assert "Branch." not in json.dumps(scripted_model.server.requests[-1].body)


async def changed_by(talk: Conversation, place: Place, *, additions: int) -> FileDiff:
    """What a session changed, once the server tells of so many lines: it sums up each prompt after it is over."""
    with anyio.fail_after(30):
        while True:
            for diff in await place.api.diff(talk.session_id, place.directory):
                if diff.additions == additions:
                    return diff
            await anyio.sleep(0.1)


async def test_what_a_session_changed_is_told_taken_back_and_brought_back(place: Place) -> None:
    talk, _ = await place.talk()
    made = Path(place.directory) / "made.txt"
    await ask(talk, "SAY:Nothing yet.")
    await ask(talk, tool("write", filePath=str(made), content="one\ntwo\n"))
    diff = await changed_by(talk, place, additions=2)
    assert (diff.file, diff.deletions, diff.status) == ("made.txt", 0, "added")
    assert "+one" in diff.patch
    await ask(talk, tool("edit", filePath=str(made), oldString="two", newString="three\nfour"))
    diff = await changed_by(talk, place, additions=4)
    assert (diff.deletions, diff.status) == (1, "added")
    await place.api.revert(talk.session_id, place.directory)
    assert made.read_text() == "one\ntwo\n"
    await place.api.revert(talk.session_id, place.directory)
    assert not made.exists()
    assert await place.api.diff(talk.session_id, place.directory) == []
    await place.api.unrevert(talk.session_id, place.directory)
    assert made.read_text() == "one\nthree\nfour\n"


async def test_other_rules_hold_from_the_next_prompt_on(place: Place) -> None:
    talk, seen = await place.talk()
    await ask(talk, bash("echo hi"))
    await place.api.set_rules(talk.session_id, place.directory, [Rule(permission="bash", pattern="*", action="deny")])
    await ask(talk, bash("echo hi"))
    assert seen.calls[0]["status"] == "completed"
    assert "unavailable tool" in seen.calls[1]["output"]


async def test_a_mistaken_prompt_while_it_works_ends_neither_too_soon_nor_never(place: Place) -> None:
    talk, seen = await place.talk()
    await talk.send(f"{bash('sleep 1')}\nSAY:Done.", PromptOptions())
    await seen.wait_for(lambda: seen.runs("bash"))
    await ask(talk, "SAY:Hi.", agent="nope")
    assert seen.kinds.count("error") == 1
    assert seen.texts[-1] == "Done."


async def test_a_command_that_takes_long_is_not_cut_short(
    launch: ServerLaunch, git_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v1, "COMMAND_S", 0.5)
    folder = git_workspace / ".opencode" / "command"
    folder.mkdir(parents=True)
    (folder / "look.md").write_text("---\ndescription: Look\n---\nSTALL:2\nSAY:Looked at $ARGUMENTS.\n")
    async with place_of(launch, git_workspace) as place:
        talk, seen = await place.talk()
        await ask(talk, "it", command="look")
        assert seen.texts == ["Looked at it."]
        with pytest.raises(ServerError):
            await talk.send("it", PromptOptions(command="nope"))


async def test_a_session_goes_on_on_the_next_server_with_the_same_data(
    launch: ServerLaunch, git_workspace: Path, scripted_model: ScriptedModel
) -> None:
    async with place_of(launch, git_workspace) as place:
        talk, seen = await place.talk()
        await ask(talk, "SAY:Before.")
        await talk.send(f"{bash('echo begun; sleep 7118')}", PromptOptions())
        await seen.wait_for(lambda: seen.runs("bash"))
        os.kill(place.server.pid, 9)
        await place.server.wait()
        talk.give_up("The server died.")
        with anyio.fail_after(5):
            await talk.wait_over()
        assert seen.kinds[-1] == "error"
    async with place_of(launch, git_workspace) as place:
        again, seen = await place.talk(session_id=talk.session_id)
        assert (again.session_id, seen.lines) == (talk.session_id, [])
        await ask(again, "SAY:After.")
        assert seen.texts == ["After."]
        assert "Before." in json.dumps(scripted_model.server.requests[-1].body)
        assert await place.api.last_session(place.directory) == talk.session_id


async def test_what_can_be_chosen_is_told(place: Place) -> None:
    assert "scripted/m1" in await place.api.models(place.directory)
    agents = await place.api.agents(place.directory)
    assert {"build", "plan"} <= set(agents)
    assert not {"general", "compaction", "summary", "title"} & set(agents)
    assert (await place.api.version()).startswith("1.")


async def test_nothing_is_installed_into_its_configuration(place: Place) -> None:
    talk, _ = await place.talk()
    await ask(talk, "SAY:ok")
    log = (place.server.data / "log" / "opencode.log").read_text()
    assert "message=bootstrapping" in log
    assert "dependency install" not in log


async def test_a_wrong_password_is_refused_at_once(place: Place) -> None:
    api = V1Api(place.server.url, "wrong")
    try:
        with pytest.raises(ServerError, match="does not accept the user name or the password") as raised:
            await api.version()
        with pytest.raises(ServerError, match="does not accept the user name or the password"):
            async with api.events():
                pass
    finally:
        await api.close()
    assert raised.value.status == 401


async def test_a_server_leaves_no_process_and_its_port_to_others(launch: ServerLaunch) -> None:
    async with running(launch) as server:
        pid = server.pid
        assert psutil.pid_exists(pid)
        port = int(server.url.rpartition(":")[2])
    assert not psutil.pid_exists(pid)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port):
        pass


async def test_a_port_that_is_taken_is_said(launch: ServerLaunch) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as taken:
        port = taken.extra(anyio.abc.SocketAttribute.local_port)
        with pytest.raises(ServerError, match=f"Port {port} is taken"):
            async with running(replace(launch, config=replace(launch.config, port=port))):
                pytest.fail("it does not listen")


async def test_a_session_on_a_server_that_runs_already_leaves_it_running(place: Place) -> None:
    attached = RunConfig(attach=place.server.url, password=place.server.password, remote_dir=place.directory)
    for text in ("One.", "Two."):
        async with OpenCodeSession(AsyncOpenCodeClient(), "/nowhere", run_cfg=attached, timeout_s=100) as session:
            assert (await session.send(f"SAY:{text}")).final_text == text
    assert place.server.exit_code is None


async def test_thirty_sessions_are_answered_side_by_side(place: Place) -> None:
    recorders: list[Recorder] = []

    async def one(number: int) -> None:
        talk, seen = await place.talk()
        recorders.append(seen)
        await ask(talk, f"SAY:Number {number}.")

    async with anyio.create_task_group() as group:
        for number in range(30):
            group.start_soon(one, number)
    assert sorted(seen.texts for seen in recorders) == sorted([f"Number {number}."] for number in range(30))
