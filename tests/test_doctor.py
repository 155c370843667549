from __future__ import annotations

import json
import os
import shutil
import time
from collections import namedtuple
from pathlib import Path

import pytest
from tests.support.executables import make_script

from octui import doctor
from octui.discovery.queries import Queries
from octui.doctor import Check, Status

_Usage = namedtuple("_Usage", "total used free")

_OPENCODE = """\
import sys
if sys.argv[1] == "--version":
    print({version!r})
elif sys.argv[1] == "models":
    print({models!r})
"""


def _opencode(folder: Path, *models: str, version: str = "1.18.33") -> Path:
    return make_script(folder / "opencode", _OPENCODE.format(version=version, models="\n".join(models)))


def _sign_in(home: Path, text: str) -> None:
    path = home / ".local/share/opencode/auth.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_this_python_is_good_enough() -> None:
    assert doctor.check_python().status == Status.OK


def test_a_missing_terminal_leaves_headless_runs() -> None:
    check = doctor.check_terminal()
    assert check.status == Status.WARN
    assert "--headless" in check.advice


@pytest.mark.parametrize(("size", "status"), [((120, 40), Status.OK), ((79, 24), Status.WARN), ((80, 23), Status.WARN)])
def test_a_small_terminal_is_named(size: tuple[int, int], status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size(size))
    check = doctor.check_terminal()
    assert check.status == status
    assert f"{size[0]}×{size[1]}" in check.found


