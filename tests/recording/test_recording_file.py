"""Recordings as people make them: in any encoding, behind other lines, of any name, from a pipe."""

from __future__ import annotations

import codecs
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_main import run
from tests.support.terminal import Terminal

from octui.errors import RecordingError
from octui.recording.session import Session

CAPTURES = Path(__file__).parents[1] / "captures"
LOG = (CAPTURES / "text.jsonl").read_bytes()
EXPORT = (CAPTURES / "export.json").read_bytes()
STATUS = b'! agent "x" not found. Falling back to default agent\n'


def utf16(data: bytes, mark: bytes = codecs.BOM_UTF16_LE) -> bytes:
    """Text as PowerShell's ``>`` writes it."""
    encoding = "utf-16-le" if mark != codecs.BOM_UTF16_BE else "utf-16-be"
    return mark + data.decode().replace("\n", "\r\n").encode(encoding)


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "bom": lambda data: codecs.BOM_UTF8 + data,
    "utf-16": utf16,
    "utf-16-be": lambda data: utf16(data, codecs.BOM_UTF16_BE),
    "utf-16 without mark": lambda data: utf16(data, b""),
    "behind a line": lambda data: STATUS + data,
    "behind lines": lambda data: b"Exporting session: ses_1\n\x1b[0m\n" + data,
    "before a line": lambda data: data.rstrip() + b"\n" + STATUS,
    "utf-16 behind a line": lambda data: utf16(STATUS + data),
}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, in which nothing may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def events(session: Session) -> list[tuple[str, object]]:
    (name,) = session.run_names
    log = session.log(name)
    return [(log.kind(index), log.event(index).body) for index in range(len(log)) if log.kind(index) != "diagnostic"]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".log", ".txt", ""])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("data", [LOG, EXPORT], ids=["log", "export"])
def test_every_form_is_read_as_the_plain_one(
    data: bytes, form: str, suffix: str, tmp_path: Path, temporary: Path
) -> None:
    (tmp_path / "plain.json").write_bytes(data)
    path = tmp_path / f"run{suffix}"
    path.write_bytes(FORMS[form](data))
    session = Session.open(path)
    assert events(session) == events(Session.open(tmp_path / "plain.json"))
    assert events(session)
    assert session.run_names == ("run",)
    assert [*temporary.iterdir()] == []


@pytest.mark.parametrize("data", [LOG, EXPORT, utf16(LOG)], ids=["log", "export", "utf-16"])
def test_a_pipe_is_read_once_and_leaves_nothing(data: bytes, tmp_path: Path, temporary: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    session = Session.open(pipe, 0.0)
    writer.join()
    session.refresh()
    assert session.run_names == ("recording",)
    assert events(session)
    assert [*temporary.iterdir()] == []


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (65_536, "was cut off: it ends after"),
        (0.5, "was cut off: it ends after"),
        (0.9, "was cut off: it ends after"),
        (-3, "was cut off: it ends after"),
    ],
)
def test_an_export_that_was_cut_off_is_refused_with_the_reason(cut: float, words: str, tmp_path: Path) -> None:
    data = EXPORT
    end = int(len(data) * cut) if 0 < cut < 1 else min(int(cut), len(data) - 10)
    path = tmp_path / "session.json"
    path.write_bytes(data[:end])
    with pytest.raises(RecordingError, match=words) as raised:
        Session.open(path)
    assert f"{len(data[:end]):,} bytes, in line {data[:end].rstrip().count(10) + 1}." in raised.value.message
    assert "opencode export" in raised.value.hint


def test_an_export_that_is_damaged_says_where(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    path.write_bytes(EXPORT.replace(b'"messages": [', b'"messages": [[[}', 1))
    with pytest.raises(RecordingError, match=r"damaged in line \d+, column \d+"):
        Session.open(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\0", codecs.BOM_UTF8, b'{"info": 1}', b"words\n", b"\0" * 9])
def test_what_holds_nothing_of_opencodes_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(content)
    with pytest.raises(RecordingError, match="holds no events of opencode"):
        Session.open(tmp_path / "x.log")


def test_a_device_is_no_recording() -> None:
    with pytest.raises(RecordingError, match="neither a file nor a pipe"):
        Session.open(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "<()"])
def test_an_export_is_made_of_what_comes_through_a_pipe(name: str, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_bytes(LOG)
    octui = f"{sys.executable} -m octui export"
    command = f"{octui} <(cat run.jsonl)" if name == "<()" else f"cat run.jsonl | {octui} {name}"
    done = subprocess.run(["bash", "-c", f"{command} -o out.md"], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"Written to out.md.\n")
    assert "recording" in (tmp_path / "out.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["-", "<()"])
def test_a_replay_of_a_pipe_takes_its_keys_from_the_terminal(name: str, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_bytes(LOG)
    octui = f"{sys.executable} -m octui replay"
    log = tmp_path / "run.jsonl"
    command = f"{octui} <(cat {log})" if name == "<()" else f"cat {log} | {octui} -"
    with Terminal(["/bin/bash", "-c", f"{command}; echo status $?; read"]) as terminal:
        terminal.wait_for("recording")
        terminal.press(b"q")
        terminal.wait_for("status 0")


def test_a_replay_without_a_terminal_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", "-") == 2
    assert "there is none here" in capsys.readouterr().err
