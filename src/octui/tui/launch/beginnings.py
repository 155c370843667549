"""Whether the worktrees of a form can begin where it says: git is asked."""

from __future__ import annotations

from dataclasses import replace

from octui.discovery.folders import repository_of
from octui.errors import OctuiError
from octui.tui.launch.form import Checked


def check_beginnings(checked: Checked) -> Checked:
    """Give what a form comes to once git was asked for the commits its worktrees begin at.

    It waits for git, so call it in a thread.
    """
    if checked.plan is None:
        return checked
    from octui.workspace.repository import find_commit

    trees = [run for run in checked.plan.runs if run.worktree]
    for folder, base in dict.fromkeys((repository_of(run.workspace) or run.workspace, run.base) for run in trees):
        try:
            find_commit(folder, base)
        except (OctuiError, OSError) as error:
            words = error.message if isinstance(error, OctuiError) else str(error)
            return replace(checked, plan=None, problems={"worktree_base" if base else "worktree": words})
    return checked
