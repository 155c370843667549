"""What is read of the user's own opencode configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octui.client.user_config import CONTENT, kept, parse, read_user_config

FOLDER = Path("/etc/mine")
ENVIRON = {"HOME": "/home/me", "N": "1200", "DIR": "keys", "EMPTY": ""}


def environ_of(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), **more}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("reference", "absolute"),
    [
        ("{file:./key}", "{file:/etc/mine/key}"),
        ("{file:key}", "{file:/etc/mine/key}"),
        ("{file:../key}", "{file:/etc/key}"),
        ("{file:~/key}", "{file:/home/me/key}"),
        ("{file:/run/key}", "{file:/run/key}"),
        ("{file:./{env:DIR}/key}", "{file:/etc/mine/keys/key}"),
        ("Bearer {file:./a} {file:./b}", "Bearer {file:/etc/mine/a} {file:/etc/mine/b}"),
        ("{env:KEY}", "{env:KEY}"),
        ("plain", "plain"),
    ],
)
def test_references_to_files_start_from_the_file_they_stand_in(reference: str, absolute: str) -> None:
    text = json.dumps({"provider": {"a": {"options": {"apiKey": reference, "list": [{"x": reference}]}}}})
    options = parse(text, ENVIRON, FOLDER)["provider"]["a"]["options"]
    assert options == {"apiKey": absolute, "list": [{"x": absolute}]}


def test_references_in_jsonc_with_comments_are_found() -> None:
    text = """{
      // {file:./not-this} and {env:NOT}
      "url": "http://x//{env:HOST}", /* {env:N} */
      "key": "{file:./key}", // trailing
      "timeout": {env:N},
    }"""
    assert parse(text, ENVIRON, FOLDER) == {
        "url": "http://x//{env:HOST}",
        "key": "{file:/etc/mine/key}",
        "timeout": 1200,
    }


def test_a_file_outside_of_a_string_is_filled_in(tmp_path: Path) -> None:
    write(tmp_path / "n", "42\n")
    assert parse('{"a": {file:./n}}', ENVIRON, tmp_path) == {"a": 42}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a}b"])
def test_a_path_that_a_reference_cannot_hold_gives_way_to_what_is_in_the_file(name: str, tmp_path: Path) -> None:
    write(tmp_path / name / "key", "secret\n")
    assert parse('{"key": "{file:./key}"}', ENVIRON, tmp_path / name) == {"key": "secret"}


@pytest.mark.parametrize(
    ("plugin", "absolute"),
    [
        ("./p.ts", "/etc/mine/p.ts"),
        ("../p", "/etc/p"),
        (["./p.ts", {"x": 1}], ["/etc/mine/p.ts", {"x": 1}]),
        ("/p.ts", "/p.ts"),
        ("file:///p.ts", "file:///p.ts"),
        ("name@1.0.0", "name@1.0.0"),
        ("@scope/name", "@scope/name"),
    ],
)
def test_plugins_start_from_the_file_they_stand_in(plugin: object, absolute: object) -> None:
    assert parse(json.dumps({"plugin": [plugin]}), ENVIRON, FOLDER) == {"plugin": [absolute]}


def test_sources_come_in_the_order_in_which_opencode_merges_them(tmp_path: Path) -> None:
    for name in ("config.json", "opencode.json", "opencode.jsonc"):
        write(tmp_path / ".config/opencode" / name, json.dumps({"model": f"global/{name}"}))
    write(tmp_path / ".opencode/opencode.json", '{"model": "home/x"}')
    write(tmp_path / "extra/opencode.json", '{"model": "extra/x"}')
    named = write(tmp_path / "ci.json", '{"model": "named/x"}')
    environ = environ_of(tmp_path, OPENCODE_CONFIG=str(named), OPENCODE_CONFIG_DIR=str(tmp_path / "extra"))
    found = read_user_config({**environ, CONTENT: '{"model": "content/x"}'})
    assert [source.config["model"] for source in found.sources] == [
        "global/config.json",
        "global/opencode.json",
        "global/opencode.jsonc",
        "named/x",
        "home/x",
        "extra/x",
        "content/x",
    ]
    assert found.value("model") == "content/x"
    assert read_user_config(environ).value("model") == "extra/x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{broken", "cannot be used"),
        ("[]", "holds no JSON object"),
        ('{"provider": {"a": {"options": {"apiKey": "{file:./gone}"}}}}', "gone, which is not there"),
        ('{"a": {file:./gone}}', "No such file"),
    ],
)
def test_a_source_that_cannot_be_used_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path / ".config/opencode/opencode.json", text)
    (problem,) = read_user_config(environ_of(tmp_path)).problems
    assert str(path) in problem
    assert words in problem


def test_broken_content_is_named_by_its_variable(tmp_path: Path) -> None:
    (problem,) = read_user_config(environ_of(tmp_path, OPENCODE_CONFIG_CONTENT="{broken")).problems
    assert problem.startswith("OPENCODE_CONFIG_CONTENT cannot be used")


@pytest.mark.parametrize(
    ("path", "text", "key"),
    [
        ("opencode.json", '{"plugin": ["p"]}', "plugin"),
        ("opencode.json", '{"permission": "ask"}', "permission"),
        ("opencode.json", '{"tools": {"bash": false}}', "tools"),
        ("agent/a.md", "x", "agent"),
        ("agents/sub/a.md", "x", "agent"),
        ("modes/m.md", "x", "mode"),
        ("commands/c.md", "x", "command"),
        ("plugin/p.ts", "x", "plugin"),
        ("tools/t.ts", "x", "tool"),
        ("skills/s/SKILL.md", "x", "skills"),
    ],
)
@pytest.mark.parametrize("place", [".config/opencode", ".opencode", "extra"])
def test_what_a_run_may_miss_is_named_with_the_way_to_keep_it(
    place: str, path: str, text: str, key: str, tmp_path: Path
) -> None:
    file = write(tmp_path / place / path, text)
    found = read_user_config(environ_of(tmp_path, OPENCODE_CONFIG_DIR=str(tmp_path / "extra")))
    ((name, (where, *_)),) = found.left_out().items()
    assert name == key
    assert file.is_relative_to(where)
    assert f'keep = ["{key}"]' in found.notice()
    assert "inherit_user_config = true" in found.notice()
    assert found.notice([key]) == ""


def test_habits_that_reach_no_model_are_left_out_without_a_word(tmp_path: Path) -> None:
    write(tmp_path / ".config/opencode/opencode.json", '{"theme": "x", "provider": {}, "model": "a/b", "plugin": []}')
    (tmp_path / ".config/opencode/agent").mkdir()
    found = read_user_config(environ_of(tmp_path))
    assert found.notice() == ""
    assert kept(found.sources[0].config) == {"provider": {}, "model": "a/b"}


def test_the_way_to_keep_more_names_what_is_kept_already(tmp_path: Path) -> None:
    write(tmp_path / ".config/opencode/opencode.json", '{"plugin": ["p"], "agent": {"a": {}}}')
    assert 'keep = ["agent", "plugin"]' in read_user_config(environ_of(tmp_path)).notice(["agent"])
