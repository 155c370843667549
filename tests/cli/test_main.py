"""The command line: what it says, and its exit status."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from tests.client.conftest import StandIn, stand_in
from tests.support.processes import wait_until

from octui import paths
from octui.cli.main import main
from octui.cli.run import permissions
from octui.control import spawn
from octui.control.messages import Shutdown, Stop
from octui.errors import ControlError, UsageError
from octui.plan.model import Plan
from octui.recording.session import Session
from octui.tui import app as tui

__all__ = ["stand_in"]

cli_run = sys.modules["octui.cli.run"]  # The command of the same name hides the module.
SAMPLE = Path(__file__).parents[2] / "sample_sessions" / "fix-a-bug"
KEYS = {
    *("name", "state", "skipped", "exit_code", "attempts", "attention", "duration_s", "cost"),
    *("cost_is_incomplete", "tokens", "tool_calls"),
    *("session_id", "final_text", "error", "branch", "base", "worktree", "settled", "changes", "check"),
}


def run(*arguments: str) -> int:
    return main(list(arguments))


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("octui ")


@pytest.mark.parametrize(
    "command",
    ["run", "resume", "attach", "stop", "replay", "sessions", "export", "demo", "doctor", "completion", "plan"],
)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0
    assert f"octui {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "There are: attach"),
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["Replya", "last"], "Did you mean 'replay'"),
        (["stpo"], "Did you mean 'stop'?"),
        (["plan.toml"], "Run a plan with `octui run plan.toml`."),
        (["Explain this."], "Run a prompt with `octui run -w FOLDER PROMPT`."),
        (["sessions", "prun"], "prune"),
        (["run", "--modle", "a/b"], "'--model'"),
        (["--verison"], "'--version'"),
        (["run"], "Missing argument"),
        (["run", "do it"], "-w DIR"),
        (["run", " ", "-w", "."], "prompt is empty"),
        (
            ["run", "x", "-w", "/nowhere", "-w", "/gone/*"],
            "Folder not found: `/nowhere`. No folder matches: `/gone/*`.",
        ),
        (["run", "x", "-w", str(SAMPLE / "session.toml")], "Not a folder: "),
        (["run", "nope.toml", "--headless"], "cannot be read"),
        (["run", "x", "-w", ".", "--json"], "goes with --headless"),
        (["run", "x", "-w", ".", "--junit", "x.xml"], "--junit goes with --headless"),
        (["run", "x", "-w", ".", "--fail-on", "attention"], "--fail-on goes with --headless"),
        (["run", "x", "-w", ".", "--headless", "--junit", "/nowhere/x.xml"], "cannot be written"),
        (["run", "x", "-w", ".", "--headless", "--summary", "/"], "cannot be written"),
        (["run", "x.toml", "--model", "a/b"], "A plan says all"),
        (["run", "x", "-w", ".", "--deny", "=x"], "neither TOOL nor"),
        (["run", "x", "-w", ".", "--model", "sonnet"], "provider/model"),
        (["run", "x", "-w", ".", "--ask", "bash", "--headless"], "nobody to ask"),
        (["run", "x", "-w", ".", "--ask", "bash", "--backend", "run"], "nobody to ask"),
        (["run", "x", "-w", ".", "--attach", "host:4096"], "begins with http"),
        (["run", "x", "-w", "/nowhere", "--attach", "http://h:1", "--headless"], "Folder not found"),
        (["run", "x.toml", "--backend", "run"], "A plan says all"),
        (["run", "x", "-w", ".", "--var", "a=b"], "--var goes with a plan"),
        (["run", "x.toml", "--var", "a"], "is not NAME=VALUE"),
        (["run", "x", "-w", "."], "Add --headless"),
        ([], "--headless"),
        (["attach"], "octui sessions"),
        (["replay"], "there is none here"),
        (["demo"], "Add --headless"),
        (["demo", "--json"], "goes with --headless"),
        (["stop", str(SAMPLE), "--yes"], "is not live"),
    ],
)
def test_a_mistake_in_what_was_asked_is_told_with_what_to_do_and_exit_status_2(
    arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_headless_run_says_how_it_goes_and_what_it_came_to(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = stand_in('answer("It is \\x1b]0;done\\x07 done.") if prompt == "good" else sys.exit(7)')
    (tmp_path / "w").mkdir()
    plan = tmp_path / "p.toml"
    plan.write_text(
        '[defaults]\nworkspace = "w"\n[[runs]]\nname = "a"\nprompt = "good"\n[[runs]]\nname = "b"\nprompt = "bad"\n'
    )
    assert run("run", str(plan), "--headless", "--json", "--binary", str(binary)) == 1
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert set(report) == {"session", "ok", "runs"}
    good, bad = report["runs"]
    assert set(good) == set(bad) == KEYS
    assert set(good["tokens"]) == {"total", "input", "output", "reasoning", "cache_read", "cache_write"}
    assert (good["state"], good["error"], good["exit_code"], good["cost"]) == ("succeeded", "", 0, 0.5)
    assert (bad["state"], bad["error"], bad["exit_code"]) == ("failed", "exit code 7", 7)
    assert not report["ok"]
    assert "1 of 2 succeeded" in err
    assert "\x1b" not in err
    assert Session.open(Path(report["session"])).status.ended is not None


def test_a_headless_run_says_of_which_runs_the_cost_is_a_lower_bound(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.toml").write_text(
        '[defaults]\nworkspace = "."\n[[runs]]\nname = "a"\nprompt = "whole"\n[[runs]]\nname = "b"\nprompt = "cut"\n'
    )
    binary = str(stand_in('answer(); prompt == "cut" and say("step_start", part={})'))
    options = ("--headless", "--json", "--binary", binary, "--summary", str(tmp_path / "summary.md"))
    assert run("run", str(tmp_path / "p.toml"), *options) == 1
    out, err = capsys.readouterr()
    told = [(each["cost"], each["cost_is_incomplete"]) for each in json.loads(out)["runs"]]
    assert told == [(0.5, False), (0.5, True)]
    assert "1 of 2 succeeded, 6 tokens, ≥$1.0000." in err
    rows = [row for row in (tmp_path / "summary.md").read_text().splitlines() if row.startswith("|")][2:]
    assert ["≥" in row for row in rows] == [False, True]


def test_a_plan_is_run_with_variables_and_quotes_what_was_answered(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "p.toml"
    plan.write_text(
        '[vars]\ncity = "Lima"\n[defaults]\nworkspace = "."\n'
        '[[runs]]\nname = "b"\nprompt = "Last: {{ runs.a.final_text }}"\n'
        '[[runs]]\nname = "a"\nprompt = "In {{ vars.city }}"\n'
    )
    binary = str(stand_in("answer(prompt)"))
    assert run("run", str(plan), "--headless", "--json", "--binary", binary, "--var", "city=Oslo = here") == 0
    report = json.loads(capsys.readouterr().out)
    assert [each["final_text"] for each in report["runs"]] == ["Last: In Oslo = here", "In Oslo = here"]


def test_one_prompt_for_several_folders_needs_no_plan(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = stand_in('answer(os.environ["OPENCODE_CONFIG_CONTENT"])')
    for name in ("api", "worker"):
        (tmp_path / name).mkdir()
    folders = ["-w", str(tmp_path / "api"), "-w", str(tmp_path / "worker")]
    rules = ["--allow", "bash", "--deny", "bash=git push *"]
    options = ["--headless", "--json", "--binary", str(binary), "--name", "two"]
    assert run("run", *folders, *rules, *options, "Explain.") == 0
    report = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in report["runs"]] == ["api", "worker"]
    rules_given = json.loads(report["runs"][0]["final_text"])["permission"]
    assert rules_given == {"bash": {"*": "allow", "git push *": "deny"}}


def test_the_stricter_word_wins() -> None:
    given = permissions(["edit", "read", "bash=ls *"], ["read", "edit", "bash=git *"], ["bash=rm *", "edit"])
    assert given == {
        "edit": "deny",
        "read": "ask",
        "bash": {"ls *": "allow", "git *": "ask", "rm *": "deny"},
    }
    assert list(given["bash"]) == ["ls *", "git *", "rm *"]
    with pytest.raises(UsageError):
        permissions(["bash="], [], [])


def test_agents_that_talk_may_be_told_to_ask_and_to_work_on_other_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[Plan] = []
    monkeypatch.setattr(cli_run, "need_terminal", lambda _: None)
    monkeypatch.setattr(cli_run, "opencode_path", lambda: "opencode")
    monkeypatch.setattr(tui, "run_dashboard", lambda _: 0)
    monkeypatch.setattr(spawn, "start_supervisor", lambda plan, **_: started.append(plan))
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "pa55word")
    hosts = ["--attach", "http://a:1", "--attach", "http://b:1"]
    assert run("run", "-w", str(tmp_path / "only-there"), "--copies", "3", "--ask", "bash=rm *", *hosts, "Go.") == 0
    (plan,) = started
    assert [each.config.attach for each in plan.runs] == ["http://a:1", "http://b:1", "http://a:1"]
    assert {each.config.password for each in plan.runs} == {"pa55word"}
    assert plan.runs[0].config.permission == {"bash": {"rm *": "ask"}}


def test_a_headless_run_that_would_ask_is_told_that_nobody_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_run, "run_headless", lambda *_, **__: 0)
    options = ["--headless", "--ask", "bash", "--backend", "serve"]
    assert run("run", "-w", str(tmp_path), *options, "Go.") == 0
    assert "rejected" in capsys.readouterr().err
    assert run("run", "-w", str(tmp_path), "--headless", "Go.") == 0
    assert "rejected" not in capsys.readouterr().err


def test_a_missing_opencode_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("run", "x", "-w", str(tmp_path), "--headless") == 1
    err = capsys.readouterr().err
    assert err.startswith("octui: opencode was not found.")
    assert "Traceback" not in err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "x", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_no_error_that_quotes_a_file_acts_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "p.toml"
    plan.write_text('[[runs]]\nprompt = "x"\nworkspace = "."\n"\\u001b]0;x\\u0007\\u009b31m" = 1\n')
    assert run("run", str(plan), "--headless") == 2
    err = capsys.readouterr().err
    assert "this key is not known" in err
    assert all(line.isprintable() for line in err.splitlines())


def test_a_mistake_of_our_own_is_one_sentence_and_tells_no_secret_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "p.toml"
    plan.write_text('[[runs]]\nprompt = "x"\nworkspace = "."\nextra_env = { KEY = "sk-very-secret" }\n')

    def fail(*_: object, **__: object) -> Path:
        raise RuntimeError("no luck with sk-very-secret")

    monkeypatch.setattr("octui.fleet.main.run_headless", fail)
    monkeypatch.setattr("octui.cli.run.opencode_path", lambda: "opencode")
    assert run("run", str(plan), "--headless") == 1
    err = capsys.readouterr().err
    assert "RuntimeError: no luck with ••••" in err
    assert "Traceback" not in err
    assert run("run", str(plan), "--headless", "--debug") == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "sk-very-secret" not in err


@pytest.fixture
def live_session(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Make the sample look live; give the list of what its supervisor is asked."""
    asked: list[object] = []
    monkeypatch.setattr(Session, "is_live", True)
    monkeypatch.setattr("octui.control.client.request", lambda _socket, message: asked.append(message))
    return asked


