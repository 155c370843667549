from __future__ import annotations

import json
from typing import Any

import pytest

from octui.client.events import Event, decode_line
from octui.tui.glyphs import ASCII, UNICODE
from octui.tui.render.blocks import event_lines, event_text, is_foldable, opens_by_itself
from octui.tui.render.lines import plain, width_of


def tool(name: str, state: dict[str, Any]) -> Event:
    part = {"tool": name, "state": {"status": "completed", **state}}
    return decode_line(json.dumps({"type": "tool_use", "timestamp": 1, "part": part}).encode())


def text(words: str, kind: str = "text") -> Event:
    return decode_line(json.dumps({"type": kind, "timestamp": 1, "part": {"text": words}}).encode())


def shown(event: Event, *, opened: bool | None = None, width: int = 60) -> list[str]:
    opened = opens_by_itself(event) if opened is None else opened
    lines = event_lines(event, width, opened=opened, glyphs=UNICODE)
    assert all(width_of(line) <= width for line in lines)
    return [plain(line).rstrip() for line in lines]


READ = tool(
    "read",
    {
        "input": {"filePath": "/w/src/router.py"},
        "title": "src/router.py",
        "output": "the content",
        "metadata": {"display": {"totalLines": 212}},
        "time": {"start": 0, "end": 12},
    },
)


def test_a_tool_call_is_one_line_with_title_outcome_and_duration() -> None:
    (line,) = shown(READ)
    assert line.startswith("▸ read   src/router.py")
    assert line.endswith("212 lines   12ms")
    assert len(line) == 60


def test_an_opened_tool_call_shows_input_and_output() -> None:
    assert shown(READ, opened=True)[1:] == ["    filePath: /w/src/router.py", "    the content"]


def test_a_command_that_failed_says_so_and_shows_its_short_output() -> None:
    event = tool("bash", {"input": {"command": "pytest"}, "output": "E\n1 failed\n", "metadata": {"exit": 1}})
    lines = shown(event)
    assert lines[0].endswith("exit 1")
    assert lines[1:] == ["    E", "    1 failed"]


def test_a_command_that_succeeded_stays_closed() -> None:
    event = tool("bash", {"input": {"command": "ls"}, "output": "a\n", "metadata": {"exit": 0}})
    assert shown(event) == ["▸ bash   ls"]


def test_a_small_edit_shows_its_diff_with_signs() -> None:
    diff = "--- a\n+++ b\n@@ -7,2 +7,2 @@\n keep\n-old\n+new\n"
    event = tool("edit", {"input": {"filePath": "a.py"}, "title": "a.py", "metadata": {"diff": diff}})
    assert shown(event) == [
        "▾ edit   a.py" + " " * 42 + "+1 −1",
        "     7   keep",
        "     8 - old",
        "     8 + new",
    ]


def test_an_edit_without_a_diff_is_compared_by_octui() -> None:
    event = tool("edit", {"input": {"filePath": "a", "oldString": "x\ny", "newString": "x\nz"}, "title": "a"})
    assert [line.strip() for line in shown(event)[1:]] == ["x", "- y", "+ z"]


def test_a_new_file_is_all_additions() -> None:
    event = tool("write", {"input": {"filePath": "n", "content": "1\n2\n"}, "title": "n"})
    assert shown(event)[0].endswith("+2 −0")


def test_a_big_edit_stays_closed() -> None:
    content = "\n".join(map(str, range(100)))
    assert len(shown(tool("write", {"input": {"filePath": "n", "content": content}, "title": "n"}))) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("The user has specified a rule which prevents you from using this specific tool call.", "denied by a rule"),
        ("The user rejected permission to use this specific tool call.", "permission rejected"),
    ],
)
def test_a_refused_call_is_told_from_a_failed_one(error: str, words: str) -> None:
    event = tool("bash", {"status": "error", "input": {"command": "rm -rf build"}, "error": error})
    (line,) = shown(event)
    assert line.startswith("⊘ bash   rm -rf build")
    assert line.endswith(words)


def test_a_call_of_a_tool_that_was_taken_away_names_the_tool_that_was_meant() -> None:
    meant = {"tool": "bash", "error": "Model tried to call unavailable tool 'bash'. Available tools: read."}
    (line,) = shown(tool("invalid", {"input": meant, "output": "x", "title": "Invalid Tool"}))
    assert line.startswith("⊘ bash")
    assert line.endswith("not available")


def test_an_error_of_a_tool_is_shown_in_full() -> None:
    error = "File not found: /w/nope.txt " + "and more words " * 20
    lines = shown(tool("read", {"status": "error", "input": {"filePath": "/w/nope.txt"}, "error": error}))
    assert lines[0].startswith("✗ read")
    assert " ".join(" ".join(lines[1:]).split()) == error.strip()


