"""The control socket, both ends."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from octui.control.client import ControlClient, request
from octui.control.messages import (
    MAX_LINE_BYTES,
    PROTOCOL,
    Abort,
    Choices,
    Offered,
    Order,
    Response,
    Settle,
    Stop,
    Welcome,
)
from octui.control.server import MAX_PATH_BYTES, ControlServer, new_socket_path
from octui.errors import ConflictError, ControlError, RecordingError, UncommittedWorkError

pytestmark = pytest.mark.anyio

HELLO = b'{"do":"hello"}\n'


class Supervisor:
    """Notes what it is asked for; refuses to touch the run ``no``."""

    def __init__(self) -> None:
        self.asked: list[Order] = []

    async def handle(self, request: Order) -> None:
        if getattr(request, "run", None) == "no":
            raise ControlError("There is no such run.")
        self.asked.append(request)


async def test_why_changes_cannot_be_settled_is_told_in_kind(path: Path) -> None:
    async def refuse(asked: Order) -> None:
        assert isinstance(asked, Settle)
        if asked.anyway:
            raise ConflictError("They do not fit.", ["b"], hint="Merge.")
        raise UncommittedWorkError("There is work.", ["a", "\udcff"], hint="Commit.")

    server = ControlServer(path, Welcome(session="/s", pid=1, octui="0.1.0"), refuse)
    async with server.serving():
        client = await ControlClient.connect(path)
        with pytest.raises(UncommittedWorkError, match=r"There is work\. Commit\.") as uncommitted:
            await client.settle("a", "applied")
        assert uncommitted.value.files == ("a", "?")
        with pytest.raises(ConflictError) as conflict:
            await client.settle("a", "applied", anyway=True)
        assert (conflict.value.files, conflict.value.hint) == (("b",), "Merge.")
        await client.close()
        with anyio.move_on_after(2):
            while server.connections:
                await anyio.sleep(0.01)


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


@pytest.fixture
def path(runtime: Path) -> Path:
    return new_socket_path(runtime / "run")


@contextlib.asynccontextmanager
async def serving(path: Path, supervisor: Supervisor) -> AsyncIterator[ControlServer]:
    server = ControlServer(path, Welcome(session="/s", pid=1, octui="0.1.0"), supervisor.handle)
    async with server.serving():
        yield server
        # A connection that ends in the very moment in which its reader is cancelled makes anyio's asyncio backend set a
        # future twice, which its pytest plugin takes for a failure.
        with anyio.move_on_after(2):
            while server.connections:
                await anyio.sleep(0.01)


async def say(path: Path, data: bytes) -> bytes:
    """Send raw bytes, end, and give all that comes back."""
    stream = await anyio.connect_unix(path)
    answer = b""
    async with stream:
        with contextlib.suppress(anyio.BrokenResourceError):
            await stream.send(data)
            await stream.send_eof()
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while True:
                answer += await stream.receive()
    return answer


async def test_requests_are_carried_out_and_refusals_are_told(path: Path, supervisor: Supervisor) -> None:
    async with serving(path, supervisor):
        client = await ControlClient.connect(path)
        await client.stop("a")
        await client.stop()
        await client.restart("b")
        with pytest.raises(ControlError, match="no such run"):
            await client.restart("no")
        await client.shutdown()
        await client.close()
    assert [type(each).__name__ for each in supervisor.asked] == ["Stop", "Stop", "Restart", "Shutdown"]
    assert [getattr(each, "run", "-") for each in supervisor.asked] == ["a", None, "b", "-"]


async def test_several_screens_are_served_side_by_side_and_counted(path: Path, supervisor: Supervisor) -> None:
    async with serving(path, supervisor) as server:
        first, second = await ControlClient.connect(path), await ControlClient.connect(path)
        assert server.connections == 2
        await first.stop("a")
        await second.stop("b")
        await first.close()
        with anyio.fail_after(5):
            while server.connections != 1:
                await anyio.sleep(0.01)
        await second.stop("c")
        await second.close()
    assert [each.run for each in supervisor.asked if isinstance(each, Stop)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"garbage\n", b"no request"),
        (b"\xff\x00\n", b"no request"),
        (b'{"do":"dance","id":1}\n', b"no request"),
        (b'{"do":"stop","id":"x"}\n', b"no request"),
        (b'{"do":"dance","id":5}\n', b'"id":5'),
        (b'{"do":"stop","id":1}\n', b"hello first"),
        (b'{"do":"hello","protocol":99}\n', b"speaks otherwise"),
        (b"x" * (MAX_LINE_BYTES + 10), b"too long"),
        (HELLO + b'{"do":"stop","id"', b"welcome"),
        (b"", b""),
    ],
    ids=[
        "no json",
        "no text",
        "unknown",
        "wrong type",
        "number",
        "no hello",
        "other protocol",
        "too long",
        "half",
        "nothing",
    ],
)
async def test_what_is_no_request_harms_nobody(path: Path, supervisor: Supervisor, data: bytes, answer: bytes) -> None:
    async with serving(path, supervisor):
        assert answer in await say(path, data)
        client = await ControlClient.connect(path)
        await client.stop("a")
        await client.close()
    assert len(supervisor.asked) == 1


async def test_garbage_between_requests_is_refused_alone(path: Path, supervisor: Supervisor) -> None:
    async with serving(path, supervisor):
        answers = (await say(path, HELLO + b"garbage\n" + b'{"do":"stop","id":7}\n')).splitlines()
    assert [b"welcome" in answers[0], b"refused" in answers[1], b'"done"' in answers[2]] == [True] * 3
    assert len(supervisor.asked) == 1


async def test_nobody_there_is_told_in_words(path: Path) -> None:
    with pytest.raises(ControlError, match="does not answer"):
        await ControlClient.connect(path)


async def test_a_supervisor_that_goes_away_is_noticed(path: Path, supervisor: Supervisor) -> None:
    async with serving(path, supervisor):
        client = await ControlClient.connect(path)
    with anyio.fail_after(5):
        await client.wait_closed()
    with pytest.raises(ControlError, match="does not answer"):
        await client.stop("a")


async def test_the_socket_is_its_users_alone_and_gone_afterwards(path: Path, supervisor: Supervisor) -> None:
    async with serving(path, supervisor):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    assert not path.exists()


async def test_code_that_is_not_asynchronous_asks_too(path: Path, supervisor: Supervisor) -> None:
    async with serving(path, supervisor):
        await anyio.to_thread.run_sync(request, path, Stop(id=1, run="a"))
    assert supervisor.asked == [Stop(id=1, run="a")]


def test_sockets_nobody_listens_on_are_removed(runtime: Path) -> None:
    stale, live = runtime / "stale.sock", runtime / "live.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(stale))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(live))
        listening.listen()
        made = new_socket_path(runtime)
    assert not stale.exists()
    assert live.exists()
    assert len(str(made)) < 100


def test_a_folder_others_can_enter_is_closed_and_what_is_no_folder_refused(runtime: Path) -> None:
    folder = runtime / "open"
    folder.mkdir(mode=0o755)
    new_socket_path(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (runtime / "link").symlink_to(folder)
    with pytest.raises(ControlError):
        new_socket_path(runtime / "link")


def test_both_ends_speak_the_same_protocol() -> None:
    assert Welcome(session="", pid=1).protocol == PROTOCOL


async def test_a_request_that_fails_in_any_way_octui_knows_is_refused_and_harms_nobody(path: Path) -> None:
    class Full(Supervisor):
        async def handle(self, request: Order) -> None:
            raise RecordingError("The recording cannot be written.")

    async with serving(path, Full()):
        client = await ControlClient.connect(path)
        for _ in range(2):
            with pytest.raises(ControlError, match="cannot be written"):
                await client.restart("a")
        await client.close()


class Held(Supervisor):
    """Takes as long over settling and aborting as it is held."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = anyio.Event()
        self.done = 0

    async def handle(self, request: Order) -> Response | None:  # type: ignore[override]  # It answers, too.
        await super().handle(request)
        if isinstance(request, Settle | Abort):
            await self.go_on.wait()
        self.done += 1
        return Offered(id=request.id, models=["m"]) if isinstance(request, Choices) else None

    async def until_asked(self, count: int = 1) -> None:
        with anyio.fail_after(20):
            while len(self.asked) < count:
                await anyio.sleep(0.01)


