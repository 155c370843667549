from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.client.compat import KNOWN_TOOLS
from octui.client.config import PermissionValue
from octui.tui.launch.permissions import (
    Action,
    PatternRow,
    ToolRow,
    check_pattern,
    complete_rows,
    default_rows,
    moved_pattern,
    next_action,
    rows_from_permission,
    rows_to_permission,
    with_pattern,
    without_pattern,
)

ACTION = st.sampled_from(["allow", "ask", "deny"])
PATTERNS = st.dictionaries(st.text("ab*? ", min_size=1, max_size=4), ACTION, min_size=1, max_size=4)
PERMISSION = st.dictionaries(st.sampled_from([*KNOWN_TOOLS, "*", "mcp_*"]), st.one_of(ACTION, PATTERNS), max_size=5)


@given(PERMISSION)
def test_a_permission_comes_back_as_it_was_the_order_of_patterns_too(
    permission: dict[str, str | dict[str, str]],
) -> None:
    made = rows_to_permission(rows_from_permission(permission))
    assert {tool: in_order(rule) for tool, rule in made.items()} == {
        tool: in_order(rule) for tool, rule in permission.items()
    }


def in_order(rule: PermissionValue) -> list[tuple[str, str]]:
    """A rule as pairs in their order; a mere word is one for every pattern."""
    return [("*", rule)] if isinstance(rule, str) else list(rule.items())


def test_a_wildcard_keeps_its_place_among_the_tools_as_the_last_that_matches_wins() -> None:
    for permission in ({"*": "deny", "read": "allow"}, {"read": "allow", "*": "deny"}):
        assert list(rows_to_permission(rows_from_permission(permission))) == list(permission)
    rows = rows_from_permission({"*": "deny"})
    assert [row.tool for row in rows] == ["*", *KNOWN_TOOLS]


def test_rows_that_inherit_are_left_out() -> None:
    assert rows_to_permission(default_rows()) == {}


def test_a_tools_own_word_stands_before_its_patterns_so_that_they_win() -> None:
    row = with_pattern(with_pattern(ToolRow("bash", "allow"), "git *"), "git push *")
    assert rows_to_permission([row]) == {"bash": {"*": "allow", "git *": "deny", "git push *": "deny"}}
    permission = rows_to_permission([moved_pattern(row, 1, -1)])["bash"]
    assert list(permission) == ["*", "git push *", "git *"]


def test_one_word_for_everything_becomes_a_row_of_its_own() -> None:
    rows = rows_from_permission("deny")
    assert rows[0] == ToolRow("*", "deny")
    assert rows_to_permission(rows) == {"*": "deny"}


def test_a_word_opencode_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="not `perhaps`"):
        rows_from_permission({"bash": {"*": "perhaps"}})


def test_a_row_asks_where_it_or_a_pattern_of_it_does() -> None:
    assert ToolRow("bash", "ask").asks
    assert ToolRow("bash", "allow", (PatternRow("git push *", "ask"),)).asks
    assert not ToolRow("bash", "allow", (PatternRow("git push *", "deny"),)).asks


@pytest.mark.parametrize(
    ("is_pattern", "may_ask", "values"),
    [
        (False, True, ["inherit", "allow", "ask", "deny"]),
        (False, False, ["inherit", "allow", "deny"]),
        (True, True, ["allow", "ask", "deny"]),
        (True, False, ["allow", "deny"]),
    ],
)
def test_values_come_round_and_ask_only_where_somebody_is(
    is_pattern: bool, may_ask: bool, values: list[Action]
) -> None:
    for before, after in pairwise([*values, values[0]]):
        assert next_action(before, 1, is_pattern=is_pattern, may_ask=may_ask) == after
        assert next_action(after, -1, is_pattern=is_pattern, may_ask=may_ask) == before


def test_an_ask_that_nobody_can_answer_is_left_by_turning() -> None:
    assert next_action("ask", 1, is_pattern=True, may_ask=False) == "deny"


def test_every_known_tool_has_a_row_and_unknown_ones_come_after() -> None:
    rows = complete_rows([ToolRow("mcp_x", "deny"), ToolRow("bash", "allow")])
    assert [row.tool for row in rows] == [*KNOWN_TOOLS, "mcp_x"]


@pytest.mark.parametrize(
    ("row", "pattern", "words"),
    [
        (ToolRow("bash"), "  ", "at least a character"),
        (ToolRow("webfetch"), "x", "as a whole"),
        (ToolRow("bash", patterns=(PatternRow("a", "deny"),)), "a", "already"),
        (ToolRow("bash"), "git *", ""),
    ],
)
def test_a_pattern_is_checked_before_it_is_added(row: ToolRow, pattern: str, words: str) -> None:
    problem = check_pattern(row, pattern)
    assert words in problem
    assert bool(problem) == bool(words)


def test_patterns_move_within_their_tool_only_and_can_be_removed() -> None:
    row = with_pattern(with_pattern(ToolRow("bash"), "a"), "b")
    assert moved_pattern(row, 0, -1) == row
    assert without_pattern(row, 0).patterns == (PatternRow("b", "deny"),)
