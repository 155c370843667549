"""The rooms stand as docs/architecture.md draws them, at run time too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
    "octui.client.lenient_json",
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


SOURCE = Path(__file__).parents[1] / "src/octui"
DECODES_JSON = re.compile(r"json5?\.(?:decode|loads?|Decoder|JSONDecoder)\b")
DECODES_OTHER_JSON = {
    "client/lenient_json.py": "the boundary itself",
    "client/binary.py": "octui's notes of versions",
    "client/catalogue.py": "opencode's cache of models, of which all or nothing is used",
    "client/environment.py": "what octui sets, and a user's own variables",
    "client/logins.py": "opencode's files of logins, of which an odd one is none",
    "client/overrides.py": "a user's variable",
    "client/skim.py": "numbers that octui has put together",
    "client/user_config.py": "a user's configuration, with comments",
    "control/messages.py": "octui's own socket",
    "control/server.py": "octui's own socket",
    "control/spawn.py": "what octui says to its supervisor",
    "demo/model_server.py": "what is asked of the scripted model, by Python's own decoder, which takes halves of pairs",
    "demo/script.py": "scripts of the scripted model, by the same",
    "encoding.py": "octui's own files",
    "plan/toml.py": "a plan that octui has written",
    "recording/facts.py": "octui's own facts",
    "recording/recording_file.py": "where an export was cut, which the boundary does not tell",
    "recording/saved_index.py": "octui's own index",
    "recording/session.py": "the changes that octui has written down",
    "tui/launch/last_used.py": "octui's own settings",
    "tui/launch/preview.py": "what octui is about to give opencode",
    "tui/launch/remembered_prompt.py": "octui's own settings",
    "workspace/worktree.py": "octui's own notes of worktrees",
}


def test_what_opencode_printed_is_decoded_in_one_place() -> None:
    found = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if DECODES_JSON.search(path.read_text("utf-8"))
    }
    assert found == {*DECODES_OTHER_JSON}
