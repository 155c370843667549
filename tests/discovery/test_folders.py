from __future__ import annotations

from pathlib import Path

import pytest

from octui.discovery.folders import (
    MAX_MATCHES,
    FolderFault,
    complete,
    expand,
    fault_of,
    repository_of,
    shorten,
    suggest,
)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("services/api/.git", "services/worker", ".hidden", "node_modules/x/.git", "[odd]", "Docs"):
        (tmp_path / "base" / name).mkdir(parents=True)
    (tmp_path / "base/services/file").touch()
    return tmp_path / "base"


def test_globs_become_the_folders_they_match(base: Path) -> None:
    assert expand("services/*", base) == [base / "services/api", base / "services/worker"]
    assert expand("../base/services/w?rker/", base) == [base / "services/worker"]


def test_a_folder_whose_name_looks_like_a_glob_is_itself(base: Path) -> None:
    assert expand("[odd]", base) == [base / "[odd]"]


@pytest.mark.parametrize("typed", ["nowhere", "services/file", "nowhere/*", "\0", "~nobody-of-this-name/x"])
def test_what_is_no_folder_gives_none(base: Path, typed: str) -> None:
    assert expand(typed, base) == []


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("services/api", None),
        ("services/*", None),
        ("nowhere", FolderFault.NOT_FOUND),
        ("\0", FolderFault.NOT_FOUND),
        ("services/file", FolderFault.NOT_A_FOLDER),
        ("nowhere/*", FolderFault.NO_MATCH),
        ("services/fil?", FolderFault.NO_MATCH),
    ],
)
def test_fault_of_tells_missing_file_and_glob_apart(base: Path, typed: str, fault: FolderFault | None) -> None:
    assert fault_of(typed, base, expand(typed, base)) is fault


def test_folder_that_may_not_be_entered_raises_nothing(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.stat", refuse)
    assert expand("services/api/x", base) == []
    assert fault_of("services/api/x", base, []) is FolderFault.NOT_FOUND
    assert repository_of(base) is None


def test_a_glob_stops_after_more_than_enough_folders(base: Path) -> None:
    for number in range(MAX_MATCHES + 20):
        (base / "many" / str(number)).mkdir(parents=True)
    assert len(expand("many/*", base)) == MAX_MATCHES + 1


def test_folders_are_written_from_where_one_stands(base: Path, home: Path) -> None:
    assert [shorten(path, base) for path in (base, base / "a", home / "b", Path("/c"))] == [".", "a", "~/b", "/c"]


def test_completion_keeps_what_is_typed_and_ignores_case(base: Path) -> None:
    assert complete("services/", base) == ["services/api", "services/worker"]
    assert complete("do", base) == ["Docs"]
    assert complete("", base) == ["Docs", "[odd]", "services"]
    assert complete(".", base) == [".hidden"]
    assert complete("nowhere/x", base) == []


def test_suggestions_are_here_then_recent_ones_that_still_are_then_repositories(base: Path) -> None:
    assert suggest(base, ["services/worker", "gone"]) == [".", "services/worker", "services/api"]
