"""Which runs share a server, and which models it is told of."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from tests.conftest import ScriptedModel
from tests.support.repository import make_repository
from tests.support.serving import served

from octui.client import catalogue
from octui.client.binary import binary_version, find_binary
from octui.client.config import RunConfig
from octui.client.serve.server import ServerLaunch
from octui.control.messages import Send
from octui.errors import ServerError
from octui.fleet.servers import ServerPool
from octui.plan.model import RunSpec
from octui.recording.facts import RunState

pytestmark = pytest.mark.asyncio

BRINGS = '{"provider": {"mine": {"name": "Mine"}}}'


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[ServerLaunch]:
    """What servers are started with; none does start."""
    found: list[ServerLaunch] = []

    @asynccontextmanager
    async def running(launch: ServerLaunch) -> AsyncIterator[NoReturn]:
        found.append(launch)
        raise ServerError("It does not start.")
        yield

    monkeypatch.setattr("octui.client.serve.server.running", running)
    return found


@pytest.mark.parametrize(
    ("files", "config", "narrow"),
    [
        ({}, RunConfig(), True),
        ({"a/opencode.json": BRINGS}, RunConfig(), False),
        ({"b/opencode.json": BRINGS}, RunConfig(), False),
        ({"c/opencode.json": BRINGS}, RunConfig(), True),
        ({}, RunConfig(port=4096), False),
    ],
    ids=["no project has providers", "its own has", "that of a run with its settings has", "another has", "one port"],
)
async def test_a_server_knows_all_models_where_a_run_that_will_share_it_may_need_them(
    tmp_path: Path, launches: list[ServerLaunch], files: dict[str, str], config: RunConfig, narrow: bool
) -> None:
    other = RunConfig(mcp={"x": {"type": "local", "command": ["x"]}})
    runs = []
    for name, its in (("a", config), ("b", config), ("c", other)):
        (tmp_path / name / ".git").mkdir(parents=True)
        runs.append(RunSpec(name=name, workspace=tmp_path / name, prompt="x", config=its, backend="serve"))
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    pool = ServerPool(tmp_path / "opencode", "1.18.33", lambda number: tmp_path / f"server-{number}", tuple(runs))
    async with pool.serving():
        with pytest.raises(ServerError, match="does not start"):
            async with pool.borrowed(runs[0], runs[0].workspace):
                pass
    assert [launch.narrow_models for launch in launches] == [narrow]


@pytest.mark.integration
@pytest.mark.usefixtures("opencode_binary")
async def test_a_run_whose_folder_has_come_to_bring_in_providers_goes_on_on_a_server_that_knows_all_models(
    scripted_model: ScriptedModel, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENCODE_MODELS_PATH")
    monkeypatch.setattr(catalogue, "MANAGED", ())
    (home / ".cache" / "opencode").mkdir()
    (home / ".cache" / "opencode" / "models.json").write_text(
        json.dumps({"opencode": {"id": "opencode", "models": {}}})
    )
    config = RunConfig(config_overrides=scripted_model.config)
    runs = tuple(
        RunSpec(
            name=name,
            workspace=make_repository(tmp_path / name, {"README.md": "x"}),
            prompt="SAY:One.",
            config=config,
            backend="serve",
        )
        for name in "ab"
    )
    binary = find_binary()
    async with served(tmp_path / "sessions", runs, binary=binary, version=binary_version(binary)) as it:
        assert [await it.over(name) for name in "ab"] == [RunState.SUCCEEDED] * 2
        first, session_id = it.runner("b").server_pid, it.runner("b").session_id
        (tmp_path / "b" / "opencode.json").write_text(BRINGS)
        for number, name in enumerate("ab"):
            await it.supervisor.handle(Send(id=number, run=name, text="SAY:Two."))
            assert await it.over(name) is RunState.SUCCEEDED
        assert it.runner("a").server_pid == first != it.runner("b").server_pid
        assert it.runner("b").session_id == session_id
    assert [it.texts(name) for name in "ab"] == [["One.", "Two."]] * 2
