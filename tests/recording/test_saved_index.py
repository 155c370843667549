"""An index beside its log: a help where it is right, and no harm where it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.recording.conftest import answer, line

from octui.plan.model import Plan
from octui.recording import log_index
from octui.recording.event_log import EventLog
from octui.recording.journal import Journal
from octui.recording.layout import index_path, totals_path
from octui.recording.log_index import Lines, LogIndex
from octui.recording.saved_index import IndexWriter

EVENTS = 3 * 40 + 2


@pytest.fixture(autouse=True)
def few_events_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_index, "CHECKPOINT_EVERY", 16)


@pytest.fixture
def saved(journal: Journal) -> Path:
    """A log, recorded piecemeal, with its index."""
    data = b"".join(answer(at * 10.0) for at in range(1, 41)) + b"noise\n\n" + line("tool_use", 900)
    for start in range(0, len(data), 700):
        journal.append_stdout("api", data[start : start + 700])
    return journal.stdout_path("api")


def read(path: Path) -> EventLog:
    log = EventLog(path)
    log.refresh()
    return log


def told(log: EventLog) -> list[object]:
    events = [(log.line(i), log.kind(i), log.time(i), log.totals_at(i)) for i in range(len(log))]
    return [*events, log.totals, log.tail_incomplete]


def without_index(path: Path, tmp_path: Path) -> EventLog:
    bare = tmp_path / "bare.jsonl"
    bare.write_bytes(path.read_bytes())
    return read(bare)


def test_a_log_opened_by_its_index_tells_what_the_log_alone_tells(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = without_index(saved, tmp_path)
    fed: list[int] = []
    feed = LogIndex.feed

    def count(index: LogIndex, chunk: bytes) -> Lines:
        fed.append(len(chunk))
        return feed(index, chunk)

    monkeypatch.setattr(LogIndex, "feed", count)
    log = read(saved)
    assert len(log) == EVENTS
    assert sum(fed) < saved.stat().st_size / 4, "all but the last few lines came from the index"
    assert told(log) == told(bare)


def test_a_log_opened_by_its_index_is_followed_as_it_grows(saved: Path, journal: Journal) -> None:
    log = read(saved)
    journal.append_stdout("api", answer(1000))
    assert log.refresh()
    assert len(log) == EVENTS + 3
    assert log.event(EVENTS + 1).timestamp == 1_001_000


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def cut_within_a_word(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def fill_with_noise(path: Path) -> None:
    path.write_bytes(b"\xff" * path.stat().st_size)


def shift(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[8 * 9] ^= 0x0F
    path.write_bytes(data)


@pytest.mark.parametrize("of", [index_path, totals_path])
@pytest.mark.parametrize("harm", [Path.unlink, cut, cut_within_a_word, fill_with_noise, Path.mkdir])
def test_a_harmed_index_costs_time_and_nothing_else(
    saved: Path, tmp_path: Path, harm: Callable[[Path], object], of: Callable[[Path], Path]
) -> None:
    if harm is Path.mkdir:
        of(saved).unlink()
    harm(of(saved))
    assert told(read(saved)) == told(without_index(saved, tmp_path))


def test_the_index_of_another_log_is_not_used(saved: Path, tmp_path: Path) -> None:
    saved.write_bytes(b"".join(answer(at, "other words") for at in range(1, 60)))
    assert told(read(saved)) == told(without_index(saved, tmp_path))


def test_an_index_that_cannot_be_written_does_not_keep_a_run_from_being_recorded(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.create(tmp_path, plan, opencode_version="1", binary="b", octui_version="0")
    index_path(journal.stdout_path("api")).mkdir()
    journal.append_stdout("api", answer(1) * 20)
    assert journal.stdout_path("api").read_bytes() == answer(1) * 20
    assert len(read(journal.stdout_path("api"))) == 60


def test_nothing_is_written_after_a_failure(tmp_path: Path) -> None:
    writer, index = IndexWriter(tmp_path / "x.jsonl"), LogIndex()
    writer.close()
    index.feed(answer(1) * 20)
    writer.write(index)
    assert index_path(tmp_path / "x.jsonl").stat().st_size == 8


def test_a_line_left_open_by_an_attempt_is_ended_before_the_next(journal: Journal) -> None:
    journal.begin_attempt("api")
    journal.append_stdout("api", b"half a li")
    journal.end_stdout("api")
    journal.begin_attempt("api")
    assert journal.append_stdout("api", answer(1)).kinds == ["step_start", "text", "step_finish"]
    assert journal.stdout_path("api").read_bytes() == b"half a li\n" + answer(1)


def test_a_whole_line_without_its_end_is_told_once(journal: Journal) -> None:
    journal.append_stdout("api", answer(1).rstrip(b"\n"))
    assert journal.end_stdout("api").kinds == ["step_finish"]
    journal.begin_attempt("api")
    journal.append_stdout("api", answer(9))
    log = read(journal.stdout_path("api"))
    assert [log.kind(i) for i in range(len(log))] == ["step_start", "text", "step_finish"] * 2
