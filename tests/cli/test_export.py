"""``octui export``: where a transcript goes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.cli.test_main import SAMPLE, run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


class Terminal(io.TextIOWrapper):
    """A stdout that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_markdown_and_json_go_into_a_pipe(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("export", str(SAMPLE)) == 0
    assert capfdbinary.readouterr().out.startswith(b"# demo\n")
    assert run("export", str(SAMPLE), "--format", "json") == 0
    told = json.loads(capfdbinary.readouterr().out)
    assert [each["name"] for each in told["runs"]] == ["fixer", "reviewer", "releaser"]


def test_on_a_terminal_and_as_html_it_becomes_a_file_of_the_sessions_name(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("export", str(SAMPLE), "--format", "html") == 0
    monkeypatch.setattr("sys.stdout", Terminal(io.BytesIO()))
    assert run("export", str(SAMPLE)) == 0
    assert sorted(path.name for path in elsewhere.iterdir()) == ["fix-a-bug.html", "fix-a-bug.md"]
    assert (elsewhere / "fix-a-bug.html").read_text().startswith("<!doctype html>")


def test_the_name_of_the_file_says_as_what(elsewhere: Path) -> None:
    assert run("export", str(SAMPLE), "-o", "review.html") == 0
    assert run("export", str(SAMPLE / "fixer.jsonl"), "-o", "fixer.json") == 0
    assert (elsewhere / "review.html").read_text().startswith("<!doctype html>")
    assert json.loads((elsewhere / "fixer.json").read_text())["runs"][0]["state"] == "succeeded"


def test_an_asciicast_has_the_size_that_is_asked_for(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", str(SAMPLE), "--format", "asciicast", "--size", "60x20") == 0
    head = json.loads((elsewhere / "fix-a-bug.cast").read_text().splitlines()[0])
    assert (head["version"], head["width"], head["height"]) == (2, 60, 20)
    for size in ("60", "0x0", "30x10", "9999x20", "axb"):
        assert run("export", str(SAMPLE), "-o", "x.cast", "--size", size) == 2
        assert "no size of a terminal" in capsys.readouterr().err


def test_no_file_is_written_over_unless_that_is_asked_for(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (elsewhere / "x.md").write_text("mine")
    assert run("export", str(SAMPLE), "-o", "x.md") == 2
    assert "--force" in capsys.readouterr().err
    assert (elsewhere / "x.md").read_text() == "mine"
    assert run("export", str(SAMPLE), "-o", "x.md", "--force") == 0
    assert (elsewhere / "x.md").read_text().startswith("# demo")


def test_what_cannot_be_written_leaves_nothing_behind(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", str(SAMPLE), "-o", "none/x.md") == 1
    assert "none" in capsys.readouterr().err

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("octui.export.markdown._changes", fail)
    (elsewhere / "x.md").write_text("mine")
    assert run("export", str(SAMPLE), "-o", "x.md", "--force") == 1
    assert [(path.name, path.read_text()) for path in elsewhere.iterdir()] == [("x.md", "mine")]
