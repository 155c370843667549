from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from octui.control import client as control_client
from octui.errors import ControlError
from octui.tui.controls import SessionControls

pytestmark = pytest.mark.asyncio


class Client:
    """Takes the place of a connection; refuses what is called ``refused``."""

    opened: ClassVar[list[Client]] = []

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.is_open = True

    @classmethod
    async def connect(cls, path: str) -> Client:
        if path == "nobody":
            raise ControlError("The supervisor does not answer.")
        cls.opened.append(cls())
        return cls.opened[-1]

    async def stop(self, run: str | None = None) -> None:
        if run == "refused":
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
    return SessionControls(SimpleNamespace(socket=socket))  # type: ignore[arg-type]


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


async def test_after_a_failure_the_next_command_connects_anew(clients: list[Client]) -> None:
    made = controls_of("here")
    with pytest.raises(ControlError, match="no such run"):
        await made.stop("refused")
    await made.stop("api")
    assert [client.is_open for client in clients] == [False, True]


async def test_where_nobody_listens_holding_is_silent_and_a_command_is_told() -> None:
    made = controls_of("nobody")
    await made.hold()
    with pytest.raises(ControlError, match="does not answer"):
        await made.stop("api")


async def test_a_recording_without_a_supervisor_takes_no_commands() -> None:
    with pytest.raises(ControlError, match="no supervisor"):
        await controls_of("").shutdown()
