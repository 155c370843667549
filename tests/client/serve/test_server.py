"""A server of one's own whose executable misbehaves; no process of it is left, ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.executables import make_script
from tests.support.faults import MARK
from tests.support.processes import processes_marked, wait_until

from octui import OpenCodeBinaryNotFoundError, RunConfig, ServerError
from octui.client.serve import server as server_module
from octui.client.serve.server import ServerLaunch, running
from octui.client.serve.shares import server_config

pytestmark = pytest.mark.anyio

HEAD = """
import os, signal, subprocess, sys, time
def listens():
    print("Warning: something", flush=True)
    print("opencode server listening on http://127.0.0.1:4711", flush=True)
"""

Launch = Callable[[str], ServerLaunch]


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(MARK, str(tmp_path))
    return str(tmp_path)


@pytest.fixture
def launch(tmp_path: Path, mark: str) -> Launch:
    def make(code: str) -> ServerLaunch:
        return ServerLaunch(binary=make_script(tmp_path / "bin/opencode", HEAD + code), config=RunConfig(), grace_s=0.3)

    return make


def nothing_is_left(mark: str) -> None:
    wait_until(lambda: not processes_marked(MARK, mark), what="a process is left")


async def test_it_is_known_where_it_listens_and_what_it_wants_to_be_told(launch: Launch, mark: str) -> None:
    code = (
        "open(sys.argv[0] + '.seen', 'w').write(os.environ['OPENCODE_SERVER_PASSWORD'] + ' ' + ' '.join(sys.argv[1:]))"
    )
    made = launch(f"{code}; listens(); time.sleep(300)")
    async with running(made) as first, running(made) as second:
        assert first.url == "http://127.0.0.1:4711"
        assert first.exit_code is None
        assert len(first.password) > 20
        assert first.password != second.password
        assert made.binary.with_suffix(".seen").read_text() == f"{second.password} serve --hostname=127.0.0.1 --port=0"
    nothing_is_left(mark)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit(3)", r"ended with exit code 3\."),
        ("print('port 4096 is taken', file=sys.stderr); sys.exit(1)", "exit code 1: port 4096 is taken"),
        ("print('Error: bad config', flush=True); sys.exit(1)", "exit code 1: Error: bad config"),
        ("sys.stdout.buffer.write(bytes(range(256)) * 1000); sys.exit(0)", "ended with exit code 0"),
        ("os.kill(os.getpid(), 9)", "exit code -9"),
        (
            "print('\\x1b[91mError: \\x1b[0mEACCES: no port\\n    at f (/$bunfs/x:1:2)', file=sys.stderr); exit(1)",
            "exit code 1: Error: EACCES: no port.$",
        ),
    ],
    ids=["at once", "stderr", "stdout", "garbage", "killed", "colours and frames"],
)
async def test_one_that_ends_before_it_listens_says_why(code: str, words: str, launch: Launch, mark: str) -> None:
    with pytest.raises(ServerError, match=words):
        async with running(launch(code)):
            pytest.fail("it does not listen")
    nothing_is_left(mark)


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(300)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)",
        "subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)",
        "print('still starting', flush=True); time.sleep(300)",
        "while True: print('x' * 1000)",
    ],
    ids=["mute", "stubborn", "with a child", "talks", "floods"],
)
async def test_one_that_is_never_ready_is_ended(
    code: str, launch: Launch, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "READY_S", 0.5)
    with pytest.raises(ServerError, match=r"did not get ready within 0\.5 s"):
        async with running(launch(code)):
            pytest.fail("it does not listen")
    nothing_is_left(mark)


async def test_one_that_dies_later_is_heard_of(launch: Launch, mark: str) -> None:
    code = "subprocess.Popen(['sleep', '300'], start_new_session=True); listens(); time.sleep(0.3); os._exit(7)"
    async with running(launch(code)) as server:
        with anyio.fail_after(20):
            assert await server.wait() == 7
        assert server.exit_code == 7
    nothing_is_left(mark)


async def test_one_that_dies_later_said_why_and_what_an_earlier_one_said_is_no_reason(
    launch: Launch, mark: str, tmp_path: Path
) -> None:
    (tmp_path / "log").write_text("Error: the reason of an earlier server\n")
    code = "listens(); print('\\x1b[31mpanic: out of memory\\x1b[0m', file=sys.stderr, flush=True); sys.exit(7)"
    async with running(replace(launch(code), log_path=tmp_path / "log")) as server:
        assert await server.wait() == 7
        assert server.last_words == "panic: out of memory"
    nothing_is_left(mark)


async def test_what_it_says_later_does_not_block_it(launch: Launch, mark: str) -> None:
    async with running(launch("listens(); print('x' * 1_000_000, flush=True); os._exit(5)")) as server:
        with anyio.fail_after(20):
            assert await server.wait() == 5


async def test_a_cancel_and_an_error_of_the_block_end_it_too(launch: Launch, mark: str) -> None:
    made = launch("subprocess.Popen(['sleep', '300'], start_new_session=True); listens(); time.sleep(300)")
    with anyio.CancelScope() as scope:
        async with running(made):
            scope.cancel()
            await anyio.sleep(60)
    assert scope.cancelled_caught
    nothing_is_left(mark)
    with pytest.raises(LookupError):
        async with running(made):
            raise LookupError
    nothing_is_left(mark)


async def test_an_executable_that_does_not_start_says_so(tmp_path: Path) -> None:
    binary = tmp_path / "opencode"
    binary.write_text("no program")
    with pytest.raises(OpenCodeBinaryNotFoundError, match="does not start"):
        async with running(ServerLaunch(binary=binary, config=RunConfig())):
            pytest.fail("it does not start")


async def test_its_data_stays_where_it_is_told_to_be_and_its_log_is_kept(launch: Launch, tmp_path: Path) -> None:
    made = launch("print(os.environ['XDG_DATA_HOME'], file=sys.stderr, flush=True); listens(); time.sleep(300)")
    made = ServerLaunch(
        binary=made.binary, config=made.config, data_dir=tmp_path / "data", log_path=tmp_path / "log", grace_s=0.3
    )
    for _ in range(2):
        async with running(made) as server:
            assert server.data == tmp_path / "data" / "opencode"
    assert server.data.is_dir()
    assert (tmp_path / "log").read_text() == f"{tmp_path / 'data'}\n" * 2
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_runs_that_differ_in_what_is_a_session_s_can_share_a_server() -> None:
    one = RunConfig(model="a/b", agent="plan", title="T", permission={"bash": "deny"}, mcp={"x": {"enabled": False}})
    other = RunConfig(model="c/d", session_id="ses_1", permission={"bash": "deny"}, mcp={"x": {"enabled": False}})
    assert server_config(one) == server_config(other)
    assert server_config(one) != server_config(RunConfig())


@pytest.mark.parametrize(
    "overrides", [{"permission": {"bash": "ask"}}, {"permission": "deny"}, {"tools": {"x": False}}]
)
def test_overrides_are_the_servers_as_they_must_hold_for_subagents(overrides: dict[str, Any]) -> None:
    assert server_config(RunConfig(**overrides)) != server_config(RunConfig())
