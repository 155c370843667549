"""Servers of the real opencode that are killed, shared, crowded, and left by their supervisor."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import ScriptedModel
from tests.faults.test_deaths import GONE_S, check_interrupted
from tests.support.faults import FULL, Fault
from tests.support.processes import wait_until
from tests.support.repository import make_repository
from tests.support.serving import Served, served
from tests.support.shared_server import SharedServer

from octui.client.binary import binary_version
from octui.client.config import RunConfig
from octui.client.serve.server import ServerLaunch, running
from octui.client.serve.shares import server_config
from octui.client.serve.v1 import V1Api
from octui.control.client import request
from octui.control.messages import Order, Reply, Send, Shutdown, Stop
from octui.control.spawn import start_supervisor, take_up_session
from octui.errors import ControlError
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import Attention, RunState
from octui.recording.layout import server_folder, stream_path
from octui.recording.session import Session

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

GROUP = 11
BASH = 'TOOL:bash:{"command":"%s","description":"x"}\n'
ASKS_FOR_ECHO: dict[str, Any] = {"bash": {"*": "allow", "echo *": "ask"}}
LONG = "SLOW:100:0.1\nSAY:One hundred pieces of an answer that is cut off in its middle."
CROWD = 30 if FULL else 4

Serving = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def anyio_backend() -> str:
    """The real server is dear, and the stand-in is tested on both."""
    return "asyncio"


@pytest.fixture
def serving(scripted_model: ScriptedModel, opencode_binary: Path, tmp_path: Path) -> Serving:
    """Run prompts by name over a server, of octui's own unless ``attach`` is given."""

    def serve(prompts: dict[str, str], *, sessions: str = "sessions", **config: Any) -> Any:
        given = RunConfig(**(config if "attach" in config else {"config_overrides": scripted_model.config, **config}))
        runs = tuple(
            RunSpec(
                name=name,
                workspace=make_repository(tmp_path / f"{sessions}-{name}", {"README.md": "x"}),
                prompt=prompt,
                config=given,
                backend="serve",
            )
            for name, prompt in prompts.items()
        )
        version = binary_version(opencode_binary)
        return served(tmp_path / sessions, runs, binary=opencode_binary, version=version)

    return serve


def types(it: Served, name: str) -> list[str]:
    return [str(line["type"]) for line in it.lines(name)]


def whole_and_once(it: Served, name: str) -> None:
    """Nothing recorded twice, nothing torn."""
    parts = Counter(line["part"]["id"] for line in it.lines(name) if "part" in line)
    assert set(parts.values()) <= {1}
    assert all(json.loads(line) for line in it.stream(name).splitlines())


@pytest.mark.fault(GROUP, "own server killed: one run at work, one asking, one over (real opencode)")
async def test_a_server_that_is_killed_fails_what_is_under_way_and_the_next_one_knows_it(
    serving: Serving, fault: Fault
) -> None:
    prompts = {
        "works": f"{BASH % 'sleep 600'}SAY:Never.",
        "asks": f"{BASH % 'echo hi'}SAY:Never.",
        "over": "SAY:Whole.",
    }
    async with serving(prompts, permission=ASKS_FOR_ECHO) as it:
        await it.waits("asks")
        await it.until(lambda: "sleep" in fault.left())
        await it.over("over")
        await it.supervisor.handle(Send(id=1, run="works", text="SAY:Queued."))
        os.kill(it.runner("works").server_pid, signal.SIGKILL)
        assert [await it.over(name) for name in prompts] == [RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED]
        for name in ("works", "asks"):
            status = it.status(name)
            assert "the opencode server died: a signal ended it (9)" in status.why
            assert (status.attention, status.requests) == ({}, {})
        await it.until(lambda: "sleep" not in fault.left())
        ids = {name: it.runner(name).session_id for name in prompts}
        recorded = {name: it.stream(name) for name in prompts}
        for name in prompts:
            await it.supervisor.handle(Send(id=2, run=name, text=f"SAY:Back, {name}."))
        assert [await it.over(name) for name in prompts] == [RunState.SUCCEEDED] * 3
        assert {name: it.runner(name).session_id for name in prompts} == ids
    for name in prompts:
        assert it.texts(name)[-1] == f"Back, {name}."
        assert it.stream(name).startswith(recorded[name])
        whole_and_once(it, name)
    assert it.texts("over") == ["Whole.", "Back, over."]
    fault.did = "failed what it did, closed what it asked; the next goes on"


@pytest.mark.fault(GROUP, "the port of an own server is taken (real opencode)")
async def test_a_port_that_is_taken_is_told(serving: Serving, fault: Fault) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with serving({"a": "SAY:x"}, port=port) as it:
            assert await it.over("a") is RunState.FAILED
            assert it.status("a").why.startswith(f"Port {port} is taken.")
    fault.did = "failed at once: the port is taken"


