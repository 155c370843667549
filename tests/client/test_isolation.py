"""What a run sees of its user's home."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from octui.client.compat import INSTALLED_ALREADY
from octui.client.isolation import Homes, prepare

POISON = {"model": "x/y", "mcp": {"a": {}}, "permission": "deny", "plugin": ["p"], "instructions": ["i"], "agent": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=tmp_path))


def isolate(folder: Path, *, private_data: bool = True, inherit_user_config: bool = False) -> Homes:
    return prepare(folder, os.environ, private_data=private_data, inherit_user_config=inherit_user_config)


def config_of(homes: Homes) -> dict[str, Any]:
    path = Path(homes.variables["XDG_CONFIG_HOME"]) / "opencode" / "opencode.json"
    value = json.loads(path.read_text()) if path.exists() else {}
    assert isinstance(value, dict)
    return value


def test_only_provider_settings_of_the_global_configuration_are_kept(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    config.mkdir()
    kept = {"$schema": "s", "provider": {"a": {"options": {"baseURL": "u"}}}, "disabled_providers": ["b"]}
    (config / "opencode.json").write_text(json.dumps({**POISON, **kept}))
    assert config_of(isolate(folder)) == kept


def test_comments_and_trailing_commas_are_read_and_later_files_win(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    config.mkdir()
    (config / "opencode.json").write_text('{"provider": {"a": {"name": "one"}, "b": {"name": "b"}}}')
    (config / "opencode.jsonc").write_text('{\n // mine\n "provider": {"a": {"name": "two",},},\n}')
    assert config_of(isolate(folder)) == {"provider": {"a": {"name": "two"}, "b": {"name": "b"}}}


def test_the_other_global_folder_is_cleaned_too(home: Path, folder: Path) -> None:
    (home / ".opencode").mkdir()
    (home / ".opencode" / "opencode.json").write_text(json.dumps({**POISON, "enabled_providers": ["a"]}))
    (home / ".opencode" / "agent").mkdir()
    homes = isolate(folder)
    own = Path(homes.variables["OPENCODE_TEST_HOME"]) / ".opencode"
    assert {path.name for path in own.iterdir()} == {"opencode.json", "node_modules", *INSTALLED_ALREADY}
    assert json.loads((own / "opencode.json").read_text()) == {"enabled_providers": ["a"]}


def test_a_file_that_cannot_be_parsed_is_left_out_with_a_warning(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    config.mkdir()
    (config / "opencode.json").write_text("{broken")
    homes = isolate(folder)
    assert config_of(homes) == {}
    (warning,) = homes.warnings
    assert str(config / "opencode.json") in warning


def test_what_else_is_in_the_homes_stays_in_reach(home: Path, folder: Path) -> None:
    (home / ".config" / "git").mkdir()
    (home / ".config" / "git" / "config").write_text("[user]")
    (home / ".local/share/pnpm").mkdir()
    homes = isolate(folder)
    assert (Path(homes.variables["XDG_CONFIG_HOME"]) / "git" / "config").read_text() == "[user]"
    assert (Path(homes.variables["XDG_DATA_HOME"]) / "pnpm").is_dir()


def test_the_login_is_the_real_one_and_the_database_a_private_one(home: Path, folder: Path) -> None:
    real = home / ".local/share/opencode"
    real.mkdir()
    (real / "auth.json").write_text('{"a": {"key": "k"}}')
    (real / "opencode.db").touch()
    homes = isolate(folder)
    assert (homes.data / "auth.json").read_text() == '{"a": {"key": "k"}}'
    assert not (homes.data / "opencode.db").exists()
    (homes.data / "auth.json").write_text("refreshed")
    assert (real / "auth.json").read_text() == "refreshed"


def test_everything_may_be_inherited(folder: Path) -> None:
    homes = isolate(folder, private_data=False, inherit_user_config=True)
    assert (homes.variables, homes.dropped) == ({}, ())
