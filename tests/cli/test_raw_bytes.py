"""Names of files and arguments with bytes that are no UTF-8, all the way through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import tomli_w
from tests.cli.test_main import run, stand_in
from tests.client.conftest import StandIn
from tests.conftest import ScriptedModel
from tests.support.processes import wait_until
from tests.support.repository import make_repository
from tests.workspace.conftest import in_git

from octui import paths
from octui.control.settling import settle_run
from octui.control.spawn import start_supervisor, take_up_session
from octui.plan.build import plan_from_prompt
from octui.recording.facts import RunState, SessionStarted
from octui.recording.session import Session
from octui.tui.launch import last_used
from octui.tui.launch.form import LaunchForm

__all__ = ["stand_in"]

RAW = os.fsdecode(b"caf\xe9")
EDIT = "open(os.fsdecode(b'n\\xe9w'), 'w').write('x'); answer() if prompt == 'go' else sys.exit(1)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository whose name, and that of a file in it, is Latin-1."""
    made = make_repository(tmp_path / RAW, {"a.txt": "a\n"})
    (made / RAW).write_text("b\n")
    in_git(made, "add", "--all")
    in_git(made, "commit", "--quiet", "--message", "more")
    return made


def test_a_run_in_a_worktree_of_such_a_folder_is_recorded_reported_and_exported(
    stand_in: StandIn,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.chdir(tmp_path)
    binary = str(stand_in(EDIT))
    options = ("--binary", binary, "--headless", "--json", "--junit", f"{RAW}.xml", "--summary", f"{RAW}.md")
    assert run("run", "-w", str(folder), "--worktree", "--check", "ls", *options, "go") == 0
    out, err = capsysbinary.readouterr()
    assert b"made a mistake" not in err
    (told,) = json.loads(out)["runs"]
    assert (told["name"], told["state"], told["changes"]["files"]) == ("caf", "succeeded", 1)
    ElementTree.parse(tmp_path / f"{RAW}.xml")
    assert "succeeded" in (tmp_path / f"{RAW}.md").read_text("utf-8")
    (path,) = paths.sessions_dir().iterdir()
    session = Session.open(path)
    made = session.status.run("caf").worktree
    assert made is not None
    assert (made.repository, session.meta("caf").workspace) == (str(folder), str(folder))
    for kind in ("md", "html", "json"):
        assert run("export", str(path), "--format", kind, "-o", f"{RAW}.{kind}", "--force") == 0
        assert b"caf" in (tmp_path / f"{RAW}.{kind}").read_bytes()
    assert run("export", f"./{RAW}.jsonl", "-o", "-") == 1, "it is not there"
    assert run("sessions", "--json") == run("sessions", "--find", "caf") == 0
    settle_run(session, "caf", "applied")
    assert (folder / os.fsdecode(b"n\xe9w")).read_text() == "x"
    assert run("sessions", "settle", str(path), "caf", "discard", "--yes") == 0
    assert run("sessions", "rename", str(path), "another") == 0
    assert Session.open(path).meta("caf").workspace == str(folder)
    assert b"made a mistake" not in capsysbinary.readouterr().err


def test_a_session_of_such_a_folder_is_resumed(
    stand_in: StandIn, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = str(stand_in("sys.exit(1)"))
    assert run("run", "-w", str(folder), "--worktree", "--binary", binary, "--headless", "go") == 1
    stand_in("answer('now')")
    assert run("resume", "last", "--headless", "--json") == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["final_text"] == "now"


def test_a_run_whose_source_worktree_was_removed_is_resumed(
    stand_in: StandIn, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_git(folder, "worktree", "add", "--quiet", "-b", "feat", str(tmp_path / "feat"))
    binary = str(stand_in("open('left', 'w').close(); sys.exit(1)"))
    assert run("run", "-w", str(tmp_path / "feat"), "--worktree", "--binary", binary, "--headless", "go") == 1
    in_git(folder, "worktree", "remove", "--force", str(tmp_path / "feat"))
    stand_in("answer(' '.join(sorted(os.listdir('.'))).encode('ascii', 'replace').decode())")
    assert run("resume", "last", "--headless", "--json") == 0
    assert "left" in json.loads(capsys.readouterr().out)["runs"][0]["final_text"]


def test_a_run_in_such_a_folder_itself_says_that_opencode_cannot_work_there(
    stand_in: StandIn, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "-w", str(folder), "--binary", str(stand_in("answer()")), "--headless", "--json", "go") == 1
    (told,) = json.loads(capsys.readouterr().out)["runs"]
    assert told["error"].startswith(
        f"opencode cannot work in {folder.parent}/caf�: the path has bytes that are no UTF-8."
    )


def test_a_supervisor_of_its_own_runs_and_resumes_it_with_such_a_data_folder(
    stand_in: StandIn, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    (tmp_path / "r").mkdir(mode=0o700)
    binary = Path(stand_in("answer()")).rename(tmp_path / f"{RAW}-opencode")
    plan = plan_from_prompt("go", [folder], worktree=True, backend="run")
    session = Session.open(start_supervisor(plan, binary=binary, sessions_dir=tmp_path / f"{RAW}-sessions"))

    def over() -> bool:
        session.refresh()
        return session.status.run("caf").state is RunState.SUCCEEDED

    wait_until(over)
    assert session.socket
    assert run("stop", str(session.folder), "--yes") == 0
    wait_until(lambda: not session.is_live)
    take_up_session(session.folder)
    session.refresh()
    assert session.is_live
    assert len([fact for fact in session.facts if isinstance(fact, SessionStarted)]) == 2
    assert run("stop", str(session.folder), "--yes") == 0
    wait_until(lambda: not session.is_live)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([f"say {RAW}"], "The prompt"),
        (["--name", RAW, "x"], "--name"),
        (["--model", RAW, "x"], "--model"),
        (["--agent", RAW, "x"], "--agent"),
        (["--deny", f"bash={RAW}", "x"], "--deny"),
        (["--setup", f"cat {RAW}", "x"], "--setup"),
        (["--check", RAW, "x"], "--check"),
        (["--base", RAW, "x"], "--base"),
        (["--var", f"a={RAW}", "x"], "--var"),
        (["--attach", f"http://{RAW}", "x"], "--attach"),
    ],
)
def test_text_that_cannot_be_encoded_gets_one_sentence(
    arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "-w", ".", "--headless", *arguments) == 2
    err = capsys.readouterr().err
    assert what in err
    assert "is no UTF-8 text" in err
    assert not paths.sessions_dir().exists()


def test_a_message_and_a_name_of_a_session_are_text_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions", "settle", "s", "r", "commit", "-m", RAW) == 2
    assert run("sessions", "rename", "s", RAW) == 2
    assert capsys.readouterr().err.count("is no UTF-8 text") == 2


@pytest.mark.parametrize("name", ["plan.toml", f"{RAW}.toml"])
def test_a_plan_file_in_latin_1_and_one_that_is_called_so(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(b'[[runs]]\nworkspace = "."\nprompt = "caf\xe9"\n')
    assert run("plan", "check", name) == 2
    assert ":3: file: this is not UTF-8 text." in capsys.readouterr().err
    (tmp_path / name).write_bytes(b'[[runs]]\nworkspace = "."\nprompt_file = "p"\n')
    (tmp_path / "p").write_bytes(b"caf\xe9")
    assert run("plan", "check", name) == 2
    assert "p cannot be read: it is not UTF-8 text." in capsys.readouterr().err
    (tmp_path / "p").write_bytes(b"x")
    assert run("plan", "check", name) == 0


def test_remembered_folders_may_be_called_so(tmp_path: Path) -> None:
    base, data = tmp_path / RAW, tmp_path / "data"
    last_used.save_launched(LaunchForm(workspaces=(RAW,)), (str(base),), base, data)
    shared, found = last_used.load_shared(data), last_used.load(base, data).launched
    assert shared is not None
    assert found is not None
    assert (shared.folders, found.workspaces) == ((str(base),), (RAW,))


@pytest.mark.parametrize("encoding", ["", "utf-8"])
def test_in_the_c_locale_arguments_are_read_as_utf8(tmp_path: Path, encoding: str) -> None:
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": encoding}
    (tmp_path / "größer.toml").write_text('[[runs]]\nname = "支付"\nworkspace = "."\nprompt = "größer"\n', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "octui", "plan", "check", "größer.toml"],
        cwd=tmp_path,
        env={name: value for name, value in env.items() if value},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "größer" in done.stdout.decode()


@pytest.mark.integration
@pytest.mark.parametrize("backend", ["run", "serve"])
def test_the_real_opencode_works_in_folders_of_other_scripts(
    backend: str,
    tmp_path: Path,
    scripted_model: ScriptedModel,
    opencode_binary: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_repository(tmp_path / "支付", {"a.txt": "a\n"})
    runs = [{"name": "Заказы", "workspace": {"path": "支付", "worktree": True}, "prompt": "Say done."}]
    defaults = {"backend": backend, "config_overrides": scripted_model.config}
    plan = tmp_path / "支付.toml"
    plan.write_text(tomli_w.dumps({"name": "支付を直す", "defaults": defaults, "runs": runs}), "utf-8")
    assert run("run", str(plan), "--binary", str(opencode_binary), "--headless", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["session"]).name.endswith("-支付を直す")
    assert (told["runs"][0]["name"], told["runs"][0]["state"]) == ("Заказы", "succeeded")
    assert "octui/" in told["runs"][0]["branch"]
    assert told["runs"][0]["branch"].endswith("支付を直す/Заказы")


def test_a_locale_that_lacks_a_letter_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        "支付".encode("latin-1")

    (tmp_path / "p.toml").write_text('[[runs]]\nworkspace = "."\nprompt = "x"\n')
    monkeypatch.setattr("octui.plan.toml.load_plan", refuse)
    assert run("plan", "check", str(tmp_path / "p.toml")) == 1
    assert capsys.readouterr().err == (
        "octui: '支付' has characters that latin-1, the encoding of this locale, has not.\n"
        "Set LANG to a UTF-8 locale, as C.UTF-8.\n"
    )
