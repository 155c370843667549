from __future__ import annotations

from typing import Any

import pytest

from octui.client.result import Totals
from octui.recording.comparing import COLUMNS, Figures, figures_of, ordered
from octui.recording.facts import ChangesCounted, Checked, Checking, RunState, WorktreeMade
from octui.recording.run_meta import RunMeta
from octui.recording.status import RunStatus

MADE = WorktreeMade(at=1, run="a", path="/t/a", folder="/t/a", branch="octui/s/a", base="c0", repository="/r")


def run(name: str, state: RunState = RunState.SUCCEEDED, *, model: str = "", **fields: Any) -> Figures:
    status = RunStatus(name, state, **fields)
    return figures_of(name, RunMeta(model=model), status, Totals(), 100.0)


def names(runs: list[Figures]) -> list[str]:
    return [each.run for each in runs]


def test_a_run_without_a_worktree_has_no_files_and_one_that_changed_nothing_has_none() -> None:
    assert (run("a").files, run("a").added) == (None, None)
    assert (run("a", worktree=MADE).files, run("a", worktree=MADE).removed) == (0, 0)
    changed = ChangesCounted(at=2, run="a", files=3, added=12, removed=4)
    found = run("a", worktree=MADE, changes=changed)
    assert (found.files, found.added, found.removed) == (3, 12, 4)


def test_time_runs_on_until_a_run_is_over() -> None:
    assert run("a").seconds is None
    assert run("a", RunState.RUNNING, started_at=40.0).seconds == 60.0
    assert run("a", started_at=40.0, ended_at=52.0).seconds == 12.0


def test_a_check_is_at_work_until_it_has_an_exit_code() -> None:
    assert run("a", checking="make").is_checking
    found = run("a", checked=Checked(at=3, run="a", exit_code=2))
    assert (found.check, found.is_checking) == (2, False)


@pytest.mark.parametrize("descending", [False, True])
def test_what_has_no_figure_stands_last_in_either_direction(descending: bool) -> None:
    good, bad = (run(f"exit {code}", checked=Checked(at=3, run="x", exit_code=code)) for code in (0, 1))
    sorted_names = names(ordered([run("none"), bad, good], "check", descending=descending))
    assert sorted_names == (["exit 1", "exit 0", "none"] if descending else ["exit 0", "exit 1", "none"])


def test_the_best_outcome_comes_first_and_those_alike_stay_in_the_plans_order() -> None:
    runs = [
        run("failed", RunState.FAILED),
        run("first"),
        run("waits", RunState.QUEUED),
        run("second"),
        run("works", RunState.RUNNING),
    ]
    assert names(ordered(runs, "outcome")) == ["first", "second", "works", "waits", "failed"]
    assert names(ordered(runs, "run")) == names(runs)
    assert names(ordered(runs, "run", descending=True)) == names(runs)[::-1]


def test_every_column_sorts_runs_with_and_without_figures() -> None:
    runs = [run("a"), run("b", RunState.RUNNING, model="x/y", started_at=1.0, worktree=MADE)]
    for column in COLUMNS:
        assert sorted(names(ordered(runs, column.id))) == ["a", "b"]


def test_a_check_that_is_under_way_is_told_from_facts() -> None:
    from octui.recording.status import fold

    status = fold([Checking(at=1, run="a", command="make")])
    assert figures_of("a", RunMeta(check="make"), status.run("a"), Totals(), 2.0).is_checking
