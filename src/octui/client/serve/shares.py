"""What of a run's configuration is its server's, and what its session's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from octui.client.config import RunConfig
from octui.client.serve.events import Rule


def server_config(config: RunConfig) -> RunConfig:
    """Give what of a run's configuration is its server's: runs of which this is equal can share one.

    Model, agent and the like are a session's, and so are permissions. One that asks is the server's as well: in 1.18
    subagents' sessions take over what is denied in the session they work for, and not what has to be asked.
    """
    return replace(
        RunConfig(),
        mcp=config.mcp,
        instructions=config.instructions,
        config_overrides=config.config_overrides,
        disable_autoupdate=config.disable_autoupdate,
        extra_env=config.extra_env,
        inherit_user_config=config.inherit_user_config,
        print_logs=config.print_logs,
        log_level=config.log_level,
        port=config.port,
        permission=config.permission if asks(config.permission) else {},
    )


def asks(permission: object) -> bool:
    """Whether a permission, or any of its patterns, is ``ask``."""
    return any(map(asks, permission.values())) if isinstance(permission, Mapping) else permission == "ask"


def rules_of(config: RunConfig) -> list[Rule]:
    """Give a configuration's permissions as a session's rules, in their order: the last that matches wins."""
    permission = config.permission
    if isinstance(permission, str):
        return [Rule(permission="*", pattern="*", action=permission)]
    rules: list[Rule] = []
    for tool, value in permission.items():
        patterns = {"*": value} if isinstance(value, str) else value
        rules += [Rule(permission=tool, pattern=pattern, action=action) for pattern, action in patterns.items()]
    return rules