@pytest.mark.fault(GROUP, "two dashboards on one attached server (real opencode)")
async def test_two_supervisors_on_one_server_do_not_harm_each_other(
    serving: Serving, shared_server: SharedServer, fault: Fault
) -> None:
    asks = f"{BASH % 'echo hi'}SAY:Allowed."
    server = shared_server.server
    own: dict[str, Any] = {**shared_server.place, "permission": ASKS_FOR_ECHO}
    async with serving({"a": asks, "c": "SAY:Fine."}, sessions="one", **own) as one:
        async with serving({"b": LONG}, sessions="two", **own) as two:
            asked = await one.waits("a")
            await two.until(lambda: b"part.delta" in two.stream("b"))
            ids = {it.runner(name).session_id for it, name in ((one, "a"), (two, "b"))}
            assert len(ids) == 2
            await two.supervisor.handle(Stop(id=1, run="b"))
            assert two.status("b").state is RunState.STOPPED
        assert one.status("a").requests
        elsewhere = V1Api(server.url, server.password)
        await elsewhere.reply_permission(asked, one.runner("a").directory, "once")
        assert await one.over("a") is RunState.SUCCEEDED
        assert one.status("a").attention == {}
        assert await one.over("c") is RunState.SUCCEEDED
    assert server.exit_code is None
    assert await elsewhere.version()
    await elsewhere.close()
    assert one.texts("a") == ["Allowed."]
    assert one.runner("a").session_id.encode() not in two.stream("b")
    assert two.runner("b").session_id.encode() not in one.stream("a") + one.stream("c")
    whole_and_once(one, "a")
    assert server.password not in text_of(one.journal.folder) + text_of(two.journal.folder)
    fault.did = "each recorded its own; the server lives on"


@pytest.mark.fault(GROUP, "many sessions on one server (real opencode)")
async def test_many_sessions_on_one_server_keep_apart(serving: Serving, fault: Fault) -> None:
    prompts = {f"r{n}": f"{BASH % f'printf out{n}'}SAY:Answer {n}." for n in range(CROWD)}
    async with serving(prompts) as it:
        with anyio.fail_after(300):
            while not all(it.runner(name).state.is_final for name in prompts):
                await anyio.sleep(0.1)
        assert {name: it.status(name).why for name in prompts if it.status(name).state is RunState.FAILED} == {}
        assert {it.runner(name).state for name in prompts} == {RunState.SUCCEEDED}
        assert len({it.runner(name).server_pid for name in prompts}) == 1
    for number, name in enumerate(prompts):
        assert it.texts(name) == [f"Answer {number}."]
        assert types(it, name) == ["step_start", "tool_use", "step_finish", "step_start", "text", "step_finish"]
        ids = {it.runner(other).session_id.encode() for other in prompts if other != name}
        assert not any(each in it.stream(name) for each in ids)
    fault.did = "one server; each session in its own log"


