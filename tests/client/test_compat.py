"""What depends on opencode's version, against what it really printed."""

from __future__ import annotations

import pytest

from octui.client import compat
from octui.client.limits import Limit
from octui.client.retry import is_worth_another_attempt
from octui.client.sinks import AttemptEnd

REJECTED = "\x1b[93m\x1b[1m! \x1b[0mpermission requested: bash (echo hi); auto-rejecting\n"
NO_AGENT = '\x1b[93m\x1b[1m! \x1b[0m agent "nope" not found. Falling back to default agent\n'
SUBAGENT = (
    '\x1b[93m\x1b[1m! \x1b[0m agent "general" is a subagent, not a primary agent. Falling back to default agent\n'
)
CRASH = "\x1b[91m\x1b[1mError: \x1b[0mUnexpected error\n\nFailed query: \n        CREATE TABLE `workspace` (\n"
LOCKED = "\x1b[91m\x1b[1mError: \x1b[0mUnexpected error\n\ndatabase is locked\n"
MCP_LIST = """┌  MCP Servers
│
●  ✗ bad \x1b[90mfailed
│      ENOENT: no such file or directory, posix_spawn '/nope/x'
│      \x1b[90m/nope/x
│
●  ○ off \x1b[90mdisabled
│      \x1b[90mx
│
●  ✗ two words \x1b[90mfailed
│      MCP error -32000: Connection closed
│
●  ✓ good \x1b[90mconnected
└  4 server(s)
"""


@pytest.mark.parametrize(("text", "version"), [("1.18.33\n", (1, 18, 33)), ("v2.0.0-beta.1", (2, 0, 0))])
def test_a_version_is_read(text: str, version: tuple[int, int, int]) -> None:
    assert compat.parse_version(text) == version


@pytest.mark.parametrize("text", ["", "GNU coreutils 9.1", "1.18"])
def test_what_is_no_version_is_none(text: str) -> None:
    assert compat.parse_version(text) is None


@pytest.mark.parametrize(
    ("printed", "version", "is_two"),
    [
        ("1.18.33\n", "1.18.33", False),
        ("v1.19.0", "1.19.0", False),
        ("opencode v2.1.4\n", "2.1.4", True),
        ("opencode2 v2.0.22", "2.0.22", True),
        ("opencode2 v0.0.0-local", "opencode2 0.0.0-local", True),
        ("opencode v0.0.0-beta-19507", "opencode2 0.0.0-beta-19507", True),
        ("\x1b[1mopencode\x1b[0m \x1b[36mv2.1.4\x1b[0m\r\n", "2.1.4", True),
        ("OpenCode, the open source agent\n\nopencode v2.1.4\n", "2.1.4", True),
        ("opencode v2.1.4\nA newer version is there.\n", "2.1.4", True),
        ("GNU coreutils 9.1.0 or so", None, False),
        ("local", None, False),
    ],
)
def test_the_version_is_read_out_of_what_is_printed(printed: str, version: str | None, is_two: bool) -> None:
    assert compat.read_version(printed) == version
    assert compat.is_two(version or "") == is_two
    assert bool(compat.unsupported(version or "")) == is_two
    assert compat.can_be_served(version or "") == (version is not None and not is_two)


def test_the_version_octui_installs_is_a_tested_one() -> None:
    assert compat.is_tested(compat.TESTED_VERSION)
    assert not compat.is_tested("2.0.0")
    assert not compat.is_tested("1.17.9")


def test_rejected_permissions_are_found_on_stderr_once_each() -> None:
    assert compat.rejected_permissions(REJECTED + REJECTED) == ["bash (echo hi)"]
    assert compat.rejected_permissions("all fine") == []


@pytest.mark.parametrize("text", [NO_AGENT, SUBAGENT])
def test_an_agent_that_was_not_used_is_found_on_stderr(text: str) -> None:
    found = compat.unknown_agent(text)
    assert found is not None
    assert "Falling back" in found
    assert "\x1b" not in found


def test_mcp_servers_that_did_not_start_are_told_with_the_reason() -> None:
    assert compat.failed_mcp_servers(MCP_LIST) == {
        "bad": "ENOENT: no such file or directory, posix_spawn '/nope/x'",
        "two words": "MCP error -32000: Connection closed",
    }


def test_mcp_server_without_a_login_is_told_with_the_command_that_signs_in() -> None:
    listing = "┌  MCP Servers\n│\n●  ⚠ my srv \x1b[90mneeds authentication\n│      \x1b[90mhttp://127.0.0.1/mcp\n│\n"
    listing += (
        "●  ✗ odd \x1b[90mneeds client registration\n│          Add clientId to your config.\n│      \x1b[90mhttp://x\n"
    )
    assert compat.failed_mcp_servers(listing) == {
        "my srv": "it needs a login: run `opencode mcp auth my srv`",
        "odd": "Add clientId to your config",
    }


def test_the_reason_of_an_mcp_server_may_have_several_lines() -> None:
    listing = (
        "●  ✗ bad \x1b[90mfailed\n│      first line\n│      Error: the cause\n│      \x1b[90mnpx -y bad\n│\n"
        "●  ✗ mute \x1b[90mfailed\n│\n●  ✓ good \x1b[90mconnected\n│      \x1b[90mgood\n"
    )
    assert compat.failed_mcp_servers(listing) == {"bad": "Error: the cause", "mute": ""}


def test_the_last_provider_error_is_read_out_of_the_log() -> None:
    log = 'level=ERROR message="stream error" x=1 error.error="AI_APICallError: Cannot connect to \\"API\\"" y=2\n'
    assert compat.provider_trouble(log) == 'AI_APICallError: Cannot connect to \\"API\\"'
    assert compat.provider_trouble("level=INFO message=ok") is None


@pytest.mark.parametrize("stderr", [CRASH, LOCKED, "SQLITE_BUSY: x"])
def test_the_startup_crash_is_worth_another_attempt(stderr: str) -> None:
    assert is_worth_another_attempt(AttemptEnd(exit_code=1, has_spoken=False, stderr=stderr))


def test_an_attempt_that_printed_an_event_is_never_repeated() -> None:
    assert not is_worth_another_attempt(AttemptEnd(exit_code=1, has_spoken=True, stderr=CRASH))


@pytest.mark.parametrize("stderr", ["", "Error: Session not found", "Failed query: SELECT x"])
def test_other_failures_are_not_repeated(stderr: str) -> None:
    assert not is_worth_another_attempt(AttemptEnd(exit_code=1, has_spoken=False, stderr=stderr))


def test_a_success_is_not_repeated() -> None:
    assert not is_worth_another_attempt(AttemptEnd(exit_code=0, has_spoken=False, stderr=CRASH))


@pytest.mark.parametrize(("limit", "again"), [(Limit.STARTUP, True), (Limit.TIME, False), (Limit.EXIT, False)])
def test_of_the_limits_only_that_of_start_up_is_worth_another_attempt(limit: Limit, again: bool) -> None:
    assert is_worth_another_attempt(AttemptEnd(exit_code=-15, limit=limit, has_spoken=False, stderr="")) is again
    assert not is_worth_another_attempt(AttemptEnd(exit_code=-15, limit=limit, has_spoken=True, stderr=""))