def test_todos_are_a_list_with_signs() -> None:
    todos = [
        {"content": "read", "status": "completed"},
        {"content": "fix", "status": "in_progress"},
        {"content": "test", "status": "pending"},
    ]
    lines = shown(tool("todowrite", {"input": {"todos": todos}, "metadata": {"todos": todos}}))
    assert lines[0].endswith("1/3 done")
    assert lines[1:] == ["    ✓ read", "    ◐ fix", "    ○ test"]


def test_steps_are_quiet_and_an_unusual_end_is_told() -> None:
    line = {"type": "step_finish", "timestamp": 1, "part": {"reason": "length", "cost": 0.5, "tokens": {"total": 1200}}}
    (row,) = shown(decode_line(json.dumps(line).encode()))
    assert row.startswith(" ended: length ─")
    assert row.endswith("1.2k tok · $0.50")
    assert shown(decode_line(b'{"type":"step_start","part":{}}')) == []


def test_an_error_event_is_shown_in_full() -> None:
    line = {"type": "error", "error": {"name": "APIError", "data": {"message": "quota " * 40}}}
    lines = shown(decode_line(json.dumps(line).encode()))
    assert lines[0] == "✗ APIError"
    assert len(lines) > 3


def test_long_reasoning_is_folded() -> None:
    event = text("word " * 200, "reasoning")
    assert len(shown(event)) == 3
    assert is_foldable(event)
    assert len(shown(event, opened=True)) > 10


def test_an_event_of_an_unknown_type_is_named_and_opens_to_all_of_it() -> None:
    event = decode_line(b'{"type":"new_thing","timestamp":1,"part":{"a":[1,2]}}')
    assert shown(event)[0].startswith("▸ new_thing")
    assert any('"a"' in line for line in shown(event, opened=True))


def test_a_line_that_is_no_event_is_shown() -> None:
    assert shown(decode_line(b"panic: \x1b[31mboom")) == ["  panic: boom"]


HOSTILE = "x\x1b]0;t\x07\x1b[2J\x9b1m\u202e\x00\r\n\ty[@click=app.quit]z[/]"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize(
    "event",
    [
        text(HOSTILE),
        text(HOSTILE, "reasoning"),
        tool(HOSTILE, {"input": {HOSTILE: HOSTILE}, "output": HOSTILE, "title": HOSTILE}),
        tool("bash", {"input": {"command": HOSTILE}, "output": HOSTILE, "metadata": {"exit": 1}}),
        tool("edit", {"input": {"filePath": HOSTILE, "oldString": HOSTILE, "newString": "b"}, "title": HOSTILE}),
        tool("apply_patch", {"metadata": {"files": [{"relativePath": HOSTILE, "patch": "+" + HOSTILE}] * 2}}),
        tool("todowrite", {"input": {"todos": [{"content": HOSTILE, "status": HOSTILE}]}}),
        tool("task", {"input": {"subagent_type": HOSTILE}, "title": HOSTILE}),
        tool("read", {"status": HOSTILE, "input": HOSTILE, "error": HOSTILE}),
        tool("invalid", {"input": {"tool": HOSTILE, "error": f"unavailable tool {HOSTILE}"}, "output": HOSTILE}),
        decode_line(json.dumps({"type": "error", "error": {"name": HOSTILE, "message": HOSTILE}}).encode()),
        decode_line(json.dumps({"type": HOSTILE, HOSTILE: HOSTILE}).encode()),
        decode_line(json.dumps({"type": "step_finish", "part": {"reason": HOSTILE}}).encode()),
        decode_line(HOSTILE.encode()),
    ],
)
def test_no_block_lets_a_control_character_through(event: Event, opened: bool, glyphs: Any) -> None:
    for line in event_lines(event, 50, opened=opened, glyphs=glyphs):
        assert plain(line).isprintable()


def test_what_is_copied_is_what_was_said() -> None:
    assert event_text(text("**as** written")) == "**as** written"
    assert "the content" in event_text(READ)


def test_a_further_prompt_is_shown_like_the_first_one_and_folds_when_it_is_long() -> None:
    short = decode_line(b'{"type":"prompt","timestamp":1,"sessionID":"s","part":{"text":"And now?"}}')
    assert [plain(line) for line in event_lines(short, 40, opened=False, glyphs=UNICODE)] == ["❯ And now?", ""]
    assert not is_foldable(short)
    assert event_text(short) == "And now?"
    wishes = "\\n".join(f"wish {n}" for n in range(20))
    long = decode_line(f'{{"type":"prompt","timestamp":1,"sessionID":"s","part":{{"text":"{wishes}"}}}}'.encode())
    assert is_foldable(long)
    assert plain(event_lines(long, 40, opened=False, glyphs=UNICODE)[2]) == "  … 18 more lines"
    assert plain(event_lines(long, 40, opened=True, glyphs=UNICODE)[19]) == "  wish 19"
