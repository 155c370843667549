from __future__ import annotations

from typing import Any

import pytest

from octui.client.config import RunConfig
from octui.client.permissions import (
    OURS,
    Composed,
    Layer,
    decide,
    enforced,
    in_force,
    matches,
    override_rules,
    overruled,
    session_rules,
    undoes_a_denial,
    undone,
)
from octui.client.serve.events import Permission, Rule

DENY = {"permission": {"bash": "deny"}}


def rule(permission: str, action: str, pattern: str = "*") -> Rule:
    return Rule(permission=permission, pattern=pattern, action=action)


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("bash", "bash", True),
        ("bash", "bash *", True),
        ("bash_x", "bash *", False),
        ("git", "git *", True),
        ("git push", "git *", True),
        ("gitk", "git *", False),
        ("anything", "* *", True),
        ("a.env", "*.env", True),
        ("a_env", "*.env", False),
        ("ab", "a?", True),
        ("a\nb", "a*", True),
        ("a\\b", "a/*", True),
        ("[x]", "[x]", True),
    ],
)
def test_wildcards_match_as_in_opencode(text: str, pattern: str, expected: bool) -> None:
    assert matches(text, pattern) is expected


def test_overrides_become_rules_in_their_order() -> None:
    assert override_rules(RunConfig(permission="ask")) == [rule("*", "ask")]
    assert override_rules(RunConfig(permission={"edit": "deny", "bash": {"*": "ask", "ls *": "allow"}})) == [
        rule("edit", "deny"),
        rule("bash", "ask"),
        rule("bash", "allow", "ls *"),
    ]


def test_tools_count_as_permissions_and_permissions_win_over_them() -> None:
    config = RunConfig(tools={"write": False, "mcp_*": True, "bash": False}, permission={"bash": "allow"})
    assert override_rules(config) == [
        rule("edit", "deny"),
        rule("mcp_*", "allow"),
        rule("bash", "deny"),
        rule("bash", "allow"),
    ]
    assert enforced(override_rules(config)) == {"edit *": "deny", "mcp_* *": "allow", "bash *": "allow"}


def test_permissions_of_config_overrides_are_overrides() -> None:
    config = RunConfig(config_overrides={"permission": {"edit": "deny"}, "tools": {"bash": False}})
    assert override_rules(config) == [rule("bash", "deny"), rule("edit", "deny")]


def test_enforced_map_matches_the_same_calls_as_the_overrides() -> None:
    rules = override_rules(RunConfig(permission={"*": "deny", "bash": {"*": "ask", "git *": "allow"}}))
    spelled = [
        rule(key, action, pattern)
        for key, value in enforced(rules).items()
        for pattern, action in (value if isinstance(value, dict) else {"*": value}).items()
    ]
    for tool, text in (("bash", "git"), ("bash", "git push"), ("bash", "rm x"), ("read", "x"), ("bash_more", "git")):
        assert decide(spelled, tool, text) == decide(rules, tool, text)


def test_session_rules_leave_out_denials_with_exceptions() -> None:
    rules = override_rules(RunConfig(permission={"bash": {"*": "deny", "git *": "allow"}, "edit": "deny"}))
    assert session_rules(rules) == [rule("bash", "allow", "git *"), rule("edit", "deny")]
    everything = override_rules(RunConfig(permission={"*": "deny", "read": "allow"}))
    assert session_rules(everything) == [rule("read", "allow")]


def composed(*layers: dict[str, Any], override: dict[str, Any], late: dict[str, Any] | None = None) -> Composed:
    found = [Layer(f"{number}.json", layer) for number, layer in enumerate(layers)]
    return Composed(
        [*found, Layer(OURS, override)], [Layer("VARIABLE", late or {}), Layer(OURS, override["permission"])]
    )


def test_merging_keeps_a_key_where_the_lower_file_has_it() -> None:
    project = {"permission": {"bash": {"*": "ask", "touch *": "allow"}}}
    found = Composed([Layer("a.json", project), Layer("b.json", {"permission": {"bash": {"*": "deny"}}})])
    assert [each.rule for each in found.rules("build")] == [rule("bash", "deny"), rule("bash", "allow", "touch *")]
    assert [each.source for each in found.rules("build")] == ["b.json", "a.json"]


