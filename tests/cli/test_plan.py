"""``octui plan``."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from tests.support.repository import make_repository
from tests.workspace.conftest import in_git

from octui.cli import plan as plan_command
from octui.cli.main import main
from octui.plan.keys import DEFAULT_KEYS, RUN_KEYS, TOP_KEYS
from octui.plan.schema import plan_schema
from octui.plan.toml import load_plan

PLAN = """
allow_env = ["OCTUI_TEST_TOKEN"]
[budget]
max_cost = 5
[[runs]]
name = "sum"
workspace = "."
prompt = '''Sum up, {{ env.OCTUI_TEST_TOKEN }}:
{% for run in runs.city %}{{ run.vars.city }}: {{ run.final_text }}
{% endfor %}'''
[[runs]]
name = "city"
workspace = "."
matrix = { city = ["Oslo", "Lima"] }
prompt = "Weather in {{ vars.city }}, {{ vars.unit }}"
permission = { bsh = "deny" }
extra_env = { KEY = "sk-very-secret" }
"""


def test_a_check_says_what_would_start_in_which_order_with_secrets_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OCTUI_TEST_TOKEN", "token-very-secret")
    (tmp_path / "p.toml").write_text(PLAN)
    assert main(["plan", "check", str(tmp_path / "p.toml"), "--var", "unit=°C"]) == 0
    out = capsys.readouterr().out
    heads = [line for line in out.splitlines() if line[:1].isdigit()]
    assert heads == ["1. city-Oslo (of city)", "2. city-Lima (of city)", "3. sum"]
    for words in (
        "p: 3 runs in 2 steps, 4 at a time",
        "budget: max_cost = 5",
        "prompt  Weather in Oslo, °C",
        "Lima: ‹what city-Lima answers›",
        "needs   city: when they succeeded",
        "the nearest it knows is 'bash'",
    ):
        assert words in out
    assert "very-secret" not in out


def test_a_check_tells_every_mistake_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.toml").write_text(PLAN.replace('permission = { bsh = "deny" }', "copies = 0"))
    assert main(["plan", "check", str(tmp_path / "p.toml")]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "mistakes; nothing was started" in err
    assert "copies: it must be at least 1" in err
    assert "OCTUI_TEST_TOKEN is not set" in err


ASKS = (
    '[[runs]]\nname = "a"\nworkspace = "."\nprompt = "p"\npermission = { edit = "deny", bash = { "git *" = "ask" } }\n'
)


def test_what_only_a_run_without_a_screen_refuses_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.toml"
    file.write_text(ASKS)
    assert main(["plan", "check", str(file)]) == 0
    assert """note    with --headless it is refused: permission.bash["git *"] is 'ask'""" in capsys.readouterr().out
    file.write_text(f'{ASKS}backend = "serve"\n')
    assert main(["plan", "check", str(file)]) == 0
    assert "--headless it is refused" not in capsys.readouterr().out


def test_a_run_without_a_screen_refuses_with_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.toml"
    file.write_text(ASKS)
    assert main(["run", str(file), "--headless"]) == 2
    err = capsys.readouterr().err
    assert f"""  {file}:5: runs[1].permission.bash["git *"]: permission.bash["git *"] is 'ask'""" in err
    assert "Or set backend = 'serve'" in err


def test_nothing_in_a_plan_acts_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.toml").write_text('[[runs]]\nworkspace = "."\nprompt = "a\\u001b]0;x\\u0007b"\n')
    assert main(["plan", "check", str(tmp_path / "p.toml")]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_what_init_writes_is_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new.toml"
    assert main(["plan", "init", str(path)]) == 0
    assert [run.name for run in load_plan(path).runs] == ["look-tests", "look-documentation", "summary"]
    assert main(["plan", "check", str(path)]) == 0
    assert "plan check" in capsys.readouterr().err


def test_init_writes_over_nothing_without_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("mine")
    assert main(["plan", "init", str(path)]) == 2
    assert "is there already" in capsys.readouterr().err
    monkeypatch.setattr(plan_command, "on_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    assert main(["plan", "init", str(path)]) == 0
    assert path.read_text() == "mine"
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)
    assert main(["plan", "init", str(path)]) == 0
    assert load_plan(path).name == "look around"


def test_the_schema_has_every_key_that_a_plan_is_checked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == plan_schema()
    assert schema["properties"].keys() == TOP_KEYS.keys()
    run = schema["properties"]["runs"]["items"]
    assert run["properties"].keys() == RUN_KEYS.keys()
    assert schema["properties"]["defaults"]["properties"].keys() == DEFAULT_KEYS.keys()
    assert run["additionalProperties"] is False
    assert run["properties"]["backend"]["enum"] == ["run", "serve"]
    assert run["properties"]["model"] == {"type": "string", "description": "`provider/model` (`--model`)."}
    assert run["properties"]["max_cost"]["description"].startswith("What a life of the run may cost")


def test_a_check_tells_branch_base_and_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.toml").write_text(
        '[[runs]]\nname = "fix"\nprompt = "p"\nsetup = ["npm ci"]\ncheck = "npm test"\n'
        'workspace = { path = ".", worktree = true, base = "main" }\n'
    )
    assert main(["plan", "check", str(tmp_path / "p.toml")]) == 2
    assert f"p.toml:6: runs[1].workspace.base: {tmp_path} is in no git repository" in capsys.readouterr().err
    make_repository(tmp_path, {"a": "a"})
    in_git(tmp_path, "branch", "-M", "trunk")
    assert main(["plan", "check", str(tmp_path / "p.toml")]) == 2
    assert "'main' is no branch, tag or commit" in capsys.readouterr().err
    in_git(tmp_path, "branch", "-M", "main")
    assert main(["plan", "check", str(tmp_path / "p.toml")]) == 0
    out = capsys.readouterr().out
    assert f"   in      {tmp_path}\n   branch  octui/SESSION/fix, a worktree from main\n" in out
    assert "   first   npm ci\n" in out
    assert "   check   npm test\n" in out


def test_the_schema_takes_a_workspace_as_a_folder_or_as_a_table() -> None:
    text, table = plan_schema()["properties"]["runs"]["items"]["properties"]["workspace"]["anyOf"]
    assert text == {"type": "string"}
    assert table["properties"].keys() == {"path", "worktree", "base"}
    assert all(each["description"] for each in table["properties"].values())


def test_a_check_says_what_runs_do_not_get_of_the_users_configuration(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = home / ".config/opencode"
    (config / "agents").mkdir(parents=True)
    (config / "agents/mine.md").write_text("x")
    (config / "opencode.json").write_text('{"model": "mine/big"}')
    plan = tmp_path / "p.toml"
    plan.write_text('[[runs]]\nname = "a"\nworkspace = "."\nprompt = "x"\n')
    assert main(["plan", "check", str(plan)]) == 0
    out = capsys.readouterr().out
    assert 'note: Not used from your opencode configuration: agent. To use it, set keep = ["agent"]' in out
    assert "note: No model is given: opencode's configuration says mine/big." in out
    plan.write_text(plan.read_text() + 'keep = ["agent"]\nmodel = "{env:MODEL}"\n')
    assert main(["plan", "check", str(plan)]) == 0
    assert "Not used" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        'mcp.x = { type = "remote", url = "{env:X}/mcp" }',
        'mcp.x = { type = "local", command = ["{env:X}"] }',
        'model = "{env:X}"',
    ],
)
def test_values_that_opencode_fills_in_pass_a_check(line: str, tmp_path: Path) -> None:
    plan = tmp_path / "p.toml"
    plan.write_text(f'[[runs]]\nname = "a"\nworkspace = "."\nprompt = "x"\n{line}\n')
    assert main(["plan", "check", str(plan)]) == 0
