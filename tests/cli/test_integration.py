"""The command line on the real opencode."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tests.conftest import ScriptedModel

from octui.cli.main import main
from octui.recording.session import Session

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]


def test_what_opencode_is_silent_about_is_told_and_never_green(
    scripted_model: ScriptedModel, git_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (git_workspace / "opencode.json").write_text(json.dumps({"permission": {"bash": "ask"}}))
    run = {
        "workspace": str(git_workspace),
        "prompt": 'TOOL:bash:{"command":"echo hi","description":"x"}',
        "config_overrides": scripted_model.config,
        "mcp": {"absent": {"type": "local", "command": ["/nope/server"]}},
        "agent": "nobody",
    }
    plan = tmp_path / "plan.toml"
    plan.write_text(tomli_w.dumps({"runs": [run]}))
    assert main(["run", str(plan), "--headless", "--json"]) == 1
    out, err = capsys.readouterr()
    (told,) = json.loads(out)["runs"]
    assert (told["state"], told["exit_code"]) == ("failed", 0)
    for words in ("bash (echo hi)", "absent", "nobody", "without a final answer"):
        assert any(words in reason for reason in told["attention"])
    assert "0 of 1 succeeded" in err


@pytest.mark.parametrize("backend", ["run", "serve"])
def test_half_an_emoji_in_an_answer_loses_neither_it_nor_what_is_quoted_of_it(
    backend: str, scripted_model: ScriptedModel, git_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = {"workspace": str(git_workspace), "backend": backend, "config_overrides": scripted_model.config}
    said = {"name": "said", "prompt": r'SAY:"Three pass \ud83d and none fails."'}
    quoted = {"name": "quoted", "prompt": "SAY:Read.\nIt said: <{{ runs.said.final_text }}>"}
    plan = tmp_path / "plan.toml"
    plan.write_text(tomli_w.dumps({"defaults": defaults, "runs": [said, quoted]}))
    assert main(["run", str(plan), "--headless", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    runs = {run["name"]: run for run in report["runs"]}
    assert [run["state"] for run in runs.values()] == ["succeeded"] * 2
    assert runs["said"]["final_text"].strip() == "Three pass \ufffd and none fails."
    assert runs["said"]["cost"] > 0
    asked = [request.prompt for request in scripted_model.server.requests]
    assert any("It said: <Three pass \ufffd and none fails.>" in prompt for prompt in asked)
    recorded = "stream" if backend == "serve" else "jsonl"
    assert rb"\ud83d and none" in (Path(report["session"]) / f"said.{recorded}").read_bytes()
    assert main(["export", report["session"], "--format", "md", "-o", "-"]) == 0
    assert "Three pass \ufffd and none fails." in capsys.readouterr().out


def test_the_demo_headless_really_mends_reviews_and_releases_and_leaves_only_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    demo, remove = tmp_path / "demo", shutil.rmtree

    def keep_and_remove(folder: str | Path, **how: Any) -> None:
        if "octui-demo-" in str(folder):
            shutil.copytree(folder, demo)
        remove(folder, **how)

    monkeypatch.setattr(shutil, "rmtree", keep_and_remove)
    assert main(["demo", "--headless", "--json", "--pace", "0"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [run["state"] for run in report["runs"]] == ["succeeded"] * 3
    assert "not published" in next(run["final_text"] for run in report["runs"] if run["name"] == "releaser")
    assert list(temporary.glob("octui-demo-*")) == []

    session = Session.open(Path(report["session"]))
    assert session.status.ended is not None
    assert failed_calls(session, "fixer") == failed_calls(session, "reviewer") == []
    (denied,) = failed_calls(session, "releaser")
    assert denied["input"]["command"].startswith("git push")

    unittest = [sys.executable, "-m", "unittest"]
    assert subprocess.run(unittest, cwd=demo / "fixer", capture_output=True).returncode == 0
    assert git(demo / "fixer", "log", "--format=%s") == ["Lose no cent", "Split by weight"]
    assert (demo / "reviewer/REVIEW.md").read_text().startswith("# Review of tally")
    assert git(demo / "reviewer", "status", "--porcelain") == ["?? REVIEW.md"]
    assert git(demo / "releaser", "tag", "--list") == ["v1.4.0"]
    assert '__version__ = "1.4.0"' in (demo / "releaser/tally/__init__.py").read_text()


def failed_calls(session: Session, run: str) -> list[dict[str, Any]]:
    parts = [json.loads(line)["part"] for line in (session.folder / f"{run}.jsonl").read_text().splitlines()]
    calls = [(part["tool"], part["state"]) for part in parts if part["type"] == "tool"]
    return [state for tool, state in calls if state["status"] == "error" or tool == "invalid"]


def git(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
