"""The lines ``opencode run`` would have printed of what a server sends."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.serve.conftest import STREAMS, events, kinds, lines_of, printed, root_of

from octui.client.events import KINDS, Diagnostic, Text, Unknown, decode_line
from octui.client.result import Totals
from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    AnyServerEvent,
    MessageChanged,
    PartChanged,
    PartGrew,
    PartKind,
    SessionFailed,
)
from octui.client.serve.lines import RunLines
from octui.client.skim import skim


def shape(value: Any) -> Any:
    """What a value is made of; whole numbers and others are the same, and free-form maps are not looked into."""
    if isinstance(value, dict):
        return {
            key: "any" if key in ("metadata", "input", "responseHeaders") else shape(each)
            for key, each in value.items()
        }
    return "number" if isinstance(value, int | float) else type(value).__name__


@pytest.mark.parametrize(
    ("stream", "run"),
    [
        ("tool_bash", "tool_completed_bash"),
        ("task", "task_subagent"),
        ("todo", "todowrite"),
        ("error_401", "http_401"),
    ],
)
def test_a_stream_gives_the_lines_that_a_run_prints(stream: str, run: str) -> None:
    def by_kind(lines: list[bytes]) -> dict[str, Any]:
        return {kind: shape(msgspec.json.decode(line)) for kind, line in zip(kinds(lines), lines, strict=True)}

    lines = lines_of(root_of(stream), events(stream))
    assert sorted(kinds(lines)) == sorted(kinds(printed(run)))
    wanted, found = by_kind(printed(run)), by_kind(lines)
    for kind in wanted:
        assert found[kind] == wanted[kind], kind


@pytest.mark.parametrize("name", STREAMS)
def test_every_line_is_one_that_octui_reads_and_skims_like_a_run_s(name: str) -> None:
    lines = lines_of(root_of(name), events(name))
    for line in lines:
        assert line.endswith(b"\n")
        assert b"\n" not in line[:-1]
        event = decode_line(line)
        assert not isinstance(event.body, Unknown | Diagnostic)
        assert event.session_id == root_of(name)
        assert event.timestamp is not None
    assert [KINDS[number] for number in skim(lines).kinds] == kinds(lines)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("text_stream", ["step_start", "text", "step_finish"]),
        ("error_401", ["error"]),
        ("abort_stream", ["step_start", "text"]),
        ("unknown_agent", ["error", "error"]),
        ("permission_reject", ["step_start", "text", "tool_use", "step_finish"]),
    ],
)
def test_which_lines_there_are(name: str, wanted: list[str]) -> None:
    assert kinds(lines_of(root_of(name), events(name))) == wanted


def test_what_a_subagent_does_makes_no_line() -> None:
    lines = lines_of(root_of("task"), events("task"))
    totals = Totals()
    totals.feed_lines(skim(lines).kinds, lines)
    assert (totals.turns, totals.tool_calls, totals.session_id) == (2, 1, root_of("task"))


@given(data=st.data())
def test_a_cut_and_events_that_are_sent_twice_give_each_line_once(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["tool_bash", "permission_once", "task", "todo", "question"]))
    told = events(name)
    cut = data.draw(st.integers(0, len(told)))
    again = data.draw(st.integers(0, cut))
    twice = [*told[:cut], *told[again:]]
    assert lines_of(root_of(name), twice) == lines_of(root_of(name), told)


@given(seed=st.integers(), name=st.sampled_from(["tool_bash", "permission_once", "task", "todo", "question"]))
def test_events_out_of_order_give_the_same_lines_in_another_order(seed: int, name: str) -> None:
    told = events(name)
    shuffled = random.Random(seed).sample(told, len(told))
    prompts = {part_id(each) for each in told if is_prompt(each, told)}
    lines = [
        line for line in lines_of(root_of(name), shuffled) if msgspec.json.decode(line)["part"]["id"] not in prompts
    ]
    assert sorted(lines) == sorted(lines_of(root_of(name), told))


def is_prompt(event: AnyServerEvent, told: list[AnyServerEvent]) -> bool:
    users = {each.message_id for each in told if isinstance(each, MessageChanged) and each.role == "user"}
    return isinstance(event, PartChanged) and event.message_id in users


def part_id(event: AnyServerEvent) -> str:
    assert isinstance(event, PartChanged)
    return event.part_id


def user_says(text: str, number: int, *, synthetic: bool = False) -> list[AnyServerEvent]:
    part = PartChanged(
        session_id="ses_1",
        part_id=f"prt_{number}",
        message_id=f"msg_{number}",
        kind=PartKind.TEXT,
        text=text,
        is_synthetic=synthetic,
        body=msgspec.json.encode({"type": "text", "text": text}),
    )
    return [MessageChanged(session_id="ses_1", message_id=f"msg_{number}", role="user"), part]


def test_the_first_prompt_makes_no_line_and_each_after_it_does() -> None:
    lines = lines_of(
        "ses_1",
        [*user_says("one", 1), *user_says("read for you", 2, synthetic=True), *user_says("two", 3), answered(3)],
    )
    (line,) = [msgspec.json.decode(line) for line in lines]
    assert (line["type"], line["part"]["text"]) == ("prompt", "two")


def answered(number: int) -> AnyServerEvent:
    """The message that answers what a user said."""
    return MessageChanged(
        session_id="ses_1", message_id=f"msg_{number}_answer", role="assistant", answers=f"msg_{number}"
    )


def says(text: str, number: int) -> AnyServerEvent:
    """A whole text of an answer."""
    body = msgspec.json.encode({"type": "text", "text": text})
    answer, part = f"msg_{number}_answer", f"prt_{number}_answer"
    return PartChanged(
        session_id="ses_1", part_id=part, message_id=answer, kind=PartKind.TEXT, is_whole=True, body=body
    )


def texts(told: list[AnyServerEvent]) -> list[str]:
    return [msgspec.json.decode(line)["part"]["text"] for line in lines_of("ses_1", told)]


def test_a_prompt_stands_where_its_answer_begins_and_not_where_it_was_queued() -> None:
    told = [*user_says("one", 1), answered(1), *user_says("two", 2), *user_says("three", 3)]
    told += [answered(1), says("first", 1), answered(2), answered(2), says("second", 2), answered(3), says("third", 3)]
    assert texts(told) == ["first", "two", "second", "three", "third"]


def test_prompts_that_are_answered_together_stand_together_before_their_answer() -> None:
    told = [*user_says("one", 1), answered(1), *user_says("two", 2), *user_says("three", 3)]
    assert texts([*told, says("first", 1), answered(3), says("both", 3)]) == ["first", "two", "three", "both"]


def test_a_prompt_that_is_never_answered_stands_where_the_turn_ends() -> None:
    idle = ActivityChanged(session_id="ses_1", activity=Activity.IDLE)
    told = [*user_says("one", 1), answered(1), *user_says("two", 2), says("first", 1), idle, idle]
    assert texts(told) == ["first", "two"]


def test_a_prompt_whose_words_come_before_it_is_known_whose_they_are_is_not_lost() -> None:
    message, part = user_says("two", 2)
    assert texts([*user_says("one", 1), answered(1), says("first", 1), part, message, answered(2)]) == ["first", "two"]
    assert texts([*user_says("one", 1), answered(1), says("first", 1), answered(2), message, part]) == ["first", "two"]


def test_every_prompt_makes_a_line_where_that_is_wanted() -> None:
    lines = RunLines("ses_1")
    lines.print_every_prompt()
    told = [*user_says("one", 1), answered(1)]
    assert kinds([line for event in told for line in lines.feed(event)]) == ["prompt"]


def test_what_is_passed_over_makes_no_line_and_what_is_not_whole_yet_still_does() -> None:
    told = events("tool_bash")
    lines = RunLines(root_of("tool_bash"))
    running = next(n for n, each in enumerate(told) if isinstance(each, PartChanged) and each.status == "running")
    for event in told[: running + 1]:
        lines.pass_over(event)
    rest = [line for event in told for line in lines.feed(event)]
    assert kinds(rest) == kinds(lines_of(root_of("tool_bash"), told))[1:]


def test_an_abort_makes_no_line() -> None:
    failed = SessionFailed(session_id="ses_1", error=b'{"name":"MessageAbortedError"}', aborted=True)
    assert RunLines("ses_1").feed(failed) == []


def test_text_without_its_end_is_printed_when_the_session_rests() -> None:
    lines = RunLines("ses_1")
    told: list[AnyServerEvent] = [
        MessageChanged(session_id="ses_1", message_id="msg_1", role="assistant"),
        PartChanged(
            session_id="ses_1",
            part_id="prt_1",
            message_id="msg_1",
            kind=PartKind.TEXT,
            text="All.",
            body=b'{"text":"All."}',
        ),
        ActivityChanged(session_id="ses_1", activity=Activity.IDLE),
        ActivityChanged(session_id="ses_1", activity=Activity.IDLE),
    ]
    assert [decode_line(line).body for event in told for line in lines.feed(event)] == [Text("All.")]


def test_text_that_still_grows_is_printed_once_and_whole() -> None:
    lines = RunLines("ses_1")

    def text(words: str, *, is_whole: bool) -> PartChanged:
        body = msgspec.json.encode({"text": words})
        return PartChanged(
            session_id="ses_1",
            part_id="prt_1",
            message_id="msg_1",
            kind=PartKind.TEXT,
            text=words,
            is_whole=is_whole,
            body=body,
        )

    told: list[AnyServerEvent] = [
        MessageChanged(session_id="ses_1", message_id="msg_1", role="assistant"),
        text("Cut", is_whole=False),
        PartGrew(session_id="ses_1", part_id="prt_1", message_id="msg_1", delta=" off."),
        ActivityChanged(session_id="ses_1", activity=Activity.IDLE),
        text("Cut off.", is_whole=True),
    ]
    assert [decode_line(line).body for event in told for line in lines.feed(event)] == [Text("Cut off.")]
