"""Writing a session folder."""

from __future__ import annotations

import errno
import os
import tomllib
from pathlib import Path

import pytest

from octui.errors import RecordingError
from octui.plan.model import Plan
from octui.recording.facts import RunState, StateChanged
from octui.recording.journal import Journal
from octui.recording.session import Session

FACT = StateChanged(at=1, run="api", state=RunState.RUNNING)


def test_the_folder_is_named_by_time_and_plan_and_closed_to_others(journal: Journal) -> None:
    journal.append_stdout("api", b"x")
    journal.fact(FACT)
    assert journal.folder.name.endswith("-two-runs")
    assert journal.folder.stat().st_mode & 0o777 == 0o700
    assert journal.folder.parent.stat().st_mode & 0o777 == 0o700
    files = list(journal.folder.iterdir())
    logs = {"api.jsonl", "api.index", "api.totals", "worker.jsonl"}
    assert {path.name for path in files} == {"session.toml", "facts.jsonl", "lock", *logs}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)


def test_two_sessions_of_one_second_have_folders_of_their_own(tmp_path: Path, plan: Plan) -> None:
    folders = {
        Journal.create(tmp_path, plan, opencode_version="1", binary="b", octui_version="0").folder for _ in range(3)
    }
    assert len(folders) == 3


def test_output_is_on_disk_byte_for_byte_at_once(journal: Journal) -> None:
    journal.append_stdout("api", b"\x00\xff\r\n{half")
    assert journal.stdout_path("api").read_bytes() == b"\x00\xff\r\n{half"
    journal.append_stdout("api", b" line}\n")
    assert journal.stdout_path("api").read_bytes() == b"\x00\xff\r\n{half line}\n"
    assert journal.sizes("api") == (16, 0)


def test_secrets_are_in_no_file(journal: Journal) -> None:
    journal.write_outcome({"api": {"state": "succeeded"}})
    assert b"sesame-open" not in b"".join(path.read_bytes() for path in journal.folder.iterdir())
    assert Session.open(journal.folder).meta("api").overrides["mcp"]["x"]["headers"] == {"K": "••••"}


def test_outcomes_stand_beside_the_plan_as_run(journal: Journal) -> None:
    journal.write_outcome({"api": {"state": "failed", "why": None, "cost": 0.5}})
    value = tomllib.loads((journal.folder / "session.toml").read_text())
    api, worker = value["runs"]
    assert api["outcome"] == {"state": "failed", "cost": 0.5}
    assert "outcome" not in worker
    assert (api["prompt"], value["opencode"], value["octui"]) == ("Do it.", "1.18.33", "0.1.0")


def test_a_full_disk_is_told_and_loses_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.append_stdout("api", b"before\n")

    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RecordingError, match="No space left"):
        journal.append_stdout("api", b"after\n")
    with pytest.raises(RecordingError):
        journal.fact(FACT)
    assert journal.stdout_path("api").read_bytes() == b"before\n"


def test_a_write_that_takes_only_part_is_gone_on_with(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: whole(handle, data[:3]))
    journal.append_stdout("api", b"0123456789")
    assert journal.stdout_path("api").read_bytes() == b"0123456789"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot be recorded"):
        Journal.create(tmp_path / "file", plan, opencode_version="1", binary="b", octui_version="0")
