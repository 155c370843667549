"""Which models a run is told of."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from octui import AsyncOpenCodeClient, RunConfig
from octui.client import catalogue
from octui.client.catalogue import brings_providers, narrow, reachable
from octui.client.isolation import prepare

VARIABLES = {
    "opencode": ["OPENCODE_API_KEY"],
    "anthropic": ["ANTHROPIC_API_KEY"],
    "amazon-bedrock": ["AWS_ACCESS_KEY_ID", "AWS_REGION"],
    "google": ["GEMINI_API_KEY"],
    "google-vertex": ["GOOGLE_VERTEX_PROJECT"],
    "openai": ["OPENAI_API_KEY"],
}
MODEL = {"name": "M", "release_date": "2026-01-01", "limit": {"context": 1000, "output": 100}, "cost": {"input": 0}}
PROVIDERS = {
    name: {"id": name, "name": name, "env": env, "models": {f"{name}-1": {"id": f"{name}-1", **MODEL}}}
    for name, env in VARIABLES.items()
}


@pytest.fixture
def listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list as opencode keeps it."""
    monkeypatch.delenv("OPENCODE_MODELS_PATH")
    monkeypatch.setattr(catalogue, "MANAGED", ())
    for name in list(os.environ):
        if not name.startswith("OPENCODE_") and reachable(VARIABLES, {name: "x"}, ()):
            monkeypatch.delenv(name)
    path = home / ".cache" / "opencode" / "models.json"
    path.parent.mkdir()
    path.write_text(json.dumps(PROVIDERS))
    return path


def told(
    folder: Path,
    environ: Mapping[str, str] = {},
    *,
    model: str | None = None,
    private_data: bool = True,
    inherit_user_config: bool = False,
) -> set[str] | None:
    """The providers of the list that is written; None where none is."""
    homes = prepare(folder, os.environ, private_data=private_data, inherit_user_config=inherit_user_config)
    found = narrow(folder, homes, {**os.environ, **homes.variables, **environ}, model)
    if not found:
        return None
    written: dict[str, Any] = json.loads(Path(found["OPENCODE_MODELS_PATH"]).read_bytes())
    assert written == {name: PROVIDERS[name] for name in written}
    return set(written)


@pytest.mark.parametrize(
    ("environ", "named", "kept"),
    [
        ({}, (), set()),
        ({"ANTHROPIC_API_KEY": "x", "OPENAI_API_KEY": ""}, (), {"anthropic"}),
        ({"AWS_PROFILE": "x"}, (), {"amazon-bedrock"}),
        ({"GCP_PROJECT": "x"}, (), {"google-vertex"}),
        ({"XANTHROPIC_API_KEY": "x", "AWSPROFILE": "x"}, (), set()),
        ({}, ("google", "mine"), {"google", "google-vertex"}),
        ({}, ("google-vertex-anthropic",), {"google", "google-vertex"}),
    ],
)
def test_keys_logins_and_configuration_say_which_providers_are_in_reach(
    environ: Mapping[str, str], named: tuple[str, ...], kept: set[str]
) -> None:
    assert reachable(VARIABLES, environ, named) == kept


def test_a_run_is_told_of_no_more_providers_than_it_can_reach(listed: Path, tmp_path: Path) -> None:
    assert told(tmp_path, {"ANTHROPIC_API_KEY": "x"}) == {"opencode", "anthropic"}


def test_logins_and_the_users_and_the_runs_configuration_count(listed: Path, home: Path, tmp_path: Path) -> None:
    data, config = home / ".local" / "share" / "opencode", home / ".config" / "opencode"
    for folder in (data, config):
        folder.mkdir()
    (data / "auth.json").write_text('{"openai": {"type": "oauth"}}')
    (config / "opencode.json").write_text('{"provider": {"anthropic": {}}}')
    content = '{"provider": {"amazon-bedrock": {}}}'
    assert told(tmp_path, {"OPENCODE_CONFIG_CONTENT": content}) == {"opencode", "openai", "anthropic", "amazon-bedrock"}


@pytest.mark.parametrize(("private_data", "inherit_user_config"), [(False, False), (True, True)])
def test_a_run_that_is_not_isolated_is_told_of_all(
    listed: Path, tmp_path: Path, private_data: bool, inherit_user_config: bool
) -> None:
    assert told(tmp_path, private_data=private_data, inherit_user_config=inherit_user_config) is None


