from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest

from octui.client.client import AsyncOpenCodeClient
from octui.client.config import RunConfig
from octui.client.result import RunResult
from octui.demo.model_server import ModelServer
from octui.demo.repository import FILES
from octui.demo.scenario import AGENTS, RELEASER, prepare, scripts


def test_every_agent_has_a_script_that_its_prompt_alone_chooses(tmp_path: Path) -> None:
    for agent, script in zip(AGENTS, scripts(tmp_path), strict=True):
        assert [other.name for other in AGENTS if script.marker in other.prompt] == [agent.name]


def test_tool_calls_stay_in_the_workspace_of_their_agent(tmp_path: Path) -> None:
    for agent, script in zip(AGENTS, scripts(tmp_path), strict=True):
        calls = [call for turn in script.turns for call in turn.calls]
        paths = [Path(call.arguments["filePath"]) for call in calls if "filePath" in call.arguments]
        assert paths
        assert all(path.is_relative_to(tmp_path / agent.name) for path in paths)
        written = [Path(call.arguments["filePath"]) for call in calls if call.name == "write"]
        assert all(str(path.relative_to(tmp_path / agent.name)) in FILES for path in paths if path not in written)


def test_the_story_is_told_in_half_a_minute_to_a_minute(tmp_path: Path) -> None:
    for script in scripts(tmp_path):
        seconds = sum(turn.pace_s * len(turn.text_pieces()) for turn in script.turns)
        assert 20 <= seconds <= 60


def test_the_plan_stands_beside_the_workspaces_and_denies_the_push(tmp_path: Path) -> None:
    plan = tomllib.loads(prepare(tmp_path / "demo", "http://127.0.0.1:1/v1").read_text())
    runs = {run["name"]: run for run in plan["runs"]}
    assert all((tmp_path / "demo" / run["workspace"] / ".git").is_dir() for run in runs.values())
    assert runs[RELEASER.name]["permission"]["bash"]["git push *"] == "deny"
    provider = plan["defaults"]["config_overrides"]["provider"]["scripted"]
    assert provider["options"]["baseURL"] == "http://127.0.0.1:1/v1"


@pytest.mark.integration
def test_the_agents_really_mend_review_and_release_and_the_push_is_denied(
    tmp_path: Path, opencode_binary: Path, integration_timeout_s: float
) -> None:
    folder = tmp_path / "demo"
    with ModelServer(scripts(folder, seconds_per_turn=0)) as server:
        plan = tomllib.loads(prepare(folder, server.base_url).read_text())
        results = anyio.run(_run_all, plan, folder, AsyncOpenCodeClient(str(opencode_binary)), integration_timeout_s)

    unittest = [sys.executable, "-m", "unittest"]
    assert subprocess.run(unittest, cwd=folder / "fixer", capture_output=True).returncode == 0
    assert _git(folder / "fixer", "log", "--format=%s") == ["Lose no cent", "Split by weight"]
    assert (folder / "reviewer/REVIEW.md").read_text().startswith("# Review of tally")
    assert _git(folder / "reviewer", "status", "--porcelain") == ["?? REVIEW.md"]
    assert _git(folder / "releaser", "tag", "--list") == ["v1.4.0"]
    assert '__version__ = "1.4.0"' in (folder / "releaser/tally/__init__.py").read_text()

    failed = {name: [call for call in result.tool_calls if _failed(call)] for name, result in results.items()}
    assert failed["fixer"] == failed["reviewer"] == []
    (denied,) = failed["releaser"]
    assert denied["state"]["input"]["command"].startswith("git push")
    assert "not published" in results["releaser"].final_text


async def _run_all(
    plan: dict[str, Any], folder: Path, client: AsyncOpenCodeClient, timeout_s: float
) -> dict[str, RunResult]:
    results = {}
    defaults = {key: value for key, value in plan["defaults"].items() if key != "timeout_s"}

    async def work(run: dict[str, Any]) -> None:
        config = RunConfig(**defaults, permission=run.get("permission", {}))
        results[run["name"]] = await client.async_run(run["prompt"], folder / run["workspace"], run_cfg=config)

    with anyio.fail_after(timeout_s):
        async with anyio.create_task_group() as tasks:
            for run in plan["runs"]:
                tasks.start_soon(work, run)
    return results


def _git(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _failed(call: dict[str, Any]) -> bool:
    return bool(call["state"]["status"] == "error" or call["tool"] == "invalid")
