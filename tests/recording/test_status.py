"""Where runs and a session stand: the fold of facts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.recording.test_facts import facts

from octui.recording.facts import (
    AnyFact,
    AttemptEnded,
    AttemptStarted,
    Attention,
    AttentionCleared,
    AttentionRaised,
    ChangesCounted,
    Checked,
    Checking,
    RunState,
    SessionStarted,
    SettingUp,
    Settled,
    SetUp,
    StateChanged,
    WorktreeMade,
    WorktreeSettled,
)
from octui.recording.status import fold


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


def test_the_last_life_begins_where_its_first_attempt_began_in_the_log() -> None:
    written: list[AnyFact] = [
        AttemptStarted(at=1, run="a", attempt=1, of=2, pid=1, stdout_offset=0),
        StateChanged(at=2, run="a", state=RunState.FAILED),
        StateChanged(at=3, run="a", state=RunState.QUEUED),
    ]
    assert fold([]).run("a").life_offset == 0
    assert fold(written).run("a").life_offset is None
    written.append(AttemptStarted(at=4, run="a", attempt=1, of=2, pid=1, life=2, stdout_offset=70))
    written.append(AttemptStarted(at=5, run="a", attempt=2, of=2, pid=1, life=2, stdout_offset=90))
    assert fold(written).run("a").life_offset == 70


def test_silence_that_was_broken_is_no_longer_a_reason() -> None:
    raised = AttentionRaised(at=1, kind=Attention.SILENT, words="x", run="a")
    assert fold([raised]).run("a").attention == {Attention.SILENT: ("x", 1)}
    assert fold([raised, AttentionCleared(at=2, kind=Attention.SILENT, run="a")]).run("a").attention == {}


MADE = WorktreeMade(at=1, run="a", path="/w", folder="/w/api", branch="octui/s/a", base="c0ffee", repository="/r")


def test_a_run_is_set_up_when_the_last_of_its_commands_has_succeeded() -> None:
    first: list[AnyFact] = [MADE, SettingUp(at=2, run="a", command="x", number=1, of=2)]
    second: list[AnyFact] = [
        SetUp(at=3, run="a", command="x", exit_code=0, number=1, of=2),
        SettingUp(at=3, run="a", command="y", number=2, of=2),
    ]
    assert not fold(first).run("a").is_set_up
    assert not fold(first + second).run("a").is_set_up
    done = fold([*first, *second, SetUp(at=4, run="a", command="y", exit_code=0, number=2, of=2)]).run("a")
    assert (done.is_set_up, done.setting_up) == (True, None)
    failed = fold([*first, *second, SetUp(at=4, run="a", command="y", exit_code=1, number=2, of=2)])
    assert not failed.run("a").is_set_up


def test_what_was_under_way_when_a_supervisor_was_killed_is_not_under_way_under_the_next() -> None:
    begun: list[AnyFact] = [SettingUp(at=2, run="a", command="x"), Checking(at=2, run="a", command="y")]
    again = SessionStarted(at=9, pid=1, socket="", octui="", opencode="", runs=("a",))
    run = fold([*begun, again]).run("a")
    assert (run.setting_up, run.checking) == (None, "")


def test_a_check_counts_until_the_run_is_restarted() -> None:
    over: list[AnyFact] = [StateChanged(at=2, run="a", state=RunState.SUCCEEDED), Checking(at=2, run="a", command="x")]
    assert fold(over).run("a").checking == "x"
    checked = Checked(at=3, run="a", exit_code=1, seconds=1.0)
    assert (fold([*over, checked]).run("a").checking, fold([*over, checked]).run("a").checked) == ("", checked)
    assert fold([*over, checked, StateChanged(at=4, run="a", state=RunState.QUEUED)]).run("a").checked is None


def test_a_worktree_is_there_until_it_is_settled_by_what_removes_it() -> None:
    counted: list[AnyFact] = [MADE, ChangesCounted(at=2, run="a", files=1, added=2, removed=3)]
    for how in Settled:
        run = fold([*counted, WorktreeSettled(at=3, run="a", how=how)]).run("a")
        assert (run.has_worktree, run.settled) == (how in (Settled.APPLIED, Settled.COMMITTED), how)
        assert run.changes == counted[1]
    kept = [*counted, WorktreeSettled(at=3, run="a", how=Settled.KEPT)]
    applied = fold([*kept, WorktreeSettled(at=4, run="a", how=Settled.APPLIED)]).run("a")
    assert (applied.has_worktree, applied.settled) == (False, Settled.APPLIED), "from its branch"
    made_anew = fold([*counted, WorktreeSettled(at=3, run="a", how=Settled.DISCARDED), MADE]).run("a")
    assert (made_anew.has_worktree, made_anew.settled, made_anew.changes) == (True, None, None)
