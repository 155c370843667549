"""``octui sessions`` and what stands under it."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from functools import partial
from pathlib import Path

import click
import pytest
from tests.cli.test_main import SAMPLE, run, stand_in
from tests.client.conftest import StandIn
from tests.support.processes import wait_until

from octui import paths, settings
from octui.cli.main import main
from octui.cli.worktrees import worktree_line
from octui.recording.session import Session
from octui.workspace.leftovers import Leftover

__all__ = ["stand_in"]

OTHER = SAMPLE.with_name("denied-retried-failed")


@pytest.fixture(autouse=True)
def shelf() -> Path:
    """Two sessions: a good one, and an older one with failures."""
    folder = paths.sessions_dir()
    add(SAMPLE, "20261123-100000-demo", 1)
    add(OTHER, "20261122-100000-other", 40)
    return folder


def add(sample: Path, name: str, days_ago: float) -> Path:
    path = paths.sessions_dir() / name
    shutil.copytree(sample, path)
    at = time.time() - days_ago * 86_400
    os.utime(path / "facts.jsonl", (at, at))
    return path


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["20261123-100000-demo", "20261122-100000-other"]),
        (["--failed"], ["20261122-100000-other"]),
        (["--live"], []),
        (["--find", "FIXER"], ["20261123-100000-demo"]),
        (["--find", "tests of this package"], ["20261123-100000-demo"]),
        (["--find", "nothing like it"], []),
    ],
)
def test_some_are_listed_by_what_they_are(
    options: list[str], found: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sessions", "--json", *options) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(Path(each["session"]).name for each in told) == sorted(found)
    assert all("bytes" not in each for each in told)


def test_none_of_a_kind_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions", "--live") == 0
    assert "No session is like that" in capsys.readouterr().out


def test_sizes_are_told_for_each_and_in_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions", "--size", "--json") == 0
    sizes = [json.loads(line)["bytes"] for line in capsys.readouterr().out.splitlines()]
    assert all(size > 10_000 for size in sizes)
    assert run("sessions", "--size") == 0
    *rows, last = capsys.readouterr().out.splitlines()
    assert len(rows) == 2
    assert last.strip() == f"{sum(sizes) / 1000:.1f} kB  in all"


def test_a_renamed_session_is_listed_and_found_under_its_new_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions") == 0
    assert "demo  " in capsys.readouterr().out
    assert run("sessions", "rename", "20261123", "the good one") == 0
    capsys.readouterr()
    assert run("sessions") == 0
    assert "the good one" in capsys.readouterr().out
    assert run("export", "the good one", "-o", "-") == 0
    assert capsys.readouterr().out.startswith("# the good one\n")


def test_a_session_is_deleted_once_somebody_agreed(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run("sessions", "delete", "20261123") == 2
    assert "Add --yes" in capsys.readouterr().err

    class Person(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Person("n\n"))
    assert run("sessions", "delete", "20261123") == 0
    assert (shelf / "20261123-100000-demo").exists()
    assert run("sessions", "delete", "20261123", "--yes") == 0
    assert [path.name for path in shelf.iterdir()] == ["20261122-100000-other"]


def test_nothing_that_is_live_or_elsewhere_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = shutil.copytree(SAMPLE, tmp_path / "mine")
    assert run("sessions", "delete", str(mine), "--yes") == 2
    assert "no session in" in capsys.readouterr().err
    monkeypatch.setattr(Session, "is_live", True)
    assert run("sessions", "delete", "20261123", "--yes") == 2
    assert "octui stop" in capsys.readouterr().err
    assert (mine / "facts.jsonl").exists()


def test_pruning_only_tells_until_it_is_agreed_to(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions", "prune") == 2
    assert "--keep-days" in capsys.readouterr().err
    assert run("sessions", "prune", "--keep-days", "30") == 0
    out, err = capsys.readouterr()
    assert "would go" in out
    assert "20261122-100000-other  not used for 40 days" in out
    assert "Add --yes" in err
    assert len(list(shelf.iterdir())) == 2
    settings.save(keep_days=30)
    assert run("sessions", "prune", "--yes") == 0
    assert "deleted" in capsys.readouterr().out
    assert [path.name for path in shelf.iterdir()] == ["20261123-100000-demo"]
    assert run("sessions", "prune") == 0
    assert capsys.readouterr() == ("", "Nothing is to go.\n")


@pytest.mark.parametrize(("kept", "left"), [({}, 3), ({"keep_days": 30}, 2), ({"keep_mb": 0}, 1)])
def test_what_the_settings_do_not_keep_goes_when_a_session_begins(
    kept: dict[str, float], left: int, shelf: Path, stand_in: StandIn, tmp_path: Path
) -> None:
    if kept:
        settings.save(**kept)
    binary = str(stand_in("answer()"))
    assert main(["run", "x", "-w", str(tmp_path), "--headless", "--binary", binary]) == 0
    wait_until(lambda: len(list(shelf.iterdir())) == left)


@pytest.mark.parametrize(("live", "shown"), [(True, "run_dashboard"), (False, "run_replay")])
def test_opening_shows_the_dashboard_or_the_replay(
    live: bool, shown: str, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, Path]] = []

    def look(name: str, path: Path) -> int:
        seen.append((name, path))
        return 0

    for name in ("run_dashboard", "run_replay"):
        monkeypatch.setattr(f"octui.tui.app.{name}", partial(look, name))
    monkeypatch.setattr("octui.cli.options.on_terminal", lambda: True)
    monkeypatch.setattr(Session, "is_live", live)
    assert run("sessions", "open", "20261122") == 0
    assert seen == [(shown, shelf / "20261122-100000-other")]


LONG = "20261121-100000-a-session-with-quite-a-long-name-that-goes-on"


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_in_a_terminal_each_session_is_one_line_however_narrow_it_is(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(OTHER, LONG, 50)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run("sessions") == 0
    whole = capsys.readouterr().out.splitlines()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run("sessions") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(whole) == 3
    assert max(map(len, whole)) > columns
    assert all(len(click.unstyle(line)) < columns for line in lines)
    assert any("20261123-100000-demo" in line for line in lines)


def test_in_a_narrow_terminal_states_are_told_by_signs_before_anything_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run("sessions") == 0
    told = click.unstyle(capsys.readouterr().out)
    assert "✗" in told
    assert "✓3" in told
    assert "succeeded" not in told


def test_a_worktree_s_line_keeps_what_is_in_it_where_its_branch_has_to_be_cut() -> None:
    tree = Leftover(path=Path("/worktrees") / LONG / "limits-sonnet", session=LONG, uncommitted=3)
    assert len(worktree_line(tree)) > 80
    short = worktree_line(tree, 60)
    assert len(short) <= 60
    assert short.endswith("limits-sonnet  3 files not committed")
