"""What opencode is given, and what it must not be given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from octui import ConfigError, RunConfig
from octui.client.command import build_command
from octui.client.compat import KNOWN_TOOLS
from octui.client.config import build_config, check, deep_merge, model_of
from octui.client.user_config import MISSED_KEYS


def test_the_four_fields_are_merged_deep_over_the_overrides() -> None:
    config = RunConfig(
        config_overrides={"permission": {"bash": {"*": "deny"}, "edit": "deny"}, "theme": "x"},
        permission={"bash": {"ls *": "allow"}},
        mcp={"docs": {"type": "remote", "url": "https://x.example"}},
        tools={"webfetch": False},
        instructions=("A.md",),
    )
    assert build_config(config) == {
        "permission": {"bash": {"*": "deny", "ls *": "allow"}, "edit": "deny"},
        "theme": "x",
        "mcp": {"docs": {"type": "remote", "url": "https://x.example"}},
        "tools": {"webfetch": False},
        "instructions": ["A.md"],
    }


def test_an_overridden_pattern_comes_last_because_the_last_match_wins() -> None:
    merged = deep_merge({"a *": "deny", "*": "allow"}, {"a *": "allow"})
    assert list(merged.items()) == [("*", "allow"), ("a *", "allow")]


def test_nothing_asked_for_gives_an_empty_configuration() -> None:
    assert build_config(RunConfig()) == {}


@pytest.mark.parametrize(
    ("permission", "place"),
    [
        ({"bash": "ask"}, "permission.bash"),
        ({"bash": {"git push *": "ask"}}, 'permission.bash["git push *"]'),
        ("ask", "permission"),
    ],
)
def test_ask_is_refused_with_its_place_and_the_reason(permission: Any, place: str) -> None:
    with pytest.raises(ValueError, match="nobody to ask") as raised:
        check(RunConfig(permission=permission))
    assert str(raised.value).startswith(place)


@pytest.mark.parametrize("permission", ["ask", {"bash": "ask"}, {"bash": {"*": "allow", "git push *": "ask"}}])
def test_ask_is_allowed_where_somebody_can_be_asked(permission: Any) -> None:
    overrides = {"permission": {"edit": "ask"}}
    assert check(RunConfig(permission=permission, config_overrides=overrides), may_ask=True) == []


def test_other_words_are_refused_also_where_somebody_can_be_asked() -> None:
    with pytest.raises(ConfigError, match=r"^permission\.edit is 'aks'; it must be 'allow', 'deny' or 'ask'"):
        check(RunConfig(permission={"edit": "aks"}), may_ask=True)
    with pytest.raises(ConfigError, match=r"permission\.webfetch takes 'allow', 'deny' or 'ask', no patterns"):
        check(RunConfig(permission={"webfetch": {"*": "ask"}}), may_ask=True)


@pytest.mark.parametrize("word", ["alow", "", 1, None, ["allow"]])
def test_any_other_word_is_refused(word: Any) -> None:
    with pytest.raises(ConfigError, match="must be 'allow' or 'deny'"):
        check(RunConfig(permission={"edit": word}))


def test_ask_in_the_overrides_is_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"config_overrides\.permission\.edit"):
        check(RunConfig(config_overrides={"permission": {"edit": "ask"}}))


def test_an_unknown_tool_is_warned_about_with_the_nearest_known_one() -> None:
    (warning,) = check(RunConfig(permission={"webfech": "deny"}))
    assert "'webfech'" in warning
    assert "'webfetch'" in warning


@pytest.mark.parametrize("tool", [*KNOWN_TOOLS, "*", "github_*"])
def test_known_tools_and_globs_are_not_warned_about(tool: str) -> None:
    assert check(RunConfig(permission={tool: "deny"})) == []


def test_patterns_are_refused_where_opencode_takes_none() -> None:
    with pytest.raises(ConfigError, match=r"permission\.webfetch takes"):
        check(RunConfig(permission={"webfetch": {"*": "deny"}}))


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ({"type": "local"}, "mcp.x.command"),
        ({"type": "local", "command": "npx server"}, "mcp.x.command"),
        ({"type": "remote", "url": "x.example"}, "mcp.x.url"),
        ({"type": "lokal"}, "mcp.x.type"),
        ("npx", "mcp.x"),
    ],
)
def test_an_mcp_server_opencode_would_pass_over_is_refused(server: Any, place: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(RunConfig(mcp={"x": server}))
    assert str(raised.value).startswith(place)


@pytest.mark.parametrize(
    "server",
    [
        {"type": "remote", "url": "{env:HOME_MCP}/mcp"},
        {"type": "remote", "url": "{file:./url}"},
        {"type": "local", "command": ["{env:SERVER}", "--stdio"]},
        {"type": "{env:KIND}", "url": "x"},
    ],
)
def test_what_opencode_has_yet_to_fill_in_is_accepted(server: Any) -> None:
    assert check(RunConfig(mcp={"x": server})) == []


def test_a_model_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RunConfig(model="{env:OCTUI_TEST_MODEL}")
    assert check(config) == ["model is {env:OCTUI_TEST_MODEL}, which is empty here."]
    monkeypatch.setenv("OCTUI_TEST_MODEL", "a/b")
    assert check(config) == []
    assert model_of(config) == "a/b"
    assert "--model=a/b" in build_command(config).arguments
    assert model_of(replace(config, extra_env={"OCTUI_TEST_MODEL": "c/d"})) == "c/d"
    monkeypatch.setenv("OCTUI_TEST_MODEL", "sonnet")
    with pytest.raises(ConfigError, match="OCTUI_TEST_MODEL"):
        model_of(config)


def test_every_key_that_a_run_may_miss_can_be_kept() -> None:
    assert check(RunConfig(keep=[*MISSED_KEYS, "instructions", "mcp", "formatter"])) == []


def test_a_configured_server_may_just_be_switched_off() -> None:
    assert check(RunConfig(mcp={"x": {"enabled": False}})) == []


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(model="sonnet"),
        RunConfig(log_level="LOUD"),
        RunConfig(fork=True),
        RunConfig(cli_kwargs={"format": "default"}),
        RunConfig(cli_kwargs={"--auto": True}),
        RunConfig(keep=["plugins"]),
        RunConfig(keep=["AGENTS.md"]),
    ],
)
def test_what_opencode_would_choke_on_is_refused(config: RunConfig) -> None:
    with pytest.raises(ConfigError):
        check(config)


@pytest.mark.parametrize("name", ["OPENCODE_CONFIG_CONTENT", "OPENCODE_PERMISSION"])
def test_variables_that_would_replace_overrides_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"extra_env.{name} would replace"):
        check(RunConfig(extra_env={name: "{}"}, permission={"bash": "deny"}))
    check(RunConfig(extra_env={name: "{}"}))
