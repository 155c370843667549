"""What a run is asked to do: `RunConfig`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octui.client.compat import DENIED_BY_RUN, KNOWN_TOOLS, TOOLS_WITHOUT_PATTERNS
from octui.client.user_config import FOLDERS, MISSED_KEYS, substituted
from octui.errors import ConfigError

PermissionValue = str | Mapping[str, str]
"""``allow`` or ``deny``, or a map of patterns to them; the last matching pattern wins. A server takes ``ask``, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """How one ``opencode run`` is started.

    Attributes:
        agent: Name of the agent (``--agent``).
        model: ``provider/model`` (``--model``).
        files: Files to attach (``--file``, repeated).
        title: Title of opencode's session (``--title``).
        command: A command of opencode to run, the prompt being its arguments (``--command``).
        continue_session: Go on with the last session (``--continue``).
        session_id: Go on with this session (``--session``).
        fork: Fork the session before going on (``--fork``).
        share: Share the session (``--share``).
        attach: URL of a running opencode server (``--attach``).
        username: User name of that server; by default that in the URL, or ``opencode``.
        password: Password of that server; passed in the environment, never as an argument.
        remote_dir: Directory on that server (``--dir``).
        port: Port of the local server (``--port``).
        variant: Variant of the model, such as its reasoning effort (``--variant``).
        thinking: Print reasoning as events (``--thinking``).
        print_logs: opencode's log goes to stderr (``--print-logs``).
        log_level: ``DEBUG``, ``INFO``, ``WARN`` or ``ERROR`` (``--log-level``).
        cli_kwargs: Any other flag: ``True`` → ``--flag``, a value → ``--flag=value``, a one-letter key → ``-f value``,
            a list → repeated, ``False`` and ``None`` → left out.
        permission: Tool name → ``allow`` or ``deny``, or a map of patterns to them; a server takes ``ask``, too.
        mcp: MCP servers by name, as in opencode's config.
        tools: Tool name (or glob) → on or off.
        instructions: Instruction files or globs to inject.
        config_overrides: Any other top-level key of opencode's config; the four above are merged over it.
        disable_autoupdate: Sets ``OPENCODE_DISABLE_AUTOUPDATE=1``.
        extra_env: Environment variables to add.
        inherit_user_config: Whether the user's global opencode config applies as it is; by default only its provider
            settings and default models do.
        keep: Further top-level keys of it that apply, such as ``plugin`` or ``agent``, with the files and folders of
            agents, commands and the like that belong to them.
    """

    agent: str | None = None
    model: str | None = None
    files: Sequence[str | Path] = ()
    title: str | None = None
    command: str | None = None
    continue_session: bool = False
    session_id: str | None = None
    fork: bool = False
    share: bool = False
    attach: str | None = None
    username: str | None = None
    password: str | None = None
    remote_dir: str | None = None
    port: int | None = None
    variant: str | None = None
    thinking: bool = False
    print_logs: bool = False
    log_level: str | None = None
    cli_kwargs: Mapping[str, Any] = field(default_factory=dict)
    permission: PermissionValue | Mapping[str, PermissionValue] = field(default_factory=dict)
    mcp: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tools: Mapping[str, bool] = field(default_factory=dict)
    instructions: Sequence[str] = ()
    config_overrides: Mapping[str, Any] = field(default_factory=dict)
    disable_autoupdate: bool = True
    extra_env: Mapping[str, str] = field(default_factory=dict)
    inherit_user_config: bool = False
    keep: Sequence[str] = ()


FLAGS: Mapping[str, str] = {
    "agent": "agent",
    "model": "model",
    "files": "file",
    "title": "title",
    "command": "command",
    "continue_session": "continue",
    "session_id": "session",
    "fork": "fork",
    "share": "share",
    "remote_dir": "dir",
    "port": "port",
    "variant": "variant",
    "thinking": "thinking",
    "print_logs": "print-logs",
    "log_level": "log-level",
}
"""Fields of `RunConfig` that are flags of ``opencode run`` as they are, and the flags' names."""

