"""What a plan would do, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from octui.plan.preview import preview
from octui.plan.toml import parse_plan

PLAN = """
name = "review"
[budget]
max_tokens = 2500000
[defaults]
timeout_s = 300
permission = { edit = "deny", bash = "ask" }
setup = ["npm ci", "npm run build"]
[[runs]]
name = "look"
each = "services/*"
matrix = { focus = ["speed", "safety"] }
prompt = "Look at {{ vars.folder }} for {{ vars.focus }}."
[[runs]]
name = "sum"
workspace = "."
max_cost = 0.5
prompt = "Sum up{% for run in runs.look %}, {{ run.final_text }}{% endfor %}."
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("api", "worker"):
        (tmp_path / "services" / name).mkdir(parents=True)
    return tmp_path


def shown(folder: Path, text: str = PLAN, width: int | None = None) -> list[str]:
    return list(preview(parse_plan(text, folder=folder, source="p.toml"), {}, width))


def test_runs_that_one_table_makes_are_numbered_in_their_order_with_folder_and_prompt(folder: Path) -> None:
    lines = shown(folder)
    assert lines[0] == "review: 5 runs in 2 steps, 4 at a time"
    assert [line for line in lines if line[:1].isdigit() or line.startswith("step ")] == [
        "step 1: 4 runs",
        "1. look-api-speed (of look)",
        "2. look-api-safety (of look)",
        "3. look-worker-speed (of look)",
        "4. look-worker-safety (of look)",
        "step 2: 1 run",
        "5. sum",
    ]
    begin = lines.index("4. look-worker-safety (of look)")
    assert lines[begin + 1 : begin + 5] == [
        f"   in      {folder}/services/worker",
        "   prompt  Look at worker for safety.",
        '   vars    folder = "worker"',
        '           focus = "safety"',
    ]


def test_what_all_runs_share_is_told_once_before_them(folder: Path) -> None:
    lines = shown(folder)
    begin = lines.index("every run")
    assert lines[begin + 1 : begin + 6] == [
        "   first   npm ci",
        "           npm run build",
        "   backend serve; run with --headless",
        "   with    timeout_s = 300",
        '           permission = {edit = "deny", bash = "ask"}',
    ]
    assert sum("--headless it is refused" in line for line in lines) == 1
    assert "   with    max_cost = 0.5" in lines


def test_what_nobody_set_is_not_told_and_large_numbers_keep_their_digits(folder: Path) -> None:
    lines = shown(folder)
    assert not [line for line in lines if "max_retries" in line or "isolate_db" in line]
    assert "budget: max_tokens = 2500000" in lines


def test_a_single_run_has_all_that_concerns_it(folder: Path) -> None:
    lines = shown(folder, '[[runs]]\nworkspace = "services/api"\nprompt = "p"\nmodel = "a/b"')
    assert lines[1:] == [
        "",
        "1. api",
        f"   in      {folder}/services/api",
        "   backend serve; run with --headless",
        "   prompt  p",
        '   with    model = "a/b"',
    ]


def test_lines_are_broken_between_words_and_keep_their_indentation(folder: Path) -> None:
    text = "one two three four five\\n\\n  - six seven eight nine ten"
    lines = shown(folder, f'[[runs]]\nworkspace = "services/api"\nprompt = "{text}"', width=30)
    begin = lines.index("   prompt  one two three four")
    assert lines[begin : begin + 5] == [
        "   prompt  one two three four",
        "           five",
        "",
        "             - six seven eight",
        "             nine ten",
    ]


def test_what_the_agent_may_do_is_told_with_where_it_comes_from(folder: Path) -> None:
    (folder / "services/api/opencode.json").write_text('{"agent": {"plan": {"permission": {"edit": "ask"}}}}')
    table = '[[runs]]\nworkspace = "services/api"\nprompt = "p"\nagent = "plan"\npermission = { bash = "deny" }'
    told = "\n".join(shown(folder, table))
    assert "   may     agent plan, the last match wins\n" in told
    assert "           edit = ask (opencode.json: agent.plan.permission.edit)\n" in told
    assert "           bash = deny (override)" in told
