"""That the stand-in for a server does what it is said to."""

from __future__ import annotations

import threading

import httpx
import pytest
from tests.support.fake_server import FakeServer
from tests.support.processes import wait_until


def listen(server: FakeServer, lines: list[str], ended: threading.Event) -> threading.Thread:
    def work() -> None:
        with httpx.stream("GET", f"{server.url}/global/event", timeout=10) as response:
            lines.extend(line for line in response.iter_lines() if line)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    server.wait_for(lambda: server.listeners)
    return thread


def get(server: FakeServer, path: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", params={"directory": "/x"})


def test_what_happens_is_told_once_or_twice_or_not_until_the_connection_is_cut() -> None:
    lines: list[str] = []
    ended = threading.Event()
    with FakeServer() as server:
        thread = listen(server, lines, ended)
        server.emit("a", sessionID="ses_1")
        server.twice = True
        server.emit("b", sessionID="ses_1")
        server.muted = True
        server.emit("c", sessionID="ses_1")
        assert not ended.is_set()
        server.cut()
        thread.join(10)
        assert ended.is_set()
    assert [line.partition('"type":"')[2].partition('"')[0] for line in lines] == ["server.connected", "a", "b", "b"]


def test_it_goes_away_with_its_connections_and_comes_back_at_the_same_place() -> None:
    lines: list[str] = []
    ended = threading.Event()
    with FakeServer() as server:
        listen(server, lines, ended)
        server.go()
        wait_until(ended.is_set)
        with pytest.raises(httpx.ConnectError):
            get(server, "/session")
        server.come()
        assert get(server, "/session").json() == []


def test_it_keeps_what_happened_in_a_session() -> None:
    with FakeServer() as server:
        server.open("ses_1")
        server.answer("ses_1", "Hello there")
        server.ask_permission("ses_1", "per_1", "ls")
        messages = get(server, "/session/ses_1/message").json()
        assert [message["info"]["role"] for message in messages] == ["user", "assistant"]
        assert [part["type"] for part in messages[1]["parts"]] == ["step-start", "text", "step-finish"]
        assert [each["id"] for each in get(server, "/permission").json()] == ["per_1"]
        assert get(server, "/question").json() == []
        assert get(server, "/session/status").json() == {"ses_1": {"type": "idle"}}


def test_it_wants_its_password() -> None:
    with FakeServer("secret") as server:
        assert get(server, "/session").status_code == 401
        right = httpx.get(f"{server.url}/global/health", auth=("opencode", "secret"))
        assert right.json()["version"] == "1.18.33"
