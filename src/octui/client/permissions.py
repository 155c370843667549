"""Permission overrides, and the rules opencode makes of them and of its configuration. Pure.

How opencode 1.18 decides (read in ``Config``, ``Agent`` and ``Permission``, and measured): each agent has a list of
rules, the last matching one wins. It is made of opencode's defaults, the ``permission`` map of all configuration,
merged file by file, then the agent's own ``permission``, merged likewise. A session's rules come last; subagents'
sessions inherit only what is denied. Merging two maps keeps a key where the lower file put it, so a later file cannot
move its rule behind another one: ``"bash": "deny"`` of the last file stands before an agent's ``"bash": "allow"``.

An override wins all the same, as it is spelled in a way no file uses. A trailing `` *`` of a wildcard is optional, so
``bash *`` matches the tool ``bash`` and nothing else there is (no tool's name has a blank), but is a key of its own: it
goes to the end of every map it is merged into. `enforced` writes overrides so, `compose` says what opencode makes of
them, and `overruled` what still comes after them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from octui.client.config import RunConfig, build_config
from octui.client.serve.events import InForce, Permission, Rule

DEFAULT_AGENT = "build"
OURS = "octui"
"""The source of rules that are an override's."""

_EDIT_TOOLS = frozenset({"write", "edit", "patch"})


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of opencode's configuration.

    Attributes:
        source: What to call it: a file's path, or a variable's name.
        config: What it holds.
    """

    source: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SourcedRule:
    """A rule, and where it comes from.

    Attributes:
        rule: The rule.
        source: The layer that said so last.
        key: Where it stands there, such as ``agent.build.permission.bash``.
    """

    rule: Rule
    source: str
    key: str

    def __str__(self) -> str:
        pattern = "" if self.rule.pattern == "*" else f' "{self.rule.pattern}"'
        return f"{self.key}{pattern} = {self.rule.action} in {self.source}"


def override_rules(config: RunConfig) -> list[Rule]:
    """Return the permission rules a run's configuration asks for; the last matching one wins.

    ``tools`` counts as the permission it stands for: off is deny, on is allow. ``permission`` wins over it, as in
    opencode.
    """
    content = build_config(config)
    return [*as_rules(_of_tools(content.get("tools"))), *as_rules(_as_map(content.get("permission")))]


def session_rules(rules: Sequence[Rule]) -> list[Rule]:
    """Return the overrides that are safe as a session's own rules.

    Subagents' sessions inherit a session's denials without the exceptions after them, so a denial with an exception is
    left to the configuration.
    """

    def has_exception(index: int) -> bool:
        later = rules[index + 1 :]
        return any(rule.action != "deny" and _overlap(rule.permission, rules[index].permission) for rule in later)

    return [rule for index, rule in enumerate(rules) if rule.action != "deny" or not has_exception(index)]


def enforced(rules: Iterable[Rule]) -> dict[str, Any]:
    """Return a ``permission`` map whose rules come after those of any map it is merged into."""
    maps: dict[str, dict[str, str]] = {}
    for rule in rules:
        key = _enforcing_key(rule.permission)
        patterns = maps[key] = maps.pop(key, {})
        patterns.pop(rule.pattern, None)
        patterns[rule.pattern] = rule.action
    return {key: found["*"] if found.keys() == {"*"} else found for key, found in maps.items()}


def in_force(rules: Sequence[SourcedRule], folder: str = "") -> list[InForce]:
    """Return what holds of an agent's rules, in their order: none that a later one replaces.

    Args:
        rules: The agent's rules.
        folder: Files in this folder are named from there.
    """
    found: list[InForce] = []
    later: list[Rule] = []
    for each in reversed(rules):
        tool, pattern = each.rule.permission.removesuffix(" *"), each.rule.pattern
        if not any(matches(tool, rule.permission) and matches(pattern, rule.pattern) for rule in later):
            source = "" if each.source == OURS else f"{each.source.removeprefix(f'{folder}/')}: {each.key}"
            found.append(InForce(tool=tool, pattern=pattern, action=each.rule.action, source=source))
        later.append(each.rule)
    return found[::-1]


def matches(text: str, pattern: str) -> bool:
    """Whether opencode's wildcards match: ``*`` is anything, ``?`` one character, a trailing `` *`` is optional."""
    return _regex(pattern.replace("\\", "/")).fullmatch(text.replace("\\", "/")) is not None


def decide(rules: Sequence[Rule], tool: str, text: str = "*") -> str | None:
    """Return the action of the last rule that matches a call of a tool; None where no rule speaks of it."""
    for rule in reversed(rules):
        if matches(tool, rule.permission) and matches(text, rule.pattern):
            return rule.action
    return None


class Composed:
    """What opencode makes of the permissions of several layers.

    Attributes:
        agents: The agents that a layer names.
        modes: Those that a layer names under ``mode``, which opencode merges over ``agent`` in the end.
        default_agent: The agent of a run that names none.
    """

    def __init__(self, layers: Iterable[Layer], late: Iterable[Layer] = ()) -> None:
        """Merge them.

        Args:
            layers: In opencode's order; the last wins.
            late: ``permission`` maps that are merged over all, as ``OPENCODE_PERMISSION`` is.
        """
        permission: _Tree = {}
        tools: _Tree = {}
        agents: dict[str, _Tree] = {}
        modes: dict[str, _Tree] = {}
        self.default_agent = DEFAULT_AGENT
        for layer in layers:
            config = layer.config
            permission = _merge(permission, _tree(_as_map(config.get("permission")), layer.source, "permission"))
            tools = _merge(tools, _tree(_of_tools(config.get("tools")), layer.source, "tools"))
            for key, found in (("agent", agents), ("mode", modes)):
                for name, agent in _mapping(config.get(key)).items():
                    found[name] = _merge(found.get(name, {}), _agent_tree(agent, layer.source, f"{key}.{name}"))
            if isinstance(named := config.get("default_agent"), str):
                self.default_agent = named
        self.agents = tuple(agents)
        self.modes = tuple(modes)
        for name, tree in modes.items():
            agents[name] = _merge(agents.get(name, {}), tree)
        for layer in late:
            permission = _merge(permission, _tree(layer.config, layer.source, ""))
        self._permission = _merge(tools, permission)
        self._agents = agents

    def rules(self, agent: str) -> list[SourcedRule]:
        """Return the configured rules of an agent, behind opencode's defaults; the last matching one wins."""
        return [*_leaves(self._permission), *_leaves(self._agents.get(agent, {}))]

    @property
    def named(self) -> tuple[str, ...]:
        """All agents that a layer names, and one that none does."""
        return (*self._agents, "")


