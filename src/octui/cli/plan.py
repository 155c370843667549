"""``octui plan``: look at a plan before it runs, begin one, and help an editor with it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octui.cli.options import TEXT, common, common_options, on_terminal
from octui.cli.run import read_variables
from octui.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from octui.plan.model import RunSpec
    from octui.plan.places import Place


@click.group(invoke_without_command=False)
def plan() -> None:
    """Check a plan, begin one, or print its schema.

    \b
    octui plan init
    octui plan check plan.toml
    octui plan schema > plan.schema.json
    """


@plan.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=TEXT,
    metavar="NAME=VALUE",
    help="Set a variable of its prompts; repeatable.",
)
@common_options
def check(file: Path, variables: Sequence[str]) -> None:
    """Say what a plan would do, or every mistake in it; nothing is started.

    Prompts and settings are shown as each run would have them, secrets masked, in the order in which runs can start;
    settings that all runs share come first.
    What would be refused with --headless alone is a note.

    \b
    octui plan check plan.toml
    octui plan check weather.toml --var city=Oslo

    Exit status: 0 when it can be run, 2 for mistakes.
    """
    from octui.cli.report import printable
    from octui.discovery.plan_notices import plan_notices
    from octui.plan.preview import preview
    from octui.plan.secrets import plan_secrets
    from octui.plan.toml import load_plan

    found = load_plan(file, read_variables(variables), refuse=_refused)
    common().secrets = plan_secrets(found)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in preview(found, os.environ, width):
        click.echo(printable(line))
    for line in plan_notices(found):
        click.echo(printable(f"note: {line}"))


def _refused(run: RunSpec) -> Iterator[tuple[Place, str]]:
    """What a dashboard's backend cannot do, and what there is no worktree to be made of, in git as it is now."""
    from octui.plan.backends import refused
    from octui.workspace.repository import find_commit, find_repository

    yield from refused(run, "serve")
    if run.worktree:
        try:
            find_repository(run.workspace)
            find_commit(run.workspace, run.base)
        except WorkspaceError as error:
            yield ("workspace", "base" if run.base else "worktree"), str(error)


@plan.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("plan.toml"))
@common_options
def init(file: Path) -> None:
    """Write a plan to begin with, which says what can be said in one.

    \b
    octui plan init
    octui plan init plans/review.toml
    """
    from octui.plan.starter import STARTER

    if os.path.lexists(file):
        if not on_terminal():
            raise UsageError(f"{file} is there already.", hint="Name another file, or remove that one.")
        if not click.confirm(f"{file} is there already. Replace it?", err=True):
            return
    file.write_text(STARTER, "utf-8")
    click.echo(f"Wrote {file}. `octui plan check {file}` says what it does.", err=True)


@plan.command()
@common_options
def schema() -> None:
    """Print the JSON Schema of plans, for editors.

    \b
    octui plan schema > plan.schema.json
    """
    import json

    from octui.plan.schema import plan_schema

    click.echo(json.dumps(plan_schema(), indent=2))
