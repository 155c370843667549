"""Two real agents on one repository at once, each in a worktree of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conftest import ScriptedModel
from tests.workspace.conftest import in_git

from octui.client.config import RunConfig
from octui.fleet.main import run_headless
from octui.plan.model import Backend, Plan, RunSpec
from octui.recording.facts import RunState
from octui.recording.session import Session
from octui.workspace.changes import compare
from octui.workspace.worktree import Worktree

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]


def editing(word: str) -> str:
    """Have an agent read and edit the same file as the others do, and wait a moment in between."""
    edit = {"filePath": "greeter.py", "oldString": "Hello", "newString": word}
    return "\n".join(
        [
            'TOOL:read:{"filePath":"greeter.py"}',
            'TOOL:bash:{"command":"sleep 1","description":"x"}',
            f"TOOL:edit:{json.dumps(edit)}",
            "SAY:Done.",
        ]
    )


@pytest.mark.parametrize("backend", ["serve", "run"])
def test_two_agents_that_edit_one_file_at_once_do_not_trample_each_other(
    scripted_model: ScriptedModel, git_workspace: Path, backend: Backend
) -> None:
    config = RunConfig(config_overrides=scripted_model.config)
    runs = tuple(
        RunSpec(
            name=word.lower(),
            workspace=git_workspace,
            prompt=editing(word),
            config=config,
            backend=backend,
            worktree=True,
            setup=("cp README.md set-up.log && echo '*.log' >> \"$(git rev-parse --git-path info/exclude)\"",),
            check=f"grep -q {word} greeter.py",
        )
        for word in ("Servus", "Moin")
    )
    before = in_git(git_workspace, "status", "--porcelain"), (git_workspace / "greeter.py").read_text()
    session = Session.open(run_headless(Plan(name="both", runs=runs)))
    for name, other in (("servus", "Moin"), ("moin", "Servus")):
        run = session.status.run(name)
        assert (run.state, run.why) == (RunState.SUCCEEDED, "")
        assert run.worktree is not None
        with compare(Worktree.told_by(run.worktree)) as found:
            assert [(file.path, file.added, file.removed) for file in found.files] == [("greeter.py", 1, 1)]
            assert f'+    return f"{name.capitalize()}, {{name}}!"\n'.encode() in found.diff()
            assert other.encode() not in found.diff()
        assert run.checked is not None
        assert run.checked.exit_code == 0
        assert run.changes is not None
        assert run.changes.files == 1
    assert (in_git(git_workspace, "status", "--porcelain"), (git_workspace / "greeter.py").read_text()) == before
