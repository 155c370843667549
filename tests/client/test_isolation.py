"""What a run sees of its user's home."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from octui.client.compat import INSTALLED_ALREADY
from octui.client.isolation import Homes, prepare
from octui.client.user_config import CONTENT

POISON = {"mcp": {"a": {}}, "permission": "deny", "plugin": ["p"], "instructions": ["i"], "agent": {}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=tmp_path))


def isolate(
    folder: Path, *, private_data: bool = True, inherit_user_config: bool = False, keep: Sequence[str] = ()
) -> Homes:
    return prepare(folder, os.environ, private_data=private_data, inherit_user_config=inherit_user_config, keep=keep)


def config_of(homes: Homes, name: str = "opencode.json") -> dict[str, Any]:
    path = Path(homes.variables["XDG_CONFIG_HOME"]) / "opencode" / name
    value = json.loads(path.read_text()) if path.exists() else {}
    assert isinstance(value, dict)
    return value


def test_only_what_reaches_a_model_is_kept_of_the_global_configuration(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    config.mkdir()
    kept = {
        "$schema": "s",
        "model": "a/b",
        "small_model": "a/c",
        "provider": {"a": {"options": {"baseURL": "u"}}},
        "disabled_providers": ["b"],
    }
    (config / "opencode.json").write_text(json.dumps({**POISON, **kept}))
    assert config_of(isolate(folder)) == kept


def test_comments_and_trailing_commas_are_read_and_later_files_win(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    config.mkdir()
    (config / "opencode.json").write_text('{"provider": {"a": {"name": "one"}, "b": {"name": "b"}}}')
    (config / "opencode.jsonc").write_text('{\n // mine\n "provider": {"a": {"name": "two",},},\n}')
    homes = isolate(folder)
    assert config_of(homes) == {"provider": {"a": {"name": "one"}, "b": {"name": "b"}}}
    assert config_of(homes, "opencode.jsonc") == {"provider": {"a": {"name": "two"}}}  # opencode merges them in order.


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
    assert (homes.variables, homes.has_private_data, homes.has_private_config) == ({}, False, False)


@pytest.mark.parametrize("variable", ["OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", CONTENT])
def test_providers_that_a_variable_brings_are_kept_and_habits_are_not(
    variable: str, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({**POISON, "provider": {"mine": {"name": "M"}}, "model": "mine/m"})
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "opencode.json").write_text(text)
    values = {
        "OPENCODE_CONFIG": tmp_path / "ci" / "opencode.json",
        "OPENCODE_CONFIG_DIR": tmp_path / "ci",
        CONTENT: text,
    }
    monkeypatch.setenv(variable, str(values[variable]))
    homes = isolate(folder)
    kept = homes.content
    if variable != CONTENT:
        own = Path(homes.variables[variable])
        assert own.is_relative_to(folder)
        kept = json.loads((own if own.is_file() else own / "opencode.json").read_text())
    assert kept == {"provider": {"mine": {"name": "M"}}, "model": "mine/m"}
    assert (set(homes.providers), homes.models) == ({"mine"}, ("mine/m",))


def test_what_is_to_be_kept_is_with_its_files(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    for name in ("agents", "command", "plugin", "skills"):
        (config / name).mkdir(parents=True)
        (config / name / "x.md").write_text(name)
    (config / "opencode.json").write_text(json.dumps({**POISON, "agent": {"a": {}}}))
    homes = isolate(folder, keep=["agent", "command"])
    own = Path(homes.variables["XDG_CONFIG_HOME"]) / "opencode"
    assert config_of(homes) == {"agent": {"a": {}}}
    assert (own / "agents" / "x.md").read_text() == "agents"
    assert (own / "command" / "x.md").read_text() == "command"
    assert not (own / "plugin").exists()
    assert not homes.brings_more
    assert isolate(Path(tempfile.mkdtemp(dir=folder)), keep=["plugin"]).brings_more


def test_keys_in_a_copy_are_for_its_owner_only(home: Path, folder: Path) -> None:
    config = home / ".config" / "opencode"
    config.mkdir()
    (config / "opencode.json").write_text('{"provider": {"a": {"options": {"apiKey": "k"}}}}')
    path = Path(isolate(folder).variables["XDG_CONFIG_HOME"]) / "opencode" / "opencode.json"
    assert path.stat().st_mode & 0o077 == 0
