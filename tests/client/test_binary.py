"""Finding opencode."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.executables import make_script

from octui import OpenCodeBinaryNotFoundError
from octui.client import binary
from octui.client.binary import binary_version, find_binary

OPENCODE = 'print("1.18.33")'


@pytest.fixture(autouse=True)
def empty_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


def test_places_are_tried_in_order(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = make_script(tmp_path / "installed", OPENCODE)
    assert find_binary(extra=[installed]) == installed
    own = make_script(home / ".opencode" / "bin" / "opencode", OPENCODE)
    assert find_binary(extra=[installed]) == own
    on_path = make_script(tmp_path / "path" / "opencode", OPENCODE)
    assert find_binary("opencode") == on_path
    named = make_script(tmp_path / "named", OPENCODE)
    monkeypatch.setenv("OPENCODE_BINARY", str(named))
    assert find_binary() == named
    asked_for = make_script(tmp_path / "asked", OPENCODE)
    assert find_binary(asked_for) == asked_for


def test_a_name_is_looked_for_on_the_path(tmp_path: Path) -> None:
    script = make_script(tmp_path / "path" / "opencode-nightly", OPENCODE)
    assert find_binary("opencode-nightly") == script


def test_none_at_all_is_told_with_what_to_do() -> None:
    with pytest.raises(OpenCodeBinaryNotFoundError, match="was not found") as raised:
        find_binary()
    assert "OPENCODE_BINARY" in raised.value.hint


def test_what_was_asked_for_is_never_replaced_by_another(tmp_path: Path) -> None:
    make_script(tmp_path / "path" / "opencode", OPENCODE)
    with pytest.raises(OpenCodeBinaryNotFoundError, match="is not there"):
        find_binary(tmp_path / "nope")


def test_a_folder_and_a_plain_file_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OpenCodeBinaryNotFoundError, match="cannot be executed"):
        find_binary(tmp_path / "file")
    with pytest.raises(OpenCodeBinaryNotFoundError, match="is a folder"):
        find_binary(tmp_path)


def test_the_version_is_asked_anew_when_the_file_changes(tmp_path: Path) -> None:
    script = make_script(tmp_path / "opencode", OPENCODE)
    assert binary_version(script) == "1.18.33"
    make_script(script, 'print("1.19.0-longer")')
    assert binary_version(script) == "1.19.0-longer"


def test_what_does_not_answer_as_opencode_is_not_opencode(tmp_path: Path) -> None:
    with pytest.raises(OpenCodeBinaryNotFoundError, match="is not opencode"):
        binary_version(make_script(tmp_path / "opencode", 'print("GNU coreutils")'))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("exit(1)", "does not run: exit code 1."),
        ('print("1.2.3"); exit(3)', "does not run: exit code 3: 1.2.3."),
        ("open('/nowhere/lib')", "No such file or directory: '/nowhere/lib'."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "signal SIGILL; it may be built for another"),
    ],
)
def test_an_executable_that_fails_shows_exit_code_and_stderr(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(OpenCodeBinaryNotFoundError, match="does not run") as raised:
        binary_version(make_script(tmp_path / "opencode", code))
    assert words in raised.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#!/nowhere/bin/node --x\n", "its first line names /nowhere/bin/node, which is not there"),
        (b"#!/bin/sh\r\necho 1.18.33\r\n", "its first line names /bin/sh, which is not there with the Windows line"),
        (b"#!/usr/bin/env nowhere-node\n", "exit code 127: /usr/bin/env: 'nowhere-node': No such file or directory"),
        (b"echo 1.18.33\n", "it is no program (Exec format error)"),
        (b"", "it is no program (Exec format error)"),
        (b"\x7fELF\x02\x01\x01garbage", "it is built for another processor or system (Exec format error)"),
    ],
)
def test_an_executable_that_does_not_start_names_the_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    path = tmp_path / "opencode"
    path.write_bytes(content)
    path.chmod(0o755)
    with pytest.raises(OpenCodeBinaryNotFoundError, match="does not run") as raised:
        binary_version(path)
    assert words in raised.value.message.replace("‘", "'").replace("’", "'")


def test_a_program_without_its_dynamic_linker_names_it(tmp_path: Path) -> None:
    own = Path("/bin/sh").resolve().read_bytes()
    found = re.search(rb"/[\w/.-]*/ld-[\w.-]+(?=\0)", own[:8192])
    assert found is not None
    missing = b"/nowhere/ld-musl-x.so.1".ljust(len(found[0]), b"\0")[: len(found[0])]
    path = tmp_path / "opencode"
    path.write_bytes(own.replace(found[0], missing, 1))
    path.chmod(0o755)
    with pytest.raises(OpenCodeBinaryNotFoundError, match="its dynamic linker /nowhere/ld-musl-x") as raised:
        binary_version(path)
    assert "built for another system" in raised.value.message


def test_what_cannot_run_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "opencode"
    path.write_bytes(b"\x7fELF garbage")
    path.chmod(0o755)
    with pytest.raises(OpenCodeBinaryNotFoundError, match="does not run"):
        binary_version(path)


@pytest.mark.integration
def test_the_version_of_opencode_is_kept_for_other_processes(
    opencode_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "data" / "versions.json"
    monkeypatch.setattr(binary, "_known", {})
    told = binary_version(opencode_binary, notes)
    asked: list[Path] = []
    monkeypatch.setattr(binary, "_known", {})

    def ask(path: Path) -> str:
        asked.append(path)
        return "1.0.0"

    monkeypatch.setattr(binary, "_ask_version", ask)
    assert binary_version(opencode_binary, notes) == told
    assert asked == []
    monkeypatch.setattr(binary, "_known", {})
    notes.write_text("broken")
    assert binary_version(opencode_binary, notes) == "1.0.0"
    monkeypatch.setattr(binary, "_known", {})
    assert binary_version(opencode_binary, notes) == "1.0.0"
    assert asked == [opencode_binary]


def test_the_version_a_script_tells_is_not_kept_as_what_it_starts_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = make_script(tmp_path / "opencode", 'print(open("version").read())')
    monkeypatch.chdir(tmp_path)
    for version in ("1.18.33", "1.19.0"):
        (tmp_path / "version").write_text(version)
        monkeypatch.setattr(binary, "_known", {})
        assert binary_version(script, tmp_path / "notes") == version
    assert not (tmp_path / "notes").exists()


def test_where_nothing_can_be_written_the_version_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    monkeypatch.setattr(binary, "_ask_version", lambda path: "1.18.33")
    (tmp_path / "file").write_text("")
    assert binary_version(program, tmp_path / "file" / "notes") == "1.18.33"
