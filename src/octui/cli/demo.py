"""``octui demo``: everything at work, with no account and no network."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from octui import quick_start
from octui.cli.headless import Reports
from octui.cli.options import common_options, need_terminal, opencode_path
from octui.cli.run import run_headless
from octui.errors import UsageError


@click.command()
@click.option("--headless", is_flag=True, help="No screen: progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="With --headless: one object on stdout at the end.")
@click.option(
    "--pace", type=click.FloatRange(0), default=4.0, show_default=True, help="Seconds the model takes a turn."
)
@common_options
def demo(headless: bool, as_json: bool, pace: float) -> None:
    """Watch three real agents on a small throw-away repository, and answer two of them.

    opencode is real, and so is all it does; only the model is scripted, and runs on this machine. One agent mends
    a bug, one reviews and asks what to write down, and one asks before it runs `git push`. Afterwards each answers
    what you send it. What is recorded can be replayed. With --headless nobody is asked, and the push is denied.

    \b
    octui demo
    octui demo --headless
    """
    from octui.client.binary import binary_version
    from octui.client.compat import can_be_served
    from octui.control.spawn import start_supervisor
    from octui.demo.hosting import FOLDER_PREFIX, ModelProcess
    from octui.demo.scenario import prepare
    from octui.paths import versions_file
    from octui.plan.toml import load_plan
    from octui.recording.session import Session

    if as_json and not headless:
        raise UsageError("--json goes with --headless.")
    if not headless:
        need_terminal("Add --headless to run without a screen.")
    binary = opencode_path()
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with ModelProcess(folder, pace) as model:
            asks = not headless and can_be_served(binary_version(Path(binary), versions_file()))
            plan = load_plan(prepare(folder, model.base_url, asks=asks))
            if headless:
                model.follow(os.getpid())
                raise click.exceptions.Exit(run_headless(plan, Reports(as_json=as_json), is_demo=True))
            session = start_supervisor(plan, binary=binary)
            # From here on agents are at work in it, whatever becomes of the screen.
            workspaces = stack.pop_all()
            if (supervisor := Session.open(session).supervisor_pid) is not None:
                model.follow(supervisor)
    quick_start.begin()
    from octui.tui.app import run_dashboard

    status = run_dashboard(session)
    if any(not run.state.is_final for run in Session.open(session).status.runs.values()):
        click.echo(f"The agents' files are in {folder}.")
    else:
        workspaces.close()
    raise click.exceptions.Exit(status)
