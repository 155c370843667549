"""What is under way, folded from a stream."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.serve.conftest import STREAMS, events, root_of

from octui.client.serve.events import (
    Activity,
    ActivityChanged,
    AnyServerEvent,
    Compacted,
    MessageChanged,
    PartChanged,
    PartGrew,
    PartKind,
    SessionOpened,
)
from octui.client.serve.live import COMPACTION_AGENT, Live, LivePart


def fold(name: str, told: list[AnyServerEvent] | None = None) -> Live:
    live = Live(root_of(name))
    for event in events(name) if told is None else told:
        live.feed(event)
    return live


def moments(name: str) -> list[tuple[AnyServerEvent, list[LivePart], str]]:
    """After each event: what is under way, and the text of the last of it."""
    live = Live(root_of(name))
    found = []
    for event in events(name):
        live.feed(event)
        parts = list(live.parts.values())
        found.append((event, parts, parts[-1].text if parts else ""))
    return found


@pytest.mark.parametrize("name", [name for name in STREAMS if name != "unknown_agent"])
def test_nothing_is_under_way_once_the_session_rests(name: str) -> None:
    live = fold(name)
    assert live.activity is Activity.IDLE
    assert (live.parts, live.children, live.retry) == ({}, {}, None)


def test_a_text_is_there_word_by_word_until_it_is_whole() -> None:
    texts = [text for event, _, text in moments("text_stream") if isinstance(event, PartGrew)]
    assert texts == ["w0 ", "w0 w1 ", "w0 w1 w2 ", "w0 w1 w2 w3 "]
    last = max(n for n, (event, _, _) in enumerate(moments("text_stream")) if isinstance(event, PartGrew))
    assert moments("text_stream")[last + 1][1] == []


def test_a_tool_is_there_with_what_it_printed_until_it_is_over() -> None:
    tools = [part for _, parts, _ in moments("tool_bash") for part in parts if part.kind is PartKind.TOOL]
    assert tools[-1].tool == "bash"
    assert {part.status for part in tools} == {"running"}  # The same part, as it is in the end.
    assert tools[-1].output
    assert tools[-1].input["command"].startswith("for i in")
    assert tools[-1].started_ms


def test_what_the_user_says_is_not_under_way() -> None:
    for event, parts, _ in moments("text_stream"):
        if isinstance(event, PartChanged) and event.text == "STREAM4x0.2":
            assert parts == []


def test_a_provider_that_is_asked_again_is_told_until_it_answers() -> None:
    live = Live(root_of("retry_503"))
    seen: list[int] = []
    for event in events("retry_503"):
        live.feed(event)
        attempt = live.retry.attempt if live.retry else 0
        if not seen or seen[-1] != attempt:
            seen.append(attempt)
    assert seen == [0, 1, 0, 2, 0]


def test_a_subagent_is_a_child_with_its_own_parts() -> None:
    live = Live(root_of("task"))
    titles, texts = set(), set()
    for event in events("task"):
        live.feed(event)
        for child in live.children.values():
            titles.add(child.title)
            texts |= {part.text for part in child.parts.values()}
            assert child.agent == "general"
    assert len(titles) == 1
    assert any(text.startswith("This is") for text in texts)
    opened = [event for event in events("task") if isinstance(event, SessionOpened) and event.parent_id]
    assert len(opened) == 1


def test_the_model_and_the_agent_at_work_are_known() -> None:
    live = fold("todo")
    assert (live.model, live.agent) == ("scripted/m1", "build")


@given(data=st.data())
def test_a_cut_and_events_that_are_sent_twice_leave_nothing_under_way(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["tool_bash", "permission_once", "task", "todo", "question"]))
    told = events(name)
    cut = data.draw(st.integers(0, len(told)))
    assert fold(name, [*told[:cut], *told[data.draw(st.integers(0, cut)) :]]).parts == {}


@given(data=st.data())
def test_folding_may_begin_at_a_step_s_start(data: st.DataObject) -> None:
    """As a screen does that opens a long recording in the middle of it."""
    name = data.draw(st.sampled_from(["tool_bash", "permission_once", "todo", "question"]))
    told = events(name)
    steps = [n for n, each in enumerate(told) if isinstance(each, PartChanged) and each.kind is PartKind.STEP_START]
    start = data.draw(st.sampled_from(steps))
    end = data.draw(st.integers(start, len(told)))
    whole, late = fold(name, told[:end]), fold(name, told[start:end])
    assert {key: (part.text, part.status) for key, part in late.parts.items()} == {
        key: (part.text, part.status) for key, part in whole.parts.items()
    }


@given(seed=st.integers(), name=st.sampled_from(STREAMS))
def test_no_order_of_events_makes_it_fail(seed: int, name: str) -> None:
    told = events(name)
    assert fold(name, random.Random(seed).sample(told, len(told))).events == len(told)


def part(part_id: str, kind: PartKind = PartKind.TEXT, *, whole: bool = False, text: str = "") -> PartChanged:
    return PartChanged(session_id="s", part_id=part_id, message_id="m", kind=kind, is_whole=whole, text=text)


def test_a_text_grows_until_it_is_whole() -> None:
    live = Live("s")
    live.feed(part("a"))
    live.feed(PartGrew(session_id="s", part_id="a", message_id="m", delta="one "))
    live.feed(PartGrew(session_id="s", part_id="a", message_id="m", delta="two"))
    assert live.parts["a"].text == "one two"
    assert not live.is_whole("a")
    live.feed(part("a", whole=True, text="one two"))
    assert live.parts == {}
    assert live.is_whole("a")


def test_a_step_begins_anew_and_what_was_not_whole_is_gone() -> None:
    live = Live("s")
    live.feed(part("a"))
    live.feed(part("b", whole=True))
    live.feed(part("c", PartKind.STEP_START, whole=True))
    assert live.parts == {}
    assert not live.is_whole("b")
    assert live.activity is Activity.BUSY


def test_what_an_aborted_turn_left_stays_until_it_is_whole_or_a_step_begins() -> None:
    live = Live("s")
    live.feed(part("a"))
    live.feed(ActivityChanged(session_id="s", activity=Activity.IDLE))
    assert [*live.parts] == ["a"]
    live.feed(part("a", whole=True))
    assert live.parts == {}


def test_a_compaction_is_told_by_its_agent_who_is_not_the_one_in_force() -> None:
    live = Live("s")
    live.feed(MessageChanged(session_id="s", message_id="m1", role="assistant", agent="build", model="a/b"))
    live.feed(
        MessageChanged(session_id="s", message_id="m2", role="assistant", agent=COMPACTION_AGENT, model="a/small")
    )
    assert live.compacting
    assert (live.agent, live.model) == ("build", "a/b")
    live.feed(Compacted(session_id="s"))
    assert not live.compacting
