"""The commands by name, and how errors reach a person."""

from __future__ import annotations

import difflib
import io
import shlex
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from octui import __version__, quick_start
from octui.cli.options import Common, common, common_options, need_terminal
from octui.encoding import readable
from octui.errors import OctuiError, UsageError

INTERRUPTED_EXIT = 130
COMMAND_MODULES: Mapping[str, str] = {
    "run": "run",
    "resume": "resume",
    "plan": "plan",
    "attach": "sessions",
    "stop": "sessions",
    "replay": "sessions",
    "sessions": "sessions",
    "compare": "compare",
    "export": "export",
    "demo": "demo",
}
"""Where each command is, by a function of its name; the others are below."""


class OctuiGroup(click.Group):
    """Loads a command when it is called, and says for an unknown one what to call instead."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        return sorted([*self.commands, *COMMAND_MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command, loaded."""
        if cmd_name in COMMAND_MODULES:
            found: click.Command = getattr(import_module(f"octui.cli.{COMMAND_MODULES[cmd_name]}"), cmd_name)
            return found
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command; for an unknown one suggest what was likely meant, or say which there are."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            raise click.UsageError(f"No such command {args[0]!r}. {self._suggestion(ctx, args[0])}", ctx) from None

    def _suggestion(self, ctx: click.Context, typed: str) -> str:
        if typed.endswith(".toml"):
            return f"Run a plan with `octui run {shlex.quote(typed)}`."
        if len(typed.split()) > 1:
            return "Run a prompt with `octui run -w FOLDER PROMPT`."
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        names = [name for name, command in commands.items() if command is not None and not command.hidden]
        # click suggests names by itself, but knows none of the commands that are loaded when they are called.
        near = difflib.get_close_matches(typed.lower(), names, n=2, cutoff=0.55)
        return f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(names)}."


@click.group(
    cls=OctuiGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Run a command with --help for its options and examples.",
)
@click.option("--version", is_flag=True, help="Show the version and leave.")
@common_options
@click.pass_context
def octui(context: click.Context, version: bool) -> None:
    """Run several opencode agents side by side and see which one needs you.

    \b
    octui                                            the launcher
    octui run -w services/api -w services/worker "Explain this service."
    octui run plan.toml                              a plan of many runs
    octui plan check plan.toml                       what that would do
    octui attach                                     back to the agents that work on
    octui resume last                                what did not succeed, once more
    octui replay                                     the newest session again
    octui demo                                       see it all, with no account
    """
    if version:
        click.echo(f"octui {__version__}")
        return
    if context.invoked_subcommand is None:
        need_terminal("Use `octui run … --headless`.")
        quick_start.begin()
        from octui.tui.app import run_launcher

        context.exit(run_launcher(binary=common().binary))


@octui.command()
@common_options
def doctor() -> None:
    """Say what octui finds, and what to do about what it does not.

    \b
    octui doctor
    octui doctor --binary ~/bin/opencode
    """
    from octui.doctor import Status, examine, report

    checks = examine(common().binary)
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    click.echo(report(checks, unicode=unicode))
    if any(check.status is Status.FAIL for check in checks):
        raise click.exceptions.Exit(1)


@octui.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes octui's commands in a shell.

    \b
    octui completion bash >> ~/.bashrc
    octui completion zsh >> ~/.zshrc
    octui completion fish > ~/.config/fish/completions/octui.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(octui, {}, "octui", "_OCTUI_COMPLETE").source())


@octui.command(hidden=True)
@click.pass_obj
def supervise(options: Common) -> None:
    """Run a session; started by octui itself."""
    options.debug = True  # Nobody sees its errors but those who read its log.
    from octui.fleet.main import supervise as run_supervisor

    raise click.exceptions.Exit(run_supervisor())


def main(arguments: list[str] | None = None) -> int:
    """Run a command; give the exit status: 0, 1 for what failed, 2 for a mistake in what was asked, 130 for Ctrl-C."""
    options = Common()
    for stream in (sys.stdout, sys.stderr):  # Names of files may hold what no encoding has.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")
    try:
        status = octui.main(arguments, prog_name="octui", standalone_mode=False, obj=options)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED_EXIT
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OctuiError as error:
        _tell(error.message, error.hint, options)
        return 2 if isinstance(error, UsageError) else 1
    except OSError as error:
        _tell(f"{error.filename or 'The system'}: {error.strerror or error}.", "", options)
        return 1
    except UnicodeEncodeError as error:
        around = readable(error.object[max(0, error.start - 20) : error.end + 20])
        words = f"{around!r} has characters that {error.encoding}, the encoding of this locale, has not."
        _tell(words, "Set LANG to a UTF-8 locale, as C.UTF-8.", options)
        return 1
    except Exception as error:
        _tell(f"octui made a mistake: {type(error).__name__}: {error}", "Add --debug to see where.", options)
        return 1
    return status if isinstance(status, int) else 0


def _tell(message: str, hint: str, options: Common) -> None:
    from octui.cli.report import printable

    text = f"octui: {message}\n{hint}" if hint else f"octui: {message}"
    if options.debug:
        text = f"{traceback.format_exc()}{text}"
    # What is wrong often quotes a file that somebody else wrote.
    for line in options.masked(text).splitlines():
        click.echo(printable(line), err=True)
