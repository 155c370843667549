"""What of a run's configuration is its server's, and what its session's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from octui.client.config import RunConfig


def server_config(config: RunConfig) -> RunConfig:
    """Give what of a run's configuration is its server's: runs of which this is equal can share one.

    Model, agent and the like are a session's. Permissions are the server's: in 1.18 a subagent's session inherits only
    denials of the session it works for, and what one session is allowed "always" holds for all in its folder.
    """
    return replace(
        RunConfig(),
        mcp=config.mcp,
        instructions=config.instructions,
        config_overrides=config.config_overrides,
        disable_autoupdate=config.disable_autoupdate,
        extra_env=config.extra_env,
        inherit_user_config=config.inherit_user_config,
        keep=config.keep,
        print_logs=config.print_logs,
        log_level=config.log_level,
        port=config.port,
        permission=config.permission,
        tools=config.tools,
    )


def asks(permission: object) -> bool:
    """Whether a permission, or any of its patterns, is ``ask``."""
    return any(map(asks, permission.values())) if isinstance(permission, Mapping) else permission == "ask"
