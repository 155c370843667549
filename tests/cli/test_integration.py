"""The command line on the real opencode."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import tomli_w
from tests.conftest import ScriptedModel

from octui.cli.main import main
from octui.recording.session import Session

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]


def test_a_run_that_opencode_rejects_is_not_green_beside_one_that_succeeds(
    scripted_model: ScriptedModel, git_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (git_workspace / "opencode.json").write_text(json.dumps({"permission": {"bash": "ask"}}))
    runs = [
        {"name": "good", "prompt": "SAY:Hello."},
        {"name": "rejected", "prompt": 'TOOL:bash:{"command":"echo hi","description":"x"}'},
    ]
    defaults = {"workspace": str(git_workspace), "config_overrides": scripted_model.config}
    plan = tmp_path / "plan.toml"
    plan.write_text(tomli_w.dumps({"defaults": defaults, "runs": runs}))
    assert main(["run", str(plan), "--headless", "--json"]) == 1
    out, err = capsys.readouterr()
    good, rejected = json.loads(out)["runs"]
    assert (good["state"], good["final_text"], good["attention"]) == ("succeeded", "Hello.", [])
    assert (rejected["state"], rejected["exit_code"]) == ("failed", 0)
    assert any("bash (echo hi)" in words for words in rejected["attention"])
    assert "1 of 2 succeeded" in err


def test_the_demo_runs_headless_and_leaves_a_session_that_can_be_replayed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert main(["demo", "--headless", "--json", "--pace", "0"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [run["state"] for run in report["runs"]] == ["succeeded"] * 3
    session = Session.open(Path(report["session"]))
    assert session.status.ended is not None
    assert all(len(session.log(name)) for name in session.run_names)
    assert not list(temporary.glob("octui-demo-*"))