@pytest.mark.parametrize(
    ("environ", "status", "found"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Status.OK, "16 million"),
        ({"TERM": "xterm-256color"}, Status.OK, "256"),
        ({"TERM": "xterm"}, Status.WARN, "16;"),
        ({"TERM": "dumb"}, Status.WARN, "none"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Status.OK, "none"),
    ],
)
def test_colours_are_read_off_the_environment(
    environ: dict[str, str], status: Status, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "COLORTERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    check = doctor.check_colours()
    assert check.status == status
    assert check.found.startswith(found)


@pytest.mark.parametrize(
    ("version", "status"), [("1.18.33", Status.OK), ("1.2.0", Status.WARN), ("2.0.1", Status.WARN)]
)
def test_a_version_octui_was_not_tested_with_is_named(tmp_path: Path, version: str, status: Status) -> None:
    binary = _opencode(tmp_path, version=version)
    check, path = doctor.check_opencode(binary)
    assert path == binary
    assert check.status == status
    assert version in check.found
    assert ("can be talked to" in check.found) == (not version.startswith("2"))


def test_opencode_2_is_named_with_what_is_not_supported(tmp_path: Path) -> None:
    check, path = doctor.check_opencode(_opencode(tmp_path, version="opencode v2.1.4"))
    assert path is not None
    assert check.status == Status.WARN
    assert check.found.startswith("2.1.4 at ")
    assert check.advice.startswith("OpenCode 2 is not supported yet")
    assert "opencode-ai@1.18" in check.advice


def test_the_users_configuration_is_named_with_what_runs_do_not_get_of_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.check_configuration().found == "none of your own"
    path = home / ".config/opencode/opencode.json"
    path.parent.mkdir()
    path.write_text('{"model": "{env:MODEL}", "plugin": ["p"]}')
    monkeypatch.setenv("MODEL", "a/b")
    check = doctor.check_configuration()
    assert check.found == f"{path}; default model a/b"
    assert 'keep = ["plugin"]' in check.advice
    path.write_text('{"provider": {"a": {"options": {"apiKey": "{file:./gone}"}}}}')
    check = doctor.check_configuration()
    assert check.status == Status.WARN
    assert str(path.parent / "gone") in check.found


def test_models_are_those_that_runs_can_reach(home: Path, tmp_path: Path) -> None:
    path = home / ".config/opencode/opencode.json"
    path.parent.mkdir()
    path.write_text('{"plugin": ["brings-a-provider"]}')
    code = "import os, pathlib, sys\nfolder = pathlib.Path(os.environ['XDG_CONFIG_HOME'], 'opencode')\n"
    code += "print('a/' + str(any('plugin' in each.read_text() for each in folder.glob('opencode.json'))))"
    assert "1 models of a;" in doctor.check_providers(make_script(tmp_path / "opencode", code)).found
    assert Queries(tmp_path / "opencode").models(tmp_path, inherit=False) == ("a/False",)


def test_a_missing_opencode_fails_with_the_next_step(tmp_path: Path) -> None:
    check, path = doctor.check_opencode(tmp_path / "opencode")
    assert path is None
    assert check.status == Status.FAIL
    assert check.advice


def test_credentials_are_told_by_name_and_never_by_value(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sign_in(home, json.dumps({"anthropic": {"type": "api", "key": "sk-signed-in"}}))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("EMPTY_API_KEY", "")
    check = doctor.check_providers(_opencode(tmp_path, "anthropic/a", "openai/b", "openai/c"))
    assert check == Check(
        "providers", Status.OK, "3 models of anthropic, openai; credentials: anthropic, OPENAI_API_KEY"
    )


@pytest.mark.parametrize("models", [(), ("opencode/free",)])
def test_without_an_account_the_demo_is_pointed_to(tmp_path: Path, models: tuple[str, ...]) -> None:
    check = doctor.check_providers(_opencode(tmp_path, *models))
    assert check.status == Status.WARN
    assert "octui demo" in check.advice


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
def test_a_broken_list_of_credentials_is_named_and_its_text_is_not(home: Path, tmp_path: Path, text: str) -> None:
    _sign_in(home, "")
    path = home / ".local/share/opencode/auth.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    check = doctor.check_providers(_opencode(tmp_path))
    assert check.status == Status.WARN
    assert str(path) in check.found


def test_an_opencode_that_lists_no_models_does_not_stop_the_doctor(tmp_path: Path) -> None:
    check = doctor.check_providers(make_script(tmp_path / "opencode", "raise SystemExit(3)"))
    assert check.status == Status.WARN
    assert "exit code 3" in check.found


def test_logins_are_told_with_how_long_they_are_valid(home: Path) -> None:
    assert doctor.check_logins() == Check("logins", Status.OK, "none that runs have to refresh")
    later = int((time.time() + 3 * 3600 + 60) * 1000)
    login = {"type": "oauth", "access": "a", "refresh": "secret"}
    logins = {"old": login | {"expires": 1}, "new": login | {"expires": later}}
    _sign_in(home, json.dumps(logins | {"key": {"type": "api", "key": "k"}}))
    found = "old (is refreshed when it is used), new (valid for 3 h)"
    assert doctor.check_logins() == Check("logins", Status.OK, found)


def test_mcp_login_that_was_revoked_is_told_with_the_command_that_signs_in(home: Path) -> None:
    _sign_in(home, "{}")
    entry = {"clientInfo": {"clientId": "c"}, "serverUrl": "http://127.0.0.1/mcp"}
    (home / ".local/share/opencode/mcp-auth.json").write_text(json.dumps({"srv": entry}))
    check = doctor.check_logins()
    assert check.status == Status.WARN
    assert "srv" in check.found
    assert "opencode mcp auth srv" in check.advice


def test_a_ripgrep_that_opencode_downloaded_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert doctor.check_ripgrep().status == Status.WARN
    make_script(home / ".cache/opencode/bin/rg", "")
    assert doctor.check_ripgrep().status == Status.OK


def test_a_missing_git_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert doctor.check_git().status == Status.WARN


def test_a_folder_that_will_be_made_is_fine_and_is_not_made_by_looking(tmp_path: Path) -> None:
    check = doctor.check_folder("data folder", tmp_path / "a/b", private=True)
    assert check.status == Status.OK
    assert not (tmp_path / "a").exists()


def test_a_private_folder_that_is_open_to_others_is_named_with_the_command_to_close_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    check = doctor.check_folder("data folder", tmp_path, private=True)
    assert check.status == Status.WARN
    assert check.advice == f"Run: chmod 700 {tmp_path}"
    assert doctor.check_folder("configuration folder", tmp_path, private=False).status == Status.OK
    tmp_path.chmod(0o700)
    assert doctor.check_folder("data folder", tmp_path, private=True).status == Status.OK


def test_a_file_in_the_place_of_a_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor.check_folder("data folder", tmp_path / "file", private=True).status == Status.FAIL
    assert doctor.check_folder("data folder", tmp_path / "file/below", private=True).status == Status.FAIL


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert doctor.check_folder("data folder", tmp_path, private=True).status == Status.FAIL
    assert doctor.check_folder("data folder", tmp_path / "new", private=True).status == Status.FAIL


@pytest.mark.parametrize(
    ("free", "status"), [(5_000_000_000, Status.OK), (500_000_000, Status.WARN), (5_000_000, Status.FAIL)]
)
def test_a_full_disk_is_named(tmp_path: Path, free: int, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(10**10, 0, free))
    assert doctor.check_disk(tmp_path / "not/there/yet").status == status


def test_everything_is_looked_at_even_where_opencode_is_missing(tmp_path: Path) -> None:
    names = [check.name for check in doctor.examine(tmp_path / "opencode")]
    assert "providers" not in names
    assert {"python", "terminal", "opencode", "data folder", "configuration folder", "disk"} <= set(names)


def test_the_report_has_what_was_found_and_what_to_do_and_no_control_bytes() -> None:
    text = doctor.report(
        [Check("one", Status.OK, "fine"), Check("three", Status.FAIL, "bad\x1b]52;c;x\x07\nnews", "Mend it.")],
    )
    assert text.splitlines() == ["✓ one    fine", "✗ three  bad�]52;c;x� news", "         Mend it."]


def test_the_report_can_do_without_unicode() -> None:
    text = doctor.report([Check("one", Status.WARN, "so so", "Do it.")], unicode=False)
    assert text.splitlines() == ["[warn] one  so so", "            Do it."]


@pytest.mark.integration
def test_the_real_opencode_is_found_with_its_version_and_models(
    opencode_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENCODE_MODELS_PATH")  # With the list of its own.
    checks = {check.name: check for check in doctor.examine()}
    assert checks["opencode"].status == Status.OK
    assert "models of" in checks["providers"].found
