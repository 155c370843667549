"""A replay as a terminal recording, played by a terminal."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pyte
from tests.tui.sessions import API, GATEWAY, WORKER, Script, record, text
from tests.tui.test_hostile import MARK, hostile_session

from octui.export import cast
from octui.recording.session import Session

SIZE = (120, 40)
_OWN = re.compile(r"\x1b\[[0-9;]*[mH]|\x1b\[2J|\x1b\[\?25l")


def frames(folder: Path) -> list[tuple[float, str]]:
    head, *told = map(json.loads, cast.write(Session.open(folder), SIZE))
    assert (head["version"], head["width"], head["height"]) == (2, *SIZE)
    assert {kind for _, kind, _ in told} == {"o"}
    return [(at, sent) for at, _, sent in told]


def played(found: list[tuple[float, str]], until: float) -> str:
    screen = pyte.Screen(*SIZE)
    stream = pyte.Stream(screen)
    for at, sent in found:
        if at <= until:
            stream.feed(sent)
    return "\n".join(screen.display)


def test_it_plays_from_the_first_word_to_the_last(tmp_path: Path) -> None:
    found = frames(record(tmp_path, [API, WORKER, GATEWAY]).folder)
    assert found[0][0] == 0
    assert all(before < after for (before, _), (after, _) in pairwise(found))
    begin, end = played(found, 0), played(found, found[-1][0])
    assert "router" not in begin
    assert "0 tok" in begin
    for words in ("The limit is 100 now.", "◆ worker", "✓ gateway", "pytest -q tests/api"):
        assert words in end


def test_gaps_are_shortened_and_only_rows_that_changed_are_sent(tmp_path: Path) -> None:
    found = frames(record(tmp_path, [Script("a", [text("one"), text("two")])]).folder)
    whole, *rest = [sent for _, sent in found]
    assert max(map(len, rest)) < len(whole) / 2
    log = tmp_path / "run.jsonl"
    rows = [{"type": "text", "timestamp": at * 1000, "part": {"text": str(at)}} for at in (10_000, 90_000)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert frames(log)[-1][0] < 10


def test_hostile_text_steers_no_terminal_it_is_played_on(tmp_path: Path) -> None:
    found = frames(hostile_session(tmp_path))
    assert MARK in played(found, found[-1][0])
    for _, sent in found:
        assert _OWN.sub("", sent).isprintable()
