"""Sessions of a folder: listed, summed up, found."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from tests.recording.test_session import SAMPLES, begin

from octui.client.serve.events import Permission
from octui.errors import RecordingError
from octui.recording.facts import RequestAsked, RunState
from octui.recording.journal import Journal
from octui.recording.listing import list_sessions, resolve_session, summarize
from octui.recording.session import Session


def test_sessions_are_listed_newest_first_and_found_by_name(tmp_path: Path, journal: Journal) -> None:
    begin(journal, at=time.time())
    folder = journal.folder.parent
    (folder / "not-a-session").mkdir()
    old = shutil.copytree(SAMPLES / "fix-a-bug", folder / "20200101-000000-old")
    summaries = list_sessions(folder)
    assert [summary.path for summary in summaries] == [journal.folder, old]
    assert [summary.interrupted for summary in summaries] == [True, False]
    assert summaries[1].counts[RunState.SUCCEEDED] == 3
    assert resolve_session(None, folder) == journal.folder
    assert resolve_session("last", folder) == journal.folder
    assert resolve_session("20200101", folder) == old
    assert resolve_session("demo", folder) == old
    assert resolve_session(str(old)) == old
    with pytest.raises(RecordingError, match="no session called") as raised:
        resolve_session("nope", folder)
    assert "Did you mean" not in raised.value.hint
    with pytest.raises(RecordingError, match="no session called") as raised:
        resolve_session(f"{old.name}x", folder)
    assert f"Did you mean {old.name!r}?" in raised.value.hint
    with pytest.raises(RecordingError, match="more than one"):
        resolve_session("20", folder)


def test_without_sessions_the_next_step_is_told(tmp_path: Path) -> None:
    assert list_sessions(tmp_path / "none") == []
    with pytest.raises(RecordingError, match="octui demo"):
        resolve_session(None, tmp_path / "none")


def test_a_run_that_waits_for_an_answer_counts_as_in_need(journal: Journal) -> None:
    begin(journal, pid=os.getpid())
    journal.fact(RequestAsked(at=101, run="api", permission=Permission(id="per_1", permission="bash")))
    assert summarize(Session.open(journal.folder)).attention == 1
