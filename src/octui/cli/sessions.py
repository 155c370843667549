"""``octui attach``, ``stop``, ``replay`` and ``sessions``: what is live, and what was."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octui import quick_start
from octui.cli.options import STDIN_NAMES, TEXT, common_options, need_terminal, need_terminal_beside_stdin
from octui.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from octui.recording.session import Session, SessionSummary


def complete_session(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of the sessions there are, newest first."""
    from click.shell_completion import CompletionItem

    from octui import paths

    folder = paths.sessions_dir()
    names = sorted((path.name for path in folder.iterdir()), reverse=True) if folder.is_dir() else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and not name.startswith(".")]


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
        _need_somebody("stop")
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
    octui replay run.jsonl                  (opencode run --format json > run.jsonl)
    octui replay session.json               (opencode export SESSION > session.json)
    octui replay <(ssh build cat run.jsonl)
    zstdcat run.jsonl.zst | octui replay -
    """
    instead = "`octui sessions --json` reports the results of sessions."
    if path in STDIN_NAMES and not sys.stdin.isatty():
        need_terminal_beside_stdin(instead)
    else:
        need_terminal(instead)
    quick_start.begin()
    from octui.recording.session import resolve_session
    from octui.tui.app import run_replay

    raise click.exceptions.Exit(run_replay(resolve_session(path)))


@click.group(invoke_without_command=True)
@click.option("--live", is_flag=True, help="Only those at work.")
@click.option("--failed", is_flag=True, help="Only those with a run that failed or was interrupted.")
@click.option("--find", metavar="TEXT", help="Only those with this in their name, or in a run's name or prompt.")
@click.option("--size", is_flag=True, help="Tell what each takes on the disk, and all together.")
@click.option("--json", "as_json", is_flag=True, help="One object a session.")
@common_options
@click.pass_context
def sessions(context: click.Context, live: bool, failed: bool, find: str | None, size: bool, as_json: bool) -> None:
    """List sessions, newest first; open, rename or delete them.

    \b
    octui sessions
    octui sessions --failed --find router
    octui sessions --size --json
    octui sessions open 20261123-1041
    octui sessions prune --keep-days 30
    """
    if context.invoked_subcommand is not None:
        return
    from octui import paths
    from octui.cli.report import dumps, plain
    from octui.cli.session_lines import session_lines
    from octui.cli.worktrees import worktree_line, worktree_object, worktrees_of
    from octui.recording.shelf import look_at

    found = _listed(paths.sessions_dir(), live=live, failed=failed, find=find)
    kept = worktrees_of({summary.path.name for summary in found}, with_lost=not (live or failed or find))
    room = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None
    sizes = {summary.path: look_at(summary.path).size for summary in found} if size else {}
    if as_json:
        for summary in found:
            told = _as_object(summary)
            if trees := kept.pop(summary.path.name, []):
                told["worktrees"] = [worktree_object(tree) for tree in trees]
            click.echo(dumps({**told, "bytes": sizes[summary.path]} if size else told))
        for name, trees in kept.items():
            path = str(paths.sessions_dir() / name)
            told = {"session": path, "state": "deleted", "worktrees": [worktree_object(tree) for tree in trees]}
            click.echo(dumps(told))
    elif not found:
        if live or failed or find:
            click.echo("No session is like that. `octui sessions` lists all.")
        else:
            click.echo("There are no sessions yet. Start one with `octui`, or see `octui demo`.")
    else:
        leads = [f"{_bytes(sizes[summary.path]):>9}  " if size else "" for summary in found]
        for line in session_lines(found, leads, room):
            click.echo(line)
        if size:
            click.echo(f"{_bytes(sum(sizes.values())):>9}  in all")
        if left := next((summary for summary in found if summary.resumable), None):
            click.echo(f"`octui resume {plain(left.path.name)}` runs what did not succeed in it.", err=True)
    if kept and not as_json:
        click.echo("\nWorktrees:")
        for tree in [tree for trees in kept.values() for tree in trees]:
            click.echo(worktree_line(tree, room))


@sessions.command("open")
@click.argument("session", required=False, shell_complete=complete_session)
@common_options
def open_session(session: str | None) -> None:
    """Show a session: the dashboard over one that is live, the replay of any other.

    \b
    octui sessions open
    octui sessions open 20261123-1041
    """
    need_terminal("`octui export SESSION` writes a session as text.")
    quick_start.begin()
    from octui.recording.session import Session, resolve_session
    from octui.tui.app import run_dashboard, run_replay

    path = resolve_session(session)
    raise click.exceptions.Exit((run_dashboard if Session.open(path, 0).is_live else run_replay)(path))


@sessions.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("name", type=TEXT)
@common_options
def rename(session: str, name: str) -> None:
    """Call a session something else. Its folder keeps its name.

    \b
    octui sessions rename 20261123-1041 "the good one"
    """
    from octui import paths
    from octui.recording import shelf
    from octui.recording.session import resolve_session

    path = resolve_session(session)
    shelf.rename(path, paths.sessions_dir(), name)
    click.echo(f"{path.name} is called {name.strip()!r} now.", err=True)


@sessions.command()
@click.argument("session", shell_complete=complete_session)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def delete(session: str, yes: bool) -> None:
    """Delete a session with all that was recorded; never one that is live.

    \b
    octui sessions delete 20261123-1041
    """
    from octui import paths
    from octui.cli.report import plain
    from octui.cli.worktrees import worktree_line
    from octui.recording import shelf
    from octui.recording.session import Session, resolve_session
    from octui.workspace.leftovers import clear, leftovers

    path = resolve_session(session)
    if Session.open(path, 0).is_live:
        raise UsageError(f"{path.name} is live.", hint=f"`octui stop {path.name}` ends it.")
    trees = leftovers(paths.worktrees_dir(), path.name)
    if staying := [tree for tree in trees if not tree.can_go]:
        lines = "\n".join(f"  {worktree_line(tree)}" for tree in staying)
        raise UsageError(
            f"{path.name} is not deleted: its worktrees hold work that is nowhere else.\n{lines}",
            hint=f"`octui sessions settle {path.name} {plain(staying[0].name)} …` keeps, applies or discards it.",
        )
    if not yes:
        _need_somebody("delete")
        size = _bytes(shelf.look_at(path).size) if path.is_dir() else ""
        if not click.confirm(f"Delete {path.name} ({size})? It cannot be had back", err=True):
            return
    for tree in trees:
        clear(tree, paths.worktrees_dir())
    shelf.delete(path, paths.sessions_dir())
    click.echo(f"Deleted {path.name}.", err=True)


@sessions.command()
@click.argument("session", shell_complete=complete_session)
@click.argument("run")
@click.argument("how", type=click.Choice(["keep", "apply", "commit", "discard"]))
@click.option("--message", "-m", type=TEXT, default="", metavar="TEXT", help="For a commit of what is in none yet.")
@click.option("--anyway", is_flag=True, help="Apply also where that touches files of yours with uncommitted work.")
@click.option("--yes", is_flag=True, help="Do not ask before something is discarded.")
@common_options
def settle(session: str, run: str, how: str, message: str, anyway: bool, yes: bool) -> None:
    """Settle what a run changed in its worktree.

    \b
    keep      keep its branch, and remove the worktree; -m commits what is in no commit yet
    apply     bring its changes into your working tree, uncommitted; checked first, whole or not at all
    commit    commit what is in no commit yet, in the worktree; needs -m
    discard   remove branch and worktree, with all that is in them

    \b
    octui sessions settle 20261123-1041 fix-large apply
    octui sessions settle 20261123-1041 fix-small discard
    """
    from octui.cli.report import plain
    from octui.control.settling import settle_run
    from octui.recording.session import Session, resolve_session
    from octui.workspace.settle import How
    from octui.workspace.worktree import Worktree

    done: dict[str, How] = {"keep": "kept", "apply": "applied", "commit": "committed", "discard": "discarded"}
    found = Session.open(resolve_session(session))
    if run not in found.run_names:
        raise UsageError(f"{found.folder.name} has no run called {run!r}; it has {', '.join(found.run_names)}.")
    if how == "discard" and not yes:
        _need_somebody("discard")
        if not click.confirm(f"Discard all that {run} changed? It cannot be had back", err=True):
            return
    settle_run(found, run, done[how], message, anyway=anyway)
    found.refresh()
    made, words = found.status.run(run).worktree, ""
    if made is not None and how in ("keep", "commit"):
        words = f": {made.branch}"
    elif made is not None and how == "apply":
        words = f" to {plain(str(Worktree.told_by(made).working_tree))}"
    click.echo(f"{run} is {done[how]}{words}.", err=True)


@sessions.command("prune")
@click.option("--keep-days", type=click.FloatRange(0), metavar="N", help="Keep what was used in the last N days.")
@click.option("--keep-mb", type=click.FloatRange(0), metavar="N", help="Keep the newest, N megabytes of them at most.")
@click.option("--yes", is_flag=True, help="Delete them; without it they are only told.")
@common_options
def prune_sessions(keep_days: float | None, keep_mb: float | None, yes: bool) -> None:
    """Tell which old sessions would go, and with --yes delete them.

    The newest, those that are live and those with a working copy in them stay in any case. Without options the rule
    is keep_days and keep_mb of settings.toml, where it is also applied whenever a session begins.

    Worktrees that runs have left go as well, of whatever age, with their branches: those that hold no uncommitted work
    and no commit that is on no other branch.

    \b
    octui sessions prune --keep-days 30
    octui sessions prune --keep-mb 500 --yes
    """
    from octui import paths, settings
    from octui.cli.report import plain
    from octui.cli.worktrees import clear_worktree, free_worktrees, worktree_line
    from octui.recording import shelf

    keep = shelf.Retention(keep_days, keep_mb)
    if not keep:
        chosen = settings.load()
        keep = shelf.Retention(chosen.keep_days, chosen.keep_mb)
    folder = paths.sessions_dir()
    trees = free_worktrees(folder)
    if not keep and not trees:
        raise UsageError("Nothing says what to keep.", hint="Add --keep-days N or --keep-mb N.")
    for tree in trees:
        done = ("removed " if clear_worktree(tree, folder) else "stayed  ") if yes else "would go"
        click.echo(f"{done}  {worktree_line(tree)}")
    going = shelf.expired(shelf.shelved(folder), keep, time.time())
    gone = set(shelf.prune(folder, keep)) if yes else set()
    for each, why in going:
        done = ("deleted " if each.path in gone else "stayed  ") if yes else "would go"
        click.echo(f"{done}  {_bytes(each.size):>9}  {plain(each.path.name)}  {why}")
    if not going and not trees:
        click.echo("Nothing is to go.", err=True)
    elif not yes:
        size = _bytes(sum(each.size for each, _ in going) + sum(tree.size for tree in trees))
        click.echo(f"{len(going) + len(trees)} of them, {size}. Add --yes to delete them.", err=True)


def _listed(folder: Path, *, live: bool, failed: bool, find: str | None) -> list[SessionSummary]:
    """The sessions a person wants to see, newest first."""
    from octui.recording.session import list_sessions, sessions_in, summarize

    if not find:
        found = list_sessions(folder)
    else:
        found = [summarize(session) for session in sessions_in(folder) if _holds(session, find.casefold())]
        found.sort(key=lambda summary: (summary.started_at, summary.path.name), reverse=True)
    return [summary for summary in found if (summary.is_live or not live) and (_has_failed(summary) or not failed)]


def _holds(session: Session, text: str) -> bool:
    words = [session.folder.name, session.name, *session.run_names]
    words += [session.meta(run).prompt for run in session.run_names]
    return any(text in each.casefold() for each in words)


def _has_failed(summary: SessionSummary) -> bool:
    from octui.recording.facts import RunState

    return any(summary.counts[state] for state in (RunState.FAILED, RunState.TIMED_OUT))


def _need_somebody(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("There is nobody here to ask.", hint=f"Add --yes to {what} without a question.")


def _bytes(count: int) -> str:
    """``812 B``, ``1.2 kB``, ``3.4 MB``."""
    from octui.tui.format import size

    return size(count)


def _as_object(summary: SessionSummary) -> dict[str, Any]:
    from octui.cli.session_lines import state_of

    return {
        "session": str(Path(summary.path)),
        "name": summary.name,
        "state": state_of(summary),
        "started": summary.started_at,
        "runs": summary.runs,
        "counts": {str(kind): count for kind, count in summary.counts.items() if count},
        "unfinished": summary.unfinished,
        "resumable": summary.resumable,
        "attention": summary.attention,
    }
