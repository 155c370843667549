"""``octui demo``: everything at work, with no account and no network."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

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
    """Watch three real agents on a small throw-away repository.

    opencode is real, and so is all it does; only the model is scripted, and runs on this machine. One agent mends
    a bug, one reviews, and one is denied a `git push`. What is recorded can be replayed.

    \b
    octui demo
    octui demo --headless
    """
    if as_json and not headless:
        raise UsageError("--json goes with --headless.")
    if not headless:
        need_terminal("Add --headless to run without a screen.")
    binary = opencode_path()
    folder = Path(tempfile.mkdtemp(prefix="octui-demo-"))
    live = False
    try:
        if headless:
            raise click.exceptions.Exit(_run_headless(folder, pace, as_json=as_json))
        session = _start(folder, pace, binary)
        live = True
        status = _show(session)
        live = _is_live(session)
    finally:
        # Agents that work on need their workspaces.
        if not live:
            shutil.rmtree(folder, ignore_errors=True)
    if live:
        click.echo(
            f"The agents work on in {folder}. "
            f"`octui attach {session.name}` shows them, `octui stop {session.name}` ends them."
        )
    else:
        click.echo(f"Recorded. `octui replay {session.name}` plays it again.")
    raise click.exceptions.Exit(status)


def _run_headless(folder: Path, pace: float, *, as_json: bool) -> int:
    from octui.demo.hosting import ModelProcess
    from octui.demo.scenario import prepare
    from octui.plan.toml import load_plan

    with ModelProcess(folder, pace) as model:
        plan = load_plan(prepare(folder, model.base_url))
        model.follow(os.getpid())
        return run_headless(plan, as_json=as_json)


def _start(folder: Path, pace: float, binary: str) -> Path:
    """Start the demo's session, with a model that lives as long as its supervisor; give its folder."""
    from octui.control.spawn import start_supervisor
    from octui.demo.hosting import ModelProcess
    from octui.demo.scenario import prepare
    from octui.plan.toml import load_plan
    from octui.recording.session import Session

    with ModelProcess(folder, pace) as model:
        session = start_supervisor(load_plan(prepare(folder, model.base_url)), binary=binary)
        if (supervisor := Session.open(session).supervisor_pid) is not None:
            model.follow(supervisor)
    return session


def _show(session: Path) -> int:
    from octui.tui.app import run_dashboard

    return run_dashboard(session)


def _is_live(session: Path) -> bool:
    from octui.recording.session import Session

    return Session.open(session).is_live
