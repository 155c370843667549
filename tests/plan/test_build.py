"""A plan from a prompt and some folders."""

from __future__ import annotations

from pathlib import Path

from octui.plan.build import plan_from_prompt


def test_each_folder_and_copy_gets_a_run_with_a_name_of_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / "a b", tmp_path / "x" / "api", tmp_path / "y" / "api"]
    plan = plan_from_prompt("Explain this service, please, in short.", folders, copies=2, max_parallel=3)
    assert [run.name for run in plan.runs] == ["a-b-1", "a-b-2", "api-1", "api-2", "api-1-2", "api-2-2"]
    assert plan.name == "Explain this service, please, in short."[: len(plan.name)]
    assert plan.max_parallel == 3
    assert plan.runs[2].workspace == folders[1]


def test_the_runs_take_the_servers_in_turn(tmp_path: Path) -> None:
    plan = plan_from_prompt("p", [tmp_path], copies=3, backend="serve", attach=["http://a", "http://b"])
    assert [run.config.attach for run in plan.runs] == ["http://a", "http://b", "http://a"]
    assert {run.backend for run in plan.runs} == {"serve"}


def test_runs_of_a_prompt_can_have_worktrees_and_commands(tmp_path: Path) -> None:
    plan = plan_from_prompt("p", [tmp_path], worktree=True, base="main", setup=["a"], check="b", copies=2)
    assert {(run.worktree, run.base, run.setup, run.check) for run in plan.runs} == {(True, "main", ("a",), "b")}
    assert {run.base for run in plan_from_prompt("p", [tmp_path]).runs} == {""}


def test_all_runs_begin_at_the_base_that_was_asked_for(tmp_path: Path) -> None:
    folders = [tmp_path / "api", tmp_path / "worker"]
    assert {run.base for run in plan_from_prompt("p", folders, worktree=True, base="main").runs} == {"main"}
    assert {run.base for run in plan_from_prompt("p", folders).runs} == {""}
