"""What a headless run says."""

from __future__ import annotations

import json

import pytest

from octui.cli.report import Progress, dumps, plain, printable
from octui.recording.facts import RunState, StateChanged

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


@pytest.mark.parametrize(
    ("why", "line"),
    [
        ("stopped by you", "a  ■ stopped by you"),
        ("its budget was spent: 9 of 7 tokens", "a  ■ stopped: its budget was spent: 9 of 7 tokens"),
    ],
)
def test_a_state_is_said_once(why: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    Progress().fact(StateChanged(at=1.0, run="a", state=RunState.STOPPED, why=why))
    assert capsys.readouterr().err.strip().endswith(line)


def test_a_reader_that_went_away_does_not_harm_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("octui.cli.report.click.echo", gone)
    Progress().fact(StateChanged(at=1.0, run="a", state=RunState.RUNNING))
