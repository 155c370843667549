"""``octui resume``: what did not succeed of a session that is over, with the same plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from octui import quick_start
from octui.cli.headless import Reports, headless_options, tell_of, tell_of_asking, tell_of_configuration
from octui.cli.options import TEXT, common, common_options, need_terminal
from octui.cli.run import read_variables
from octui.cli.sessions import complete_session
from octui.errors import UsageError

if TYPE_CHECKING:
    from octui.plan.model import Plan
    from octui.recording.resuming import Resumption
    from octui.recording.session import Session


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The plan it was made of: for secrets, which sessions do not keep, and for another budget.",
)
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=TEXT,
    metavar="NAME=VALUE",
    help="A variable that was secret, again; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would begin anew, and what is kept.")
@headless_options
@common_options
def resume(
    session: str,
    plan_file: Path | None,
    variables: Sequence[str],
    dry_run: bool,
    headless: bool,
    reports: Reports,
) -> None:
    """Run what did not succeed of a session that is over, and watch.

    What failed, was stopped, skipped or cut off begins anew, with the same prompts. What succeeded is kept, and quoted
    as before. SESSION is a session's name, the beginning of it, its folder, or last for the newest.

    \b
    octui resume last
    octui resume 20261123-1041 --dry-run
    octui resume last --headless --json > result.json
    octui resume 20261123-1041 --plan plan.toml

    Exit status with --headless: as of octui run; runs that are kept count.
    """
    from octui.plan.secrets import plan_secrets
    from octui.recording.resuming import check_resumable, resumption
    from octui.recording.session import Session, resolve_session

    found = Session.open(resolve_session(session))
    check_resumable(found)
    given = _given(found.folder, plan_file, read_variables(variables))
    left = resumption(found, given)
    common().secrets = plan_secrets(left.plan)
    if dry_run:
        for line in _preview(found, left):
            click.echo(line)
        return
    if headless:
        from octui.fleet.main import resume_headless

        tell_of_asking(left.plan)
        tell_of_configuration(left.plan)
        binary = common().binary
        raise click.exceptions.Exit(
            tell_of(lambda tell: resume_headless(found.folder, given=given, binary=binary, on_fact=tell), reports)
        )
    need_terminal("Add --headless to run without a screen.")
    quick_start.begin()
    from octui.control.spawn import take_up_session
    from octui.tui.app import run_dashboard

    take_up_session(found.folder, binary=common().binary, resume=True, given=given)
    raise click.exceptions.Exit(run_dashboard(found.folder))


def _given(folder: Path, plan_file: Path | None, variables: dict[str, str]) -> Plan | None:
    """The plan where it is given again, with the variables it had before."""
    from octui.plan.source import PlanSource
    from octui.recording.recorded_plan import read_recorded

    if plan_file is None and not variables:
        return None
    source = read_recorded(folder).source
    if plan_file is not None:
        file = str(plan_file.absolute())
        source = msgspec.structs.replace(source, file=file) if source else PlanSource(file=file)
    if source is None:
        raise UsageError(f"--var goes with a plan, and {folder.name} names no file of one.", hint="Add --plan FILE.")
    return source.load(variables)


def _preview(session: Session, left: Resumption) -> Iterator[str]:
    from rich.cells import cell_len

    from octui.cli.report import plain
    from octui.tui.text import pad

    anew, kept = left.rest.anew, left.rest.kept
    status = session.status
    yield f"{plain(session.name)}: {len(anew)} of {len(anew) + len(kept)} runs would begin anew, {len(kept)} are kept"
    width = max(cell_len(plain(name)) for name in session.run_names)
    for name in session.run_names:
        run = status.run(name)
        words = run.state.because(run.why)
        yield f"{'begin' if name in anew else 'keep '}  {pad(plain(name), width)}  {plain(words)}"
