"""Reading what is under way: going on, going anywhere, and files that are not as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.streams import CAPTURED, captured, root_of

from octui.client.events import Text, ToolUse, decode_line
from octui.client.serve.live import Live, LivePart
from octui.client.serve.v1_events import event_id, time_of_line
from octui.recording import stream as module
from octui.recording.stream import RunStream

NEAR_MS = 1_795_431_000_000
NAMES = sorted(path.stem for path in CAPTURED.glob("*.stream"))


def told(parts: dict[str, LivePart]) -> dict[str, tuple[object, ...]]:
    return {
        key: (part.kind, part.tool, part.status, part.title, str(part.input), part.output, part.started_ms, part.text)
        for key, part in parts.items()
    }


def state(live: Live | None) -> object:
    """All that is shown of it: the subagents of calls that run, and none of others."""
    assert live is not None
    wanted = {part.child_id for part in live.parts.values()}
    children = {
        key: (child.title, child.agent, child.calls, child.last, told(child.parts))
        for key, child in live.children.items()
        if key in wanted
    }
    return told(live.parts), live.activity, live.retry, live.compacting, live.model, live.agent, children


def delta(number: int, words: str = "word ", *, part: str = "p", at_ms: int = NEAR_MS) -> bytes:
    event = event_id(at_ms + number, number % 4096)
    return (
        f'{{"id":"{event}","type":"message.part.delta","properties":{{"sessionID":"s","messageID":"m",'
        f'"partID":"{part}","field":"text","delta":"{words}"}}}}\n'
    ).encode()


def part(number: int, kind: str, *, part: str = "p") -> bytes:
    event = event_id(NEAR_MS + number, number % 4096)
    return (
        f'{{"id":"{event}","type":"message.part.updated","properties":{{"sessionID":"s","part":'
        f'{{"id":"{part}","messageID":"m","sessionID":"s","type":"{kind}","text":""}}}}}}\n'
    ).encode()


@pytest.mark.parametrize("name", NAMES)
def test_every_moment_is_what_it_was_when_it_was_read_live(tmp_path: Path, name: str) -> None:
    lines = captured(name)
    root = root_of(lines)
    path = tmp_path / "api.stream"
    following = RunStream(path)
    seen: dict[int, tuple[object, int]] = {}
    for line in lines:
        with path.open("ab") as file:
            file.write(line)
        following.follow(root, NEAR_MS)
        at = time_of_line(line, NEAR_MS)
        assert at is not None
        seen[at] = state(following.live), following.last_ms
    seeking = RunStream(path)
    for at in sorted(seen, key=lambda at: at * 7919 % 101):
        seeking.seek(root, NEAR_MS, at / 1000)
        assert (state(seeking.live), seeking.last_ms) == seen[at]


def test_going_on_reads_only_what_was_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "api.stream"
    path.write_bytes(part(0, "step-start", part="x") + part(1, "text") + b"".join(map(delta, range(2, 500))))
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    fed: list[bytes] = []
    feed = RunStream._feed

    def count(self: RunStream, line: bytes, near_ms: float) -> None:
        fed.append(line)
        feed(self, line, near_ms)

    monkeypatch.setattr(RunStream, "_feed", count)
    with path.open("ab") as file:
        file.write(delta(501, "last"))
    assert stream.follow("s", NEAR_MS)
    assert len(fed) == 1
    assert stream.live is not None
    assert stream.live.parts["p"].text.endswith("word last")
    assert not stream.follow("s", NEAR_MS)


def test_a_jump_folds_from_the_last_step_and_no_more_than_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    path = tmp_path / "api.stream"
    path.write_bytes(part(0, "step-start", part="x") + part(1, "text") + b"".join(map(delta, range(2, 2000))))
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    assert stream.live is not None
    assert stream.live.events < 200
    assert stream.live.parts["p"].text.startswith("… word ")


def test_a_line_that_is_cut_counts_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "api.stream"
    last = delta(3, "whole")
    path.write_bytes(part(1, "text") + last[:40])
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    assert stream.live is not None
    assert stream.live.parts["p"].text == ""
    with path.open("ab") as file:
        file.write(last[40:])
    stream.follow("s", NEAR_MS)
    assert stream.live.parts["p"].text == "whole"


def test_lines_longer_than_what_is_read_at_once_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_BYTES", 64)
    monkeypatch.setattr(module, "PEEK_BYTES", 64)
    monkeypatch.setattr(module, "NEAR_BYTES", 64)
    path = tmp_path / "api.stream"
    path.write_bytes(part(1, "text") + delta(2, "x" * 5000) + delta(3, "end"))
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    assert stream.live is not None
    assert stream.live.parts["p"].text == "x" * 5000 + "end"


def test_a_stream_that_was_deleted_stays_and_one_that_was_replaced_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "api.stream"
    path.write_bytes(part(1, "text") + delta(2, "old"))
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    path.unlink()
    assert not stream.follow("s", NEAR_MS)
    assert stream.live is not None
    assert stream.live.parts["p"].text == "old"
    path.write_bytes(part(1, "text") + delta(2, "new"))
    assert stream.follow("s", NEAR_MS)
    assert stream.live.parts["p"].text == "new"


def test_a_run_without_a_stream_or_a_session_has_nothing_under_way(tmp_path: Path) -> None:
    stream = RunStream(tmp_path / "api.stream")
    assert not stream.follow("s", NEAR_MS)
    assert not stream.follow("", NEAR_MS)
    assert stream.live is None
    assert stream.next_after(0, NEAR_MS) is None
    assert stream.lines_of("c", 0, 1) == []


def test_garbage_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "api.stream"
    path.write_bytes(b"\n\xff\xfe\nnull\n{}\n" + part(1, "text") + b"step-start\n" + delta(2, "said"))
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    assert stream.live is not None
    assert stream.live.parts["p"].text == "said"


def test_a_run_that_goes_on_in_another_session_shows_that_one(tmp_path: Path) -> None:
    path = tmp_path / "api.stream"
    path.write_bytes(part(1, "text") + (part(2, "text") + delta(3, "fork")).replace(b'"s"', b'"t"'))
    stream = RunStream(path)
    stream.follow("s", NEAR_MS)
    assert stream.follow("t", NEAR_MS)
    assert stream.live is not None
    assert stream.live.parts["p"].text == "fork"


def test_the_next_event_after_a_moment_is_found_before_and_after_going_there(tmp_path: Path) -> None:
    path = tmp_path / "api.stream"
    path.write_bytes(part(1, "text") + delta(500) + delta(900))
    stream = RunStream(path)
    for _ in range(2):
        assert stream.next_after((NEAR_MS + 1) / 1000, NEAR_MS) == (NEAR_MS + 500) / 1000
        assert stream.next_after((NEAR_MS + 500) / 1000, NEAR_MS) == (NEAR_MS + 900) / 1000
        assert stream.next_after((NEAR_MS + 900) / 1000, NEAR_MS) is None
        stream.seek("s", NEAR_MS, (NEAR_MS + 1) / 1000)


def test_what_a_subagent_did_comes_as_lines_of_a_log(tmp_path: Path) -> None:
    lines = captured("task")
    path = tmp_path / "api.stream"
    path.write_bytes(b"".join(lines))
    child = "ses_df7ef9e1affeOF07BYqtzW3qY7"
    start, end = time_of_line(lines[0], NEAR_MS), time_of_line(lines[-1], NEAR_MS)
    assert start is not None
    assert end is not None
    events = [decode_line(line) for line in RunStream(path).lines_of(child, start, end)]
    assert [event.type for event in events] == ["step_start", "text", "step_finish"]
    said = events[1].body
    assert isinstance(said, Text)
    assert said.text.startswith("This is the scripted final answer")
    assert not any(isinstance(event.body, ToolUse) for event in events)
