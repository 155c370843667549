"""What the documentation lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from octui.plan.keys import RUN_KEYS, TOP_KEYS
from octui.tui.keys import DASHBOARD_COMMANDS, REPLAY_COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def test_every_command_is_listed_with_its_keys() -> None:
    page = (ROOT / "docs" / "keys.md").read_text()
    for command in (*DASHBOARD_COMMANDS, *REPLAY_COMMANDS):
        assert f"| `{command.id}` | `{command.keys}` | {command.help} |" in page


@pytest.mark.parametrize(("what", "keys"), [("run", RUN_KEYS), ("plan", TOP_KEYS)])
def test_every_key_of_a_plan_is_listed(what: str, keys: dict[str, object]) -> None:
    page = (ROOT / "docs" / "plans.md").read_text()
    section = page.partition(f"## Keys of a {what}\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    listed = {key for row in table for key in re.findall(r"`(\w+)`", row)}
    assert listed == set(keys)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
