"""Sessions as folders: their size, their names, and which of them go."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.recording.test_session import SAMPLES

from octui.errors import UsageError
from octui.recording import shelf
from octui.recording.session import Session, list_sessions
from octui.recording.shelf import DAY_S, MB, Retention, Shelved, expired
from octui.recording.writer_lock import hold

NOW = 1_800_000_000.0


def session(folder: Path, name: str, days_ago: float = 0) -> Path:
    path = folder / name
    shutil.copytree(SAMPLES / "fix-a-bug", path)
    os.utime(path / "facts.jsonl", (NOW - days_ago * DAY_S,) * 2)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where sessions are kept."""
    found = tmp_path / "sessions"
    found.mkdir()
    return found


def used(days_ago: float, size_mb: float = 1, *, live: bool = False, copy: Path | None = None) -> Shelved:
    return Shelved(Path(f"{days_ago:g}"), NOW - days_ago * DAY_S, int(size_mb * MB), live, copy)


def going(keep: Retention, *sessions: Shelved) -> list[str]:
    return [each.path.name for each, _ in expired(sessions, keep, NOW)]


def test_what_was_not_used_for_so_long_goes_the_oldest_first() -> None:
    assert going(Retention(days=7), used(0), used(6.9), used(30), used(8)) == ["30", "8"]


def test_of_too_much_the_oldest_go_until_the_rest_fits() -> None:
    assert going(Retention(megabytes=10), used(1, 4), used(2, 4), used(3, 4), used(4, 4)) == ["4", "3"]
    assert going(Retention(megabytes=8), used(1, 4), used(2, 4)) == []


def test_the_newest_live_ones_and_those_with_working_copies_stay_whatever_the_rule() -> None:
    kept = used(9, live=True), used(8, copy=Path("x"))
    assert going(Retention(days=0, megabytes=0), used(5), *kept, used(6)) == ["6"]
    assert going(Retention(days=1), used(400)) == []


def test_without_a_rule_nothing_goes() -> None:
    assert not Retention()
    assert going(Retention(), used(0), used(4000, 1e6)) == []
    assert Retention(days=0)


def test_the_size_is_what_all_files_take_and_links_lead_nowhere(folder: Path) -> None:
    path = session(folder, "a")
    before = shelf.look_at(path).size
    (path / "server-1").mkdir()
    (path / "server-1" / "db").write_bytes(b"x" * 1_000_000)
    (path / "link").symlink_to("/usr")
    assert before < shelf.look_at(path).size - 900_000 < before + 300_000


def test_pruning_deletes_by_the_rule_and_leaves_all_else(folder: Path) -> None:
    new, old = session(folder, "new"), session(folder, "old", 40)
    (folder / "mine").mkdir()
    (folder / "mine" / "run.jsonl").write_text("{}\n")
    os.utime(folder / "mine" / "run.jsonl", (0, 0))
    assert shelf.prune(folder, Retention(days=30), NOW) == [old]
    assert sorted(path.name for path in folder.iterdir()) == ["mine", "new"]
    assert Session.open(new).run_names


def test_a_live_session_is_neither_deleted_nor_renamed(folder: Path) -> None:
    path = session(folder, "live", 40)
    session(folder, "new")
    lock = hold(path)
    try:
        assert shelf.look_at(path).is_live
        assert shelf.prune(folder, Retention(days=1), NOW) == []
        with pytest.raises(UsageError, match="is live"):
            shelf.delete(path, folder)
        with pytest.raises(UsageError, match="is live"):
            shelf.rename(path, folder, "x")
    finally:
        os.close(lock)
    assert Session.open(path).name == "demo"


def test_only_sessions_of_octuis_own_folder_are_deleted(folder: Path, tmp_path: Path) -> None:
    elsewhere = session(tmp_path / "mine", "a")
    bare = folder / "bare"
    bare.mkdir()
    (bare / "run.jsonl").write_text("{}\n")
    link = folder / "link"
    link.symlink_to(elsewhere)
    for path in (elsewhere, bare, link, folder, folder / "none"):
        with pytest.raises(UsageError, match="no session"):
            shelf.delete(path, folder)
    assert Session.open(elsewhere).run_names
    assert bare.exists()


def test_a_session_with_a_working_copy_in_it_is_not_deleted(folder: Path) -> None:
    path = session(folder, "a", 40)
    session(folder, "new")
    (path / "work" / "api").mkdir(parents=True)
    (path / "work" / "api" / ".git").write_text("gitdir: /elsewhere\n")
    assert shelf.look_at(path).working_copy == path / "work" / "api"
    assert shelf.prune(folder, Retention(days=1), NOW) == []
    with pytest.raises(UsageError, match="working copy"):
        shelf.delete(path, folder)
    assert path.exists()


def test_a_deletion_that_was_cut_off_is_not_seen_and_finished_by_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = session(folder, "a")
    rmtree = shutil.rmtree

    def cut_off(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "rmtree", cut_off)
    with pytest.raises(OSError, match="Input/output"):
        shelf.delete(path, folder)
    assert list_sessions(folder) == []
    monkeypatch.setattr(shutil, "rmtree", rmtree)
    shelf.prune(folder, Retention(days=1), NOW)
    assert list(folder.iterdir()) == []


def test_a_new_name_is_found_and_all_else_stays(folder: Path) -> None:
    path = session(folder, "20261123-000000-demo")
    before = Session.open(path)
    shelf.rename(path, folder, ' the "good" one ')
    after = Session.open(path)
    assert after.name == 'the "good" one'
    assert [after.meta(run) for run in after.run_names] == [before.meta(run) for run in before.run_names]
    assert not list(path.glob(".session*"))
    for name in ("", " ", "a\x1b[2J", "a\nb"):
        with pytest.raises(UsageError, match="name"):
            shelf.rename(path, folder, name)
