"""What is said of a plan before it starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octui.client.config import RunConfig
from octui.discovery.plan_notices import plan_notices
from octui.plan.model import Plan, RunSpec


def plan_of(folder: Path, *configs: RunConfig) -> Plan:
    runs = (
        RunSpec(name=f"r{number}", workspace=folder, prompt="x", config=each) for number, each in enumerate(configs)
    )
    return Plan(name="p", runs=tuple(runs))


@pytest.fixture
def configured(home: Path) -> Path:
    path = home / ".config/opencode/opencode.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"model": "mine/big", "plugin": ["p"]}))
    return path


def test_the_model_that_runs_without_one_take_is_named(configured: Path, tmp_path: Path) -> None:
    (line,) = plan_notices(plan_of(tmp_path, RunConfig(keep=["plugin"]), RunConfig(model="a/b", keep=["plugin"])))
    assert line == "No model is given: opencode's configuration says mine/big."
    assert [*plan_notices(plan_of(tmp_path, RunConfig(model="a/b", keep=["plugin"])))] == []


def test_no_model_at_all_is_said(tmp_path: Path) -> None:
    (line,) = plan_notices(plan_of(tmp_path, RunConfig()))
    assert line.endswith("opencode chooses one.")


def test_what_runs_may_miss_is_said_once(configured: Path, tmp_path: Path) -> None:
    line, *_ = plan_notices(plan_of(tmp_path, RunConfig(model="a/b"), RunConfig(model="a/c")))
    assert line.startswith("Not used from your opencode configuration: plugin.")
    assert 'keep = ["plugin"]' in line
    for config in (RunConfig(inherit_user_config=True, model="a/b"), RunConfig(attach="http://h:1")):
        assert [*plan_notices(plan_of(tmp_path, config))] == []


def test_a_source_that_cannot_be_used_is_named(configured: Path, tmp_path: Path) -> None:
    configured.write_text("{broken")
    assert str(configured) in next(iter(plan_notices(plan_of(tmp_path, RunConfig(model="a/b")))))
