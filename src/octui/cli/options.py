"""What several commands have in common: their options, and how they find opencode."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from octui.encoding import holds_raw_bytes, readable
from octui.errors import OpenCodeBinaryNotFoundError, UsageError


class _Text(click.types.StringParamType):
    """Words for people and models: unlike names of files they must be UTF-8."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what cannot be encoded."""
        check_text(str(value), param.get_error_hint(ctx).strip("'") if param is not None and ctx is not None else "It")
        return str(value)


TEXT = _Text()


def check_text(text: str, what: str) -> None:
    """Refuse text that cannot be encoded, such as an argument in Latin-1.

    Args:
        text: It.
        what: What to call it, as a sentence begins.

    Raises:
        UsageError: It cannot be.
    """
    if holds_raw_bytes(text):
        raise UsageError(
            f"{what} is no UTF-8 text: {readable(text)!r}.",
            hint="Write it in UTF-8; of file names only, any byte is taken.",
        )


Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Common:
    """The options every command takes.

    Attributes:
        binary: The opencode to use; None to look for it.
        debug: Whether errors come with a traceback.
        secrets: What no error may tell: the secrets of the plan that runs.
    """

    binary: str | None = None
    debug: bool = False
    secrets: frozenset[str] = frozenset()

    def masked(self, text: str) -> str:
        """Give a text with the secrets masked."""
        if not self.secrets:
            return text
        from octui.plan.secrets import mask_text

        return mask_text(text, self.secrets)


def common_options(command: Command) -> Command:
    """Give a command ``--binary`` and ``--debug``; they may stand before or after its name."""

    def keep(context: click.Context, option: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.ensure_object(Common), str(option.name), value)

    debug = click.option("--debug", is_flag=True, expose_value=False, callback=keep, help="Show tracebacks of errors.")
    binary = click.option(
        "--binary", metavar="PATH", expose_value=False, callback=keep, help="The opencode executable to use."
    )
    return binary(debug(command))


def common() -> Common:
    """The common options of the command that runs."""
    return click.get_current_context().ensure_object(Common)


def opencode_path() -> str:
    """Find opencode; where there is none, offer to install it for the user.

    Raises:
        OpenCodeBinaryNotFoundError: There is none, and none was installed.
    """
    from octui.client.binary import find_binary
    from octui.install import installed_binary

    asked_for = common().binary
    try:
        return str(find_binary(asked_for, extra=[installed_binary()]))
    except OpenCodeBinaryNotFoundError as error:
        if asked_for is not None or not on_terminal():
            raise
        click.echo(error.message, err=True)
        return _offer_to_install(error)


STDIN_NAMES = ("-", "/dev/stdin")
"""What stands for stdin where a recording is asked for."""


def on_terminal() -> bool:
    """Whether there is a person at a terminal to ask and to show screens to."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def need_terminal(instead: str) -> None:
    """Refuse to show a screen where there is no terminal.

    Raises:
        UsageError: Saying what to do instead.
    """
    if not on_terminal():
        raise UsageError("octui shows its screens on a terminal, and there is none here.", hint=instead)


def need_terminal_beside_stdin(instead: str) -> None:
    """Refuse to show a screen where there is no terminal to take keys from while stdin is something else.

    Raises:
        UsageError: Saying what to do instead.
    """
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
        is_there = sys.stdout.isatty()
    except OSError:
        is_there = False
    if not is_there:
        raise UsageError("octui shows its screens on a terminal, and there is none here.", hint=instead)


def _offer_to_install(error: OpenCodeBinaryNotFoundError) -> str:
    from octui import paths
    from octui.client.compat import TESTED_VERSION
    from octui.install import install_opencode

    folder = paths.opencode_install_dir()
    if not click.confirm(f"Install opencode {TESTED_VERSION} with npm into {folder}?", default=True, err=True):
        raise error
    click.echo("Installing; this takes a minute …", err=True)
    installed = install_opencode()
    click.echo(f"Installed {installed}.", err=True)
    return str(installed)
