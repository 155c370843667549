"""Several octui, several screens, and strangers: none harms another."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec
import psutil
import pytest
from tests.client.conftest import StandIn
from tests.faults.test_deaths import supervised, until_state
from tests.fleet.conftest import MakeFleet
from tests.support import misbehaving
from tests.support.faults import Fault
from tests.tui.driving import on_screen, until
from tests.tui.sessions import API, GATEWAY, record

from octui import paths
from octui.control.client import ControlClient
from octui.control.messages import MAX_LINE_BYTES, PROTOCOL, Hello, encode
from octui.errors import ControlError
from octui.recording.facts import AttemptStarted, RunState
from octui.recording.session import Session, list_sessions
from octui.tui.app import OctuiApp
from octui.tui.screens.dashboard import DashboardScreen

OCTUI = (sys.executable, "-m", "octui")
KNOCK = """
import os, socket, sys
os.setgroups([]) if os.geteuid() == 0 else None
os.setuid(65534) if os.geteuid() == 0 else None
with socket.socket(socket.AF_UNIX) as knock:
    try:
        knock.connect(sys.argv[1])
        knock.sendall(bytes.fromhex(sys.argv[2]))
        print(len(knock.recv(1000)))
    except OSError:
        print(0)
"""


@pytest.mark.fault(8, "two octui at once on one data folder")
def test_two_octui_at_once_keep_apart(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    command = [*OCTUI, "--binary", str(stand_in("answer()")), "run", "-w", str(tmp_path), "x", "--headless"]
    started = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(30) for process in started] == [0] * 4
    sessions = list_sessions(paths.sessions_dir())
    assert [session.counts[RunState.SUCCEEDED] for session in sessions] == [1] * 4
    fault.did = "gave each a session of its own"


@pytest.mark.fault(8, "two dashboards both send commands")
def test_commands_of_two_dashboards_leave_one_life_of_a_run(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    async def press(screen: ControlClient) -> None:
        for _ in range(2):
            with suppress(ControlError):  # Refused where the other's stop comes between.
                await screen.restart("a")
            await screen.stop("a")

    async def both(path: str) -> None:
        screens = [await ControlClient.connect(path) for _ in range(2)]
        async with anyio.create_task_group() as group:
            for screen in screens:
                group.start_soon(press, screen)
        await screens[0].restart("a")
        for screen in screens:
            await screen.close()

    with supervised(stand_in('say("step_start", part={}); time.sleep(300)'), tmp_path) as session:
        until_state(session, RunState.RUNNING)
        anyio.run(both, session.socket)
        until_state(session, RunState.RUNNING)
        pids = [fact.pid for fact in session.facts if isinstance(fact, AttemptStarted)]
        assert sum(psutil.pid_exists(pid) for pid in pids) == 1
    fault.did = "carried them out one after another"


GARBLED = {
    "a garbled command on the control socket": b"\xff\x00{]\n",
    "an oversized command on the control socket": b"x" * (MAX_LINE_BYTES * 4),
    "half a command on the control socket": b'{"request":"stop"',
    "a command nested without end": b"[" * 50_000 + b"\n",
}


@pytest.mark.parametrize(
    "sent", [pytest.param(data, marks=pytest.mark.fault(8, words), id=words) for words, data in GARBLED.items()]
)
def test_what_is_no_command_harms_nobody(sent: bytes, stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    with supervised(stand_in("time.sleep(0.5); answer()"), tmp_path) as session:
        with socket.socket(socket.AF_UNIX) as knock:
            knock.connect(session.socket)
            try:
                knock.sendall(encode(Hello()) + b"\n" + sent)
                knock.settimeout(1)
                assert knock.recv(1000)
            except (BrokenPipeError, TimeoutError):
                pass
        until_state(session, RunState.SUCCEEDED)
    fault.did = "refused it; the session went on"


@pytest.mark.fault(8, "a process of another user at the socket")
def test_another_user_gets_no_answer(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    with supervised(stand_in(misbehaving.MUTE), tmp_path) as session:
        path = Path(session.socket)
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
        if os.geteuid() == 0:  # Even where the folders' modes are opened to them.
            for opened in (path, *path.parents[:-1]):
                if opened != Path("/tmp"):
                    opened.chmod(0o777)
        hello = (encode(Hello()) + b"\n").hex()
        done = subprocess.run([sys.executable, "-c", KNOCK, str(path), hello], capture_output=True, text=True)
        answered = int(done.stdout or "0")
        assert (answered == 0) == (os.geteuid() == 0), done.stderr
    fault.did = "gave no answer"


@pytest.mark.fault(8, "a supervisor of another octui version")
def test_a_supervisor_of_another_version_refuses_in_words(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    with supervised(stand_in(misbehaving.MUTE), tmp_path) as session:
        with socket.socket(socket.AF_UNIX) as knock:
            knock.connect(session.socket)
            knock.sendall(encode(msgspec.structs.replace(Hello(), protocol=PROTOCOL + 1)) + b"\n")
            answer = knock.recv(1000)
        assert b"speaks otherwise" in answer
        assert session.is_live
    fault.did = "said so; recordings are read all the same"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.fault(8, "a session folder moved while it is shown")
async def test_a_dashboard_follows_its_session_where_it_is_moved_to(
    make_fleet: MakeFleet, tmp_path: Path, fault: Fault
) -> None:
    go = tmp_path / "go"
    fleet = make_fleet(
        f"answer('before')\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\nanswer('after')", {"a": "x"}
    )
    app = OctuiApp(lambda app: DashboardScreen(fleet.session(), app.palette, app.glyphs))
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        while fleet.states("a")[-1:] != ["running"]:
            await anyio.sleep(0.05)
        async with app.run_test(size=(100, 30)) as pilot:
            await until(pilot, lambda: "before" in on_screen(app))
            fleet.journal.folder.rename(tmp_path / "moved")
            go.touch()
            await until(pilot, lambda: "after" in on_screen(app) and "succeeded" in on_screen(app))
            assert app.screen.session.folder == tmp_path / "moved"  # type: ignore[attr-defined]  # a dashboard
    session = Session.open(tmp_path / "moved")
    fault.lost = 6 - len(session.log("a"))
    assert 'state = "succeeded"' in (tmp_path / "moved" / "session.toml").read_text()
    fault.did = "went on recording and showing it there"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.fault(8, "a session folder deleted while it is shown")
async def test_a_dashboard_keeps_what_it_has_of_a_session_that_is_deleted(tmp_path: Path, fault: Fault) -> None:
    folder = record(tmp_path, [API, GATEWAY], live=True).folder
    app = OctuiApp(lambda app: DashboardScreen(Session.open(folder), app.palette, app.glyphs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "Explain this service" in on_screen(app))
        before = on_screen(app).split("\n")[2:5]
        shutil.rmtree(folder)
        await until(pilot, lambda: "its folder was deleted" in on_screen(app))
        await pilot.press("end")
        assert on_screen(app).split("\n")[2:5] == before
    fault.did = "keeps showing what it has, and says so"


@pytest.mark.fault(8, "recordings cut at every byte of their last lines")
def test_a_session_cut_at_every_byte_of_its_last_lines_opens_and_says_what_is_missing(
    tmp_path: Path, fault: Fault
) -> None:
    journal = record(tmp_path, [API, GATEWAY])
    journal.close()
    for name in ("api.jsonl", "facts.jsonl"):
        path = journal.folder / name
        whole = path.read_bytes()
        start = len(whole) - sum(len(line) + 1 for line in whole.splitlines()[-3:])
        for end in range(start, len(whole)):
            path.write_bytes(whole[:end])
            session = Session.open(journal.folder)
            log = session.log("api")
            if name == "facts.jsonl":
                assert session.interrupted
            else:
                ended = whole[:end].endswith(b"\n")
                assert len(log) + bool(log.tail_incomplete) == whole[:end].count(b"\n") + (not ended)
        path.write_bytes(whole)
    fault.did = "opened each, said what is missing"
