"""Facts as they are appended."""

from __future__ import annotations

from pathlib import Path

from tests.recording.test_session import begin, run_api

from octui.recording.fact_log import FactLog
from octui.recording.facts import RunState, StateChanged, encode_fact
from octui.recording.journal import Journal
from octui.recording.session import Session


def test_only_whole_lines_are_taken_in_and_each_once(tmp_path: Path) -> None:
    path, log = tmp_path / "facts.jsonl", FactLog()
    assert list(log.read(path)) == []
    facts = [StateChanged(at=at, run="a", state=RunState.RUNNING) for at in (1, 2)]
    first, second = map(encode_fact, facts)
    path.write_bytes(first + second[:9])
    assert list(log.read(path)) == facts[:1]
    assert list(log.read(path)) == []
    path.write_bytes(first + second)
    assert list(log.read(path)) == facts[1:]
    assert list(log.facts) == facts


def test_a_clock_that_was_set_back_hides_nothing(tmp_path: Path) -> None:
    path, log = tmp_path / "facts.jsonl", FactLog()
    facts = [StateChanged(at=at, run="a", state=RunState.RUNNING) for at in (5, 3, 7)]
    path.write_bytes(b"".join(map(encode_fact, facts)))
    log.read(path)
    assert list(log.until(4)) == []
    assert list(log.until(5)) == facts[:2]


def test_garbled_and_unknown_facts_are_passed_over(journal: Journal) -> None:
    begin(journal)
    with (journal.folder / "facts.jsonl").open("ab") as file:
        file.write(b'garbage\n{"fact":"from_the_future","at":1}\n\xff\n')
    run_api(journal)
    assert Session.open(journal.folder).status.run("api").state is RunState.SUCCEEDED
