"""``octui compare``: the runs of a session side by side."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from octui.cli.options import common_options
from octui.cli.sessions import complete_session
from octui.errors import UsageError

if TYPE_CHECKING:
    from octui.recording.comparing import Figures
    from octui.recording.session import Session

COLUMNS = ("run", "model", "outcome", "time", "turns", "tokens", "cost", "files", "added", "removed", "check")
WIDTH = 120
"""Columns of the table where it is not printed on a terminal."""


@click.command()
@click.argument("session", required=False, shell_complete=complete_session)
@click.option(
    "--sort",
    type=click.Choice(COLUMNS),
    default="run",
    show_default=True,
    help="The column to sort by; run is the plan's order.",
)
@click.option("--reverse", is_flag=True, help="The other way around; what has no figure stands last either way.")
@click.option("--group", metavar="NAME", help="Only the runs of a group, such as those of a matrix.")
@click.option("--json", "as_json", is_flag=True, help="One object a run.")
@common_options
def compare(session: str | None, sort: str, reverse: bool, group: str | None, as_json: bool) -> None:
    """Print what the runs of a session took, changed and came to; the newest session by default.

    \b
    octui compare
    octui compare 20261123-1041 --sort cost
    octui compare last --group limits --sort check --json
    """
    from octui.recording.comparing import compare_runs, ordered
    from octui.recording.session import Session, resolve_session

    found = Session.open(resolve_session(session))
    runs = compare_runs(found, time.time())
    if group is not None:
        known = dict.fromkeys(each.group for each in runs if each.group)
        runs = [each for each in runs if each.group == group]
        if not runs:
            told = f"; it has {', '.join(known)}" if known else ""
            raise UsageError(f"{found.folder.name} has no group called {group!r}{told}.")
    runs = ordered(runs, sort, descending=reverse)
    if as_json:
        from octui.cli.report import dumps

        for each in runs:
            click.echo(dumps(_as_object(each, found)))
        return
    from octui.tui.comparison import head_line, layout, run_line
    from octui.tui.glyphs import ASCII, UNICODE
    from octui.tui.render.lines import plain

    glyphs = UNICODE if (sys.stdout.encoding or "").lower().startswith("utf") else ASCII
    table = layout(runs, shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else WIDTH)
    for line in (head_line(table, sort, glyphs, descending=reverse), *(run_line(run, table, glyphs) for run in runs)):
        click.echo(plain(line)[2:].rstrip())


def _as_object(each: Figures, session: Session) -> dict[str, Any]:
    made = session.status.run(each.run).worktree
    return {
        "run": each.run,
        "group": each.group,
        "model": each.model,
        "state": str(each.state),
        "duration_s": round(each.seconds, 3) if each.seconds is not None else None,
        "turns": each.turns,
        "tokens": each.tokens,
        "cost": each.cost,
        "cost_is_incomplete": each.is_incomplete,
        "files": each.files,
        "added": each.added,
        "removed": each.removed,
        "check_exit_code": each.check,
        "branch": made.branch if made is not None else "",
        "settled": str(each.settled or ""),
    }
