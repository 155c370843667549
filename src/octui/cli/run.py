"""``octui run``: a plan, or one prompt for some folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octui import quick_start
from octui.cli.headless import Reports, headless_options, tell_of, tell_of_asking, tell_of_configuration
from octui.cli.options import TEXT, check_text, common, common_options, need_terminal, opencode_path
from octui.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from octui.fleet.main import OnFact
    from octui.plan.model import Backend, Plan
    from octui.plan.source import PlanSource


def complete_folder(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell complete folders."""
    return click.Path(file_okay=False).shell_complete(context, parameter, incomplete)


@click.command()
@click.argument("what", metavar="PLAN.toml | PROMPT")
@click.option(
    "-w",
    "--workspace",
    "workspaces",
    multiple=True,
    type=click.Path(path_type=Path),
    shell_complete=complete_folder,
    help="A folder for an agent; repeatable.",
)
@click.option("-m", "--model", type=TEXT, metavar="PROVIDER/MODEL", help="The model, as opencode knows it.")
@click.option("--agent", type=TEXT, help="The agent, as opencode knows it.")
@click.option(
    "--allow", multiple=True, type=TEXT, metavar="TOOL[=PATTERN]", help="Allow a tool, or what matches; repeatable."
)
@click.option(
    "--deny", multiple=True, type=TEXT, metavar="TOOL[=PATTERN]", help="Deny a tool, or what matches; repeatable."
)
@click.option(
    "--ask", multiple=True, type=TEXT, metavar="TOOL[=PATTERN]", help="Ask before a tool, or what matches; repeatable."
)
@click.option(
    "--backend",
    type=click.Choice(["run", "serve"]),
    help="How opencode runs: a process each, or on a server, live and answering.  [default: serve; --headless: run]",
)
@click.option(
    "--attach", multiple=True, type=TEXT, metavar="URL", help="Use a server that runs already; several share the runs."
)
@click.option("--copies", type=click.IntRange(1, 64), default=1, show_default=True, help="Agents a folder.")
@click.option("--worktree", is_flag=True, help="A git worktree and branch of its own for each agent.")
@click.option(
    "--base", type=TEXT, metavar="REV", help="With --worktree: where those begin.  [default: what is checked out]"
)
@click.option(
    "--setup", multiple=True, type=TEXT, metavar="COMMAND", help="Run this in an agent's folder first; repeatable."
)
@click.option("--check", type=TEXT, metavar="COMMAND", help="Run this there when it is over, and tell its exit code.")
@click.option("--max-parallel", type=click.IntRange(1), help="How many agents work at a time.  [default: 4]")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0, min_open=True), help="Limit of a run, in seconds.")
@click.option("--retries", "max_retries", type=click.IntRange(0), help="Attempts after a start-up crash.  [default: 2]")
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=TEXT,
    metavar="NAME=VALUE",
    help="Set a variable of the plan's prompts; repeatable.",
)
@click.option("--name", type=TEXT, help="The session's name.")
@headless_options
@common_options
def run(
    what: str,
    workspaces: Sequence[Path],
    headless: bool,
    reports: Reports,
    **options: Any,
) -> None:
    """Run a plan, or one prompt in some folders, and watch.

    \b
    octui run plan.toml
    octui run weather.toml --var city=Oslo
    octui run -w services/api -w services/worker "Explain this service."
    octui run -w . --copies 3 -m anthropic/claude-sonnet-4-5 "Name the riskiest function."
    octui run -w . --allow bash --ask "bash=git push *" "Fix the failing test."
    octui run -w . --worktree --copies 3 --check "pytest -q" "Fix the failing test."
    octui run -w /srv/app --attach http://build-host:4096 "Why is the build slow?"
    octui run plan.toml --headless --json > result.json
    octui run plan.toml --headless --junit octui.xml --summary auto --fail-on attention

    The login of a server to attach to is taken from OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD, or from
    its URL.

    Exit status with --headless: 0 when all succeeded, 1 when a run did not (by --fail-on), 2 for a mistake in what
    was asked, 130 after Ctrl-C, which stops all runs in order; once more ends them at once.
    """
    from octui.plan.backends import choose_backends
    from octui.plan.secrets import plan_secrets

    default: Backend = "run" if headless else "serve"
    plan, source = _plan(what, workspaces, options, default)
    common().secrets = plan_secrets(plan)
    # The supervisor chooses, as it knows opencode's version; what cannot be is said before it is started.
    chosen = choose_backends(plan, default, source=what if what.endswith(".toml") else "This")
    if headless:
        tell_of_asking(chosen)
        raise click.exceptions.Exit(run_headless(plan, reports, source))
    need_terminal("Add --headless to run without a screen.")
    quick_start.begin()
    from octui.control.spawn import start_supervisor
    from octui.tui.app import run_dashboard

    raise click.exceptions.Exit(run_dashboard(start_supervisor(plan, binary=opencode_path(), source=source)))


