"""What opencode is silent about."""

from __future__ import annotations

from octui.fleet.attention import Watch
from octui.recording.facts import Attention

REJECTED = "\x1b[93m! permission requested: bash (echo hi); auto-rejecting\n"


def test_a_rejected_permission_is_told_once_and_again_when_there_are_more() -> None:
    watch = Watch(60, 0)
    ((kind, words),) = watch.stderr(REJECTED)
    assert kind is Attention.PERMISSION_REJECTED
    assert "bash (echo hi)" in words
    assert watch.stderr(REJECTED) == []
    ((_, words),) = watch.stderr(REJECTED + REJECTED.replace("bash", "read"))
    assert "read (echo hi)" in words


def test_silence_is_told_once_and_ends_when_something_is_heard() -> None:
    watch = Watch(60, 0)
    assert watch.silence(59, "") == []
    assert watch.silence(60, "") == [(Attention.SILENT, "nothing was heard for 60 s")]
    assert watch.silence(70, "") == []
    assert watch.heard(71)
    assert not watch.heard(72)
    assert watch.silence(100, "") == []
    assert watch.silence(140, "") == [(Attention.SILENT, "nothing was heard for 68 s")]


def test_silence_tells_what_the_providers_trouble_is() -> None:
    log = 'message="stream error" error.error="Cannot connect to API"'
    ((_, words),) = Watch(1, 0).silence(5, log)
    assert "Cannot connect to API" in words


def test_an_mcp_server_that_did_not_start_is_told_with_the_reason() -> None:
    ((kind, words),) = Watch(60, 0).mcp("●  ✗ docs failed\n│      ENOENT\n●  ✓ good connected\n")
    assert kind is Attention.MCP_NOT_STARTED
    assert words == "MCP did not start: docs (ENOENT)"


def test_the_reasons_of_mcp_servers_hold_no_escape_sequences() -> None:
    ((_, words),) = Watch(60, 0).mcp_failed({"docs": "\x1b[31mENOENT\x1b[0m: x\n    at f (/$bunfs/x.js:1:2)"})
    assert words == "MCP did not start: docs (ENOENT: x)"


def test_an_agent_that_was_not_used_is_told() -> None:
    ((kind, words),) = Watch(60, 0).stderr('! agent "nope" not found. Falling back to default agent')
    assert kind is Attention.AGENT_UNKNOWN
    assert "nope" in words


def test_all_that_was_left_out_is_told_together() -> None:
    watch = Watch(60, 0)
    watch.left_out("one")
    assert watch.left_out("two") == [(Attention.CONFIG_LEFT_OUT, "one; two")]
