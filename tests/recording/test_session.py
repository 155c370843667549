"""A session as its readers see it."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.recording.conftest import CAPTURES, answer, line

from octui.client.serve.events import FileDiff, Permission
from octui.errors import RecordingError
from octui.recording.facts import (
    AttemptEnded,
    AttemptStarted,
    Attention,
    RequestAsked,
    RunState,
    SessionEnded,
    SessionStarted,
    StateChanged,
)
from octui.recording.journal import Journal
from octui.recording.layout import diff_path
from octui.recording.session import Session
from octui.recording.writer_lock import hold

SAMPLES = Path(__file__).parents[2] / "sample_sessions"


def begin(journal: Journal, *, pid: int = 0, at: float = 100.0) -> None:
    if not pid:
        journal.close()
    journal.fact(
        SessionStarted(
            at=at,
            pid=pid or 2**22 + 1,
            socket="/run/x.sock",
            octui="0.1.0",
            opencode="1.18.33",
            runs=("api", "worker"),
        )
    )


def run_api(journal: Journal) -> None:
    journal.fact(StateChanged(at=101, run="api", state=RunState.STARTING))
    journal.fact(AttemptStarted(at=101, run="api", attempt=1, of=3, pid=7))
    journal.append_stdout("api", answer(102))
    journal.fact(StateChanged(at=102, run="api", state=RunState.RUNNING))
    journal.fact(AttemptEnded(at=105, run="api", attempt=1, exit_code=0))
    journal.fact(StateChanged(at=105, run="api", state=RunState.SUCCEEDED))


def test_a_session_over_tells_what_its_runs_came_to(journal: Journal) -> None:
    begin(journal)
    run_api(journal)
    journal.fact(StateChanged(at=106, run="worker", state=RunState.STOPPED, why="stopped by you"))
    journal.fact(SessionEnded(at=107))
    session = Session.open(journal.folder)
    assert (session.name, session.run_names) == ("Two runs!", ("api", "worker"))
    assert not session.is_live
    assert not session.interrupted
    api, worker = session.status.runs["api"], session.status.runs["worker"]
    assert (api.state, api.exit_code, api.elapsed(999), api.pid) == (RunState.SUCCEEDED, 0, 4, None)
    assert (worker.state, worker.why) == (RunState.STOPPED, "stopped by you")
    assert session.log("api").final_text() == "Done."
    assert (session.started_at, session.ended_at) == (100, 107)


def test_a_moment_in_between_shows_what_was_known_then(journal: Journal) -> None:
    begin(journal)
    run_api(journal)
    journal.fact(SessionEnded(at=107))
    session = Session.open(journal.folder)
    states = [session.status_at(at).run("api").state for at in (100.5, 101, 102, 104.9, 105)]
    assert states == [
        RunState.QUEUED,
        RunState.STARTING,
        RunState.RUNNING,
        RunState.RUNNING,
        RunState.SUCCEEDED,
    ]


def test_a_session_is_live_while_its_supervisor_is(journal: Journal) -> None:
    begin(journal, pid=os.getpid())
    session = Session.open(journal.folder)
    assert session.is_live
    assert session.supervisor_pid == os.getpid()
    assert session.socket == "/run/x.sock"


def test_a_supervisor_whose_number_was_given_anew_is_not_taken_for_alive(journal: Journal) -> None:
    begin(journal, pid=os.getpid())
    journal.close()
    assert Session.open(journal.folder).interrupted


def test_a_live_session_stays_live_where_it_is_moved_to_and_a_copy_of_it_is_none(journal: Journal) -> None:
    begin(journal, pid=os.getpid())
    copy, moved = journal.folder.with_name("copy"), journal.folder.with_name("moved")
    shutil.copytree(journal.folder, copy)
    journal.folder.rename(moved)
    assert Session.open(moved).is_live
    assert Session.open(copy).interrupted


def test_a_session_has_one_writer(journal: Journal) -> None:
    with pytest.raises(BlockingIOError):
        hold(journal.folder)


def test_an_interrupted_session_says_so_and_keeps_what_it_had(journal: Journal) -> None:
    begin(journal)
    run_api(journal)
    journal.fact(StateChanged(at=106, run="worker", state=RunState.RUNNING))
    journal.append_stdout("worker", line("step_start", 106) + b'{"type": "te')
    session = Session.open(journal.folder)
    assert session.interrupted
    assert session.status.run("api").state is RunState.SUCCEEDED
    worker = session.status.run("worker")
    assert worker.state is RunState.FAILED
    assert "interrupted" in worker.why
    assert session.log("worker").totals.cost_is_incomplete


def test_looking_at_an_interrupted_session_changes_nothing_of_what_its_facts_say(journal: Journal) -> None:
    begin(journal)
    journal.fact(StateChanged(at=106, run="worker", state=RunState.RUNNING))
    journal.fact(RequestAsked(at=107, run="worker", permission=Permission(id="p", permission="bash")))
    session = Session.open(journal.folder)
    before = copy.deepcopy(session.status_now("worker"))
    (interrupted,) = {session.status.run("worker").state for _ in range(2)}
    assert interrupted is RunState.FAILED
    assert session.status_now("worker") == before
    journal.fact(SessionEnded(at=108))
    session.refresh()
    assert (session.status.run("worker").state, len(session.status.run("worker").requests)) == (RunState.RUNNING, 1)


def test_what_is_appended_is_seen_by_name(journal: Journal) -> None:
    begin(journal, pid=os.getpid())
    session = Session.open(journal.folder)
    assert session.refresh() == set()
    journal.append_stdout("worker", answer(1))
    assert session.refresh() == {"worker"}
    journal.fact(StateChanged(at=106, run="api", state=RunState.STARTING))
    assert session.refresh() == {"api"}


def test_a_session_without_its_toml_is_read_from_its_logs(journal: Journal) -> None:
    begin(journal)
    run_api(journal)
    (journal.folder / "session.toml").write_text("= broken")
    session = Session.open(journal.folder)
    assert set(session.run_names) == {"api", "worker"}
    assert session.status.run("api").state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("capture", "state", "words"),
    [
        ("text", RunState.SUCCEEDED, ""),
        ("http_401", RunState.FAILED, "401"),
        ("ask_auto_reject", RunState.FAILED, "ends before"),
    ],
)
def test_a_bare_recording_tells_its_state_by_its_events(capture: str, state: RunState, words: str) -> None:
    session = Session.open(CAPTURES / f"{capture}.jsonl")
    assert session.run_names == (capture,)
    run = session.status.run(capture)
    assert run.state is state
    assert words in run.why
    assert not session.interrupted


def without_reason(part: dict[str, Any]) -> None:
    part.pop("reason", None)


def with_odd_counts(part: dict[str, Any]) -> None:
    if "tokens" in part:
        part["tokens"] = {"input": None, "output": 3.0, "reasoning": 0.4, "cache": {"read": "600", "write": None}}


def with_half_a_character(part: dict[str, Any]) -> None:
    if part["type"] == "text":
        part["text"] = f"\ud83d{part['text']}"


@pytest.mark.parametrize("change", [without_reason, with_odd_counts, with_half_a_character])
@pytest.mark.parametrize("capture", ["text", "tool_completed_bash", "todowrite"])
def test_a_complete_recording_with_odd_fields_has_succeeded(
    change: Callable[[dict[str, Any]], None], capture: str, tmp_path: Path
) -> None:
    told = [*map(json.loads, (CAPTURES / f"{capture}.jsonl").read_bytes().splitlines())]
    for event in told:
        change(event["part"])
    path = tmp_path / f"{capture}.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in told))
    session, whole = Session.open(path), Session.open(CAPTURES / path.name)
    assert session.status.run(capture).state is RunState.SUCCEEDED
    found, expected = session.log(capture).totals, whole.log(capture).totals
    assert (found.cost, found.turns, found.tool_calls) == (expected.cost, expected.turns, expected.tool_calls)
    if change is with_odd_counts:
        assert (found.tokens.output, found.tokens.cache_read) == (3 * found.turns, 600 * found.turns)
        assert found.tokens.total == 603 * found.turns


def test_a_recording_without_reasons_that_ends_after_a_tool_call_is_not_finished(tmp_path: Path) -> None:
    told = [*map(json.loads, (CAPTURES / "tool_completed_bash.jsonl").read_bytes().splitlines())]
    end = next(number for number, event in enumerate(told, 1) if event["type"] == "step_finish")
    for event in told:
        without_reason(event["part"])
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in told[:end]))
    assert Session.open(path).status.run("x").state is RunState.FAILED


def test_a_bare_recording_cut_at_every_byte_of_its_last_three_lines_opens_and_says_so(tmp_path: Path) -> None:
    data = (CAPTURES / "tool_completed_bash.jsonl").read_bytes()
    start = len(data) - sum(len(row) + 1 for row in data.splitlines()[-3:])
    path = tmp_path / "cut.jsonl"
    for end in range(start, len(data) - 1):
        path.write_bytes(data[:end])
        session = Session.open(path)
        log, run = session.log("cut"), session.status.run("cut")
        assert len(log) + bool(log.tail_incomplete) == data[:end].count(b"\n") + (not data[:end].endswith(b"\n"))
        if log.tail_incomplete:
            assert Attention.INTERRUPTED in run.attention
        log.close()


@pytest.mark.parametrize("content", [b"", b"hello\n", b'{"a": 1}\n' * 5])
def test_what_holds_no_events_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="holds no events"):
        Session.open(path)


def test_a_run_that_comes_later_is_taken_in_once_it_is_listed(journal: Journal) -> None:
    begin(journal)
    session = Session.open(journal.folder)
    journal.fact(StateChanged(at=200, run="api-fork", state=RunState.RUNNING))
    session.refresh()
    assert session.run_names == ("api", "worker")
    listed = (journal.folder / "session.toml").read_text()
    written = journal.folder / "session.new"
    written.write_text(f'{listed}\n[[runs]]\nname = "api-fork"\nprompt = "Try it."\nbackend = "serve"\n')
    written.replace(journal.folder / "session.toml")
    (journal.folder / "api-fork.jsonl").write_bytes(answer(201))
    assert "api-fork" in session.refresh() | session.refresh()
    assert [*session.run_names][2:] == ["api-fork"]
    assert (session.meta("api-fork").prompt, session.meta("api-fork").backend) == ("Try it.", "serve")
    assert len(session.log("api-fork")) == 3
    assert session.status.run("api-fork").state is not RunState.QUEUED


def test_what_a_run_changed_is_read_and_what_cannot_be_read_is_nothing(journal: Journal) -> None:
    begin(journal)
    session = Session.open(journal.folder)
    assert session.diffs("api") == ()
    changes = [FileDiff(file="a.py", patch="+x", additions=1)]
    diff_path(journal.folder, "api").write_bytes(msgspec.json.encode(changes))
    assert session.diffs("api") == (changes[0],)
    diff_path(journal.folder, "api").write_bytes(b'[{"file": 1}]')
    assert session.diffs("api") == ()
    assert Session.open(CAPTURES / "text.jsonl").diffs("text") == ()


def test_what_is_no_session_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="does not exist"):
        Session.open(tmp_path / "nope")
    with pytest.raises(RecordingError, match="is no session folder"):
        Session.open(tmp_path)


def test_stderr_is_given_by_attempt_and_only_its_end(journal: Journal) -> None:
    begin(journal)
    journal.stderr_path("api").write_text("first" + "second")
    journal.fact(AttemptStarted(at=1, run="api", attempt=1, of=2, pid=7))
    journal.fact(AttemptStarted(at=2, run="api", attempt=2, of=2, pid=8, stderr_offset=5))
    session = Session.open(journal.folder)
    assert session.stderr("api") == "firstsecond"
    assert session.stderr("api", 1) == "first"
    assert session.stderr("api", 2) == "second"
    assert session.stderr("worker") == ""


@pytest.mark.parametrize("name", ["fix-a-bug", "denied-retried-failed", "compared"])
def test_the_sample_sessions_are_whole(name: str) -> None:
    session = Session.open(SAMPLES / name)
    assert not session.interrupted
    for run in session.run_names:
        assert session.status.run(run).state.is_final
        assert session.log(run).tail_incomplete == b""


def test_the_second_sample_has_a_denied_tool_a_retry_and_a_failure() -> None:
    session = Session.open(SAMPLES / "denied-retried-failed")
    assert "prevents you" in session.log("tidy").line(4).decode() + session.log("tidy").line(5).decode()
    assert session.status.run("count").attempt == 2
    assert session.status.run("names").state is RunState.FAILED
    assert Attention.PERMISSION_REJECTED in session.status.run("outside").attention
