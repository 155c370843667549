"""Folders, files, disks and clocks that are not as they should be: a clear sentence, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from tests.client.conftest import StandIn
from tests.fleet.conftest import MakeFleet
from tests.support.executables import make_script
from tests.support.faults import Fault

from octui import AsyncOpenCodeClient, ConfigError, OpenCodeBinaryNotFoundError, OpenCodeSession, RunConfig
from octui.client.client import OpenCodeWarning
from octui.errors import ServerError
from octui.recording.facts import RunState
from octui.recording.replay import ReplayClock, Timeline
from octui.recording.session import Session

OCTUI = (sys.executable, "-m", "octui")
DISK_BYTES = 400_000
TELLS = "answer(); sys.stdout.flush(); time.sleep(0.2)\n"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("made", "words"),
    [
        pytest.param("nothing", "does not exist", marks=pytest.mark.fault(7, "workspace missing")),
        pytest.param("file", "is no folder", marks=pytest.mark.fault(7, "workspace is a file")),
        pytest.param("closed", "cannot be entered", marks=pytest.mark.fault(7, "workspace unreadable")),
    ],
)
async def test_a_workspace_that_cannot_be_used_is_told_before_anything_starts(
    made: str, words: str, stand_in: StandIn, tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "workspace"
    if made == "file":
        workspace.touch()
    elif made == "closed":
        workspace.mkdir()
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != workspace)  # Nothing is closed to root.
    binary = stand_in('open(sys.argv[0] + ".started", "w")')
    with pytest.raises(ConfigError, match=words):
        await AsyncOpenCodeClient(binary).async_run("x", workspace)
    assert not Path(f"{binary}.started").exists()
    fault.did = "refused it in one sentence, started nothing"


@pytest.mark.anyio
@pytest.mark.fault(7, "workspace deleted while the agent works")
async def test_a_workspace_that_is_deleted_meanwhile_harms_only_its_agent(
    stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    client = AsyncOpenCodeClient(stand_in("import shutil; shutil.rmtree(os.getcwd()); answer()"))
    assert (await client.async_run("x", workspace)).final_text == "Done."
    fault.did = "kept what it printed to its end"


BINARIES = {
    "binary missing": (None, 0o755, "is not there"),
    "binary not executable": ("print(1)", 0o644, "cannot be executed"),
    "binary is not opencode": ("print('hello')", 0o755, "is not opencode"),
    "binary does not answer": ("raise SystemExit(3)", 0o755, "does not run: exit code 3"),
}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("code", "mode", "words"),
    [pytest.param(*how, marks=pytest.mark.fault(7, fault), id=fault) for fault, how in BINARIES.items()],
)
async def test_a_binary_that_cannot_be_used_is_told_by_name(
    code: str | None, mode: int, words: str, tmp_path: Path, fault: Fault
) -> None:
    binary = tmp_path / "opencode"
    if code is not None:
        make_script(binary, code).chmod(mode)
    with pytest.raises(OpenCodeBinaryNotFoundError, match=words):
        await AsyncOpenCodeClient(binary).async_run("x", tmp_path)
    fault.did = "told it by name, with what to do"


@pytest.mark.anyio
@pytest.mark.parametrize("version", ["0.15.0", "1.99.0"])
@pytest.mark.fault(7, "opencode of another version")
async def test_another_version_is_run_all_the_same(
    version: str, stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    binary = stand_in("answer()")
    binary.write_text(binary.read_text().replace("1.18.33", version))
    assert (await AsyncOpenCodeClient(binary).async_run("x", tmp_path)).final_text == "Done."
    fault.did = "ran it; octui doctor says what is tested"


@pytest.mark.anyio
@pytest.mark.fault(7, "OpenCode 2, which is not supported yet")
async def test_opencode_2_says_what_is_not_supported_and_refuses_overrides(
    stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    binary = stand_in("answer()")
    binary.write_text(binary.read_text().replace("1.18.33", "opencode v2.1.4"))
    client = AsyncOpenCodeClient(binary)
    with pytest.warns(OpenCodeWarning, match=r"OpenCode 2 is not supported yet \(this is 2\.1\.4\).*opencode-ai@1\.18"):
        assert (await client.async_run("x", tmp_path)).final_text == "Done."
    with pytest.raises(ConfigError, match="OpenCode 2 is not supported yet"):
        await client.async_run("x", tmp_path, run_cfg=RunConfig(permission={"bash": "deny"}))
    with pytest.raises(ServerError, match="OpenCode 2 is not supported yet"):
        async with OpenCodeSession(client, tmp_path):
            pass
    fault.did = "warned with what to install; refused overrides and sessions"


@pytest.mark.anyio
@pytest.mark.parametrize("made", ["missing", "a folder", "a dangling link"])
@pytest.mark.fault(7, "auth.json missing or unreadable")
async def test_a_run_starts_whatever_became_of_the_login(
    made: str, stand_in: StandIn, tmp_path: Path, home: Path, fault: Fault
) -> None:
    auth = home / ".local/share/opencode/auth.json"
    auth.parent.mkdir(parents=True)
    if made == "a folder":
        auth.mkdir()
    elif made == "a dangling link":
        auth.symlink_to("/nowhere/auth.json")
    code = """
