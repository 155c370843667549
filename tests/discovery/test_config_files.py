from __future__ import annotations

from pathlib import Path

import pytest

from octui.discovery.config_files import FoundServer, read_config


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_servers_of_the_user_and_of_the_project_are_found_and_merged(tmp_path: Path, home: Path) -> None:
    write(
        home / ".config/opencode/opencode.jsonc",
        '{"model": "a/b", "mcp": {"x": {"type": "local", "command": ["x"]},}} // mine',
    )
    write(home / ".opencode/opencode.json", '{"mcp": {"y": {"type": "remote", "url": "https://y"}}}')
    project = tmp_path / "project"
    write(project / ".git/HEAD", "")
    write(project / "opencode.json", '{"mcp": {"x": {"enabled": false}}}')
    write(project / "src/.opencode/opencode.json", '{"model": "c/d"}')
    found = read_config(project / "src")
    assert found.model == "c/d"
    assert found.servers == (
        FoundServer("x", {"type": "local", "command": ["x"], "enabled": False}, "project"),
        FoundServer("y", {"type": "remote", "url": "https://y"}, "user"),
    )
    assert found.problems == ()


def test_files_above_the_repository_do_not_apply(tmp_path: Path) -> None:
    write(tmp_path / "opencode.json", '{"model": "above/it"}')
    write(tmp_path / "project/.git/HEAD", "")
    assert read_config(tmp_path / "project").model == ""


def test_a_broken_file_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", "")
    write(tmp_path / "opencode.json", "{nope")
    write(tmp_path / "opencode.jsonc", '{"mcp": {"x": {"enabled": true}, "y": 3}, "model": 7}')
    found = read_config(tmp_path)
    assert [server.name for server in found.servers] == ["x"]
    assert len(found.problems) == 1
    assert str(tmp_path / "opencode.json") in found.problems[0]


def test_a_list_at_the_top_and_binary_are_problems_not_crashes(tmp_path: Path) -> None:
    write(tmp_path / ".git/HEAD", "")
    write(tmp_path / "opencode.json", "[]")
    (tmp_path / "opencode.jsonc").write_bytes(b"\xff\xfe\x00")
    assert len(read_config(tmp_path).problems) == 2


@pytest.mark.parametrize("variable", ["OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "OPENCODE_CONFIG_CONTENT"])
def test_variables_bring_servers_and_the_model(variable: str, tmp_path: Path, home: Path) -> None:
    text = '{"model": "{env:M}", "mcp": {"x": {"type": "remote", "url": "u", "timeout": {env:N}}}, "plugin": ["p"]}'
    write(tmp_path / "ci/opencode.json", text)
    write(tmp_path / "project/.git/HEAD", "")
    values = {
        "OPENCODE_CONFIG": str(tmp_path / "ci/opencode.json"),
        "OPENCODE_CONFIG_DIR": str(tmp_path / "ci"),
        "OPENCODE_CONFIG_CONTENT": text,
    }
    environ = {"HOME": str(home), "M": "a/b", "N": "5", variable: values[variable]}
    found = read_config(tmp_path / "project", environ)
    assert found.model == "a/b"
    assert found.servers == (FoundServer("x", {"type": "remote", "url": "u", "timeout": 5}, "user"),)
    assert found.left_out == ("plugin",)


def test_the_project_wins_over_global_files_and_not_over_later_sources(tmp_path: Path, home: Path) -> None:
    write(home / ".config/opencode/opencode.json", '{"model": "global/x"}')
    project = tmp_path / "project"
    write(project / ".git/HEAD", "")
    write(project / "opencode.json", '{"model": "project/x"}')
    environ = {"HOME": str(home)}
    assert read_config(project, environ).model == "project/x"
    assert read_config(project, {**environ, "OPENCODE_CONFIG_CONTENT": '{"model": "late/x"}'}).model == "late/x"
