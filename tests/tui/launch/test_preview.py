from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from octui.client.config import RunConfig
from octui.plan.model import Backend, Plan, RunSpec
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
    assert "a copy with your providers and default models only" in text


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


SERVED = RunConfig(
    model="p/m",
    title="Look",
    permission={"edit": "deny", "bash": {"*": "allow", "git push *": "ask"}},
    mcp={"x": {"type": "remote", "url": "https://x", "headers": {"Authorization": "Bearer s3cret-s3cret"}}},
)


def test_of_a_served_run_the_servers_part_and_the_sessions_are_told_apart(tmp_path: Path) -> None:
    runs = tuple(replace(run(tmp_path, name), config=SERVED, backend="serve") for name in ("api", "worker"))
    text = preview_text(Plan(name="x", runs=runs), tmp_path)
    server, session = text.split("Session of each run")
    assert text.count("opencode serve --hostname=127.0.0.1") == 1
    assert "https://x" in server
    assert "OPENCODE_ENABLE_QUESTION_TOOL=1" in server
    assert "s3cret-s3cret" not in text
    assert '"git push *": "ask"' in server  # What has to be asked is subagents' to know of, too.
    assert not any(words in server for words in ("p/m", "Look"))
    told = [line.strip() for line in server.splitlines()]
    start = told.index("Permissions, but for opencode's defaults")
    assert told[start + 1 : start + 5] == [
        "agent build, the last match wins",
        "edit = deny (override)",
        "bash = allow (override)",
        'bash "git push *" = ask (override)',
    ]
    assert "model: p/m" in session
    assert "title: Look" in session


def test_of_a_server_that_runs_already_only_its_address_is_told(tmp_path: Path) -> None:
    config = RunConfig(attach="http://me:pa55word@host:4096", share=True, files=["a.txt"], tools={"x*": False})
    served = replace(run(tmp_path), config=config, backend="serve")
    text = preview_text(Plan(name="x", runs=(served,)), tmp_path)
    assert "host:4096, which runs already" in text
    assert "pa55word" not in text
    assert "opencode serve" not in text
    for words in ("share", "file: a.txt", "x* * = deny"):
        assert words in text


@pytest.mark.parametrize("backend", ["run", "serve"])
def test_what_holds_is_told_with_where_it_comes_from_and_repeated_in_each_agent(
    backend: Backend, tmp_path: Path
) -> None:
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "opencode.json").write_text(
        '{"permission": {"webfetch": "ask", "bash": {"*": "ask", "touch *": "allow"}},'
        ' "agent": {"build": {"permission": {"bash": "allow", "edit": {"*.md": "deny"}}}}}'
    )
    config = RunConfig(permission={"bash": "deny"})
    text = preview_text(Plan(name="x", runs=(replace(run(tmp_path), config=config, backend=backend),)), tmp_path)
    told = [line.strip() for line in text.splitlines()]
    start = told.index("Permissions, but for opencode's defaults")
    assert told[start + 1 : start + 5] == [
        "agent build, the last match wins",
        "webfetch = ask (opencode.json: permission.webfetch)",
        'edit "*.md" = deny (opencode.json: agent.build.permission.edit)',
        "bash = deny (override)",
    ]
    assert '"bash *": "deny"' in text.partition("OPENCODE_CONFIG_CONTENT\n")[2]
