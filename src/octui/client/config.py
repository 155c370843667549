"""What a run is asked to do: `RunConfig`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PermissionValue = str | Mapping[str, str]
"""``allow`` or ``deny``, or a map of patterns to them; the last matching pattern wins."""


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
        password: Password of that server; passed in the environment, never as an argument.
        remote_dir: Directory on that server (``--dir``).
        port: Port of the local server (``--port``).
        variant: Variant of the model, such as its reasoning effort (``--variant``).
        thinking: Print reasoning as events (``--thinking``).
        print_logs: opencode's log goes to stderr (``--print-logs``).
        log_level: ``DEBUG``, ``INFO``, ``WARN`` or ``ERROR`` (``--log-level``).
        cli_kwargs: Any other flag: ``True`` → ``--flag``, a value → ``--flag=value``, a one-letter key → ``-f value``,
            a list → repeated, ``False`` and ``None`` → left out.
        permission: Tool name → ``allow`` or ``deny``, or a map of patterns to them.
        mcp: MCP servers by name, as in opencode's config.
        tools: Tool name (or glob) → on or off.
        instructions: Instruction files or globs to inject.
        config_overrides: Any other top-level key of opencode's config; the four above are merged over it.
        disable_autoupdate: Sets ``OPENCODE_DISABLE_AUTOUPDATE=1``.
        extra_env: Environment variables to add.
        inherit_user_config: Whether the user's global opencode config applies as it is; by default only its provider
            settings do.
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