KEEPABLE = frozenset((*FOLDERS, *MISSED_KEYS))
"""Keys of the user's configuration that are not confused with the folders of a similar name."""

LOG_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
_RESERVED_FLAGS = frozenset({"format", "interactive", "i", "help", "h", "version", "v"})
NOBODY_TO_ASK = (
    "is 'ask', but opencode run has nobody to ask and would reject the call and end without an answer; "
    "use 'allow' or 'deny'"
)
"""What is wrong with a permission that is ``ask`` where nobody can be asked; its place stands before."""


def build_config(config: RunConfig) -> dict[str, Any]:
    """Give what goes into ``OPENCODE_CONFIG_CONTENT``: the overrides with the four fields merged over them."""
    fields: dict[str, Any] = {}
    if config.permission:
        fields["permission"] = config.permission if isinstance(config.permission, str) else _plain(config.permission)
    if config.mcp:
        fields["mcp"] = _plain(config.mcp)
    if config.tools:
        fields["tools"] = dict(config.tools)
    if config.instructions:
        fields["instructions"] = list(config.instructions)
    return deep_merge(_plain(config.config_overrides), fields)


def model_of(config: RunConfig, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the model a run is told to use, ``{env:NAME}`` filled in: opencode does so in its configuration only.

    Raises:
        ConfigError: What the variable holds is no model.
    """
    if config.model is None or not _is_reference(config.model):
        return config.model
    model = substituted(config.model, {**environ, **config.extra_env})
    if "/" not in model.strip("/"):
        raise ConfigError(f"model is {config.model}, which is {model!r} here; opencode wants it as provider/model.")
    return model


def deep_merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two maps, maps in them too; what stands above wins, and comes last where order matters."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.pop(key, None)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = deep_merge(old, value) if both else value
    return merged


def check(config: RunConfig, *, may_ask: bool = False) -> list[str]:
    """Refuse what opencode must not be given.

    Args:
        config: What a run is asked to do.
        may_ask: Whether somebody is there to answer, as with a server: then a permission may be ``ask``.

    Returns:
        Warnings, one sentence each, about what is likely a mistake: a tool opencode does not know.

    Raises:
        ConfigError: With the place and the reason.
    """
    warnings: list[str] = []
    _check_permission("permission", config.permission, warnings, may_ask)
    if "permission" in config.config_overrides:
        _check_permission("config_overrides.permission", config.config_overrides["permission"], warnings, may_ask)
    if config.attach and not may_ask:
        _check_reach(config)
    _check_environment(config)
    warnings += _held_back(config, may_ask=may_ask)
    for key in config.keep:
        if singular := next((each for each, names in FOLDERS.items() if key in names and key not in KEEPABLE), ""):
            raise ConfigError(f"keep has {key!r}; the key of opencode's configuration is {singular!r}.")
    for name, server in config.mcp.items():
        _check_mcp(f"mcp.{name}", server)
    if config.model is not None and _is_reference(config.model):
        if not substituted(config.model, {**os.environ, **config.extra_env}):
            warnings.append(f"model is {config.model}, which is empty here.")
    elif config.model is not None and "/" not in config.model.strip("/"):
        raise ConfigError(f"model is {config.model!r}; opencode wants it as provider/model.")
    if config.log_level is not None and config.log_level not in LOG_LEVELS:
        raise ConfigError(f"log_level is {config.log_level!r}; it is one of {', '.join(LOG_LEVELS)}.")
    if config.fork and not (config.continue_session or config.session_id):
        raise ConfigError("fork needs a session to fork: set session_id or continue_session.")
    for flag in config.cli_kwargs:
        if not flag or flag.startswith("-") or flag in _RESERVED_FLAGS:
            raise ConfigError(f"cli_kwargs[{flag!r}] cannot be passed: it is set by octui or is no flag's name.")
    return warnings


def check_action(place: str, value: object, *, may_ask: bool = False) -> None:
    """Refuse a permission's action other than ``allow`` and ``deny``, and ``ask`` where somebody can be asked.

    Raises:
        ConfigError: With the place and the reason.
    """
    if value == "ask" and not may_ask:
        raise ConfigError(f"{place} {NOBODY_TO_ASK}.")
    if value not in _actions(may_ask):
        raise ConfigError(f"{place} is {value!r}; it must be {_in_words(may_ask)}.")


def _actions(may_ask: bool) -> tuple[str, ...]:
    return ("allow", "deny", "ask") if may_ask else ("allow", "deny")


def _in_words(may_ask: bool) -> str:
    *most, last = map(repr, _actions(may_ask))
    return f"{', '.join(most)} or {last}"


def _check_permission(place: str, permission: object, warnings: list[str], may_ask: bool) -> None:
    if not isinstance(permission, Mapping):
        check_action(place, permission, may_ask=may_ask)
        return
    for tool, rule in permission.items():
        where = f"{place}.{tool}"
        if tool not in KNOWN_TOOLS and tool != "*" and "*" not in tool:
            near = difflib.get_close_matches(tool, KNOWN_TOOLS, n=1, cutoff=0.0)
            warnings.append(f"{where}: opencode knows no tool {tool!r}; the nearest it knows is {near[0]!r}.")
        if not isinstance(rule, Mapping):
            check_action(where, rule, may_ask=may_ask)
            continue
        if tool in TOOLS_WITHOUT_PATTERNS:
            raise ConfigError(f"{where} takes {_in_words(may_ask)}, no patterns.")
        for pattern, action in rule.items():
            check_action(f'{where}["{pattern}"]', action, may_ask=may_ask)


def _check_environment(config: RunConfig) -> None:
    """Refuse variables that would replace the ones overrides are passed in."""
    for name in ("OPENCODE_CONFIG_CONTENT", "OPENCODE_PERMISSION"):
        if name in config.extra_env and build_config(config):
            raise ConfigError(
                f"extra_env.{name} would replace the run's overrides.",
                hint="Use permission or config_overrides instead.",
            )


def _held_back(config: RunConfig, *, may_ask: bool) -> Iterator[str]:
    """Warn of permissions that cannot hold everywhere."""
    permission = config.permission if isinstance(config.permission, Mapping) else {"*": config.permission}
    for tool, rule in permission.items():
        actions = set(rule.values()) if isinstance(rule, Mapping) else {rule}
        if not may_ask and tool in DENIED_BY_RUN and actions != {"deny"}:
            yield f"permission.{tool}: opencode run always denies it, as nobody could answer."
        if config.attach and may_ask and actions - {"deny", ""}:
            yield f"permission.{tool}: on a server that runs already, only 'deny' holds for subagents, too."


def _check_reach(config: RunConfig) -> None:
    """Refuse overrides that ``opencode run --attach`` does not send to the server it joins."""
    for key in ("permission", "tools", "mcp", "instructions", "config_overrides"):
        if getattr(config, key):
            raise ConfigError(
                f"{key} does not reach a server that runs already.",
                hint="Use backend = 'serve' (a session in Python), or set it where the server is started.",
            )


def _check_mcp(place: str, server: object) -> None:
    if not isinstance(server, Mapping):
        raise ConfigError(f"{place} must be a table such as {{ type = 'local', command = ['npx', …] }}.")
    kind = server.get("type")
    if kind is None and set(server) == {"enabled"}:
        return
    if _is_reference(kind):
        return
    if kind == "local":
        command = server.get("command")
        if not isinstance(command, Sequence) or isinstance(command, str) or not command:
            raise ConfigError(f"{place}.command must be a list of words, such as ['npx', '-y', 'server'].")
    elif kind == "remote":
        url = server.get("url", "")
        if not _is_reference(url) and not str(url).startswith(("http://", "https://")):
            raise ConfigError(f"{place}.url must begin with http:// or https://.")
    else:
        raise ConfigError(f"{place}.type is {kind!r}; it must be 'local' or 'remote'.")


def _is_reference(value: object) -> bool:
    """Whether a value begins with something that opencode replaces before it looks at it."""
    return isinstance(value, str) and value.startswith(("{env:", "{file:"))


def _plain(value: Any) -> Any:
    """Give nested mappings and sequences as dicts and lists, ready for JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
