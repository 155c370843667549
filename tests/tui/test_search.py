from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tui.sessions import START, Script, line, record, text, tool

from octui.recording.session import Session
from octui.tui import search as search_module
from octui.tui.document import RunDocument
from octui.tui.glyphs import UNICODE
from octui.tui.search import Search
from octui.tui.view import SessionView


def search(folder: Path, script: Script, query: str) -> Search:
    view = SessionView(Session.open(record(folder, [script], live=True).folder))
    return Search(RunDocument(view, script.name, UNICODE), query)


SCRIPT = Script(
    "api", [text('a "Quoted" word'), text("other"), tool("read", "b", output="quoted, naïve ÄÖ"), text("end")]
)


@pytest.mark.parametrize(
    ("query", "hits"),
    [("quoted", [1, 3]), ('"quoted"', [1]), ("äö", [3]), ("timestamp", []), ("sessionID", []), ("end", [4])],
)
def test_a_search_finds_what_a_person_reads_and_not_how_it_is_stored(
    tmp_path: Path, query: str, hits: list[int]
) -> None:
    found = search(tmp_path, SCRIPT, query)
    while found.advance():
        pass
    assert found.hits == hits


def test_a_search_in_slices_finds_the_same(tmp_path: Path) -> None:
    found = search(tmp_path, SCRIPT, "quoted")
    slices = 1
    while found.advance(budget_s=0):
        slices += 1
    assert slices > 1
    assert found.hits == [1, 3]


def test_a_search_goes_on_where_events_are_appended(tmp_path: Path) -> None:
    journal = record(tmp_path, [SCRIPT], live=True)
    view = SessionView(Session.open(journal.folder))
    found = Search(RunDocument(view, "api", UNICODE), "quoted")
    found.advance(1)
    journal.append_stdout("api", line(text("quoted again"), START + 50))
    view.refresh()
    found.document.refresh()
    found.advance(1)
    assert found.hits == [1, 3, 5]


def test_walking_the_hits_goes_around_the_ends(tmp_path: Path) -> None:
    found = search(tmp_path, SCRIPT, "quoted")
    found.advance(1)
    assert [found.next(1, 1), found.next(3, 1), found.next(3, -1), found.next(1, -1)] == [3, 1, 1, 3]
    assert (found.place(3), found.place(2)) == (2, 0)


def test_hidden_events_are_not_found(tmp_path: Path) -> None:
    found = search(tmp_path, SCRIPT, "quoted")
    found.document.hidden = frozenset({"tool_use"})
    found.advance(1)
    assert found.hits == [1]


WORDS = st.text(st.sampled_from('aAbB"\\ \n\téÉßK中'), min_size=1, max_size=6)


@given(texts=st.lists(WORDS, max_size=30), query=WORDS.filter(str.strip), block_bytes=st.integers(1, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_search_in_blocks_finds_what_looking_at_every_event_finds(
    texts: list[str], query: str, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "BLOCK_BYTES", block_bytes)
    with tempfile.TemporaryDirectory() as folder:
        found = search(Path(folder), Script("api", [text(each) for each in texts]), query)
        document = found.document
        expected = [item for item in range(1, document.last) if query.casefold() in document.text(item).casefold()]
        while found.advance(budget_s=0):
            pass
        assert found.hits == expected


def test_lines_without_the_words_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = search(tmp_path, Script("api", [text(f"word {number}") for number in range(500)]), "word 77")
    looked: list[int] = []
    holds = Search._holds

    def look(self: Search, item: int) -> bool:
        looked.append(item)
        return holds(self, item)

    monkeypatch.setattr(Search, "_holds", look)
    while found.advance():
        pass
    assert found.hits == looked == [78]
