"""Facts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from octui.recording.facts import (
    AnyFact,
    AttemptStarted,
    Attention,
    AttentionRaised,
    ChangesCounted,
    Checked,
    Checking,
    RunState,
    SessionEnded,
    SessionStarted,
    SettingUp,
    SetUp,
    StateChanged,
    WorktreeMade,
    WorktreeSettled,
    decode_fact,
    encode_fact,
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
        st.builds(SessionStarted, at=st.floats(0, 9), runs=st.just(("a",))),
        *(
            st.builds(kind, at=st.floats(0, 9), run=st.just("a"))
            for kind in (WorktreeMade, SettingUp, SetUp, ChangesCounted, Checking, Checked, WorktreeSettled)
        ),
    ),
    max_size=8,
)


@given(facts)
def test_every_fact_survives_its_line(written: list[AnyFact]) -> None:
    assert [decode_fact(encode_fact(fact)) for fact in written] == written
    assert all(encode_fact(fact).count(b"\n") == 1 for fact in written)


def test_a_state_says_why_and_does_not_say_itself_twice() -> None:
    assert RunState.TIMED_OUT.because("") == "timed out"
    assert RunState.STOPPED.because("its budget was spent") == "stopped: its budget was spent"
    assert RunState.STOPPED.because("stopped by you") == "stopped by you"