def test_a_session_or_a_run_is_stopped(live_session: list[object]) -> None:
    (name, *_) = Session.open(SAMPLE).run_names
    assert run("stop", str(SAMPLE), "--yes") == 0
    assert run("stop", str(SAMPLE), name, "--yes") == 0
    assert live_session == [Shutdown(id=1), Stop(id=1, run=name)]


def test_nothing_is_stopped_that_is_not_there_or_that_nobody_agreed_to(
    live_session: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("stop", str(SAMPLE), "nobody", "--yes") == 2
    assert "no run called 'nobody'" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run("stop", str(SAMPLE)) == 2
    assert "Add --yes" in capsys.readouterr().err
    assert live_session == []


def test_a_demo_that_cannot_start_leaves_no_folder(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> Path:
        raise ControlError("Not today.")

    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("octui.cli.options.on_terminal", lambda: True)
    monkeypatch.setattr("octui.control.spawn.start_supervisor", refuse)
    assert run("demo", "--pace", "0", "--binary", str(stand_in("pass"))) == 1
    assert "Not today." in capsys.readouterr().err
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("recorded", "words", "kept"), [(True, "", 0), (False, "The agents' files are in", 1)])
def test_the_demo_keeps_its_workspaces_only_while_agents_are_at_work_in_them(
    recorded: bool,
    words: str,
    kept: int,
    stand_in: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = tmp_path / "session"
    shutil.copytree(SAMPLE, session)
    if not recorded:
        facts = (session / "facts.jsonl").read_text().splitlines(keepends=True)
        (session / "facts.jsonl").write_text("".join(facts[:4]))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr("octui.cli.options.on_terminal", lambda: True)
    monkeypatch.setattr("octui.control.spawn.start_supervisor", lambda *_, **__: session)
    monkeypatch.setattr("octui.tui.app.run_dashboard", lambda _: 0)
    # A supervisor stays for a while after the last run: that it lives says nothing about the agents.
    monkeypatch.setattr(Session, "is_live", True)
    monkeypatch.setattr(Session, "supervisor_pid", os.getpid())
    assert run("demo", "--pace", "0", "--binary", str(stand_in("pass"))) == 0
    assert capsys.readouterr().out.startswith(words)
    assert len(list(temporary.iterdir())) == kept


@pytest.mark.parametrize("before", [True, False])
def test_common_options_stand_before_or_after_the_command(before: bool, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "-w", ".", "x", "--headless"]
    options = ["--binary", "/nowhere/opencode"]
    assert run(*(options + words if before else words + options)) == 1
    assert "/nowhere/opencode" in capsys.readouterr().err


def test_names_of_sessions_are_completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (paths.sessions_dir() / "20261123-000000-demo").mkdir(parents=True)
    monkeypatch.setenv("_OCTUI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "octui attach 2026")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        run()
    assert "20261123-000000-demo" in capsys.readouterr().out


def test_sessions_are_listed_as_text_and_as_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sessions") == 0
    assert "octui demo" in capsys.readouterr().out
    shutil.copytree(SAMPLE, paths.sessions_dir() / "20261123-000000-demo")
    assert run("sessions") == 0
    assert "3 succeeded" in capsys.readouterr().out
    assert run("sessions", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["counts"] == {"succeeded": 3}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("completion", shell) == 0
    assert "_OCTUI_COMPLETE" in capsys.readouterr().out


def test_an_interrupted_headless_run_still_gives_its_object(stand_in: StandIn, tmp_path: Path) -> None:
    binary = stand_in('say("step_start", part={}); time.sleep(300)')
    command = [sys.executable, "-m", "octui", "--binary", str(binary), "run", "x", "-w", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--headless", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "running" in line:
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    report = json.loads(out)
    assert not report["ok"]
    assert [(run["state"], run["error"]) for run in report["runs"]] == [("stopped", "stopped by SIGINT")]


def test_ctrl_c_twice_ends_all_at_once_without_waiting_for_what_does_not_end(stand_in: StandIn, tmp_path: Path) -> None:
    asked, pid = tmp_path / "asked", tmp_path / "pid"
    code = f"""
open({str(pid)!r}, "w").write(str(os.getpid()))
def note(*_):
    open({str(asked)!r}, "w").close()
signal.signal(signal.SIGTERM, note)
say("step_start", part={{}})
while True:
    time.sleep(0.1)
"""
    command = [sys.executable, "-m", "octui", "--binary", str(stand_in(code)), "run", "x", "-w", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--headless", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "running" in line:
                break
        process.send_signal(signal.SIGINT)
        wait_until(asked.exists)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "", "there is no time for reports"
    wait_until(lambda: not psutil.pid_exists(int(pid.read_text())))