def overruled(composed: Composed, rules: Sequence[Rule]) -> list[tuple[str, SourcedRule]]:
    """Return what comes after overrides and may undo them, each with the agent it holds for (empty: any other)."""
    found: list[tuple[str, SourcedRule]] = []
    for agent in composed.named:
        own = composed.rules(agent)
        for rule in as_rules(enforced(rules)):
            place = max((index for index, each in enumerate(own) if _is_override(each, rule)), default=-1)
            for each in own[place + 1 :]:
                if each.source != OURS and _overlap(each.rule.permission, rule.permission):
                    found.append((agent, each))
    return list(dict.fromkeys(found))


def undone(rules: Sequence[Rule], effective: Sequence[Rule]) -> Rule | None:
    """Return the first rule that undoes overrides in an agent's list of rules, as opencode itself gives it.

    What opencode adds at the end to reach its own cut-off outputs is no such rule.
    """
    ours = as_rules(enforced(rules))
    for rule in ours:
        places = [index for index, each in enumerate(effective) if each == rule]
        if not places:
            return rule
        for each in effective[places[-1] + 1 :]:
            is_own = each.permission == "external_directory" and each.pattern.endswith("/tool-output/*")
            if each not in ours and not is_own and _overlap(each.permission, rule.permission):
                return each
    return None


def undoes_a_denial(rules: Sequence[Rule], request: Permission) -> bool:
    """Whether allowing a request ``always`` would allow something that overrides deny."""
    denied = [rule for rule in rules if rule.action == "deny" and matches(request.permission, rule.permission)]
    return any(
        matches(rule.pattern, always) and decide(rules, request.permission, rule.pattern) == "deny"
        for rule in denied
        for always in request.always
    )


def _is_override(each: SourcedRule, rule: Rule) -> bool:
    return each.source == OURS and each.rule == rule


def _enforcing_key(tool: str) -> str:
    return tool if tool.endswith(" *") else f"{tool} *"


def _overlap(one: str, other: str) -> bool:
    """Whether two wildcards may match the same tool, in case of doubt yes."""
    one, other = one.removesuffix(" *"), other.removesuffix(" *")
    if all(any(sign in each for sign in "*?") for each in (one, other)):
        return True
    return matches(one, other) or matches(other, one)


@lru_cache(maxsize=1024)
def _regex(pattern: str) -> re.Pattern[str]:
    words = re.sub(r"([.+^${}()|\[\]\\])", r"\\\1", pattern).replace("*", ".*").replace("?", ".")
    if words.endswith(" .*"):
        words = f"{words.removesuffix(' .*')}( .*)?"
    return re.compile(words, re.DOTALL)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _as_map(permission: object) -> Mapping[str, Any]:
    return {"*": permission} if isinstance(permission, str) else _mapping(permission)


def _of_tools(tools: object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, is_on in _mapping(tools).items():
        found["edit" if name in _EDIT_TOOLS else name] = "allow" if is_on else "deny"
    return found


def as_rules(permission: Mapping[str, Any]) -> list[Rule]:
    """Return the rules a ``permission`` map stands for, in its order."""
    rules = []
    for tool, value in permission.items():
        patterns = value if isinstance(value, Mapping) else {"*": value}
        rules += [Rule(permission=tool, pattern=pattern, action=action) for pattern, action in patterns.items()]
    return rules


# Maps whose leaves know where they come from


@dataclass(frozen=True, slots=True)
class _Leaf:
    action: str
    source: str
    key: str


_Tree = dict[str, Any]
"""A permission map: a tool's leaf, or a map of patterns to leaves."""


def _tree(permission: Mapping[str, Any], source: str, key: str) -> _Tree:
    def leaf(value: object, name: str) -> _Leaf:
        return _Leaf(str(value), source, f"{key}.{name}" if key else name)

    return {
        tool: {pattern: leaf(action, tool) for pattern, action in value.items()}
        if isinstance(value, Mapping)
        else leaf(value, tool)
        for tool, value in permission.items()
    }


def _agent_tree(agent: object, source: str, key: str) -> _Tree:
    """An agent's own map; in a file it replaces what its ``tools`` say of the same tool."""
    found = _mapping(agent)
    tools = _tree(_of_tools(found.get("tools")), source, f"{key}.tools")
    return tools | _tree(_as_map(found.get("permission")), source, f"{key}.permission")


def _merge(below: _Tree, above: _Tree) -> _Tree:
    """Merge as opencode does: a key stays where the lower map has it."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _leaves(tree: _Tree) -> Iterator[SourcedRule]:
    for tool, value in tree.items():
        for pattern, leaf in value.items() if isinstance(value, dict) else [("*", value)]:
            yield SourcedRule(Rule(permission=tool, pattern=pattern, action=leaf.action), leaf.source, leaf.key)
