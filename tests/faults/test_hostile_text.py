"""Whatever the texts of a session hold, a screen draws letters: nothing acts on the terminal, and the layout stands."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tests.support.faults import FULL, Fault
from tests.tui.driving import dashboard, replay, until
from tests.tui.sessions import Script, record, step_finish, step_start, text, tool

from octui.cli.report import plain, printable
from octui.client.config import RunConfig
from octui.plan.model import Plan, RunSpec
from octui.recording.facts import Attention, RunState
from octui.tui.app import OctuiApp
from octui.tui.launch.preview import preview_text
from octui.tui.screens.launcher_dialogs import SheetScreen
from octui.tui.text import clean, clean_line

WIDTH, HEIGHT = 100, 30
EXAMPLES = 60 if FULL else 5
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""No shrinking: each example opens a whole application."""

FRAGMENTS = (
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    "\x1b[31m", "\x1b[2J", "\x1b[?1049l", "\x1b[6n", "\x9b5A", "\x1bc", "\x1b[", "\x1b",
    "\x1b]0;title\x07", "\x1b]52;c;RVZJTA==\x07", "\x1b]8;;http://evil\x1b\\", "\x9d2;x\x9c", "\x1bP1$q\x1b\\",
    "\x1b]52",
    "\u202e", "\u2066", "\u2069", "\u200f", "\u061c", "\u200b" * 500, "\ufeff", "\u2028", "\u00ad", "\U000e0041",
    "[red]", "[/]", "[@click=app.exit]x[/]", "[link=http://evil]", "\\[", "]", "{", "$(id)",
    "`", "# ", "- ", "| a | b |",
    "e" + "\u0301" * 10_000, "\u0e47" * 3, "👍", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇦", "👍\ufe0f\ufe0e",
    "漢字", "ｶﾞ", "\u1100\u1161", "﷽", "𒐫",
    "word", " ", "\n", "\t", "\r\n", "x" * 300, "http://example.invalid/x",
)  # fmt: skip

hostile = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=12).map("".join)
names = hostile.map(lambda words: words[:200])

SGR_ONLY = re.compile(r"\x1b\[[0-9;:]*m")
"""Colours are all a drawn line may hold of escape sequences."""


def check_lines(app: OctuiApp) -> None:
    """Look at what the terminal would get, line by line."""
    console = Console(width=WIDTH, force_terminal=True, color_system="truecolor", legacy_windows=False)
    for strip in app.screen._compositor.render_strips():
        sent = SGR_ONLY.sub("", strip.render(console))
        assert sent.isprintable() or all(char.isprintable() or char == "\u200d" for char in sent), repr(sent)
        assert strip.cell_length == WIDTH
        assert cell_len(sent) == WIDTH


def session_of(folder: Path, words: str, other: str, name: str) -> Path:
    """A session with these words wherever it shows any."""
    events: list[dict[str, Any]] = [
        step_start(),
        text(words),
        {"type": "reasoning", "part": {"text": other}},
        tool(other, words, input={other: words}, output=other),
        tool("bash", words, input={"command": other}, output=words, metadata={"exit": 1, "description": other}),
        tool("edit", name, input={"filePath": words}, metadata={"diff": f"@@ -1 +1 @@\n-{words}\n+{other}\n"}),
        tool("read", name, status="error", error=words),
        {"type": words, "part": {"text": other}},
        {"type": "error", "error": {"name": name, "data": {"message": words}}},
        step_finish(reason=other),
        text(other),
    ]
    config = RunConfig(model=f"x/{name}", agent=other)
    reasons = [(Attention.SILENT, words), (Attention.MCP_NOT_STARTED, other)]
    script = Script("api", events, RunState.FAILED, words, reasons, other, words, config, words.encode() + b"\n")
    return record(folder, [script, Script("b", state=RunState.FAILED, why=other)], name=name).folder


@pytest.mark.fault(9, "hostile text everywhere on a dashboard and a replay")
def test_no_text_of_a_session_acts_on_the_screen(fault: Fault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def look(folder: Path, name: str) -> None:
        titles: list[str] = []
        monkeypatch.setattr(OctuiApp, "set_terminal_title", lambda _, title: titles.append(clean_line(title)))
        app = dashboard(folder)
        async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
            await pilot.pause()
            for key in ("", "e", "z", "o", "escape", "slash"):
                await pilot.press(*([key] if key else []))
                await pilot.pause()
                check_lines(app)
        shown = replay(folder)
        async with shown.run_test(size=(WIDTH, HEIGHT)) as pilot:
            await pilot.press("m")
            await until(pilot, lambda: shown.screen.is_attached)
            await pilot.pause(0.1)
            check_lines(shown)
        assert all(title.isprintable() for title in titles)

    @settings(max_examples=EXAMPLES, phases=PHASES)
    @given(hostile, hostile, names)
    def shows(words: str, other: str, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            anyio.run(look, session_of(Path(folder), words, other, name), name)

    shows()
    fault.did = "drew letters and pictures of it, the layout stood"


def sheet(plan: Plan, base: Path) -> Any:
    """The launcher's preview of a plan."""
    return SheetScreen("What opencode gets", preview_text(plan, base), "Launch")


@pytest.mark.fault(9, "hostile text in a plan that is opened")
def test_no_text_of_a_plan_acts_on_the_screen(fault: Fault, tmp_path: Path) -> None:
    async def look(plan: Plan) -> None:
        app = OctuiApp(lambda _: sheet(plan, tmp_path))
        async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
            await pilot.pause()
            check_lines(app)

    @settings(max_examples=EXAMPLES, phases=PHASES)
    @given(hostile, names)
    def shows(words: str, name: str) -> None:
        config = RunConfig(model=words, agent=words, title=words, permission={"bash": {words: "deny"}})
        mcp = {"type": "local", "command": [words], "environment": {"A": words}}
        config = RunConfig(model=words, title=words, permission=config.permission, mcp={name: mcp})
        spec = RunSpec(name="a", workspace=Path("/srv") / words.replace("\0", ""), prompt=words, config=config)
        anyio.run(look, Plan(name=name, runs=(spec,)))

    shows()
    fault.did = "drew letters and pictures of it"


@pytest.mark.fault(9, "hostile text on the command line's output")
def test_no_text_acts_on_a_plain_terminal(fault: Fault) -> None:
    @settings(max_examples=300)
    @given(hostile)
    def shows(words: str) -> None:
        assert plain(words).isprintable()
        assert printable(words).replace("\u200d", "").isprintable()
        assert clean(words).replace("\n", "").isprintable()
        assert max((len(part) for part in re.findall("\u0301+", clean(words))), default=0) <= 2

    shows()
    fault.did = "printed letters and pictures of it"