def test_an_agents_own_permission_undoes_a_plain_override_and_not_an_enforced_one() -> None:
    project = {"agent": {"build": {"permission": {"bash": "allow"}}}}
    plain = Composed([Layer("a.json", project), Layer(OURS, DENY)])
    assert decide([each.rule for each in plain.rules("build")], "bash") == "allow"
    final = enforced([rule("bash", "deny")])
    held = composed(project, override={"permission": final, "agent": {"build": {"permission": final}}})
    assert overruled(held, [rule("bash", "deny")]) == []
    assert decide([each.rule for each in held.rules("build")], "bash") == "deny"


def test_what_comes_after_an_override_is_named_with_its_file_and_key() -> None:
    final = enforced([rule("bash", "deny")])
    ours = Layer(OURS, {"permission": final, "agent": {"build": {"permission": final}}})
    managed = Layer("/etc/x.json", {"agent": {"build": {"permission": {"bash": "allow", "edit": "allow"}}}})
    found = overruled(Composed([ours, managed]), [rule("bash", "deny")])
    assert [(agent, str(each)) for agent, each in found] == [
        ("build", "agent.build.permission.bash = allow in /etc/x.json")
    ]


def test_a_file_that_spells_a_key_as_overrides_do_is_named() -> None:
    project = {"permission": {"bash *": "ask", "bash": "allow"}}
    final = enforced([rule("bash", "deny")])
    found = overruled(composed(project, override={"permission": final}), [rule("bash", "deny")])
    assert {(agent, each.source, each.key) for agent, each in found} == {("", "0.json", "permission.bash")}


def test_a_mode_is_merged_over_the_agent_of_its_name() -> None:
    project = {"mode": {"build": {"permission": {"bash": "allow"}}}}
    final = enforced([rule("bash", "deny")])
    in_agent = composed(project, override={"permission": final, "agent": {"build": {"permission": final}}})
    assert overruled(in_agent, [rule("bash", "deny")]) != []
    in_mode = composed(project, override={"permission": final, "mode": {"build": {"permission": final}}})
    assert overruled(in_mode, [rule("bash", "deny")]) == []


def test_rules_as_opencode_tells_them_show_what_a_plugin_undid() -> None:
    wanted = [rule("bash", "deny")]
    ours, outputs = rule("bash *", "deny"), rule("external_directory", "allow", "/data/tool-output/*")
    assert undone(wanted, [rule("bash", "allow"), ours, rule("edit", "allow"), outputs]) is None
    assert undone(wanted, [ours, rule("bash", "allow", "touch *")]) == rule("bash", "allow", "touch *")
    assert undone(wanted, [rule("bash", "allow")]) == ours
    assert undone([rule("*", "deny")], [rule("* *", "deny"), outputs]) is None


def test_odd_shapes_of_files_hold_nothing() -> None:
    odd: dict[str, Any] = {"permission": 7, "tools": [], "agent": {"x": None, "y": {"permission": []}}, "mode": "x"}
    found = Composed([Layer("odd.json", odd)])
    assert found.rules("x") == found.rules("y") == []
    assert found.agents == ("x", "y")


@pytest.mark.parametrize(
    ("permission", "tool", "always", "expected"),
    [
        ({"bash": {"*": "ask", "rm -rf *": "deny"}}, "bash", "rm *", True),
        ({"bash": {"*": "ask", "rm -rf *": "deny"}}, "bash", "git status *", False),
        ({"bash": {"*": "deny", "git *": "ask"}}, "bash", "git status *", False),
        ({"edit": {"*": "ask", "secret/*": "deny"}}, "edit", "*", True),
        ({"edit": {"*": "ask", "secret/*": "deny"}}, "bash", "*", False),
        ({"*": "ask", "web*": "deny"}, "webfetch", "*", True),
        ({"bash": {"rm *": "deny", "*": "ask"}}, "bash", "rm *", False),
    ],
)
def test_always_is_not_offered_where_it_would_allow_what_is_denied(
    permission: dict[str, Any], tool: str, always: str, expected: bool
) -> None:
    request = Permission(id="1", permission=tool, always=(always,))
    assert undoes_a_denial(override_rules(RunConfig(permission=permission)), request) is expected


def test_what_holds_leaves_out_what_a_later_rule_replaces() -> None:
    project = {"permission": {"bash": {"*": "ask", "git *": "allow"}, "edit": "ask"}}
    final = enforced([rule("bash", "deny"), rule("bash", "ask", "ls *")])
    found = in_force(composed(project, override={"permission": final}).rules("build"))
    assert [str(each) for each in found] == [
        "edit = ask (0.json: permission.edit)",
        "bash = deny (override)",
        'bash "ls *" = ask (override)',
    ]
