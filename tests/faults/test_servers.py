"""Runs over a server whose connection, host, answers or disk are not as they should be; on a stand-in for it."""

from __future__ import annotations

import json
import random
import resource
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from tests.client.conftest import StandIn
from tests.faults.test_places import on_small_disk
from tests.support.fake_server import FakeServer
from tests.support.faults import FULL, Fault
from tests.support.serving import Served, served

from octui.client.config import RunConfig
from octui.client.serve import feed as feed_module
from octui.client.serve import server as server_module
from octui.client.serve import v1 as v1_module
from octui.control.messages import Abort, Choices, Reply, Restart, Revert, Send, Stop
from octui.errors import OctuiError
from octui.plan.model import RunSpec
from octui.recording.facts import Attention, RunState
from octui.recording.layout import stream_path
from octui.recording.session import Session

pytestmark = pytest.mark.anyio

GROUP = 11
SECRET = "s3cr3t-of-a-server"

Attached = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture(params=["asyncio", "trio"] if FULL else ["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """What tests run on: both at full size."""
    return str(request.param)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server that takes a prompt and then does what the test says."""
    monkeypatch.setattr(feed_module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(feed_module, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(v1_module, "SUMMARY_S", 0.0)
    with FakeServer() as found:
        found.on_prompt = found.take
        yield found


@pytest.fixture
def attached(tmp_path: Path) -> Attached:
    """Run one run a name over the server at a URL."""

    def attach(url: str, *names: str, **config: Any) -> AbstractAsyncContextManager[Served]:
        runs = tuple(
            RunSpec(
                name=name,
                workspace=tmp_path,
                prompt=f"Hello from {name}",
                config=RunConfig(attach=url, remote_dir="/x", **config),
                backend="serve",
            )
            for name in names
        )
        return served(tmp_path / "sessions", runs, binary=Path("opencode"), version="1.18.33")

    return attach


@pytest.fixture
def own(tmp_path: Path, stand_in: StandIn) -> Attached:
    """Run one run a name over a server of octui's own, whose executable does as the code says."""

    def start(code: str, *names: str, **config: Any) -> AbstractAsyncContextManager[Served]:
        runs = tuple(
            RunSpec(name=name, workspace=tmp_path, prompt="Hello", config=RunConfig(**config), backend="serve")
            for name in names
        )
        return served(tmp_path / "sessions", runs, binary=stand_in(code), version="1.18.33")

    return start


async def elsewhere(work: Callable[[], object]) -> None:
    await anyio.to_thread.run_sync(work)


async def at_work(it: Served, server: FakeServer, name: str = "a") -> str:
    """Wait until a run's prompt is taken; give its session."""
    await it.until(lambda: b'"busy"' in it.stream(name))
    return it.runner(name).session_id


def check_nothing_twice(it: Served, name: str = "a") -> None:
    parts = Counter(line["part"]["id"] for line in it.lines(name) if "part" in line)
    assert set(parts.values()) <= {1}, parts
    stream = it.stream(name).splitlines()
    assert len(stream) == len(set(stream))
    assert all(json.loads(line) for line in stream)


def scripted(server: FakeServer, session: str, *, parts: int = 4) -> None:
    for number in range(parts):
        server.say(session, f"Part {number} of it")


# The stream of events


@pytest.mark.parametrize(
    ("how", "words"),
    [
        pytest.param("cut", "ended the connection", marks=pytest.mark.fault(GROUP, "events cut off, some lost")),
        pytest.param("stalled", "does not answer in time", marks=pytest.mark.fault(GROUP, "events stall")),
        pytest.param("twice", "", marks=pytest.mark.fault(GROUP, "every event sent twice")),
    ],
)
async def test_events_that_are_lost_late_or_told_again_change_nothing(
    how: str, words: str, server: FakeServer, attached: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "stalled":
        silent_soon(monkeypatch)
    server.twice = how == "twice"
    async with attached(server.url, "a") as it:
        session = await at_work(it, server)
        server.say(session, "Before")
        server.muted = how != "twice"
        server.say(session, "Missed")
        if how == "cut":
            server.muted = False
            server.cut()
        elif how == "stalled":
            await it.until(lambda: Attention.CONNECTION_LOST in it.status("a").attention)
            server.muted = False
        await it.until(lambda: "Missed" in it.texts("a"))
        server.say(session, "After")
        server.status(session, "idle")
        assert await it.over("a") is RunState.SUCCEEDED
        status = it.status("a")
        assert status.attention == {}
        assert [words in each for each in it.raised(Attention.CONNECTION_LOST)[:1]] == [True] * bool(words)
    assert it.texts("a") == ["Before", "Missed", "After"]
    assert it.session().log("a").totals.turns == 3
    check_nothing_twice(it)
    fault.did = "fetched what was missed, each line once; cleared" if words else "told each once"


@pytest.mark.parametrize("seed", range(20 if FULL else 4))
@pytest.mark.fault(GROUP, "states, messages and growing text out of order")
async def test_events_out_of_order_end_the_turn_all_the_same(
    seed: int, server: FakeServer, attached: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.client.serve.conversation.TAKEN_WITHIN_S", 0.3)
    async with attached(server.url, "a") as it:
        session = await at_work(it, server)
        held: list[bytes] = []
        with monkeypatch.context() as patch:
            patch.setattr(server, "send", held.append)
            server.status(session, "busy")
            scripted(server, session)
            server.status(session, "busy")
            server.status(session, "idle")
        parts = iter([line for line in held if b'"message.part.updated"' in line])
        random.Random(seed).shuffle(held)
        for line in held:
            server.send(next(parts) if b'"message.part.updated"' in line else line)
        assert await it.over("a") is RunState.SUCCEEDED
        assert it.status("a").attention == {}
    assert sorted(it.texts("a")) == [f"Part {number} of it" for number in range(4)]
    check_nothing_twice(it)
    fault.did = "each line once, state and totals right"


@pytest.mark.fault(GROUP, "a permission answered elsewhere")
async def test_a_permission_answered_elsewhere_does_not_wait_any_more(
    server: FakeServer, attached: Attached, fault: Fault
) -> None:
    async with attached(server.url, "a") as it:
        session = await at_work(it, server)
        server.ask_permission(session, "per_1", "ls")
        request = await it.waits("a")
        assert it.status("a").attention[Attention.PERMISSION_ASKED][0] == "bash: ls"
        server.close_request(request, "once")
        await it.until(lambda: not it.status("a").requests)
        assert it.status("a").attention == {}
        with pytest.raises(OctuiError, match="answered already"):
            await it.supervisor.handle(Reply(id=1, run="a", request=request, reply="once"))
        server.say(session, "Went on")
        server.status(session, "idle")
        assert await it.over("a") is RunState.SUCCEEDED
    fault.did = "closed the request, the run went on"


# Hosts


@pytest.mark.fault(GROUP, "an attached host goes away and comes back")
async def test_a_host_that_comes_back_costs_nothing(server: FakeServer, attached: Attached, fault: Fault) -> None:
    async with attached(server.url, "a", "b") as it:
        sessions = [await at_work(it, server, name) for name in "ab"]
        for session in sessions:
            server.say(session, "Before")
        await it.until(lambda: it.texts("a") == it.texts("b") == ["Before"])
        await elsewhere(server.go)
        await it.until(lambda: all(Attention.CONNECTION_LOST in it.status(name).attention for name in "ab"))
        assert "octui tries again" in it.status("a").attention[Attention.CONNECTION_LOST][0]
        assert it.status("a").state is RunState.RUNNING
        for session in sessions:
            server.say(session, "Meanwhile")
        server.status(sessions[1], "idle")
        await elsewhere(server.come)
        assert await it.over("b") is RunState.SUCCEEDED
        await it.until(lambda: not it.status("a").attention)
        server.say(sessions[0], "After")
        server.status(sessions[0], "idle")
        assert await it.over("a") is RunState.SUCCEEDED
        assert it.status("b").attention == {}
    assert (it.texts("a"), it.texts("b")) == (["Before", "Meanwhile", "After"], ["Before", "Meanwhile"])
    check_nothing_twice(it)
    check_nothing_twice(it, "b")
    fault.did = "called for a look, fetched what was missed, cleared"


@pytest.mark.parametrize("how", ["refuses", "is silent"])
@pytest.mark.fault(GROUP, "an attached host that never comes back")
async def test_a_run_whose_host_never_comes_back_can_be_stopped(
    how: str, server: FakeServer, attached: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.fleet.serve_runner.ABORT_S", 0.5)
    async with attached(server.url, "a") as it:
        session = await at_work(it, server)
        server.say(session, "Before")
        server.ask_permission(session, "per_1", "ls")
        await it.waits("a")
        await elsewhere(server.go)
        with deaf(server.url) if how == "is silent" else socket.socket():
            await it.until(lambda: Attention.CONNECTION_LOST in it.status("a").attention)
            if how == "refuses":
                with pytest.raises(OctuiError, match="is not there"):
                    await it.supervisor.handle(Reply(id=1, run="a", request="per_1", reply="once"))
                with pytest.raises(OctuiError, match="is not there"):
                    await it.supervisor.handle(Abort(id=2, run="a"))
            with anyio.fail_after(10):
                await it.supervisor.handle(Stop(id=3, run="a"))
        status = it.status("a")
        assert (status.state, status.why) == (RunState.STOPPED, "stopped by you")
        assert (status.attention, status.requests) == ({}, {})
    assert it.texts("a") == ["Before"]
    fault.did = "stayed in sight; stopped when told to"


@pytest.mark.fault(GROUP, "a prompt while the host is away")
async def test_a_prompt_for_a_host_that_is_away_is_refused_with_the_reason(
    server: FakeServer, attached: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "CONNECT_WITHIN_S", 0.3)
    async with attached(server.url, "a", "b") as it:
        await at_work(it, server)
        session = await at_work(it, server, "b")
        server.say(session, "Done")
        server.status(session, "idle")
        await it.over("b")
        await elsewhere(server.go)
        await it.until(lambda: Attention.CONNECTION_LOST in it.status("a").attention)
        with pytest.raises(OctuiError, match=r"ended the connection|is not there"):
            await it.supervisor.handle(Send(id=1, run="a", text="More"))
        assert not it.status("a").state.is_final
        await it.supervisor.handle(Send(id=2, run="b", text="More"))
        assert await it.over("b") is RunState.FAILED
        assert "is not there" in it.status("b").why
        await elsewhere(server.come)
        server.on_prompt = server.answer
        await it.until(lambda: not it.status("a").attention)
        await it.supervisor.handle(Send(id=3, run="b", text="Again"))
        assert await it.over("b") is RunState.SUCCEEDED
    assert it.texts("b") == ["Done", "Again"]
    fault.did = "refused it with the reason; taken when it was back"


@pytest.mark.fault(GROUP, "an attached host that forgot the session")
async def test_a_session_that_its_host_forgot_fails_its_run_alone(
    server: FakeServer, attached: Attached, fault: Fault
) -> None:
    async with attached(server.url, "a", "b") as it:
        forgotten, known = [await at_work(it, server, name) for name in "ab"]
        server.say(forgotten, "Before")
        await it.until(lambda: it.texts("a"))
        del server.sessions[forgotten]
        server.cut()
        assert await it.over("a") is RunState.FAILED
        assert "refuses (404)" in it.status("a").why
        server.say(known, "Fine")
        server.status(known, "idle")
        assert await it.over("b") is RunState.SUCCEEDED
    assert it.texts("a") == ["Before"]
    fault.did = "failed with the reason; other runs went on"


def deaf(url: str) -> socket.socket:
    """Take connections where a server was, and never answer."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", int(url.rpartition(":")[2])))
    place.listen()
    return place


def silent_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    real = v1_module.V1Api
    monkeypatch.setattr(v1_module, "V1Api", lambda *login: real(*login, silence_s=0.3))


# Servers that cannot be used


@pytest.mark.fault(GROUP, "wrong password of an attached server")
async def test_a_wrong_password_is_told(attached: Attached, fault: Fault) -> None:
    with FakeServer("right") as server:
        async with attached(server.url, "a", password=SECRET) as it:
            assert await it.over("a") is RunState.FAILED
            assert it.status("a").why.startswith("The opencode server does not accept the user name or the password.")
    assert SECRET not in texts_of(it.journal.folder)
    fault.did = "failed at once: the password is not accepted"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("", "is not there", marks=pytest.mark.fault(GROUP, "nothing listens at an attached server's URL")),
        *(
            pytest.param(url, "is no URL", marks=pytest.mark.fault(GROUP, "a URL that is none"))
            for url in ("http://[::1", "http://127.0.0.1:99999", "127.0.0.1:4096", "file:///etc/passwd", "http://")
        ),
    ],
)
async def test_a_place_without_a_server_is_told(url: str, words: str, attached: Attached, fault: Fault) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = url or f"http://127.0.0.1:{free.getsockname()[1]}"
        async with attached(url, "a") as it:
            assert await it.over("a") is RunState.FAILED
            assert words in it.status("a").why
    fault.did = "failed at once with the address"


@pytest.mark.fault(GROUP, "another API or version at an attached server's URL")
@pytest.mark.parametrize(
    ("health", "words"),
    [
        ((200, {"healthy": True, "version": "2.3.0"}), "is opencode 2.3.0, whose API octui does not know yet"),
        ((200, {"healthy": True}), "is no opencode server"),
        ((200, ["hello"]), "is no opencode server"),
        ((404, "nothing here"), "is no opencode server"),
        ((200, None), "is no opencode server"),
        ((302, None), "is no opencode server"),
        ((503, None), "refuses (503)"),
    ],
)
async def test_a_server_octui_does_not_know_is_told(
    health: tuple[int, Any],
    words: str,
    server: FakeServer,
    attached: Attached,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "reply", lambda method, path, body: health)
    async with attached(server.url, "a") as it:
        assert await it.over("a") is RunState.FAILED
        assert words in it.status("a").why
    fault.did = "failed at once: which version it is, or that it is none"


NONSENSE: list[Any] = [None, 5, "x", [5], {"a": 5}, {"data": [5]}, [{"info": 5, "parts": 5, "id": 5, "time": 5}]]


@pytest.mark.parametrize("nonsense", NONSENSE if FULL else NONSENSE[-3:], ids=str)
@pytest.mark.fault(GROUP, "a server that answers nonsense")
async def test_nonsense_harms_only_the_run_that_gets_it(
    nonsense: Any, server: FakeServer, attached: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reply = server.reply

    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        found = reply(method, path, body)
        return found if method == "POST" or path == "/global/health" else (200, nonsense)

    monkeypatch.setattr(server, "reply", answer)
    with FakeServer() as healthy:
        healthy.on_prompt = healthy.answer
        async with attached(server.url, "a") as it, attached(healthy.url, "b") as other:
            session = await at_work(it, server)
            server.emit("session.status", sessionID=session, status=nonsense)
            server.emit("message.part.updated", sessionID=session, part=nonsense)
            server.emit("permission.asked", sessionID=session, patterns=nonsense, metadata=nonsense)
            server.emit("question.asked", id="que_1", sessionID=session, questions=nonsense)
            server.say(session, "Before")
            await it.until(lambda: it.texts("a"))
            server.status(session, "idle")
            assert (await it.over("a")).is_final
            for order in (Choices(id=1, run="a"), Revert(id=2, run="a"), Revert(id=3, run="a", undo=True)):
                with suppress(OctuiError):
                    await it.supervisor.handle(order)
            await it.supervisor.handle(Send(id=4, run="a", text="More"))
            await it.until(lambda: len(server.messages[session]) > 2)
            server.cut()
            server.status(session, "idle")
            assert (await it.over("a")).is_final
            assert await other.over("b") is RunState.SUCCEEDED
    assert it.texts("a") == ["Before"]
    fault.did = "told what it could not read; nothing else was harmed"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("sys.exit(3)", "exit code 3", marks=pytest.mark.fault(GROUP, "own server exits at once")),
        pytest.param(
            "print('bad config', file=sys.stderr); sys.exit(1)",
            "exit code 1: bad config",
            marks=pytest.mark.fault(GROUP, "own server exits with a reason"),
        ),
        pytest.param(
            "time.sleep(300)",
            "did not get ready within 0.5 s",
            marks=pytest.mark.fault(GROUP, "own server is never ready"),
        ),
        pytest.param(
            "sys.stdout.buffer.write(bytes(range(256)) * 1000); time.sleep(300)",
            "did not get ready within 0.5 s",
            marks=pytest.mark.fault(GROUP, "own server says garbage"),
        ),
        pytest.param(
            "print('listening on http://[::1\\x1b[2J', flush=True); time.sleep(300)",
            "is no URL",
            marks=pytest.mark.fault(GROUP, "own server says garbage"),
        ),
        pytest.param(
            "print('listening on http://127.0.0.1:1', flush=True); time.sleep(300)",
            "is not there",
            marks=pytest.mark.fault(GROUP, "own server says it listens and does not"),
        ),
        pytest.param(
            "print('listening on http://127.0.0.1:1', flush=True); time.sleep(0.3); sys.exit(4)",
            "the opencode server died: exit code 4",
            marks=pytest.mark.fault(GROUP, "own server dies before it is heard"),
        ),
    ],
)
async def test_a_server_that_does_not_get_ready_fails_its_runs_with_what_it_said(
    code: str, words: str, own: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "READY_S", 0.5)
    monkeypatch.setattr(feed_module, "CONNECT_WITHIN_S", 60.0 if "exit(4)" in code else 0.5)
    leaves = "subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    async with own(leaves + code, "a", "b") as it:
        assert [await it.over(name) for name in "ab"] == [RunState.FAILED] * 2
        assert all(words in it.status(name).why for name in "ab")
        await it.supervisor.handle(Restart(id=1, run="a"))
        assert await it.over("a") is RunState.FAILED
    fault.did = "ended it, failed its runs with what it said last"


# Disks


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Let no file of this process grow beyond so many bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size if size else soft, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.fault(GROUP, "disk full while a stream is recorded")
async def test_a_stream_that_cannot_be_written_ends_its_run_alone_and_goes_on_when_there_is_room(
    server: FakeServer, attached: Attached, fault: Fault, small_files: Callable[[int], None]
) -> None:
    async with attached(server.url, "a", "b") as it:
        first, second = [await at_work(it, server, name) for name in "ab"]
        server.say(first, "Before")
        await it.until(lambda: it.texts("a"))
        small_files(30_000)
        server.say(first, "word " * 10_000)
        assert await it.over("a") is RunState.FAILED
        assert "The recording cannot be written (a.stream)" in it.status("a").why
        assert ("POST", f"/session/{first}/abort") in [asked[:2] for asked in server.asked]
        server.say(second, "Fine")
        server.status(second, "idle")
        assert await it.over("b") is RunState.SUCCEEDED
        small_files(0)
        server.on_prompt = server.answer
        await it.supervisor.handle(Send(id=1, run="a", text="Again"))
        assert await it.over("a") is RunState.SUCCEEDED
    assert it.texts("a")[0] == "Before"
    assert it.texts("a")[-1] == "Again"
    lines = it.stream("a").splitlines()
    torn = [line for line in lines if not is_json(line)]
    assert len(torn) <= 1, "what was cut off harms no line after it"
    assert len(torn) == 1
    fault.did = "failed the run, told why; others went on, and it, later"


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@pytest.mark.fault(GROUP, "disk full while a session over servers is recorded")
async def test_a_full_disk_is_told_and_what_was_recorded_stays(
    server: FakeServer, stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    def talk(session: str, text: str) -> None:
        server.take(session, text)
        for _ in range(1000):
            server.say(session, "y" * 1000)

    server.on_prompt = talk
    more = f"--backend serve --attach {server.url}"
    done, disk = await anyio.to_thread.run_sync(lambda: on_small_disk(tmp_path, "", stand_in(""), tmp_path, more))
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = (disk / "data" / "sessions").iterdir()
    session = Session.open(folder)
    (run,) = session.run_names
    assert len(session.log(run)) > 50
    assert stream_path(folder, run).stat().st_size > 100_000
    assert not session.status.run(run).state.is_active
    fault.did = "ended the run, told why, kept what was recorded"


# Secrets


def texts_of(folder: Path) -> str:
    """Every file of a session that octui wrote itself."""
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.fault(GROUP, "a password in the URL of an attached server")
async def test_a_password_in_a_url_is_in_no_file(
    is_there: bool, attached: Attached, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v1_module, "SUMMARY_S", 0.0)
    with FakeServer(SECRET) as server:
        server.on_prompt = server.answer
        url = server.url.replace("http://", f"http://opencode:{SECRET}@")
        if not is_there:
            await elsewhere(server.go)
        async with attached(url, "a") as it:
            assert await it.over("a") is (RunState.SUCCEEDED if is_there else RunState.FAILED)
    assert SECRET not in texts_of(it.journal.folder)
    fault.did = "used it, and wrote it nowhere"
