from __future__ import annotations

import tomllib
from pathlib import Path

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
