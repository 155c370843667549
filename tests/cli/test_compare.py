"""``octui compare``: the table for scripts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.test_main import run
from tests.tui.worktrees import compared

from octui import paths
from octui.cli.compare import COLUMNS as OFFERED
from octui.recording.comparing import COLUMNS

SONNET, HAIKU, GPT = "limits-sonnet", "limits-haiku", "limits-gpt"


@pytest.fixture
def session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The name of a session of three runs on one repository."""
    journal, _ = compared(tmp_path)
    shutil.copytree(journal.folder, paths.sessions_dir() / journal.folder.name)
    return journal.folder.name


def test_the_columns_offered_are_those_there_are() -> None:
    assert tuple(column.id for column in COLUMNS) == OFFERED


def test_the_table_is_plain_text(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", session) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "run↑ model outcome time turns tokens cost files + − check"
    sonnet = "✓ limits-sonnet claude-sonnet-4-5 succeeded 01:11 5 22.4k $0.18 3 +8 −4 ✓ 0"
    assert " ".join(rows[0].split()) == sonnet
    assert rows[1].split()[-2:] == ["✗", "1"]
    assert rows[2].split()[:4] == ["✗", GPT, "gpt-5", "failed"]


def test_it_is_sorted_as_asked(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", session, "--sort", "cost", "--reverse", "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["run"] for each in told] == [SONNET, HAIKU, GPT]
    assert run("compare", "last", "--sort", "check") == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split()[1] for row in rows] == [SONNET, HAIKU, GPT]


def test_json_has_every_figure(session: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", session, "--json", "--group", "limits") == 0
    first, second, third = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["branch"].endswith(f"/{SONNET}")
    assert (first["files"], first["added"], first["removed"]) == (3, 8, 4)
    assert (first["turns"], first["tokens"], first["duration_s"]) == (5, 22_400, 71.0)
    assert (second["check_exit_code"], third["check_exit_code"]) == (1, None)
    assert (third["state"], third["files"], third["settled"]) == ("failed", 0, "")


def test_a_group_that_is_not_there_is_refused_with_those_there_are(
    session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", session, "--group", "none") == 2
    assert "has no group called 'none'; it has limits." in capsys.readouterr().err
