"""The words around the launcher's form, pure: its head, its summary, and what is folded away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from octui.discovery.folders import shorten
from octui.tui.text import clean_line, cut_start

if TYPE_CHECKING:
    from octui.tui.launch.form import Checked, LaunchForm
    from octui.tui.screens.launcher_offers import Offers


def head(offers: Offers, base: Path, width: int) -> Content:
    """The line above the form: what it is for, what is known of opencode, and where relative paths start."""
    known = "looking for opencode …"
    if offers.missing:
        known = "opencode is missing"
    elif offers.opencode is not None:
        known = f"opencode {offers.opencode.version}"
        known += f" · {len(offers.models)} models" if offers.models else ""
    line = Content.assemble((" octui ", "bold $accent"), ("  New session  ", "bold"))
    room = width - line.cell_length - len(known) - 4
    where = cut_start(clean_line(shorten(base, Path.home() / "-")), room)
    right = Content.styled(f"{known} · {where} " if where else f"{known} ", "$text-muted")
    gap = " " * (width - line.cell_length - right.cell_length)
    return Content.assemble(line, gap, right)


def summary(checked: Checked | None, busy: str, missing: str) -> Content:
    """What launching would do, or why it cannot be."""
    words, style = "", "$text-muted"
    if busy:
        words, style = busy, "$accent"
    elif checked is not None and checked.plan is None:
        words, style = checked.summary, "$warning"
    elif missing:
        words, style = "opencode is missing.", "$warning"
    elif checked is not None:
        words, style = checked.summary, "bold"
    return Content.styled(clean_line(words), style)


def more(form: LaunchForm, checked: Checked) -> dict[str, str]:
    """What the further settings are, in short; numbers only where they are right."""
    words = {}
    if "timeout" not in checked.problems:
        words["time limit"] = f"{form.timeout.strip()} s" if form.timeout.strip() else "none"
    if "retries" not in checked.problems:
        words["retries"] = form.retries.strip()
    words["data home"] = "private" if form.isolate else "shared"
    words["your config"] = "kept" if form.inherit else "left out"
    return words


def count_agents(agents: int) -> str:
    """Say how many agents there are."""
    return "1 agent" if agents == 1 else f"{agents} agents"
