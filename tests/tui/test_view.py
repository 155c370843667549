from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tui.sessions import (
    API,
    BILLING,
    GATEWAY,
    MAILER,
    NOW,
    SIX,
    START,
    WORKER,
    Script,
    record,
    step_finish,
    step_start,
    text,
    tool,
)

from octui.recording.facts import RunState
from octui.recording.session import Session
from octui.tui.glyphs import ASCII, UNICODE, Glyphs, needs_you, state_words
from octui.tui.render.lines import plain, width_of
from octui.tui.view import SessionView, first_in_need
from octui.tui.widgets.bars import session_line
from octui.tui.widgets.frame import foot_lines, head_lines


def view_of(folder: Path, scripts: tuple[Script, ...], *, live: bool = True) -> SessionView:
    return SessionView(Session.open(record(folder, scripts, live=live).folder), now=lambda: NOW)


def test_the_sums_of_a_session_count_states_tokens_cost_and_needs(tmp_path: Path) -> None:
    sums = view_of(tmp_path, SIX).session_totals()
    assert (sums.counts[RunState.RUNNING], sums.counts[RunState.QUEUED], sums.counts[RunState.FAILED]) == (2, 1, 0)
    assert sums.attention == 2
    assert sum(sums.counts.values()) + sums.attention == len(SIX), "each run is counted once"
    assert sums.tokens.total == 12_400 + 9000 + 41_100 + 5000
    assert sums.cost == pytest.approx(0.041 + 0.02 + 0.15 + 0.01)
    assert sums.elapsed_s == 90


def test_a_session_that_is_over_has_the_length_it_had(tmp_path: Path) -> None:
    assert view_of(tmp_path, (GATEWAY,), live=False).session_totals().elapsed_s == 16


def test_a_run_that_ended_within_a_step_has_an_incomplete_cost(tmp_path: Path) -> None:
    script = Script("api", [step_start(), step_finish(), step_start()], RunState.FAILED)
    view = view_of(tmp_path, (script,))
    run = view.run("api", UNICODE)
    assert run.incomplete
    assert "≥$0.01" in plain(foot_lines(run, 60, UNICODE)[0])


def test_a_step_that_is_still_open_is_no_loss(tmp_path: Path) -> None:
    assert not view_of(tmp_path, (Script("api", [step_start(), text("hm")]),)).run("api", UNICODE).incomplete


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (tool("bash", "pytest -q", input={"command": "pytest -q"}), "bash pytest -q ✓"),
        (tool("bash", "x", status="error", error="The user rejected permission to use"), "bash x ⊘"),
        (text("First.\n\n- and then **last**"), "and then **last"),
        ({"type": "reasoning", "part": {"text": "hm"}}, "thinking"),
        (step_start(), "waiting for the model"),
    ],
)
def test_a_run_says_what_it_was_last_heard_doing_and_for_how_long_it_is_quiet(
    tmp_path: Path, event: dict[str, object], words: str
) -> None:
    run = view_of(tmp_path, (Script("api", [event]),)).run("api", UNICODE)
    assert run.now == f"quiet 01:27 · {words}"


def test_the_view_of_a_replay_stands_at_its_position(tmp_path: Path) -> None:
    view = view_of(tmp_path, (GATEWAY,), live=False)
    view.position = START + 3
    assert view.visible("gateway") == 1
    run = view.run("gateway", UNICODE)
    assert (run.status.state, run.elapsed_s, run.totals.turns) == (RunState.RUNNING, 3, 1)


def test_those_in_need_come_in_turn_and_failed_ones_where_nobody_is(tmp_path: Path) -> None:
    view = view_of(tmp_path, SIX)
    runs = [view.run(name, UNICODE) for name in view.run_names]
    assert first_in_need(runs, "api") == "worker"
    assert first_in_need(runs, "worker") == "billing"
    assert first_in_need(runs, "billing") == "worker"
    assert first_in_need([runs[0], runs[2]], None) is None


