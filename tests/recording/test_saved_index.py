"""An index beside its log: a help where it is right, and no harm where it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.recording.conftest import answer, line

from octui.client.events import KINDS
from octui.errors import RecordingError
from octui.plan.model import Plan
from octui.recording import event_log, log_index, saved_index
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


def bytes_fed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Fills, from now on, with how many bytes of a log are read at a time instead of taken from its saved index."""
    fed: list[int] = []
    feed = LogIndex.feed

    def count(index: LogIndex, chunk: bytes) -> Lines:
        fed.append(len(chunk))
        return feed(index, chunk)

    monkeypatch.setattr(LogIndex, "feed", count)
    return fed


def without_index(path: Path, tmp_path: Path) -> EventLog:
    bare = tmp_path / "bare.jsonl"
    bare.write_bytes(path.read_bytes())
    return read(bare)


def test_a_log_opened_by_its_index_tells_what_the_log_alone_tells(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = without_index(saved, tmp_path)
    fed = bytes_fed(monkeypatch)
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


@pytest.mark.parametrize("known", [1, 3, 16, 17, 90])
def test_a_reader_that_is_far_behind_goes_on_from_the_index_of_the_recorder(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    monkeypatch.setattr(event_log, "FAR_BYTES", 4000)
    lines = [line("step_start", at) for at in range(1, known)]
    journal.append_stdout("api", b"".join(lines) + line("text", known)[:-1])
    path = journal.stdout_path("api")
    log = read(path)
    journal.append_stdout("api", b"\n" + b"".join(answer(at * 10.0) for at in range(known, 200)))
    fed = bytes_fed(monkeypatch)
    assert log.refresh()
    assert sum(fed) < 4000, "the rest came from the index"
    assert told(log) == told(without_index(path, tmp_path))


def test_totals_that_were_read_are_not_read_again(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "FAR_BYTES", 4000)
    path = journal.stdout_path("api")
    journal.append_stdout("api", b"".join(answer(at * 10.0) for at in range(100)))
    log = read(path)
    with totals_path(path).open("r+b") as file:
        file.write(b"\xff" * totals_path(path).stat().st_size)
    journal.append_stdout("api", b"".join(answer(at * 10.0) for at in range(100, 300)))
    fed = bytes_fed(monkeypatch)
    assert log.refresh()
    assert sum(fed) < 4000, "the rest came from the index"
    assert told(log) == told(without_index(path, tmp_path))


def test_a_long_watch_holds_no_entry_of_what_the_recorder_has_saved(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_index, "HELD", 20)
    path = journal.stdout_path("api")
    log = EventLog(path)
    for at in range(1, 200):
        journal.append_stdout("api", answer(at * 10.0))
        log.refresh()
        assert log._index.entries.held < 20 + 3
        assert journal._index("api")[0].entries.held == 0
    assert len(log) == 597
    bare = without_index(path, tmp_path)
    assert told(log) == told(bare)
    assert log.kinds(3, 590) == bare.kinds(3, 590)
    assert [log.first_at_or_after(at) for at in range(0, 2000, 37)] == [
        bare.first_at_or_after(at) for at in range(0, 2000, 37)
    ]


def test_entries_that_are_not_saved_alike_are_kept(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_index, "HELD", 20)
    path = journal.stdout_path("api")
    log = EventLog(path)
    log.refresh()
    journal.append_stdout("api", answer(1) * 40)
    shift(index_path(path))
    log.refresh()
    assert log._index.entries.held == 120
    assert told(log) == told(without_index(path, tmp_path))


def test_an_index_that_is_cut_while_it_is_read_is_told_as_such(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_index, "HELD", 20)
    log = EventLog(journal.stdout_path("api"))
    journal.append_stdout("api", answer(1) * 40)
    log.refresh()
    cut(index_path(journal.stdout_path("api")))
    with pytest.raises(RecordingError, match="cut while it was read"):
        log.offset(110)


def test_a_recorder_that_counted_otherwise_is_not_believed(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, index = EventLog(saved), index_path(saved)
    data = index.read_bytes()
    index.unlink()
    monkeypatch.setattr(event_log, "READ_BYTES", 1000)
    log.refresh(0)
    assert 0 < len(log) < EVENTS
    index.write_bytes(data[:8] + data[24:])
    monkeypatch.setattr(event_log, "FAR_BYTES", 0)
    log.refresh()
    assert told(log) == told(without_index(saved, tmp_path))


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


def kinds_of(lines: Lines) -> list[str]:
    return [KINDS[number] for number in lines.kinds]


def test_a_line_left_open_by_an_attempt_is_ended_before_the_next(journal: Journal) -> None:
    journal.begin_attempt("api")
    journal.append_stdout("api", b"half a li")
    journal.end_stdout("api")
    journal.begin_attempt("api")
    assert kinds_of(journal.append_stdout("api", answer(1))) == ["step_start", "text", "step_finish"]
    assert journal.stdout_path("api").read_bytes() == b"half a li\n" + answer(1)


def test_a_whole_line_without_its_end_is_told_once(journal: Journal) -> None:
    journal.append_stdout("api", answer(1).rstrip(b"\n"))
    assert kinds_of(journal.end_stdout("api")) == ["step_finish"]
    journal.begin_attempt("api")
    journal.append_stdout("api", answer(9))
    log = read(journal.stdout_path("api"))
    assert [log.kind(i) for i in range(len(log))] == ["step_start", "text", "step_finish"] * 2
