"""What a headless run says."""

from __future__ import annotations

import json

import pytest

from octui.cli.report import dumps, plain, printable

HOSTILE = "a\x1b]0;x\x07\x9b31m\u202eb"


@pytest.mark.parametrize("text", [HOSTILE, "\ud800", "ünï✓", "two\nlines"])
def test_an_object_is_one_line_of_ascii_that_reads_back_as_it_was(text: str) -> None:
    line = dumps({"final_text": text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"final_text": text}


@pytest.mark.parametrize("shown", [plain, printable])
def test_nothing_from_outside_acts_on_a_terminal(shown: type[str]) -> None:
    assert shown(HOSTILE).isprintable()
    assert shown("ünï ✓") == "ünï ✓"


def test_a_line_keeps_its_indentation_and_running_text_becomes_one_line() -> None:
    assert printable("    at  x") == "    at  x"
    assert plain("  a\n\tb ") == "a b"
