"""``octui attach``, ``stop``, ``replay`` and ``sessions``: what is live, and what was."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octui import quick_start
from octui.cli.options import common_options, need_terminal
from octui.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from octui.recording.session import SessionSummary


def complete_session(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of the sessions there are, newest first."""
    from click.shell_completion import CompletionItem

    from octui import paths

    folder = paths.sessions_dir()
    names = sorted((path.name for path in folder.iterdir()), reverse=True) if folder.is_dir() else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command()
@click.argument("session", required=False, shell_complete=complete_session)
@common_options
def attach(session: str | None) -> None:
    """Show a session again; the newest live one by default.

    \b
    octui attach
    octui attach 20261123-1041
    """
    need_terminal("`octui sessions` lists sessions as text.")
    quick_start.begin()
    from octui.recording.session import resolve_session
    from octui.tui.app import run_dashboard

    raise click.exceptions.Exit(run_dashboard(resolve_session(session)))


@click.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("run", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def stop(session: str, run: str | None, yes: bool) -> None:
    """End a session or a run, with all its processes.

    \b
    octui stop 20261123-1041
    octui stop "explain services" worker
    """
    from octui.control.client import request
    from octui.control.messages import Shutdown, Stop
    from octui.recording.session import Session, resolve_session

    found = Session.open(resolve_session(session))
    if not found.is_live:
        raise UsageError(f"{found.folder.name} is not live; there is nothing to stop.")
    if run is not None and run not in found.run_names:
        raise UsageError(f"{found.folder.name} has no run called {run!r}; it has {', '.join(found.run_names)}.")
    what = f"the run {run}" if run else f"{found.folder.name} and its {len(found.run_names)} runs"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("There is nobody here to ask.", hint="Add --yes to stop without a question.")
        if not click.confirm(f"Stop {what}?", err=True):
            return
    request(found.socket, Stop(id=1, run=run) if run else Shutdown(id=1))
    click.echo(f"Stopped {what}.", err=True)


@click.command()
@click.argument("path", required=False, shell_complete=complete_session)
@common_options
def replay(path: str | None) -> None:
    """Play a session, or any recording of opencode, again.

    \b
    octui replay
    octui replay 20261123-1041
    octui replay run.jsonl
    """
    need_terminal("`octui sessions --json` tells what sessions came to.")
    quick_start.begin()
    from octui.recording.session import resolve_session
    from octui.tui.app import run_replay

    raise click.exceptions.Exit(run_replay(resolve_session(path)))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object a session.")
@common_options
def sessions(as_json: bool) -> None:
    """List sessions, newest first.

    \b
    octui sessions
    octui sessions --json
    """
    from octui import paths
    from octui.cli.report import dumps
    from octui.recording.session import list_sessions

    found = list_sessions(paths.sessions_dir())
    if as_json:
        for summary in found:
            click.echo(dumps(_as_object(summary)))
    elif not found:
        click.echo("There are no sessions yet. Start one with `octui`, or see `octui demo`.")
    else:
        width = max(len(summary.path.name) for summary in found)
        for summary in found:
            click.echo(_as_line(summary, width))


def _state(summary: SessionSummary) -> str:
    return "live" if summary.is_live else "interrupted" if summary.interrupted else "ended"


def _as_line(summary: SessionSummary, width: int) -> str:
    from octui.cli.report import plain

    state = _state(summary)
    colour = {"live": "green", "interrupted": "yellow"}.get(state)
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.started_at))
    counts = ", ".join(f"{count} {str(kind).replace('_', ' ')}" for kind, count in summary.counts.items() if count)
    needs = f"  ◆ {summary.attention}" if summary.attention else ""
    name = plain(summary.path.name).ljust(width)
    return f"{click.style(state.ljust(11), fg=colour)}  {name}  {began}  {counts}{needs}"


def _as_object(summary: SessionSummary) -> dict[str, Any]:
    return {
        "session": str(Path(summary.path)),
        "name": summary.name,
        "state": _state(summary),
        "started": summary.started_at,
        "runs": summary.runs,
        "counts": {str(kind): count for kind, count in summary.counts.items() if count},
        "attention": summary.attention,
    }
