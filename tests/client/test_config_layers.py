from __future__ import annotations

from pathlib import Path

import pytest

from octui.client.config_layers import Surroundings, surroundings


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def read(folder: Path, home: Path, *, inherit: bool = True, **environ: str) -> Surroundings:
    return surroundings(folder, {"HOME": str(home), **environ}, inherit_user_config=inherit)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "service"
    folder.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    return folder


def test_sources_come_in_the_order_in_which_opencode_merges_them(project: Path, home: Path) -> None:
    config = home / ".config/opencode"
    paths = [
        config / "config.json",
        config / "opencode.json",
        config / "opencode.jsonc",
        home / "named.json",
        project.parent / "opencode.json",
        project / "opencode.json",
        project / "opencode.jsonc",
        config / "agent/a.md",
        project / ".opencode/opencode.json",
        project / ".opencode/agents/deep/b.md",
        project / ".opencode/modes/c.md",
        project.parent / ".opencode/opencode.jsonc",
        home / ".opencode/opencode.json",
        home / "extra/opencode.json",
    ]
    for path in paths:
        write(path, "---\ndescription: x\n---\nHi" if path.suffix == ".md" else '{"model": "a/b"} // yes')
    write(project.parent.parent / "opencode.json", '{"model": "above/repository"}')
    found = read(project, home, OPENCODE_CONFIG=str(home / "named.json"), OPENCODE_CONFIG_DIR=str(home / "extra"))
    assert [layer.source for layer in found.below] == [str(path) for path in paths]
    assert not found.has_unseen
    alone = read(project, home, inherit=False)
    assert [layer.source for layer in alone.below] == [str(path) for path in paths if project.parent in path.parents]


def test_agents_of_markdown_files_have_their_names_and_permissions(project: Path, home: Path) -> None:
    write(project / ".opencode/agent/a/b.md", "---\npermission:\n  bash: allow\n---\nHi")
    write(project / ".opencode/agent/c.md", "\ufeff---\r\nname: named\r\ntools:\r\n  bash: true\r\n---\r\nHi")
    write(project / ".opencode/agent/d.md", "---\nname: odd\ndescription: a: b: c\n---\nHi")
    write(project / ".opencode/agent/e.md", "No front matter")
    agents = {name: agent for layer in read(project, home).below for name, agent in layer.config["agent"].items()}
    assert agents["a/b"] == {"permission": {"bash": "allow"}}
    assert agents["named"]["tools"] == {"bash": True}
    assert agents.keys() == {"a/b", "named", "odd", "e"}


def test_files_that_cannot_be_read_hold_nothing(project: Path, home: Path) -> None:
    write(project / "opencode.json", "{")
    write(project / "opencode.jsonc", "[1]")
    (project / ".opencode/agent/x.md").mkdir(parents=True)
    assert read(project, home).below == ()


def test_variables_in_a_file_need_no_quotes(project: Path, home: Path) -> None:
    write(project / "opencode.jsonc", '{"agent": {"build": {"permission": {"bash": "{env:WHAT}"}}}}')
    below = read(project, home, WHAT="deny").below
    assert below[0].config["agent"]["build"]["permission"] == {"bash": "deny"}


@pytest.mark.parametrize("inherit", [True, False])
def test_what_is_kept_of_the_users_configuration_is_read_with_its_agents(
    inherit: bool, project: Path, home: Path
) -> None:
    write(home / ".config/opencode/opencode.json", '{"permission": "ask", "agent": {"a": {}}, "model": "a/b"}')
    write(home / ".config/opencode/agents/b.md", "---\nmode: primary\n---\n")
    write(home / ".opencode/plugins/p.js", "")
    content = {"OPENCODE_CONFIG_CONTENT": '{"agent": {"c": {}}}'}
    found = surroundings(project, {"HOME": str(home), **content}, inherit_user_config=inherit, keep=["agent"])
    named = [name for layer in found.below for name in layer.config.get("agent", {})]
    assert named == ["a", "b", "c"]
    assert any("permission" in layer.config for layer in found.below) == inherit
    assert found.has_unseen == inherit
    assert surroundings(project, {"HOME": str(home)}, inherit_user_config=False, keep=["plugin"]).has_unseen


def test_projects_and_plugins_can_be_switched_off(project: Path, home: Path) -> None:
    write(project / "opencode.json", '{"plugin": ["x"]}')
    assert read(project, home).has_unseen
    assert not read(project, home, OPENCODE_PURE="1").has_unseen
    assert read(project, home, OPENCODE_DISABLE_PROJECT_CONFIG="true") == Surroundings()
    (project / "opencode.json").unlink()
    write(project / ".opencode/plugins/p.ts", "")
    assert read(project, home).has_unseen


def test_an_administrators_files_come_last(project: Path, home: Path, tmp_path: Path) -> None:
    write(tmp_path / "managed/opencode.json", '{"permission": "allow"}')
    found = read(project, home, inherit=False, OPENCODE_TEST_MANAGED_CONFIG_DIR=str(tmp_path / "managed"))
    assert [layer.source for layer in found.above] == [str(tmp_path / "managed/opencode.json")]


@pytest.mark.parametrize("where", ["file", "variable"])
def test_login_with_remote_configuration_is_something_unseen(project: Path, home: Path, where: str) -> None:
    login = '{"https://x.invalid": {"type": "wellknown", "key": "K", "token": "t"}}'
    assert not read(project, home, inherit=False).has_unseen
    if where == "file":
        write(home / ".local/share/opencode/auth.json", login)
    environ = {"OPENCODE_AUTH_CONTENT": login} if where == "variable" else {}
    assert read(project, home, inherit=False, **environ).has_unseen