@pytest.mark.parametrize("width", [20, 38, 56, 100])
def test_head_and_foot_fit_and_keep_what_matters_most(tmp_path: Path, width: int) -> None:
    view = view_of(tmp_path, SIX)
    for name in view.run_names:
        run = view.run(name, UNICODE)
        for left, right in (head_lines(run, width, UNICODE), foot_lines(run, width, UNICODE)):
            assert width_of(left) + width_of(right) + 3 <= width or not right
            assert width_of(left) <= width
        head = plain(head_lines(run, width, UNICODE)[0])
        assert run.name in head
        assert ("needs you" if needs_you(run.status) else state_words(run.status)) in head


LONG_NAMES = (
    "explain-the-service-that-bills-customers-of-the-northern-region-and-list-its-risks-2",
    "支付服务的三个风险最大的函数以及它们的测试和文档还有数据库迁移-2",
)


@pytest.mark.parametrize("name", LONG_NAMES, ids=["latin", "wide"])
@pytest.mark.parametrize("width", [11, 20, 35, 55, 75, 96, 115, 195])
def test_a_long_name_is_cut_and_never_the_state(tmp_path: Path, width: int, name: str) -> None:
    scripts = [replace(script, name=name) for script in SIX]
    for number, script in enumerate(scripts):
        view = view_of(tmp_path / str(number), (script,))
        run = view.run(name, UNICODE)
        left, right = head_lines(run, width, UNICODE)
        state = "needs you" if needs_you(run.status) else state_words(run.status)
        assert state in plain(left)
        assert width_of(left) + (width_of(right) + 3 if right else 0) <= width
        if width >= 35:
            assert plain(left).split()[1][:3] == name[:3], "its beginning is there"
        if width >= 75:
            assert "-2" in plain(left), "so is what tells it from others"
        if width >= 96 and run.elapsed_s is not None:
            assert "claude-sonnet-4-5" in plain(right), "the name does not take the room of all else"


@pytest.mark.parametrize("scripts", [SIX, (API, WORKER), (WORKER, BILLING, GATEWAY, MAILER)])
def test_the_session_bar_counts_each_run_once(tmp_path: Path, scripts: tuple[Script, ...]) -> None:
    view = view_of(tmp_path, scripts)
    totals = view.session_totals()
    shown = plain(session_line(view.name, totals, "", "text", 200, UNICODE))
    counts = [int(count) for count in re.findall(r"[◆●○✓✗■] (\d+) ", shown)]
    assert sum(counts) == len(scripts)
    assert totals.attention == sum(needs_you(view.status.run(each.name)) for each in scripts)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_the_session_bar_fits_and_always_says_who_needs_you(tmp_path: Path, width: int, glyphs: Glyphs) -> None:
    view = view_of(tmp_path, SIX)
    shown = session_line(view.name, view.session_totals(), "interrupted", "error", width, glyphs)
    assert width_of(shown) <= width
    assert f"{glyphs.attention} 2" in plain(shown)


@pytest.mark.parametrize("width", [80, 120])
def test_the_session_bar_counts_stopped_runs_on_their_own_and_only_where_there_are_any(
    tmp_path: Path, width: int
) -> None:
    def bar(folder: str, *scripts: Script) -> str:
        view = view_of(tmp_path / folder, scripts)
        return plain(session_line(view.name, view.session_totals(), "", "text", width, UNICODE))

    stopped = Script("old", [step_start()], RunState.STOPPED)
    failed = Script("bad", [step_start()], RunState.FAILED)
    assert ("○ 1" if width == 80 else "○ 1 queued") in bar("waits", API, Script("mailer", state=RunState.QUEUED))
    assert "■" not in bar("fails", API, failed)
    counted = bar("both", API, failed, stopped, Script("older", state=RunState.STOPPED))
    assert "✗ 1" in counted
    assert "■ 2" in counted
    assert "waiting" not in counted


def test_every_sign_is_one_cell_wide() -> None:
    for glyphs in (UNICODE, ASCII):
        signs = [*glyphs.states.values(), *glyphs.todo.values(), glyphs.attention, glyphs.pause, glyphs.play]
        assert all(width_of([(sign, "")]) == 1 for sign in [*signs, *glyphs.sparks, *glyphs.corners])
    assert all(sign.isascii() for sign in [*ASCII.states.values(), *ASCII.todo.values(), ASCII.sparks, ASCII.ellipsis])


def test_a_view_lists_the_runs_that_are_still_at_work(tmp_path: Path) -> None:
    assert view_of(tmp_path, (API, GATEWAY)).active_runs() == ["api"]
