"""MCP overrides as rows: the servers opencode's configuration names, switched on or off, and new ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from octui.discovery.config_files import FoundServer
from octui.plan.secrets import MASK

Source = Literal["user", "project", "new"]
Kind = Literal["local", "remote"]

_SECRET_KEYS = ("environment", "headers")
_REFERENCE_ALONE = re.compile(r"(?:(?:Bearer|Basic|Token) )?\{(?:env|file):[^{}]+\}", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One MCP server.

    Attributes:
        name: Its key under ``mcp``.
        config: Its value there, as opencode takes it; empty where only its name is known.
        source: Whose configuration names it; ``new`` for one that the form brings.
        choice: On or off as chosen here; None for as it is configured.
    """

    name: str
    config: Mapping[str, Any]
    source: Source = "new"
    choice: bool | None = None

    @property
    def kind(self) -> str:
        """``local`` or ``remote``; empty where only its name is known."""
        return str(self.config.get("type", ""))

    def applies(self, inherit: bool) -> bool:
        """Whether opencode knows the server without being told: the user's only where their configuration is kept."""
        return self.source == "project" or (self.source == "user" and inherit)

    def is_on(self, inherit: bool) -> bool:
        """Whether the server will be used."""
        if self.choice is not None:
            return self.choice
        return bool(self.config.get("enabled", True)) and (self.source == "new" or self.applies(inherit))


def toggled(row: ServerRow, inherit: bool) -> ServerRow:
    """Give the row switched over; back to no override where that is as configured."""
    wanted = not row.is_on(inherit)
    as_configured = replace(row, choice=None)
    return as_configured if as_configured.is_on(inherit) == wanted else replace(row, choice=wanted)


def rows_to_mcp(rows: Iterable[ServerRow], inherit: bool) -> dict[str, dict[str, Any]]:
    """Give the rows as `RunConfig.mcp`.

    Args:
        rows: The servers.
        inherit: Whether the user's configuration is kept. Where it is not, a server of it that is switched on is
            given whole.
    """
    mcp: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.source == "new" and row.config:
            mcp[row.name] = dict(row.config) if row.choice is None else {**row.config, "enabled": row.choice}
        elif row.choice is None:
            continue
        elif row.applies(inherit) or not row.config:
            mcp[row.name] = {"enabled": row.choice}
        elif row.choice:
            mcp[row.name] = {**row.config, "enabled": True}
    return mcp


def rows_from_mcp(mcp: Mapping[str, Mapping[str, Any]]) -> tuple[ServerRow, ...]:
    """Give `RunConfig.mcp` as rows; a mere on or off becomes a choice about a server known by name."""
    return tuple(
        ServerRow(name, {}, choice=bool(config["enabled"]))
        if set(config) == {"enabled"}
        else ServerRow(name, dict(config))
        for name, config in mcp.items()
    )


def merge_found(rows: Iterable[ServerRow], found: Iterable[FoundServer]) -> tuple[ServerRow, ...]:
    """Bring what the configuration files name into the rows: found servers first, choices made here kept.

    Found servers that no longer are go; what the form brings stays, and hides a found one of the same name.
    """
    before = {row.name: row for row in rows}
    merged = []
    for server in found:
        row = before.get(server.name)
        if row is not None and row.source == "new" and row.config:
            continue
        before.pop(server.name, None)
        merged.append(ServerRow(server.name, server.config, server.scope, row.choice if row else None))
    kept = (row for row in before.values() if row.source == "new")
    return (*merged, *kept)


def describe(row: ServerRow) -> str:
    """Say in one line what the server is, with secrets masked."""
    config = row.config
    if row.kind == "remote":
        secrets = [f"{name}: {MASK}" for name in config.get("headers") or ()]
        return "  ".join([masked_url(str(config.get("url", ""))), *secrets])
    if row.kind == "local":
        command = config.get("command")
        words = [str(word) for word in command] if isinstance(command, list) else []
        secrets = [f"{name}={MASK}" for name in config.get("environment") or ()]
        return "  ".join([shlex.join(words), *secrets])
    return "not in the configuration here"