@pytest.mark.fault(GROUP, "an attached server that is killed and started again (real opencode)")
async def test_a_turn_that_its_server_forgot_ends_and_the_next_one_goes_on(
    serving: Serving, scripted_model: ScriptedModel, opencode_binary: Path, tmp_path: Path, fault: Fault
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = replace(server_config(RunConfig(config_overrides=scripted_model.config)), port=port)
    launch = ServerLaunch(binary=opencode_binary, config=config, data_dir=tmp_path / "data", grace_s=0.1)
    # A server has a new password each time it starts, unless its environment says otherwise; and half a minute is long.
    monkey = pytest.MonkeyPatch()
    monkey.setattr("octui.client.serve.server.secrets.token_urlsafe", lambda size: "the-same")
    monkey.setattr("octui.client.serve.conversation.TAKEN_WITHIN_S", 3.0)
    try:
        async with serving_after(launch, serving) as (it, session_id), running(launch):
            assert await it.over("a") is RunState.FAILED
            assert it.status("a").attention.keys() <= {Attention.ENDED_MID_STEP}
            assert len(it.raised(Attention.CONNECTION_LOST)) == 1
            await it.supervisor.handle(Send(id=1, run="a", text="SAY:Back."))
            assert await it.over("a") is RunState.SUCCEEDED
            assert it.runner("a").session_id == session_id
        assert it.texts("a")[-1] == "Back."
        whole_and_once(it, "a")
    finally:
        monkey.undo()
    fault.did = "called for a look, then failed the turn; the next goes on"


@asynccontextmanager
async def serving_after(launch: ServerLaunch, serving: Serving) -> AsyncIterator[tuple[Served, str]]:
    """A run that was in the middle of a turn when its server was killed."""
    async with running(launch) as server:
        context = serving({"a": LONG}, attach=server.url, password=server.password)
        it = await context.__aenter__()
        await it.until(lambda: b"part.delta" in it.stream("a"))
        os.kill(server.pid, signal.SIGKILL)
        await it.until(lambda: it.raised(Attention.CONNECTION_LOST))
    try:
        yield it, it.runner("a").session_id
    finally:
        await context.__aexit__(None, None, None)


@contextmanager
def detached(plan: Plan, binary: Path) -> Iterator[Session]:
    """A session with a supervisor of its own, ended whatever becomes of the test."""
    session = Session.open(start_supervisor(plan, binary=binary))
    try:
        yield session
    finally:
        session.refresh()
        with suppress(ControlError):
            request(session.socket, Shutdown(id=9))
        wait_until(lambda: not session.is_live, 15)


def until(session: Session, true: Callable[[], object]) -> None:
    def is_true() -> object:
        session.refresh()
        return true()

    wait_until(is_true, 60)


@pytest.mark.fault(GROUP, "kill -9 of the supervisor of a server (real opencode)")
def test_a_killed_supervisor_takes_its_server_with_it_and_its_session_is_taken_up(
    scripted_model: ScriptedModel, opencode_binary: Path, tmp_path: Path, fault: Fault
) -> None:
    overrides = json.loads(json.dumps(scripted_model.config).replace("not-a-secret", "{env:HOME}"))
    prompts = {"works": f"{BASH % 'setsid sleep 600 & sleep 600'}SAY:Never.", "asks": f"{BASH % 'echo hi'}SAY:Never."}
    runs = tuple(
        RunSpec(
            name=name,
            workspace=make_repository(tmp_path / name, {"README.md": "x"}),
            prompt=prompt,
            config=RunConfig(config_overrides=overrides, permission=ASKS_FOR_ECHO),
            backend="serve",
        )
        for name, prompt in prompts.items()
    )
    with detached(Plan(name="killed", runs=runs), opencode_binary) as session:
        until(session, lambda: fault.left().count("sleep") == 2 and len(session.log("works")))
        until(session, lambda: session.status.run("asks").requests)
        assert session.supervisor_pid is not None
        os.kill(session.supervisor_pid, signal.SIGKILL)
        wait_until(lambda: not fault.left(), GONE_S)
        for name in prompts:
            check_interrupted(session.folder, name, 1)
        before = {name: stream_path(session.folder, name).read_bytes() for name in prompts}
        ids = {name: session.status.run(name).session_id for name in prompts}
        stale = request_of(session)
        take_up_session(session.folder, binary=opencode_binary)
        until(session, lambda: session.is_live)
        until(session, lambda: not any(session.status.run(name).attention for name in prompts))
        assert not any(session.status.run(name).requests for name in prompts)
        with pytest.raises(ControlError, match="answered already"):
            request(session.socket, stale)
        for name in prompts:
            request(session.socket, Send(id=1, run=name, text=f"SAY:Back, {name}."))
        until(session, lambda: all(session.status.run(name).state is RunState.SUCCEEDED for name in prompts))
        assert {name: session.status.run(name).session_id for name in prompts} == ids
    for name in prompts:
        log = session.log(name)
        lines = [json.loads(log.line(index)) for index in range(len(log))]
        assert [line["part"]["text"] for line in lines if line["type"] == "text"] == [f"Back, {name}."]
        assert stream_path(session.folder, name).read_bytes().startswith(before[name])
    fault.did = "ended all; the session is taken up and goes on"


def request_of(session: Session) -> Order:
    """An answer to what the run asked before its supervisor died."""
    facts = (session.folder / "facts.jsonl").read_text()
    asked = next(json.loads(line) for line in facts.splitlines() if '"request_asked"' in line)
    return Reply(id=1, run=asked["run"], request=asked["permission"]["id"], reply="once")


def text_of(folder: Path) -> str:
    """Every file of a session but those in opencode's own data homes."""
    homes = [server_folder(folder, number) for number in (1, 2)]
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    own = [path for path in files if not any(home in path.parents for home in homes)]
    return "\n".join(path.read_text("utf-8", "replace") for path in own)


@pytest.mark.fault(GROUP, "keys and passwords of servers in files (real opencode)")
async def test_no_file_of_a_session_tells_the_password_of_its_server_or_a_key(
    serving: Serving, scripted_model: ScriptedModel, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.client.serve.server.secrets.token_urlsafe", lambda size: "s3cr3t-password")
    overrides = json.loads(json.dumps(scripted_model.config).replace("not-a-secret", "s3cr3t-provider-key"))
    config: dict[str, Any] = {"config_overrides": overrides, "extra_env": {"MY_KEY": "s3cr3t-environment"}}
    prompts = {"a": f"{BASH % 'echo hi'}SAY:Done.", "fails": "FAIL:401"}
    async with serving(prompts, log_level="DEBUG", print_logs=True, **config) as it:
        for name in prompts:
            await it.over(name)
        await it.supervisor.handle(Send(id=1, run="a", text="SAY:Back."))
        await it.over("a")
    told = text_of(it.journal.folder)
    assert (it.journal.folder / "server-1.log").stat().st_size
    assert "Back." in told
    assert "s3cr3t-" not in told
    homes = [path for path in server_folder(it.journal.folder, 1).rglob("*") if path.is_file()]
    assert [path.name for path in homes if b"s3cr3t-" in path.read_bytes()] == []
    fault.did = "wrote them nowhere, nor did opencode"
