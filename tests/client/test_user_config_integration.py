"""What the real opencode gets of its user's configuration and environment."""

from __future__ import annotations

import json
import os
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ScriptedModel

from octui import AsyncOpenCodeClient, OpenCodeSession, RunConfig
from octui.client.client import OpenCodeWarning
from octui.client.compat import TEMPORARY_VARIABLE

pytestmark = [pytest.mark.anyio, pytest.mark.integration, pytest.mark.usefixtures("opencode_binary")]

on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def tool(name: str, **arguments: Any) -> str:
    return f"TOOL:{name}:{json.dumps(arguments)}"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def user_config(model: ScriptedModel, key: str = "k") -> dict[str, Any]:
    """A provider under a name of its own, and its model as the default."""
    (provider,) = json.loads(json.dumps(model.config["provider"])).values()
    provider["options"]["apiKey"] = key
    return {"provider": {"mine": provider}, "model": f"mine/{next(iter(provider['models']))}"}


@on_asyncio
@pytest.mark.parametrize("place", ["global", "OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "OPENCODE_CONFIG_CONTENT"])
async def test_a_provider_and_default_model_of_the_users_reach_a_run_from_wherever_they_are_set(
    place: str,
    scripted_model: ScriptedModel,
    git_workspace: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = {"global": home / ".config/opencode", "OPENCODE_CONFIG_DIR": home / "extra"}
    path = folders.get(place, home / "ci") / "opencode.json"
    write(path.parent / "key", "k\n")
    # Relative to its file; the variable's text starts from the folder of the run.
    key = f"{{file:{path.parent}/key}}" if place == "OPENCODE_CONFIG_CONTENT" else "{file:./key}"
    text = json.dumps(user_config(scripted_model, key))
    write(path, f"// mine\n{text}")
    values = {"OPENCODE_CONFIG": path, "OPENCODE_CONFIG_DIR": path.parent, "OPENCODE_CONFIG_CONTENT": text}
    if place in values:
        monkeypatch.setenv(place, str(values[place]))
    result = await AsyncOpenCodeClient().async_run("SAY:ok", git_workspace, timeout_s=100)
    assert result.final_text.strip() == "ok"


@on_asyncio
async def test_what_is_kept_works_in_an_isolated_run_and_does_not_undo_an_override(
    scripted_model: ScriptedModel, git_workspace: Path, home: Path
) -> None:
    config = home / ".config/opencode"
    loaded = home / "loaded"
    agent = {"agent": {"other": {"permission": {"bash": "allow"}}}}
    body = f'appendFileSync("{loaded}", "%s "); return {{}}'
    plugin = f'import {{ appendFileSync }} from "fs"\nexport const P = async () => {{ {body} }}'
    write(config / "opencode.json", json.dumps({**user_config(scripted_model), **agent, "plugin": ["./my/named.js"]}))
    write(config / "my/named.js", plugin % "named")
    write(config / "plugins/found.js", plugin % "found")
    write(config / "agents/mine.md", "---\nmode: primary\npermission:\n  bash: allow\n---\nKEPT-AGENT")
    touch = tool("bash", command="touch made", description="x")
    write(home / ".opencode/commands/hello.md", f"{touch}\nSAY:$ARGUMENTS")
    run = RunConfig(agent="mine", command="hello", keep=["agent", "command", "plugin"], permission={"bash": "deny"})
    with warnings.catch_warnings():
        warnings.simplefilter("error", OpenCodeWarning)
        result = await AsyncOpenCodeClient().async_run("greetings", git_workspace, run_cfg=run, timeout_s=100)
    assert result.final_text.strip() == "greetings"
    assert "KEPT-AGENT" in json.dumps([request.body for request in scripted_model.server.requests])
    assert set(loaded.read_text().split()) == {"named", "found"}
    assert not (git_workspace / "made").exists()


@on_asyncio
async def test_a_run_says_what_it_may_miss_and_does_not_get_it(
    scripted_model: ScriptedModel, git_workspace: Path, home: Path
) -> None:
    config = home / ".config/opencode"
    write(config / "opencode.json", json.dumps(user_config(scripted_model)))
    write(config / "plugins/p.js", f'import {{ writeFileSync }} from "fs"\nwriteFileSync("{home}/loaded", "x")')
    with pytest.warns(OpenCodeWarning, match=r'plugin\. To use it, set keep = \["plugin"\] or inherit_user_config'):
        await AsyncOpenCodeClient().async_run("SAY:ok", git_workspace, timeout_s=100)
    assert not (home / "loaded").exists()


@on_asyncio
@pytest.mark.parametrize("backend", ["run", "serve"])
async def test_variables_of_the_user_do_not_undo_what_octui_relies_on(
    backend: str,
    scripted_model: ScriptedModel,
    git_workspace: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = home / "shared.db"
    for name, value in {
        "OPENCODE_DB": str(database),
        "OPENCODE_SERVER_USERNAME": "me",
        "OPENCODE_SERVER_PASSWORD": "pw",
        "OPENCODE_PERMISSION": '{"bash": "deny"}',
        "OPENCODE_CLIENT": "acp",
        "OPENCODE_WORKSPACE_ID": "wrk_1",
        "OPENCODE_PRINT_LOGS": "1",
        "OPENCODE": "1",
        "OPENCODE_PID": "1",
    }.items():
        monkeypatch.setenv(name, value)
    config = RunConfig(config_overrides=scripted_model.config)
    prompt = tool("bash", command="echo $OPENCODE_DB > made", description="x") + "\nSAY:ok"
    if backend == "run":
        result = await AsyncOpenCodeClient().async_run(prompt, git_workspace, run_cfg=config, timeout_s=100)
        assert "level=INFO" not in result.stderr
    else:
        async with OpenCodeSession(AsyncOpenCodeClient(), git_workspace, run_cfg=config, timeout_s=100) as session:
            result = await session.send(prompt)
    assert result.final_text.strip() == "ok"
    assert (git_workspace / "made").read_text() == "\n"
    assert not database.exists()


@pytest.fixture
def named_server(opencode_binary: Path, scripted_model: ScriptedModel, tmp_path: Path) -> Iterator[str]:
    """A server that somebody else started, with a user name and a password of theirs; its URL."""
    content = json.dumps(scripted_model.config)
    login = {"OPENCODE_SERVER_USERNAME": "me", "OPENCODE_SERVER_PASSWORD": "p@w"}
    env = {**os.environ, **login, "OPENCODE_CONFIG_CONTENT": content, TEMPORARY_VARIABLE: str(tmp_path)}
    with subprocess.Popen([opencode_binary, "serve", "--port=0"], env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, b"")
        yield next(line.split()[-1].decode() for line in lines if b"listening on" in line)
        process.terminate()


@on_asyncio
async def test_the_login_of_a_server_that_runs_already_is_honoured(
    named_server: str, git_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = AsyncOpenCodeClient()
    in_url = RunConfig(attach=named_server.replace("//", "//me:p%40w@"))
    said = RunConfig(attach=named_server, username="me", password="p@w")

    async def served(config: RunConfig) -> str:
        async with OpenCodeSession(client, git_workspace, run_cfg=config, timeout_s=100) as session:
            return (await session.send("SAY:ok")).final_text.strip()

    async def run(config: RunConfig) -> str:
        return (await client.async_run("SAY:ok", git_workspace, run_cfg=config, timeout_s=100)).final_text.strip()

    assert [await served(in_url), await served(said), await run(in_url)] == ["ok"] * 3
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", "me")
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "p@w")
    by_variables = RunConfig(attach=named_server)
    assert [await served(by_variables), await run(by_variables)] == ["ok"] * 2