async def test_answering_goes_on_over_the_same_connection_while_a_settlement_takes_its_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octui.control.client.ANSWER_TIMEOUT_S", 5.0)
    held = Held()
    async with serving(path, held):
        client = await ControlClient.connect(path)
        async with anyio.create_task_group() as group:
            group.start_soon(client.settle, "a", "kept")
            await held.until_asked()
            await client.reply("b", "per_1", "once")
            assert await client.choices("b") == (["m"], [])
            held.go_on.set()
        await client.close()
    assert held.done == 3


async def test_a_settlement_may_take_longer_than_any_other_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    async with serving(path, held):
        client = await ControlClient.connect(path)
        monkeypatch.setattr("octui.control.client.ANSWER_TIMEOUT_S", 0.2)
        async with anyio.create_task_group() as group:
            group.start_soon(client.settle, "a", "kept")
            await held.until_asked()
            with pytest.raises(ControlError, match="may be busy"):
                await client.abort("b")
            held.go_on.set()
        await client.close()
    assert [type(each).__name__ for each in held.asked] == ["Settle", "Abort"]


async def test_an_answer_that_comes_too_late_is_not_taken_for_anothers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    async with serving(path, held):
        client = await ControlClient.connect(path)
        with monkeypatch.context() as patch:
            patch.setattr("octui.control.client.ANSWER_TIMEOUT_S", 0.2)
            with pytest.raises(ControlError, match="may be busy"):
                await client.abort("a")
        held.go_on.set()
        assert await client.choices("a") == (["m"], [])
        assert not client.is_broken
        await client.close()


