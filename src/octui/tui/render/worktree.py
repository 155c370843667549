"""What becomes of a run's worktree, in a few words: set up, changed, checked, settled. Pure."""

from __future__ import annotations

from octui.recording.status import RunStatus
from octui.tui.format import plural
from octui.tui.glyphs import Glyphs
from octui.tui.render.lines import Line
from octui.tui.text import clean_line, cut

WIDEST_COMMAND = 24


def changes_spans(status: RunStatus, glyphs: Glyphs) -> Line:
    """How much was changed: ``3 files +120 −4``; nothing where nothing was counted."""
    found = status.changes
    if found is None or not found.files:
        return []
    return [
        (f"{plural(found.files, 'file')} ", "muted"),
        (f"+{found.added}", "added"),
        (f" {glyphs.minus}{found.removed}", "removed"),
    ]


def check_spans(status: RunStatus, glyphs: Glyphs) -> Line:
    """What the check came to; nothing where there was none."""
    if status.checking:
        return [("checking", "state-running")]
    if status.checked is None:
        return []
    code = status.checked.exit_code
    if code == 0:
        return [(f"{glyphs.ok} check", "state-succeeded")]
    return [(f"{glyphs.failed} check {'ended' if code is None else code}", "state-failed")]


def work_spans(status: RunStatus, glyphs: Glyphs) -> Line:
    """What is worth a place in a pane's head: the command that sets up, or else changes and check."""
    if status.setting_up is not None:
        number = f" {status.setting_up.number}/{status.setting_up.of}" if status.setting_up.of > 1 else ""
        command = cut(clean_line(status.setting_up.command), WIDEST_COMMAND, glyphs.ellipsis)
        return [(f"set-up{number}: {command}", "muted")]
    changes, check = changes_spans(status, glyphs), check_spans(status, glyphs)
    return [*changes, ("  ", "muted"), *check] if changes and check else changes or check


def short_work_spans(status: RunStatus, glyphs: Glyphs) -> Line:
    """The same for a head with little room: ``+120 −4 ✓``."""
    if status.setting_up is not None:
        return [("set-up", "muted")]
    line = changes_spans(status, glyphs)[1:]
    if check := check_spans(status, glyphs):
        word, role = check[0]
        line = [*line, (" " if line else "", role), (word if status.checking else word[0], role)]
    return line