try:
    open(os.environ["XDG_DATA_HOME"] + "/opencode/auth.json").read()
except OSError as error:
    answer(type(error).__name__)
"""
    result = await AsyncOpenCodeClient(stand_in(code)).async_run("x", tmp_path)
    assert result.final_text in ("FileNotFoundError", "IsADirectoryError")
    fault.did = "left it to opencode, as it is"


def on_small_disk(
    work: Path, options: str, binary: Path, workspace: Path, more: str = ""
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run a headless session whose data are on a disk of its own; give how it went, and a copy of the disk.

    Args:
        work: A folder for the disk.
        options: Commands that come before the session.
        binary: opencode.
        workspace: Where the run works.
        more: More arguments for it.
    """
    disk, copy, script = work / "disk", work / "copy", work / "session.sh"
    disk.mkdir()
    script.write_text(
        f"""
mount -t tmpfs -o size={DISK_BYTES} tmpfs {disk} || exit 99
{options}
OCTUI_HOME={disk} {" ".join(OCTUI)} --binary {binary} run -w {workspace} x --headless --json {more}
status=$?
cp -r {disk} {copy}
exit $status
"""
    )
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    done = subprocess.run([*own, "sh", str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 99, done.stderr
    return done, copy


@pytest.mark.fault(7, "disk full while recording")
def test_a_full_disk_is_told_and_what_was_recorded_stays(stand_in: StandIn, tmp_path: Path, fault: Fault) -> None:
    code = TELLS + "for n in range(2000): say('text', part={'text': 'y' * 1000})\ntime.sleep(300)"
    done, disk = on_small_disk(tmp_path, "", stand_in(code), tmp_path)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = (disk / "data" / "sessions").iterdir()
    session = Session.open(folder)
    (run,) = session.run_names
    recorded = (folder / f"{run}.jsonl").read_bytes()
    assert 200_000 < len(recorded) < DISK_BYTES
    assert len(session.log(run)) > 200
    assert not session.status.run(run).state.is_active
    fault.did = "ended the run, told why, kept what was recorded"


@pytest.mark.fault(7, "data folder read-only")
def test_a_data_folder_that_cannot_be_written_is_told_before_anything_starts(
    stand_in: StandIn, tmp_path: Path, fault: Fault
) -> None:
    binary = stand_in('open(sys.argv[0] + ".started", "w")')
    done, _ = on_small_disk(tmp_path, f"mount -o remount,ro {tmp_path / 'disk'}", binary, tmp_path)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "octui doctor" in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path(f"{binary}.started").exists()
    fault.did = "told it in one sentence, started nothing"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.fault(7, "a clock that jumps")
async def test_a_clock_that_jumps_puts_nothing_out_of_order(
    make_fleet: MakeFleet, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
for at in (2_000_000_000_000, 1_000_000_000_000, 3_000_000_000_000, 5):
    print(json.dumps({"type": "text", "timestamp": at, "sessionID": "s", "part": {"text": str(at)}}), flush=True)
answer()
"""
    fleet = make_fleet(code, {"a": "x"})
    now = iter(range(2_000_000_000, 0, -100_000))
    monkeypatch.setattr("octui.fleet.runner.time.time", lambda: float(next(now)))
    await fleet.supervisor.run()
    session = fleet.session()
    log = session.log("a")
    assert session.status.run("a").state is RunState.SUCCEEDED
    assert [log.time(index) for index in range(len(log))] == sorted(log.time(index) for index in range(len(log)))
    clock = ReplayClock(Timeline(session))
    assert clock.end >= clock.start
    fault.lost = 7 - len(log)
    fault.did = "kept events in their order; limits use another clock"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.fault(7, "the recording deleted underneath")
async def test_a_recording_that_is_deleted_ends_no_agent_and_screens_keep_what_they_have(
    make_fleet: MakeFleet, tmp_path: Path, fault: Fault
) -> None:
    go = tmp_path / "go"
    fleet = make_fleet(TELLS + f"while not os.path.exists({str(go)!r}): time.sleep(0.05)\nanswer('after')", {"a": "x"})
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.supervisor.run)
        while fleet.states("a")[-1:] != ["running"]:
            await anyio.sleep(0.05)
        session = fleet.session()
        while len(session.log("a")) < 3:
            await anyio.sleep(0.05)
            session.refresh()
        shutil.rmtree(fleet.journal.folder)
        session.refresh()
        assert session.is_gone
        assert session.is_live
        assert len(session.log("a")) == 3
        go.touch()
    session.refresh()
    fault.lost = 6 - len(session.log("a"))
    assert json.loads(session.log("a").line(4))["part"]["text"] == "after"
    assert fleet.states("a")[-1] == "succeeded"
    fault.did = "agents worked on; screens keep all, and say so"