def run_headless(plan: Plan, reports: Reports, source: PlanSource | None = None, *, is_demo: bool = False) -> int:
    """Run a plan in the foreground, tell how it goes, and give the exit status."""
    from octui.fleet.main import run_headless as run_in_foreground

    def work(tell: OnFact) -> Path:
        binary = opencode_path()
        if not is_demo:  # It needs nothing of the user's.
            tell_of_configuration(plan)
        return run_in_foreground(plan, binary=binary, on_fact=tell, source=source)

    return tell_of(work, reports)


def _plan(
    what: str, workspaces: Sequence[Path], options: dict[str, Any], default: Backend
) -> tuple[Plan, PlanSource | None]:
    """The plan, and the file it is read from, where it is."""
    if not workspaces and what.endswith(".toml"):
        variables = options.pop("variables")
        given = [name for name, value in options.items() if value and (name, value) != ("copies", 1)]
        if given:
            names = ", ".join(f"--{name.removesuffix('_s').replace('_', '-')}" for name in given)
            raise UsageError(f"A plan says all by itself; {names} goes with a prompt.", hint=f"Write it into {what}.")
        from octui.plan.backends import refused
        from octui.plan.toml import load_plan

        known = read_variables(variables)
        plan = load_plan(Path(what), known, refuse=partial(refused, default=default))
        return plan, _source(Path(what), known)
    return _plan_from_prompt(what, workspaces, options, default), None


def _source(file: Path, variables: dict[str, str]) -> PlanSource:
    from octui.plan.source import PlanSource

    return PlanSource(file=str(file.absolute()), variables=variables)


def read_variables(words: Sequence[str]) -> dict[str, str]:
    """Make variables of ``NAME=VALUE`` words."""
    variables = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name.strip():
            raise UsageError(f"--var {word!r} is not NAME=VALUE.")
        variables[name.strip()] = value
    return variables


def _plan_from_prompt(prompt: str, workspaces: Sequence[Path], options: dict[str, Any], default: Backend) -> Plan:
    from octui.client.config import RunConfig, check
    from octui.plan.build import plan_from_prompt

    if not prompt.strip():
        raise UsageError("The prompt is empty.")
    check_text(prompt, "The prompt")
    if options["variables"]:
        raise UsageError("--var goes with a plan; a prompt on the command line is asked to the letter.")
    if not workspaces:
        raise UsageError("No folder was named.", hint="Say where the agents work: -w DIR, or -w . for this folder.")
    config = RunConfig(
        model=options["model"],
        agent=options["agent"],
        permission=permissions(options["allow"], options["ask"], options["deny"]),
        password=_password(options["attach"]),
    )
    if options["base"] and not options["worktree"]:
        raise UsageError("--base goes with --worktree.")
    if options["attach"] and not all(each.is_dir() for each in workspaces):
        needs_it = [name for name in ("worktree", "setup", "check") if options[name]]
        if needs_it:
            raise UsageError(f"--{needs_it[0]} works on this machine, where the folder has to be.")
    backend: Backend | None = options["backend"]
    _check_places(workspaces, options["attach"], backend or default)
    for words in check(config, may_ask=(backend or default) == "serve"):
        click.echo(f"octui: {words}", err=True)
    chosen = {key: options[key] for key in ("max_parallel", "timeout_s", "max_retries") if options[key] is not None}
    return plan_from_prompt(
        prompt,
        workspaces,
        name=options["name"],
        config=config,
        copies=options["copies"],
        backend=backend,
        attach=options["attach"],
        worktree=options["worktree"],
        base=options["base"] or "",
        setup=options["setup"],
        check=options["check"] or "",
        **chosen,
    )


def _password(attach: Sequence[str]) -> str | None:
    """The password of servers to attach to, unless their URLs hold it."""
    from octui.client.command import server_login
    from octui.client.config import RunConfig
    from octui.client.environment import PASSWORD

    is_named = all(server_login(RunConfig(attach=url), {}).password for url in attach)
    return None if is_named else os.environ.get(PASSWORD)


def _check_places(workspaces: Sequence[Path], attach: Sequence[str], backend: Backend) -> None:
    """Refuse folders that are not there, unless a server's machine has them, and servers that cannot be one."""
    for url in attach:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"{url!r} is no server; it begins with http:// or https://.")
    if attach and backend == "serve":
        return
    from octui.discovery.folders import describe_faults, fault_of

    here, faults = Path.cwd(), {}
    for workspace in workspaces:
        found = [workspace] if workspace.is_dir() else []
        if (fault := fault_of(str(workspace), here, found)) is not None:
            faults[str(workspace)] = fault
    if faults:
        raise UsageError(describe_faults(faults))


def permissions(allow: Sequence[str], ask: Sequence[str], deny: Sequence[str]) -> dict[str, Any]:
    """Make a permission map of ``TOOL`` and ``TOOL=PATTERN`` words; the stricter stands later, and so wins."""
    rules: dict[str, Any] = {}
    for words, action in ((allow, "allow"), (ask, "ask"), (deny, "deny")):
        for word in words:
            tool, separator, pattern = word.partition("=")
            if not tool or (separator and not pattern):
                raise UsageError(f"{word!r} is neither TOOL nor TOOL=PATTERN.")
            if not separator:
                rules[tool] = action
                continue
            before = rules.get(tool, {})
            rules[tool] = {**({"*": before} if isinstance(before, str) else before), pattern: action}
    return rules