@pytest.mark.parametrize("variable", catalogue.SOURCES)
def test_whoever_gives_opencode_a_list_logins_or_configuration_is_heard(
    listed: Path, tmp_path: Path, variable: str
) -> None:
    assert told(tmp_path, {variable: "x"}) is None


@pytest.mark.parametrize("content", ['{"plugin": ["p"]}', '{"providers": {"a": {}}}', '{"provider": [{}]}', "{broken"])
def test_plugins_and_what_cannot_be_read_may_bring_in_any_provider(listed: Path, tmp_path: Path, content: str) -> None:
    assert told(tmp_path, {"OPENCODE_CONFIG_CONTENT": content}) is None


@pytest.mark.parametrize("logins", ['{"https://x.example": {"type": "wellknown"}}', "[1]", '{"a": {}}', "{broken"])
def test_an_organisations_login_or_one_that_cannot_be_read_may_bring_in_any_provider(
    listed: Path, home: Path, tmp_path: Path, logins: str
) -> None:
    (home / ".local" / "share" / "opencode").mkdir()
    (home / ".local" / "share" / "opencode" / "auth.json").write_text(logins)
    assert told(tmp_path) is None


def test_so_may_an_organisations_configuration(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MANAGED", (str(listed.parent),))
    assert told(tmp_path) is None


def test_a_model_that_is_not_in_reach_is_looked_for_in_the_whole_list(listed: Path, tmp_path: Path) -> None:
    assert told(tmp_path, model="opanai/gpt") is None


def test_a_model_of_a_provider_of_ones_own_needs_no_list(listed: Path, tmp_path: Path) -> None:
    content = '{"provider": {"mine": {}}, "model": "mine/small"}'
    assert told(tmp_path, {"OPENCODE_CONFIG_CONTENT": content}) == {"opencode"}


@pytest.mark.parametrize("content", ["{broken", "[]", '{"a": 1}', None])
def test_without_a_list_that_can_be_read_opencode_sees_to_it_itself(
    listed: Path, tmp_path: Path, content: str | None
) -> None:
    listed.unlink()
    if content is not None:
        listed.write_text(content)
    assert told(tmp_path) is None


@pytest.mark.parametrize(
    ("path", "text", "brings"),
    [
        ("repo/opencode.json", '{"mcp": {}, "enabled_providers": ["a"]}', False),
        ("repo/opencode.json", '{"provider": {}}', True),
        ("repo/opencode.jsonc", "{plugin: []}", True),
        ("repo/sub/opencode.json", '{"provider": {}}', True),
        ("repo/.opencode/opencode.jsonc", '{"provider": {}}', True),
        ("repo/.opencode/plugin/mine.ts", "", True),
        ("repo/.opencode/plugins/mine.ts", "", True),
        ("repo/.opencode/agent/mine.md", "provider", False),
        ("repo/opencode.json/is_a_folder", "", True),
        ("opencode.json", '{"provider": {}}', False),
    ],
)
def test_a_project_may_bring_in_providers(tmp_path: Path, path: str, text: str, brings: bool) -> None:
    workspace = tmp_path / "repo" / "sub"
    workspace.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert brings_providers(workspace) is brings


def test_a_folder_reached_by_a_link_is_looked_at_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "real" / "opencode.json").write_text('{"provider": {}}')
    (tmp_path / "link").symlink_to(tmp_path / "real" / "sub")
    assert brings_providers(tmp_path / "link")


@pytest.mark.integration
@pytest.mark.asyncio
@pytest.mark.usefixtures("opencode_binary")
async def test_opencode_offers_the_same_models_from_the_narrowed_list(
    listed: Path, git_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "x")
    monkeypatch.setenv("GCP_PROJECT", "x")
    lists: list[set[str]] = []

    def look(folder: Path, *args: Any) -> dict[str, str]:
        found = narrow(folder, *args)
        lists.extend(set(json.loads(Path(path).read_bytes())) for path in found.values())
        return found

    monkeypatch.setattr(catalogue, "narrow", look)
    answers = []
    for config in (RunConfig(extra_env={"OPENCODE_MODELS_PATH": str(listed)}), RunConfig()):
        answer = await AsyncOpenCodeClient().async_command(["models"], git_workspace, run_cfg=config)
        answers.append(sorted(answer.stdout.split()))
    assert answers == [["anthropic/anthropic-1", "google-vertex/google-vertex-1", "opencode/opencode-1"]] * 2
    assert lists == [{"opencode", "anthropic", "google-vertex"}]
