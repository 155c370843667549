from __future__ import annotations

from pathlib import Path

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
