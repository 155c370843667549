"""Reading a run's log by index."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.conftest import CAPTURES, answer, line

from octui.client.events import decode_line
from octui.client.result import Totals
from octui.recording import event_log, log_index
from octui.recording.event_log import EventLog


def log_of(path: Path, data: bytes) -> EventLog:
    path.write_bytes(data)
    log = EventLog(path)
    log.refresh()
    return log


def test_a_log_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "x.jsonl")
    assert not log.refresh()
    assert len(log) == 0


def test_what_is_appended_is_taken_in_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    log = log_of(path, answer(1))
    assert len(log) == 3
    assert not log.refresh()
    with path.open("ab") as file:
        file.write(answer(10)[:40])
        file.flush()
        assert log.refresh()
        assert len(log) == 3
        assert log.tail_incomplete == answer(10)[:40]
        file.write(answer(10)[40:])
    assert log.refresh()
    assert [log.kind(i) for i in range(len(log))] == ["step_start", "text", "step_finish"] * 2
    assert log.tail_incomplete == b""


def test_lines_are_given_as_printed(tmp_path: Path) -> None:
    data = b'{"type": "x",  "unknown": 1}\r\n\n\x00\xff noise\n{"type":"text"}'
    log = log_of(tmp_path / "x", data)
    assert [log.line(i) for i in range(len(log))] == [
        b'{"type": "x",  "unknown": 1}\r',
        b"\x00\xff noise",
        b'{"type":"text"}',
    ]
    assert [log.offset(i) for i in range(len(log))] == [0, 31, 40]


def test_a_last_line_without_its_end_counts_where_it_is_whole_and_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "x"
    log = log_of(path, answer(1).rstrip(b"\n"))
    assert len(log) == 3
    with path.open("ab") as file:
        file.write(b"\n" + answer(5))
    log.refresh()
    assert len(log) == 6
    assert [log.kind(i) for i in (2, 3)] == ["step_finish", "step_start"]


def test_a_log_that_was_replaced_or_cut_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "x"
    log = log_of(path, answer(1) * 3)
    path.write_bytes(answer(1))
    assert log.refresh()
    assert (len(log), log.totals.turns) == (3, 1)
    path.unlink()
    assert not log.refresh()
    assert (len(log), log.line(0)) == (3, answer(1).splitlines()[0])
    path.write_bytes(b"")
    assert log.refresh()
    assert len(log) == 0


def test_times_never_go_back_and_lines_without_one_take_the_one_before(tmp_path: Path) -> None:
    log = log_of(tmp_path / "x", b"noise\n" + line("text", 7, text="") + b"noise\n" + line("text", 5, text=""))
    assert [log.time(i) for i in range(len(log))] == [7, 7, 7, 7]


def test_a_log_without_any_time_takes_the_files_own(tmp_path: Path) -> None:
    log = log_of(tmp_path / "x", b"noise\n")
    assert log.time(0) == (tmp_path / "x").stat().st_mtime


def test_a_moment_is_found_by_time(tmp_path: Path) -> None:
    log = log_of(tmp_path / "x", answer(1) + answer(11))
    assert [log.first_at_or_after(at) for at in (0, 2, 2.5, 11, 99)] == [0, 1, 2, 3, 6]


def test_a_line_longer_than_what_is_read_at_once_comes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "READ_BYTES", 10)
    log = log_of(tmp_path / "x", answer(1, "long " * 100) + answer(9))
    assert len(log) == 6
    body = log.event(1).body
    assert getattr(body, "text", "") == "long " * 100


@given(st.lists(st.sampled_from([answer(1), line("tool_use", 2), line("step_start", 3), b"noise\n"]), max_size=12))
def test_totals_at_any_event_are_what_they_were_there(parts: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "CHECKPOINT_EVERY", 4)
        log = log_of(Path(folder) / "x", b"".join(parts))
        live = Totals()
        for index in range(len(log)):
            assert log.totals_at(index) == live
            live.feed(decode_line(log.line(index)))
        assert log.totals_at(len(log)) == live == log.totals
        log.close()


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_recording_of_the_real_opencode_is_understood(path: Path) -> None:
    log = EventLog(path)
    log.refresh()
    assert len(log)
    assert all(type(log.event(i).body).__name__ not in ("Unknown", "Diagnostic") for i in range(len(log)))
