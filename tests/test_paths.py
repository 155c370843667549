"""Where octui keeps things."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui import paths


def test_octui_home_moves_data_and_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OCTUI_HOME", str(tmp_path))
    assert paths.sessions_dir().is_relative_to(tmp_path)
    assert paths.user_themes_dir().is_relative_to(tmp_path)


def test_the_runtime_folder_leaves_room_for_a_socket_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 80)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    assert len(str(paths.runtime_dir())) < 60


def test_themes_are_found_in_a_checkout() -> None:
    assert list(paths.package_data_dir("themes").glob("*.toml"))


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = paths.make_private(tmp_path / "a" / "b")
    assert folder.stat().st_mode & 0o077 == 0
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    paths.make_private(tmp_path / "a")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
