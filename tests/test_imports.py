"""The rooms stand as docs/architecture.md draws them, at run time too."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROOMS_WITHOUT_TEXTUAL = [
    "octui",
    "octui.client.client",
    "octui.control.client",
    "octui.control.server",
    "octui.control.spawn",
    "octui.demo.model_server",
    "octui.fleet.supervisor",
    "octui.plan.toml",
    "octui.recording.journal",
    "octui.recording.session",
]
PURE_MODULES = [
    "octui.client.command",
    "octui.client.compat",
    "octui.client.config",
    "octui.client.events",
    "octui.client.result",
    "octui.client.retry",
    "octui.plan.templates",
    "octui.plan.toml",
    "octui.recording.facts",
    "octui.recording.status",
]


def modules_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and give the top-level names of what it imported."""
    report = f"{code}\nimport sys; print('\\n'.join(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ROOMS_WITHOUT_TEXTUAL)
def test_only_the_screens_import_textual(module: str) -> None:
    assert not {"textual", "rich"} & modules_after(f"import {module}")


@pytest.mark.parametrize("module", PURE_MODULES)
def test_pure_modules_import_no_event_loop(module: str) -> None:
    assert not {"anyio", "asyncio", "trio"} & modules_after(f"import {module}")


def test_the_client_brings_neither_plans_nor_recordings_with_it() -> None:
    code = "from octui import AsyncOpenCodeClient\nimport sys\n"
    code += "assert not [m for m in sys.modules if m.startswith(('octui.plan', 'octui.recording', 'octui.fleet'))]"
    assert "octui" in modules_after(code)


def test_a_command_brings_no_other_commands_with_it() -> None:
    code = "import sys; from octui.cli.main import octui\noctui.get_command(None, 'replay')\n"
    code += "assert 'octui.cli.sessions' in sys.modules\n"
    code += "assert not {'octui.cli.run', 'octui.cli.plan', 'octui.cli.export', 'octui.cli.demo'} & set(sys.modules)"
    assert "click" in modules_after(code)


def test_the_launcher_begins_without_what_only_its_other_fields_and_the_dashboard_need() -> None:
    code = "import octui.tui.app, octui.tui.screens.launcher, sys\n"
    code += "later = {'octui.tui.launch.form', 'octui.recording.facts', 'octui.tui.widgets.launcher.form_fields'}\n"
    code += "assert not later & set(sys.modules), later & set(sys.modules)"
    assert "textual" in modules_after(code)


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_the_command_line_answers_without_loading_screens_or_loops(flag: str) -> None:
    code = f"import sys; sys.argv = ['octui', {flag!r}]\nimport contextlib, io\nfrom octui.__main__ import main\n"
    code += "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main()"
    assert not {"textual", "anyio", "asyncio"} & modules_after(code)
