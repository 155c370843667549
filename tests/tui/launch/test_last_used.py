from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from octui.client.config import RunConfig
from octui.tui.launch import last_used, remembered_prompt
from octui.tui.launch.form import LaunchForm
from octui.tui.launch.permissions import ToolRow, complete_rows, with_pattern
from octui.tui.launch.servers import ServerRow

FORM = LaunchForm(
    prompt="Explain.",
    workspaces=("a", "b/*"),
    model="acme/big",
    timeout="5",
    tools=complete_rows([with_pattern(ToolRow("bash", "allow"), "git push *")]),
    servers=(ServerRow("found", {"type": "local", "command": ["x"]}, "user", True),),
)
OLD = {
    "values": {"prompt": "Old.", "workspaces": ["x"], "model": "acme/old", "copies": "3"},
    "folders": ["~/x"],
}
"""As octui wrote it before forms were kept by folder."""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def launched(base: Path, data: Path) -> LaunchForm | None:
    values = last_used.load(base, data).launched
    return None if values is None else last_used.form_of(values)


def test_launched_values_come_back_in_their_folder_alone(here: Path, tmp_path: Path) -> None:
    last_used.save_launched(FORM, ("~/a",), here, tmp_path)
    assert launched(here, tmp_path) == FORM
    assert remembered_prompt.load(here, tmp_path) == "Explain."
    there = tmp_path / "there"
    assert last_used.load(there, tmp_path) == last_used.Remembered()
    assert remembered_prompt.load(there, tmp_path) == ""


def test_folder_is_the_same_by_whatever_path(here: Path, tmp_path: Path) -> None:
    last_used.save_launched(FORM, (), here, tmp_path)
    (tmp_path / "link").symlink_to(here)
    for path in (tmp_path / "link", here / ".." / "here"):
        assert launched(path, tmp_path) == FORM


def test_model_and_recent_folders_are_shared(here: Path, tmp_path: Path) -> None:
    assert last_used.load_shared(tmp_path) is None
    last_used.save_launched(FORM, ("a", "b"), here, tmp_path)
    last_used.save_launched(replace(FORM, model=" acme/small "), ("c", "a"), tmp_path / "there", tmp_path)
    assert last_used.load_shared(tmp_path) == last_used.Shared(("c", "a", "b"), "acme/small")
    default = last_used.default_form(last_used.load_shared(tmp_path))
    assert default == LaunchForm(workspaces=(".",), model="acme/small")


def test_draft_stays_beside_what_was_launched_until_it_is_launched(here: Path, tmp_path: Path) -> None:
    last_used.save_launched(FORM, (), here, tmp_path)
    draft = replace(FORM, prompt="Explain more.", base=RunConfig(attach="http://h:1"))
    last_used.save_draft(draft, here, tmp_path)
    found = last_used.load(here, tmp_path)
    assert (found.launched, found.draft) == (last_used.values_of(FORM), last_used.values_of(draft))
    assert found.is_partial
    assert remembered_prompt.load(here, tmp_path) == "Explain more."
    last_used.save_draft(None, here, tmp_path)
    assert remembered_prompt.load(here, tmp_path) == "Explain."
    last_used.save_draft(draft, here, tmp_path)
    last_used.save_launched(draft, (), here, tmp_path)
    found = last_used.load(here, tmp_path)
    assert (found.draft, found.is_partial) == (None, False)


def test_files_are_for_the_user_alone_and_hold_no_secret(here: Path, tmp_path: Path) -> None:
    secret = {"type": "remote", "url": "https://x", "headers": {"Authorization": "s3cret"}}
    form = LaunchForm(servers=(ServerRow("x", secret),), base=RunConfig(password="pa55", extra_env={"A": "t0ken"}))
    data = tmp_path / "new"
    last_used.save_launched(form, (), here, data)
    last_used.save_draft(replace(form, prompt="Go."), here, data)
    written = [path for path in data.rglob("*") if path.is_file()]
    assert len(written) == 2
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(value in path.read_text() for value in ("s3cret", "pa55", "t0ken"))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in data.rglob("*") if path.is_dir())


def test_servers_as_configured_are_not_remembered() -> None:
    found = ServerRow("found", {"type": "local", "command": ["x"]}, "project")
    kept = (replace(found, choice=False), ServerRow("new", {}, choice=True))
    assert last_used.values_of(LaunchForm(servers=(found, *kept))).servers == kept


def test_old_file_gives_its_model_and_folders_and_no_form(here: Path, tmp_path: Path) -> None:
    (tmp_path / "launcher.json").write_bytes(msgspec.json.encode(OLD))
    assert last_used.load_shared(tmp_path) == last_used.Shared(("~/x",), "acme/old")
    assert last_used.load(here, tmp_path) == last_used.Remembered()
    last_used.save_launched(FORM, ("~/a",), here, tmp_path)
    assert "Old." not in (tmp_path / "launcher.json").read_text()
    assert last_used.load_shared(tmp_path) == last_used.Shared(("~/a", "~/x"), "acme/big")


@pytest.mark.parametrize(
    "data", [b"", b"{nope", b'{"values": 3, "launched": 3}', b"\xff\xfe", b'{"folders": 1, "draft": {"copies": 1}}']
)
def test_broken_file_is_as_good_as_none(here: Path, tmp_path: Path, data: bytes) -> None:
    file = remembered_prompt.file_of(here, tmp_path)
    file.parent.mkdir()
    file.write_bytes(data)
    (tmp_path / "launcher.json").write_bytes(data)
    assert last_used.load(here, tmp_path) == last_used.Remembered()
    assert last_used.load_shared(tmp_path) is None
    assert remembered_prompt.load(here, tmp_path) == ""
    last_used.save_launched(FORM, (), here, tmp_path)
    assert launched(here, tmp_path) == FORM


def test_forms_of_folders_not_used_for_long_go(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_used, "MAX_FORMS", 3)
    folders = [tmp_path / str(number) for number in range(5)]
    for number, folder in enumerate(folders):
        last_used.save_draft(FORM, folder, tmp_path)
        os.utime(remembered_prompt.file_of(folder, tmp_path), (number, number))
    last_used.save_draft(FORM, here, tmp_path)
    kept = [folder for folder in (*folders, here) if remembered_prompt.load(folder, tmp_path)]
    assert kept == [*folders[-2:], here]


def test_a_write_that_fails_leaves_what_was_there_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "inside" / "folder"
    target.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        last_used.write_private(target, b"x")
    assert list(target.parent.iterdir()) == [target]