def masked_url(url: str) -> str:
    """Give a URL without the secrets it may carry: a password and the values of its query."""
    try:
        parts = urlsplit(url)
        user = f"{MASK}@" if "@" in parts.netloc else ""
        query = "&".join(f"{item.partition('=')[0]}={MASK}" for item in parts.query.split("&")) if parts.query else ""
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return MASK
    return parts._replace(netloc=user + host, query=query, fragment="").geturl()


def check_server(row: ServerRow, others: Iterable[str] = ()) -> dict[str, str]:
    """Say what is wrong with a server of the form: field → sentence, the fields being those of `server_config`.

    Args:
        row: The server.
        others: Names that are taken.
    """
    problems = {}
    if not row.name:
        problems["name"] = "Enter a name."
    elif not _NAME.fullmatch(row.name):
        problems["name"] = "A name has letters, digits, `.`, `_` and `-` only."
    elif row.name in set(others):
        problems["name"] = f"There is a server `{row.name}` already."
    if row.kind == "local":
        if not any(row.config.get("command") or ()):
            problems["target"] = "A local server needs the command that starts it."
        what, right = "a variable", _VARIABLE_NAME
    else:
        if not _is_http(str(row.config.get("url", ""))):
            problems["target"] = "A remote server needs a URL that begins with http:// or https://."
        what, right = "a header", _HEADER_NAME
    for name, value in pairs_of(row).items():
        if not right.fullmatch(name):
            problems["pairs"] = f"`{name}` cannot be the name of {what}."
        elif not value:
            problems["pairs"] = f"`{name}` has no value. Values are not kept between launches; {{env:NAME}} is."
    return problems


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def split_words(typed: str) -> list[str]:
    """Split words quoted as for a shell.

    Raises:
        ValueError: They cannot be split; its text is a sentence that says why.
    """
    try:
        return shlex.split(typed)
    except ValueError as error:
        # The only two messages of shlex: "No closing quotation" and "No escaped character".
        words = "It ends with a backslash that escapes nothing." if "escape" in str(error) else "A quote is not closed."
        raise ValueError(words) from error


def server_config(
    kind: Kind, target: str, pairs: Mapping[str, str], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make a server's configuration from what was typed.

    Args:
        kind: Local or remote.
        target: The command, quoted as for a shell, or the URL.
        pairs: Environment variables or headers.
        before: What it was: keys the form has no field for are kept.

    Raises:
        ValueError: The command cannot be split; its text is a sentence that says why.
    """
    typed = {"type", "command", "url", "environment", "headers"}
    config: dict[str, Any] = {"type": kind}
    if kind == "local":
        config["command"] = split_words(target)
    else:
        config["url"] = target.strip()
    if pairs:
        config["environment" if kind == "local" else "headers"] = dict(pairs)
    return config | {key: value for key, value in (before or {}).items() if key not in typed}


def target_of(row: ServerRow) -> str:
    """Give the command, quoted as for a shell, or the URL, as `server_config` takes it."""
    if row.kind == "local":
        return shlex.join(str(word) for word in row.config.get("command") or ())
    return str(row.config.get("url", ""))


def pairs_of(row: ServerRow) -> dict[str, str]:
    """Give the environment of a local server, or the headers of a remote one."""
    pairs = row.config.get("environment" if row.kind == "local" else "headers") or {}
    return {str(name): str(value) for name, value in pairs.items()}


def without_secrets(row: ServerRow) -> ServerRow:
    """Give the row fit for a file: values of headers and environments are blanked, unless they only refer to one
    (``Bearer {env:TOKEN}``)."""
    config = dict(row.config)
    for key in _SECRET_KEYS:
        pairs = config.get(key)
        if isinstance(pairs, Mapping):
            config[key] = {
                name: value if _REFERENCE_ALONE.fullmatch(str(value)) else "" for name, value in pairs.items()
            }
    return replace(row, config=config)
