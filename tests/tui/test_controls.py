from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from octui.control import client as control_client
from octui.control.messages import (
    Abort,
    Acknowledge,
    Answer,
    Choices,
    Fork,
    Forked,
    Offered,
    Order,
    Reply,
    Response,
    Revert,
    Send,
    Welcome,
)
from octui.control.server import ControlServer, new_socket_path
from octui.errors import ControlError
from octui.recording.facts import Attention
from octui.tui.controls import SessionControls

pytestmark = pytest.mark.asyncio


class Client:
    """Takes the place of a connection; refuses what is called ``refused``, and breaks by what is called ``broken``."""

    opened: ClassVar[list[Client]] = []

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.is_open = True
        self.is_broken = False

    @classmethod
    async def connect(cls, path: str) -> Client:
        if path == "nobody":
            raise ControlError("The supervisor does not answer.")
        made = cls()
        cls.opened.append(made)
        await asyncio.sleep(0)
        return made

    async def stop(self, run: str | None = None) -> None:
        self.is_broken = run == "broken"
        if run in ("refused", "broken"):
            raise ControlError("There is no such run.")
        self.asked.append(("stop", run))

    async def restart(self, run: str) -> None:
        self.asked.append(("restart", run))

    async def shutdown(self) -> None:
        self.asked.append("shutdown")

    async def close(self) -> None:
        self.is_open = False


@pytest.fixture(autouse=True)
def clients(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    Client.opened = []
    monkeypatch.setattr(control_client, "ControlClient", Client)
    return Client.opened


def controls_of(socket: str) -> SessionControls:
    session = SimpleNamespace(socket=socket, folder=Path("/s"), refresh=lambda: None, is_live=True)
    return SessionControls(session)  # type: ignore[arg-type]  # a stand-in


async def test_every_command_goes_over_the_connection_that_is_held(clients: list[Client]) -> None:
    made = controls_of("here")
    await made.hold()
    await made.stop("api")
    await made.stop(None)
    await made.restart("api")
    await made.shutdown()
    assert [client.asked for client in clients] == [[("stop", "api"), ("stop", None), ("restart", "api"), "shutdown"]]
    assert clients[0].is_open
    await made.close()
    assert not clients[0].is_open


async def test_what_is_said_to_runs_reaches_a_real_socket_and_its_answers_come_back(
    monkeypatch: pytest.MonkeyPatch, runtime: Path
) -> None:
    monkeypatch.undo()
    heard: list[Order] = []

    async def handle(order: Order) -> Response | None:
        heard.append(order)
        match order:
            case Fork():
                return Forked(id=order.id, run="api-fork")
            case Choices():
                return Offered(id=order.id, models=["a/b"], agents=["plan"])
        return None

    path = new_socket_path(runtime / "run")
    made = controls_of(str(path))
    async with ControlServer(path, Welcome(session="/s", pid=1, octui="0.1.0"), handle).serving():
        await made.reply("api", "per_1", "reject", "no")
        await made.answer("api", "que_1", [["A"], ["B", "C"]])
        await made.answer("api", "que_2", None)
        await made.send("api", "More", files=["a.py"], model="a/b", agent="plan")
        await made.abort("api")
        await made.revert("api", undo=True)
        assert await made.fork("api", "Try") == "api-fork"
        await made.acknowledge("api", [Attention.SILENT])
        assert await made.choices("api") == (["a/b"], ["plan"])
        await made.close()
    assert heard == [
        Reply(id=1, run="api", request="per_1", reply="reject", message="no"),
        Answer(id=2, run="api", request="que_1", answers=[["A"], ["B", "C"]]),
        Answer(id=3, run="api", request="que_2", answers=None),
        Send(id=4, run="api", text="More", files=["a.py"], model="a/b", agent="plan"),
        Abort(id=5, run="api"),
        Revert(id=6, run="api", undo=True),
        Fork(id=7, run="api", text="Try"),
        Acknowledge(id=8, run="api", reasons=[Attention.SILENT]),
        Choices(id=9, run="api"),
    ]


async def test_a_session_that_is_over_is_taken_up_by_a_supervisor_of_its_own(
    clients: list[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[object] = []
    monkeypatch.setattr("octui.control.spawn.take_up_session", lambda folder, *, resume: taken.append((folder, resume)))
    made = controls_of("here")
    await made.take_up()
    await made.take_up(resume=True)
    assert taken == [(made._session.folder, False), (made._session.folder, True)]
    assert [client.is_open for client in clients] == [False, True]


async def test_after_a_failure_the_next_command_connects_anew(clients: list[Client]) -> None:
    made = controls_of("here")
    with pytest.raises(ControlError, match="no such run"):
        await made.stop("broken")
    await made.stop("api")
    assert [client.is_open for client in clients] == [False, True]


async def test_a_refusal_ends_no_connection_as_others_may_wait_over_it(clients: list[Client]) -> None:
    made = controls_of("here")
    with pytest.raises(ControlError, match="no such run"):
        await made.stop("refused")
    await made.stop("api")
    assert [client.is_open for client in clients] == [True]


async def test_commands_that_come_at_once_share_one_connection(clients: list[Client]) -> None:
    made = controls_of("here")
    await asyncio.gather(made.hold(), made.stop("api"), made.restart("api"))
    assert [len(client.asked) for client in clients] == [2]


async def test_where_nobody_listens_holding_is_silent_and_a_command_is_told() -> None:
    made = controls_of("nobody")
    await made.hold()
    with pytest.raises(ControlError, match="does not answer"):
        await made.stop("api")


async def test_a_recording_without_a_supervisor_takes_no_commands() -> None:
    with pytest.raises(ControlError, match="no supervisor"):
        await controls_of("").shutdown()
