"""Turns at refreshing logins, and the links that bring them into private homes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.oauth_server import write_logins
from tests.support.processes import wait_until

from octui.client import logins
from octui.client.config import RunConfig
from octui.client.logins import ANY, MODELS, Login, Turn, Use

HOUR = 3600.0


@pytest.fixture
def real(home: Path) -> Path:
    folder = home / ".local/share/opencode"
    folder.mkdir()
    return folder


def oauth(expires_in_s: float, token: str = "1", **more: Any) -> dict[str, Any]:
    expires = int((time.time() + expires_in_s) * 1000)
    return {"type": "oauth", "access": f"a{token}", "refresh": f"r{token}", "expires": expires, **more}


def mcp(expires_in_s: float, token: str = "1") -> dict[str, Any]:
    tokens = {"accessToken": f"a{token}", "refreshToken": f"r{token}", "expiresAt": time.time() + expires_in_s}
    return {"tokens": tokens, "serverUrl": "http://127.0.0.1/mcp"}


def due(folder: Path, use: Use = ANY) -> set[str]:
    return {login.name for login in logins.due_logins(folder, use)}


# Which are due


@pytest.mark.parametrize(
    ("name", "expires_in_s", "is_due"),
    [
        ("openai", -1, True),
        ("openai", logins.START_S - 10, True),
        ("openai", logins.START_S + 60, False),
        ("xai", 120 + logins.START_S - 10, True),
        ("xai", 120 + logins.START_S + 60, False),
        ("gitlab", 300 + logins.START_S - 10, True),
        ("gitlab", 300 + logins.START_S + 60, False),
    ],
)
def test_provider_login_is_due_shortly_before_opencode_refreshes_it(
    real: Path, name: str, expires_in_s: float, is_due: bool
) -> None:
    write_logins(real, "auth.json", {name: oauth(expires_in_s)})
    assert due(real) == ({name} if is_due else set())


@pytest.mark.parametrize(
    ("name", "login", "is_due"),
    [
        ("github-copilot", oauth(0) | {"expires": 0}, False),
        ("a-plugin", oauth(0) | {"expires": 0}, True),
        ("openai", oauth(-1) | {"refresh": ""}, False),
        ("openai", oauth(-1) | {"expires": None}, False),
        ("openai", oauth(-1) | {"expires": "soon"}, False),
        ("openai", {"type": "api", "key": "k"}, False),
        ("openai", {"type": "wellknown", "key": "k", "token": "t"}, False),
        ("openai", "odd", False),
    ],
)
def test_provider_login_is_due_where_it_is_refreshed_at_all(real: Path, name: str, login: object, is_due: bool) -> None:
    write_logins(real, "auth.json", {name: login})
    assert due(real) == ({name} if is_due else set())


@pytest.mark.parametrize(
    ("login", "is_due"),
    [
        (mcp(-1), True),
        (mcp(HOUR), False),
        ({"tokens": {"accessToken": "a", "expiresAt": 1}}, False),
        ({"tokens": {"accessToken": "a", "refreshToken": "r"}}, False),
        ({"clientInfo": {"clientId": "c"}}, False),
        (None, False),
    ],
)
def test_mcp_login_is_due_where_it_can_be_refreshed(real: Path, login: object, is_due: bool) -> None:
    write_logins(real, "mcp-auth.json", {"srv": login})
    assert due(real) == ({"srv"} if is_due else set())


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_files_that_hold_no_logins_make_nobody_wait(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("logins")
    for name in logins.LOGIN_FILES:
        (folder / name).write_bytes(data)
    assert due(folder) == set()


def test_logins_given_in_a_variable_stand_for_the_file(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_logins(real, "auth.json", {"openai": oauth(-1)})
    write_logins(real, "mcp-auth.json", {"srv": mcp(-1)})
    monkeypatch.setenv("OPENCODE_AUTH_CONTENT", "{}")
    assert due(real) == {"srv"}


# Which a run uses


@pytest.mark.parametrize(
    ("config", "used"),
    [
        (RunConfig(), {"openai", "xai", "gitlab"}),
        (RunConfig(model="openai/gpt"), {"openai", "gitlab"}),
        (RunConfig(config_overrides={"model": "xai/grok"}), {"xai", "gitlab"}),
        (RunConfig(model="openai/gpt", config_overrides={"small_model": "xai/grok"}), {"openai", "xai", "gitlab"}),
        (RunConfig(model="other/m", config_overrides={"agent": {"a": {"model": "xai/grok"}}}), {"xai", "gitlab"}),
        (RunConfig(model="other/m", mcp={"srv": {"type": "remote", "url": "http://x"}}), {"gitlab", "srv"}),
        (RunConfig(model="other/m", inherit_user_config=True), {"gitlab", "srv"}),
    ],
)
def test_run_waits_only_for_logins_it_may_use(real: Path, tmp_path: Path, config: RunConfig, used: set[str]) -> None:
    write_logins(real, "auth.json", {name: oauth(-1) for name in ("openai", "xai", "gitlab")})
    write_logins(real, "mcp-auth.json", {"srv": mcp(-1)})
    (tmp_path / "work").mkdir()
    assert due(real, logins.use_of(config, tmp_path / "work")) == used
    assert due(real, MODELS) == {"gitlab"}


@pytest.mark.parametrize("name", ["opencode.json", ".opencode/opencode.jsonc"])
def test_project_that_names_mcp_servers_may_use_any(real: Path, tmp_path: Path, name: str) -> None:
    write_logins(real, "mcp-auth.json", {"srv": mcp(-1)})
    work = tmp_path / "repo" / "sub"
    work.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    config = RunConfig(model="other/m")
    assert due(real, logins.use_of(config, work)) == set()
    file = tmp_path / "repo" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"mcp": {}}')
    assert due(real, logins.use_of(config, work)) == {"srv"}


# Turns


def take(folder: Path, use: Use = ANY) -> Turn:
    turn = logins.try_turn(folder, use)
    assert turn is not None
    return turn


def is_free(folder: Path) -> bool:
    turn = logins.try_turn(folder, ANY)
    if turn is not None:
        turn.end()
    return turn is not None


@pytest.mark.parametrize(("name", "login"), [("auth.json", oauth), ("mcp-auth.json", mcp)])
def test_one_start_goes_alone_until_the_login_is_refreshed(
    real: Path, name: str, login: Callable[..., dict[str, Any]]
) -> None:
    write_logins(real, name, {"x": login(-1)})
    first = take(real)
    assert first.is_alone
    assert logins.try_turn(real, ANY) is None
    write_logins(real, name, {"x": login(HOUR, "2")})
    second = take(real)
    assert not second.is_alone
    wait_until(lambda: not first.is_alone)


def test_turn_ends_with_the_attempt(real: Path) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    first = take(real)
    first.end()
    assert take(real).is_alone


def test_login_that_a_start_left_alone_holds_nobody_up_again(real: Path) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    first = take(real)
    first.spoken()
    assert not first.is_alone
    assert not take(real).is_alone
    assert take(real, Use(frozenset({"x"}))).is_alone, "a run of another kind may refresh it"


def test_login_that_was_not_to_be_refreshed_yet_is_waited_for_when_it_is(
    real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_logins(real, "auth.json", {"x": oauth(logins.START_S / 2)})
    take(real).spoken()
    now = time.time()
    monkeypatch.setattr("octui.client.logins.time.time", lambda: now + logins.START_S)
    assert take(real).is_alone


def test_start_that_says_nothing_is_not_waited_for_for_ever(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "HOLD_S", 0.0)
    write_logins(real, "auth.json", {"x": oauth(-1)})
    first = take(real)
    wait_until(lambda: not first.is_alone)
    assert not take(real).is_alone


def test_turns_hold_between_processes_and_end_with_theirs(real: Path) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    code = (
        "import sys; from pathlib import Path; from octui.client import logins\n"
        "turn = logins.try_turn(Path(sys.argv[1]), logins.ANY); print(turn.is_alone, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(real)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not is_free(real)
        other.kill()
    assert is_free(real)


def test_turn_is_not_inherited_by_what_a_run_starts(real: Path) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    turn = take(real)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        turn.end()
        assert is_free(real)
        child.kill()


@pytest.mark.anyio
async def test_waiting_start_says_for_whose_login_and_follows(real: Path) -> None:
    write_logins(real, "auth.json", {"anthropic": oauth(-1)})
    first = take(real)
    told: list[str] = []
    taken = anyio.Event()

    async def second() -> None:
        turn = await logins.take_turn(real, ANY, told.append)
        assert not turn.is_alone
        taken.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(second)
            while not told:
                await anyio.sleep(0.01)
            assert not taken.is_set()
            write_logins(real, "auth.json", {"anthropic": oauth(HOUR, "2")})
            await taken.wait()
    first.end()
    assert told == ["waits for another run to refresh the login for anthropic"]


def test_many_threads_take_turns_one_at_a_time(real: Path) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    inside: list[int] = []
    most: list[int] = []

    def one() -> None:
        turn = logins.take_turn_in_thread(real, ANY, 30, lambda: False)
        if turn.is_alone:
            inside.append(1)
            most.append(len(inside))
            inside.pop()
        turn.end()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


@pytest.mark.parametrize(("timeout_s", "is_over"), [(0.0, False), (3600.0, True)])
def test_thread_goes_without_a_turn_in_the_end(real: Path, timeout_s: float, is_over: bool) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    first = take(real)
    assert not logins.take_turn_in_thread(real, ANY, timeout_s, lambda: is_over).is_alone
    first.end()


@pytest.mark.parametrize(("line", "ends"), [(b'{"type":"prompt"}', False), (b'{"type":"step_start"}', True)])
def test_line_that_tells_a_prompt_does_not_end_a_turn(real: Path, line: bytes, ends: bool) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1)})
    turn = take(real)
    turn.printed(line)
    assert turn.is_alone is not ends
    turn.end()


# Private homes


def test_private_home_has_both_files_of_logins(real: Path, tmp_path: Path) -> None:
    write_logins(real, "mcp-auth.json", {"srv": mcp(HOUR)})
    logins.link_logins(real, tmp_path)
    for name in logins.LOGIN_FILES:
        (tmp_path / name).write_text(f"written to {name}")
        assert (real / name).read_text() == f"written to {name}"


def test_login_can_be_written_where_the_user_has_none_yet(home: Path, tmp_path: Path) -> None:
    real = home / ".local/share/opencode"
    logins.link_logins(real, tmp_path)
    (tmp_path / "auth.json").write_text("{}")
    assert (real / "auth.json").read_text() == "{}"
    assert real.stat().st_mode & 0o077 == 0


def test_registration_with_an_mcp_server_stays_private_until_the_user_signs_in(real: Path, tmp_path: Path) -> None:
    logins.link_logins(real, tmp_path)
    write_logins(tmp_path, "mcp-auth.json", {"srv": {"clientInfo": {"clientId": "c"}}})
    assert not (real / "mcp-auth.json").exists()
    write_logins(real, "mcp-auth.json", {"srv": mcp(HOUR)})
    logins.link_logins(real, tmp_path)
    assert json.loads((tmp_path / "mcp-auth.json").read_text())["srv"]["tokens"]["refreshToken"] == "r1"


@pytest.mark.parametrize(("name", "login"), [("auth.json", oauth), ("mcp-auth.json", mcp)])
def test_tokens_in_a_file_that_replaced_the_link_are_taken_over(
    real: Path, tmp_path: Path, name: str, login: Callable[..., dict[str, Any]]
) -> None:
    others = {"untouched": {"type": "api", "key": "k"}, "newer": login(2 * HOUR, "newer")}
    write_logins(real, name, {"x": login(-1), **others})
    logins.link_logins(real, tmp_path)
    renewed = {"x": login(HOUR, "2"), "newer": login(HOUR, "older"), "signed-out": login(HOUR, "3")}
    (tmp_path / "new").write_text(json.dumps(renewed))
    (tmp_path / "new").rename(tmp_path / name)

    logins.reclaim_logins(real, tmp_path)
    kept = json.loads((real / name).read_text())
    assert kept == {"x": renewed["x"], **others}
    assert (real / name).stat().st_mode & 0o077 == 0
    assert not (tmp_path / name).exists()
    logins.link_logins(real, tmp_path)
    assert (tmp_path / name).is_symlink()
    assert [path.name for path in real.iterdir()] == [name]


def test_tokens_are_taken_over_into_the_file_that_the_users_link_leads_to(real: Path, tmp_path: Path) -> None:
    elsewhere = write_logins(tmp_path / "elsewhere", "secrets.json", {"x": oauth(-1)})
    (real / "auth.json").symlink_to(elsewhere)
    private = tmp_path / "private"
    write_logins(private, "auth.json", {"x": oauth(HOUR, "2")})
    logins.reclaim_logins(real, private)
    assert (real / "auth.json").is_symlink()
    assert json.loads(elsewhere.read_text())["x"]["refresh"] == "r2"


def test_broken_real_file_is_left_as_it_is(real: Path, tmp_path: Path) -> None:
    (real / "auth.json").write_text("{broken")
    write_logins(tmp_path, "auth.json", {"x": oauth(HOUR)})
    logins.reclaim_logins(real, tmp_path)
    assert (real / "auth.json").read_text() == "{broken"


def test_token_of_a_login_is_not_in_what_is_kept_of_it(real: Path) -> None:
    write_logins(real, "auth.json", {"x": oauth(-1, "secret")})
    (login,) = logins.read_logins(real)
    assert isinstance(login, Login)
    assert "secret" not in repr(login)
