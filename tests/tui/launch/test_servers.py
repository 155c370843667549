from __future__ import annotations

from typing import Any

import pytest

from octui.discovery.config_files import FoundServer
from octui.tui.launch.servers import (
    ServerRow,
    check_server,
    describe,
    merge_found,
    rows_from_mcp,
    rows_to_mcp,
    server_config,
    target_of,
    toggled,
    without_secrets,
)

LOCAL: dict[str, Any] = {"type": "local", "command": ["npx", "a b"], "environment": {"TOKEN": "s3cret"}}
REMOTE: dict[str, Any] = {
    "type": "remote",
    "url": "https://u:pw@x.y/mcp?key=abc",
    "headers": {"Authorization": "s3cret"},
}


def test_untouched_servers_of_the_configuration_are_not_overridden() -> None:
    rows = [ServerRow("a", LOCAL, "project"), ServerRow("b", LOCAL, "user")]
    assert rows_to_mcp(rows, inherit=True) == {}


def test_switching_a_server_that_applies_says_only_on_or_off() -> None:
    row = toggled(ServerRow("a", LOCAL, "project"), inherit=False)
    assert rows_to_mcp([row], inherit=False) == {"a": {"enabled": False}}
    assert toggled(row, inherit=False).choice is None


def test_a_server_of_the_user_is_given_whole_where_their_configuration_is_left_out() -> None:
    row = ServerRow("a", LOCAL, "user")
    assert not row.is_on(inherit=False)
    assert row.is_on(inherit=True)
    switched = toggled(row, inherit=False)
    assert rows_to_mcp([switched], inherit=False) == {"a": {**LOCAL, "enabled": True}}
    assert rows_to_mcp([switched], inherit=True) == {"a": {"enabled": True}}


def test_a_new_server_is_given_as_typed_and_can_be_switched_off() -> None:
    row = ServerRow("a", LOCAL)
    assert rows_to_mcp([row], inherit=False) == {"a": LOCAL}
    assert rows_to_mcp([toggled(row, inherit=False)], inherit=False) == {"a": {**LOCAL, "enabled": False}}


def test_the_mcp_overrides_of_a_plan_come_back() -> None:
    mcp = {"a": LOCAL, "b": {"enabled": False}, "c": {**REMOTE, "enabled": False}}
    assert rows_to_mcp(rows_from_mcp(mcp), inherit=False) == mcp


def test_found_servers_take_over_the_choice_made_about_their_name() -> None:
    rows = rows_from_mcp({"a": {"enabled": False}, "own": LOCAL})
    merged = merge_found(rows, [FoundServer("a", LOCAL, "project"), FoundServer("own", REMOTE, "user")])
    assert merged == (ServerRow("a", LOCAL, "project", False), ServerRow("own", LOCAL))
    assert merge_found(merged, []) == (ServerRow("own", LOCAL),)


@pytest.mark.parametrize("config", [LOCAL, REMOTE])
def test_no_secret_is_described(config: dict[str, Any]) -> None:
    words = describe(ServerRow("a", config))
    assert not any(secret in words for secret in ("s3cret", "pw", "abc"))
    assert "••••" in words


def test_a_file_keeps_names_and_references_but_no_secret_values() -> None:
    headers = {"A": "s3cret", "B": "Bearer {env:TOKEN}", "C": "s3cret{env:X}", "D": "{file:~/t}"}
    kept = without_secrets(ServerRow("a", {**REMOTE, "headers": headers})).config["headers"]
    assert kept == {"A": "", "B": "Bearer {env:TOKEN}", "C": "", "D": "{file:~/t}"}


def test_what_is_typed_becomes_a_configuration_and_back() -> None:
    config = server_config("local", "npx 'a b'", {"TOKEN": "s3cret"}, {"timeout": 5, "url": "left over"})
    assert config == {**LOCAL, "timeout": 5}
    assert target_of(ServerRow("a", config)) == "npx 'a b'"
    with pytest.raises(ValueError, match="quote is not closed"):
        server_config("local", "npx 'a", {})


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (ServerRow("", LOCAL), "name", "Enter a name"),
        (ServerRow("a b", LOCAL), "name", "letters"),
        (ServerRow("taken", LOCAL), "name", "already"),
        (ServerRow("a", {"type": "local", "command": []}), "target", "command"),
        (ServerRow("a", {"type": "remote", "url": "ftp://x"}), "target", "http"),
        (ServerRow("a", {"type": "remote", "url": "http://[x"}), "target", "http"),
        (ServerRow("a", {**LOCAL, "environment": {"A-B": "x"}}), "pairs", "A-B"),
        (ServerRow("a", {**REMOTE, "headers": {"A B": "x"}}), "pairs", "A B"),
        (ServerRow("a", {**REMOTE, "headers": {"A": ""}}), "pairs", "no value"),
    ],
)
def test_what_is_wrong_with_a_server_is_told_by_field(row: ServerRow, field: str, words: str) -> None:
    problems = check_server(row, ["taken"])
    assert list(problems) == [field]
    assert words in problems[field]


def test_a_right_server_has_no_problem() -> None:
    assert check_server(ServerRow("a", LOCAL)) == check_server(ServerRow("b.c-d", REMOTE)) == {}
