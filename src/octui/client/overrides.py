"""Makes sure that permission overrides hold in the folder a run works in, or says before it starts what undoes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from octui.client.config import RunConfig, build_config, deep_merge
from octui.client.config_layers import Surroundings, surroundings
from octui.client.environment import PERMISSION
from octui.client.lenient_json import decode_as
from octui.client.permissions import (
    OURS,
    Composed,
    Layer,
    SourcedRule,
    as_rules,
    enforced,
    override_rules,
    overruled,
    undone,
)
from octui.client.serve.events import Rule
from octui.client.user_config import CONTENT, data_home_of
from octui.encoding import encode_json
from octui.errors import ConfigError


class NamedAgents(msgspec.Struct, frozen=True):
    """Agents whose own permissions stand behind those of all agents, so that overrides are repeated in each.

    Attributes:
        agents: Those that configuration names under ``agent``, or in a Markdown file.
        modes: Those it names under ``mode``, which opencode merges over ``agent``.
    """

    agents: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()


NO_AGENTS = NamedAgents()


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the agents of a run may do, and why.

    Attributes:
        rules: The configured rules of the agent that runs, the last matching one winning; opencode's defaults stand
            before them.
        agent: That agent.
        has_unseen: Whether plugins or an organisation's remote configuration may change any of it.
    """

    rules: tuple[SourcedRule, ...]
    agent: str
    has_unseen: bool = False


def check_overrides(
    config: RunConfig, folder: Path, environ: Mapping[str, str] = os.environ
) -> tuple[NamedAgents, bool]:
    """Refuse a run whose overrides something undoes.

    Args:
        config: The run's configuration.
        folder: Where it works.
        environ: The environment octui runs in.

    Returns:
        The agents in which its overrides have to be repeated, and whether only opencode itself can tell if they hold,
        as something no file shows may change them. None, and no, without overrides.

    Raises:
        ConfigError: With the file and the key.
    """
    rules = override_rules(config)
    if not rules and not config.mcp:
        return NO_AGENTS, False
    found = _surroundings(config, folder, environ)
    for _, words in _undone(config, found, environ):
        raise ConfigError(words, hint="Remove it there, or leave the override out.")
    if not rules:
        return NO_AGENTS, False
    return _named(build_config(config), found), found.has_unseen


