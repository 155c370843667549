from __future__ import annotations

import stat
from pathlib import Path

import pytest

from octui.client.config import RunConfig
from octui.tui.launch import last_used
from octui.tui.launch.form import LaunchForm
from octui.tui.launch.permissions import ToolRow, complete_rows, with_pattern
from octui.tui.launch.servers import ServerRow

FORM = LaunchForm(
    prompt="Explain.",
    workspaces=("a", "b/*"),
    timeout="5",
    tools=complete_rows([with_pattern(ToolRow("bash", "allow"), "git push *")]),
    servers=(ServerRow("found", {"type": "local", "command": ["x"]}, "user", True),),
)


def test_the_last_used_values_come_back(tmp_path: Path) -> None:
    last_used.save(FORM, ("~/a",), tmp_path)
    found = last_used.load(tmp_path)
    assert found is not None
    assert found.form == FORM
    assert found.folders == ("~/a",)


def test_they_are_for_the_user_alone_and_hold_no_secret(tmp_path: Path) -> None:
    secret = {"type": "remote", "url": "https://x", "headers": {"Authorization": "s3cret"}}
    form = LaunchForm(servers=(ServerRow("x", secret),), base=RunConfig(password="pa55", extra_env={"A": "t0ken"}))
    last_used.save(form, (), tmp_path / "new")
    (path,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(value in path.read_text() for value in ("s3cret", "pa55", "t0ken"))


def test_folders_used_before_stay_known_the_newest_first(tmp_path: Path) -> None:
    last_used.save(FORM, ("a", "b"), tmp_path)
    last_used.save(FORM, ("c", "a"), tmp_path)
    found = last_used.load(tmp_path)
    assert found is not None
    assert found.folders == ("c", "a", "b")


@pytest.mark.parametrize("data", [b"", b"{nope", b'{"values": 3}', b"\xff\xfe", b'{"values": {"copies": 1}}'])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "launcher.json").write_bytes(data)
    assert last_used.load(tmp_path) is None


def test_a_write_that_fails_leaves_what_was_there_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "inside" / "folder"
    target.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        last_used.write_private(target, b"x")
    assert list(target.parent.iterdir()) == [target]
