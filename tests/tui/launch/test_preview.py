from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.tui.launch.preview import preview_text


def run(base: Path, name: str = "api") -> RunSpec:
    return RunSpec(name=name, workspace=base / name, prompt="s3cr3t? no", config=RunConfig(model="p/m"))


def test_the_preview_tells_the_command_the_environment_and_the_configuration(tmp_path: Path) -> None:
    config = RunConfig(model="p/m", permission={"bash": {"git push *": "deny"}})
    text = preview_text(Plan(name="x", runs=(replace(run(tmp_path), config=config),)), tmp_path)
    assert "opencode run --format json" in text
    assert "p/m" in text
    assert "OPENCODE_DISABLE_AUTOUPDATE=1" in text
    assert '"git push *": "deny"' in text
    assert "a copy with your providers only" in text


def test_no_secret_is_in_the_preview(tmp_path: Path) -> None:
    config = RunConfig(
        mcp={"x": {"type": "remote", "url": "https://x", "headers": {"Authorization": "Bearer s3cret"}}},
        password="pa55word",
        extra_env={"MY_TOKEN": "t0ken"},
        attach="http://127.0.0.1:1",
    )
    text = preview_text(Plan(name="x", runs=(replace(run(tmp_path), config=config),)), tmp_path)
    assert not any(secret in text for secret in ("s3cret", "pa55word", "t0ken"))
    assert "Authorization" in text
    assert "MY_TOKEN" in text


def test_runs_that_get_the_same_are_described_once(tmp_path: Path) -> None:
    plan = Plan(name="x", runs=(run(tmp_path), run(tmp_path, "worker"), replace(run(tmp_path, "b"), isolate_db=False)))
    text = preview_text(plan, tmp_path)
    assert text.count("Command\n") == 2
    assert text.count("a private folder for each run") == 1
    assert text.index("worker") < text.index("Command")