async def test_whoever_reads_for_all_and_waits_no_more_leaves_the_reading_to_another(path: Path) -> None:
    held = Held()
    async with serving(path, held):
        client = await ControlClient.connect(path)
        async with anyio.create_task_group() as group, anyio.create_task_group() as first:
            first.start_soon(client.abort, "a")
            await held.until_asked()
            group.start_soon(client.settle, "b", "kept")
            await held.until_asked(2)
            first.cancel_scope.cancel()
            held.go_on.set()
        await client.close()


async def test_what_was_asked_for_is_done_although_whoever_asked_hung_up(path: Path) -> None:
    held = Held()
    async with serving(path, held) as server:
        client = await ControlClient.connect(path)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(client.settle, "a", "kept")
                await held.until_asked()
                scope.cancel()
        await client.close()
        await anyio.sleep(0.05)
        assert server.connections == 1, "it is still being worked for"
        held.go_on.set()
    assert held.done == 1


async def connected(path: Path) -> ControlClient:
    """Connect as soon as somebody listens: a socket is there a moment before it can be connected to."""
    with anyio.fail_after(20):
        while True:
            try:
                return await ControlClient.connect(path)
            except ControlError:
                await anyio.sleep(0.01)


async def test_a_supervisor_that_is_gone_before_its_answer_is_out_has_shut_down(path: Path) -> None:
    gone = anyio.Event()

    class Quick(Supervisor):
        async def handle(self, request: Order) -> None:
            gone.set()
            await anyio.sleep_forever()

    async def live() -> None:
        async with ControlServer(path, Welcome(session="/s", pid=1), Quick().handle).serving():
            await gone.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(live)
        client = await connected(path)
        await client.shutdown()
        with pytest.raises(ControlError, match="does not answer"):
            await client.stop("a")
        await client.close()


def test_a_folder_whose_name_is_too_long_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="too long") as raised:
        new_socket_path(tmp_path / ("x" * MAX_PATH_BYTES))
    assert "XDG_RUNTIME_DIR" in raised.value.hint
