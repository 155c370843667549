from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tui.sessions import START, Script, line, record, step_start, text, tool

from octui.client.events import Event, decode_line
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


def test_a_search_in_slices_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "BLOCK_BYTES", 1)
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


def test_the_newest_is_found_first_and_what_was_found_keeps_its_place_while_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "BLOCK_BYTES", 1)
    found = search(tmp_path, SCRIPT, "quoted")
    while not found.hits:
        assert found.advance(budget_s=0)
    assert found.hits == [3]
    assert found.next(found.document.last, -1, around=False) == 3
    assert found.next(3, -1, around=False) is None
    assert 0 < found.done < 1
    while found.advance(budget_s=0):
        pass
    assert found.next(3, -1, around=False) == 1
    assert found.done == 1


def test_a_step_back_in_a_replay_takes_back_what_was_found(tmp_path: Path) -> None:
    found = search(tmp_path, SCRIPT, "quoted")
    while found.advance():
        pass
    found.document.view.position = START + 4
    found.document.refresh()
    assert not found.advance()
    assert found.hits == [1]
    found.document.view.position = None
    found.document.refresh()
    while found.advance():
        pass
    assert found.hits == [1, 3]


def test_hidden_events_are_not_found(tmp_path: Path) -> None:
    found = search(tmp_path, SCRIPT, "quoted")
    found.document.hidden = frozenset({"tool_use"})
    found.advance(1)
    assert found.hits == [1]


PIECES = [
    "a",
    "B",
    "b",
    "ss",
    "k",
    '"',
    "\\",
    "/",
    " ",
    "\n",
    "\t",
    "u00",
    "é",
    "É",
    "ß",
    "K",
    "ﬁ",
    "İ",
    "中",
    "中文",
    "🙂",
]
HIDDEN = [
    "\x1b[1m",
    "\x1b[K",
    "\x1b]2;a\x07",
    "\x1b",
    "\x9b3m",
    "\x00",
    "\u200b",
    "\xad",
    "\ufe0f",
    "\u0301",
    "\xa0",
    "\\u001b[0m",
]
SAID = st.lists(st.sampled_from(PIECES + HIDDEN), max_size=8).map("".join)
QUERIES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join).filter(str.strip)
EVENTS = st.one_of(
    SAID.map(text),
    st.builds(lambda title, output: tool("read", title, input={"b": output}, output=output), SAID, SAID),
    st.builds(lambda key: {"type": "new", "part": {"a": key}}, SAID),
    st.just(step_start()),
)


def printed(event: dict[str, Any], escaped: bool) -> bytes:
    return json.dumps(event, ensure_ascii=escaped).encode() + b"\n"


@given(
    lines=st.lists(st.one_of(st.builds(printed, EVENTS, st.booleans()), st.sampled_from([b"\n", b"a \x1b[1mB\xff\n"]))),
    query=QUERIES,
    block_bytes=st.integers(1, 400),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_search_in_blocks_finds_what_looking_at_every_event_finds(
    lines: list[bytes], query: str, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "BLOCK_BYTES", block_bytes)
    with tempfile.TemporaryDirectory() as folder:
        found = search(Path(folder), Script("api", raw=b"".join(lines)), query)
        document = found.document
        expected = [item for item in range(1, document.last) if query.casefold() in document.text(item).casefold()]
        while found.advance(budget_s=0):
            pass
        assert found.hits == expected


def test_lines_without_the_words_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [text(f"\x1b[32mgreen\x1b[0m naïve word{number}") for number in range(500)]
    found = search(tmp_path, Script("api", events), "naïve WORD77")
    decoded: list[bytes] = []

    def decode(line: bytes) -> Event:
        decoded.append(line)
        return decode_line(line)

    monkeypatch.setattr(search_module, "decode_line", decode)
    while found.advance():
        pass
    assert found.hits == [78]
    assert len(decoded) == 1
