"""Facts and their fold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from octui.recording.facts import (
    AnyFact,
    AttemptEnded,
    AttemptStarted,
    Attention,
    AttentionCleared,
    AttentionRaised,
    RunState,
    SessionEnded,
    StateChanged,
    decode_fact,
    encode_fact,
    fold,
)

facts = st.lists(
    st.one_of(
        st.builds(StateChanged, at=st.floats(0, 9), run=st.just("a"), state=st.sampled_from(RunState)),
        st.builds(
            AttemptStarted,
            at=st.floats(0, 9),
            run=st.just("a"),
            attempt=st.integers(1, 3),
            of=st.just(3),
            pid=st.just(7),
        ),
        st.builds(
            AttentionRaised, at=st.floats(0, 9), run=st.just("a"), kind=st.sampled_from(Attention), words=st.text()
        ),
        st.builds(SessionEnded, at=st.floats(0, 9)),
    ),
    max_size=8,
)


@given(facts)
def test_every_fact_survives_its_line(written: list[AnyFact]) -> None:
    assert [decode_fact(encode_fact(fact)) for fact in written] == written
    assert all(encode_fact(fact).count(b"\n") == 1 for fact in written)


@given(facts, st.integers(0, 8))
def test_folding_in_two_goes_is_folding_at_once(written: list[AnyFact], cut: int) -> None:
    status = fold(written[:cut])
    for fact in written[cut:]:
        status.apply(fact)
    assert status == fold(written)


def test_an_attempt_is_alive_between_its_start_and_its_end() -> None:
    started = AttemptStarted(at=1, attempt=1, of=3, pid=7, run="a")
    assert fold([started]).run("a").pid == 7
    ended = fold([started, AttemptEnded(at=2, attempt=1, exit_code=1, retry_in_s=1.0, run="a")]).run("a")
    assert (ended.pid, ended.exit_code) == (None, 1)


def test_a_stop_leaves_no_process_behind_in_the_fold() -> None:
    started = AttemptStarted(at=1, attempt=1, of=3, pid=7, run="a")
    assert fold([started, StateChanged(at=2, state=RunState.STOPPED, run="a")]).run("a").pid is None


def test_a_restart_begins_a_new_life() -> None:
    run = fold(
        [
            AttemptStarted(at=1, attempt=1, of=1, pid=7, run="a"),
            AttentionRaised(at=2, kind=Attention.NO_FINAL_ANSWER, words="x", run="a"),
            StateChanged(at=3, state=RunState.FAILED, run="a"),
            StateChanged(at=4, state=RunState.QUEUED, run="a"),
            AttemptStarted(at=5, attempt=1, of=1, pid=8, life=2, stdout_offset=9, run="a"),
        ]
    ).run("a")
    assert (run.started_at, run.ended_at, run.attention, run.life) == (5, None, {}, 2)
    assert run.attempt_offsets == [(1, 1, 0, 0), (2, 1, 9, 0)]


def test_silence_that_was_broken_is_no_longer_a_reason() -> None:
    raised = AttentionRaised(at=1, kind=Attention.SILENT, words="x", run="a")
    assert fold([raised]).run("a").attention == {Attention.SILENT: ("x", 1)}
    assert fold([raised, AttentionCleared(at=2, kind=Attention.SILENT, run="a")]).run("a").attention == {}