def override_variables(
    config: RunConfig, named: NamedAgents, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables by which opencode gets a run's configuration, with overrides where nothing undoes them.

    Args:
        config: The run's configuration.
        named: From `check_overrides`.
        environ: The environment octui runs in.
    """
    content = build_config(config)
    variables: dict[str, str] = {}
    if permission := enforced(override_rules(config)):
        content = _repeated(content, permission, named)
        below = _users_permission(environ) if keeps_permission(config) else {}
        variables[PERMISSION] = _json({**below, **permission})
    if content:
        variables[CONTENT] = _json(content)
    return variables


def permissions_of(config: RunConfig, folder: Path, environ: Mapping[str, str] = os.environ) -> Permissions:
    """Return what a run's agents may do in a folder, as far as files and variables tell."""
    found = _surroundings(config, folder, environ)
    composed = _composed(config, found, environ)
    agent = config.agent or composed.default_agent
    return Permissions(tuple(composed.rules(agent)), agent, found.has_unseen)


def check_stored_rules(config: RunConfig, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse to continue a session with ``opencode run`` whose own rules, stored with it, undo an override.

    They come after all configuration, and ``run`` cannot change them; a server can.

    Raises:
        ConfigError: With the rule.
    """
    rules = override_rules(config)
    if not rules or not (config.session_id or config.continue_session):
        return
    for rule in _stored_rules(config.session_id, folder, environ):
        if undone(rules, [*as_rules(enforced(rules)), rule]):
            raise ConfigError(
                f"The session to continue has a permission rule of its own that undoes an override: "
                f'{rule.permission} "{rule.pattern}" = {rule.action}.',
                hint="Use backend = 'serve' (a session in Python), which can change it.",
            )


def _stored_rules(session_id: str | None, folder: Path, environ: Mapping[str, str]) -> list[Rule]:
    """Read a session's rules from opencode's database (``session.permission`` in 1.18); none where it is not there."""
    path = data_home_of(environ) / "opencode" / (environ.get("OPENCODE_DB") or "opencode.db")
    newest = "directory = ? AND parent_id IS NULL ORDER BY time_updated DESC LIMIT 1"
    where, value = ("id = ?", session_id) if session_id else (newest, str(folder))
    import sqlite3  # Few runs continue a session.

    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute(f"SELECT permission FROM session WHERE {where}", (value,)).fetchone()
        return decode_as(row[0], list[Rule]) if row and row[0] else []
    except (sqlite3.Error, msgspec.DecodeError, ValueError, TypeError):
        return []


def undone_overrides(
    config: RunConfig, folder: Path, environ: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, str]]:
    """Say what undoes overrides: the override's key in a plan, and a sentence with the file and key."""
    yield from _undone(config, _surroundings(config, folder, environ), environ)


def _surroundings(config: RunConfig, folder: Path, environ: Mapping[str, str]) -> Surroundings:
    return surroundings(folder, environ, inherit_user_config=config.inherit_user_config, keep=config.keep)


def _undone(config: RunConfig, found: Surroundings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    rules = override_rules(config)
    for agent, rule in overruled(_composed(config, found, environ), rules):
        whose = f"agent {agent!r}" if agent else "agents"
        yield "permission", f"A permission override cannot hold for {whose}: {rule} comes after it."
    for layer in found.above:
        servers = layer.config.get("mcp")
        for name in config.mcp.keys() & servers.keys() if isinstance(servers, Mapping) else ():
            words = f"mcp.{name} in {layer.source} comes after it."
            yield "mcp", f"The override of MCP server {name!r} cannot hold: {words}"


def _composed(config: RunConfig, found: Surroundings, environ: Mapping[str, str]) -> Composed:
    rules = override_rules(config)
    content = build_config(config)
    late = [Layer(PERMISSION, _users_permission(environ) if keeps_permission(config) else {})]
    if rules:
        permission = enforced(rules)
        content = _repeated(content, permission, _named(content, found))
        late.append(Layer(OURS, permission))
    return Composed([*found.below, Layer(OURS, content), *found.above], late)


def broken_override(rule: Rule, agent: str) -> str:
    """Say that opencode itself tells of a rule that undoes an override."""
    return (
        f"A permission override does not hold for agent {agent!r}: opencode has {rule.permission} "
        f'"{rule.pattern}" = {rule.action} after it, from a plugin or the remote configuration of an organisation.'
    )


def _named(content: Mapping[str, Any], found: Surroundings) -> NamedAgents:
    composed = Composed([*found.below, Layer(OURS, content), *found.above])
    agents = set(composed.agents) - set(composed.modes)
    return NamedAgents(tuple(sorted(agents)), tuple(sorted(composed.modes)))


def _repeated(content: Mapping[str, Any], permission: Mapping[str, Any], named: NamedAgents) -> dict[str, Any]:
    def entries(names: Sequence[str]) -> dict[str, Any]:
        return {name: {"permission": permission} for name in names}

    repeated = {"agent": entries(named.agents), "mode": entries(named.modes)}
    return deep_merge(_with_maps(content), {key: value for key, value in repeated.items() if value})


def _with_maps(content: Mapping[str, Any]) -> dict[str, Any]:
    """Write agents' permissions that are one action for all as maps, into which others can be merged."""
    found = dict(content)
    for key in ("agent", "mode"):
        if isinstance(agents := found.get(key), Mapping):
            found[key] = {name: _with_map(agent) for name, agent in agents.items()}
    return found


def _with_map(agent: Any) -> Any:
    if isinstance(agent, Mapping) and isinstance(agent.get("permission"), str):
        return {**agent, "permission": {"*": agent["permission"]}}
    return agent


def keeps_permission(config: RunConfig) -> bool:
    """Whether the user's own permissions apply to a run."""
    return config.inherit_user_config or "permission" in config.keep


def _users_permission(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(environ.get(PERMISSION) or "{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: Mapping[str, Any]) -> str:
    return encode_json(value).decode()
