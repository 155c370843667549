"""One table of a plan as the runs it makes, one or some copies, with the defaults under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

from octui.client.config import RunConfig, check, deep_merge
from octui.encoding import decode_file
from octui.errors import ConfigError
from octui.plan import templates
from octui.plan.keys import CONFIG_TYPES, FLOW_KEYS, SPEC_KEYS
from octui.plan.mistakes import Mistakes
from octui.plan.model import RunSpec, Value
from octui.plan.names import NAME_RULE, is_name, safe_name, unique_name
from octui.plan.places import Place
from octui.plan.tables import check_numbers

_MERGED_KEYS = ("permission", "mcp", "vars", "workspace")
_CHECKED_IN_PARTS = {"permission": 2, "mcp": 1, "cli_kwargs": 1, "config_overrides": 3}
"""The keys whose maps are checked entry by entry, and how deep those are."""


@dataclass(frozen=True, slots=True)
class ReadRun:
    """A run as far as it could be read.

    Attributes:
        spec: It, with stand-ins for what could not be.
        place: Where its table stands.
        prompt_key: The key that its prompt comes from.
    """

    spec: RunSpec
    place: Place
    prompt_key: str


class RunReader:
    """Makes runs of tables.

    Args:
        folder: Where relative folders and prompt files start from.
        defaults: What runs have that do not say otherwise.
        variables: What all prompts may name.
        named: Names that are taken; those of runs without one are added.
        folders_may_be_gone: Whether workspaces need not be there any more.
        mistakes: What takes those there are.
    """

    def __init__(
        self,
        folder: Path,
        defaults: Mapping[str, Any],
        variables: Mapping[str, Value],
        named: set[str],
        mistakes: Mistakes,
        *,
        folders_may_be_gone: bool,
    ) -> None:
        self._folder = folder
        self._defaults = {key: value for key, value in defaults.items() if key != "attach"}
        self._variables = variables
        self._named = named
        self._mistakes = mistakes
        self._folders_may_be_gone = folders_may_be_gone
        self._hosts = self._servers(defaults.get("attach"), ("defaults", "attach"))

    def runs(self, own: dict[str, Any], place: Place) -> Iterator[ReadRun]:
        """Give the runs of a table.

        Args:
            own: The table, read.
            place: Where it stands.
        """
        table = self._with_defaults(own)
        hosts = self._servers(own.get("attach"), (*place, "attach")) or self._hosts
        may_be_elsewhere = hosts is not None or self._mistakes.is_lost((*place, "attach"))
        is_elsewhere = may_be_elsewhere and table.get("backend") != "run"
        workspace = self._workspace(table, place, may_be_missing=is_elsewhere or self._folders_may_be_gone)
        is_here = workspace is None or self._folders_may_be_gone or workspace.is_dir()
        self._check_worktree(table, own, place, is_here=is_here)
        prompt = self._prompt(table, own, place)
        config = self._config(table, place)
        name = self._name(table, workspace, place)
        check_numbers(table, place, self._mistakes)
        copies = table.get("copies", 1)
        if copies < 1 or self._mistakes.is_lost((*place, "copies")):
            self._mistakes.lose_runs(f"{name}-")
        spec = {key: table[key] for key in (*SPEC_KEYS, *FLOW_KEYS) if key in table}
        where = table.get("workspace", {})
        if where.get("worktree") and workspace is not None:
            spec |= {key: where[key] for key in ("worktree", "base") if key in where}
        spec["vars"] = {**self._variables, **table.get("vars", {})}
        spec["template"] = _template(table.get("template"), prompt or "")
        quoted = templates.quoted_runs(spec["template"]) if spec["template"] else []
        spec["needs"] = tuple(dict.fromkeys((*table.get("needs", ()), *quoted)))
        if copies > 1:
            spec.setdefault("group", name)
        for each in [name] if copies <= 1 else [f"{name}-{number}" for number in range(1, copies + 1)]:
            yield ReadRun(
                RunSpec(
                    name=each,
                    workspace=workspace or self._folder,
                    prompt=prompt or "",
                    config=_attached(config, hosts),
                    **spec,
                ),
                place,
                "prompt_file" if "prompt_file" in table else "prompt",
            )

    def _with_defaults(self, own: dict[str, Any]) -> dict[str, Any]:
        table = {**self._defaults, **own}
        for key in _MERGED_KEYS:
            below, above = self._defaults.get(key), own.get(key)
            if isinstance(below, dict) and isinstance(above, dict):
                table[key] = deep_merge(below, above)
        if "prompt" in own:
            table.pop("prompt_file", None)
        elif "prompt_file" in own:
            table.pop("prompt", None)
        return table

    def _servers(self, value: str | list[str] | None, place: Place) -> Iterator[str] | None:
        """The servers to take in turn; None for none."""
        if value is None:
            return None
        urls = [value] if isinstance(value, str) else value
        if not urls and not self._mistakes.is_lost(place, within=True):
            self._mistakes.say(place, "name at least one server, or leave it out.")
        for url in urls:
            if not url.startswith(("http://", "https://")):
                self._mistakes.say(place, f"{url!r} is no server; it begins with http:// or https://.")
        return cycle(urls) if urls else None

    def _name(self, table: dict[str, Any], workspace: Path | None, place: Place) -> str:
        if "name" in table:
            name = str(table["name"])
            if not is_name(name):
                self._mistakes.say((*place, "name"), f"{name!r} cannot name a run: {NAME_RULE}.")
            return name
        return unique_name(safe_name(workspace.name if workspace else "run"), self._named)

    def _workspace(self, table: dict[str, Any], place: Place, *, may_be_missing: bool) -> Path | None:
        """The folder; one on the machine of a server cannot be looked at."""
        if "path" not in table.get("workspace", {}):
            words = "a run needs the folder its agent works in."
            self._say_unless_lost((*place, "workspace"), words, (*place, "workspace", "path"), (*place, "each"))
            return None
        path = (self._folder / Path(table["workspace"]["path"]).expanduser()).absolute()
        if not path.is_dir() and not may_be_missing:
            what = "is a file, not a folder" if path.exists() else "does not exist"
            self._mistakes.say((*place, "workspace"), f"{path} {what}.")
            return None
        return path

    def _check_worktree(self, table: dict[str, Any], own: dict[str, Any], place: Place, *, is_here: bool) -> None:
        """Refuse what a worktree, or commands run in the folder, cannot be had with."""
        where = table.get("workspace", {})
        place_of_base = (*place, "workspace", "base")
        if where.get("worktree"):
            if not is_here or table.get("remote_dir"):
                words = "a worktree is made on this machine, where its folder has to be; it goes without remote_dir."
                self._mistakes.say((*place, "workspace", "worktree"), words)
            if where.get("base", "").startswith("-"):
                self._mistakes.say(place_of_base, f"{where['base']!r} is no branch, tag or commit.")
        elif "base" in where and "worktree" not in own.get("workspace", {}):
            self._say_unless_lost(place_of_base, "it goes with worktree = true.", (*place, "workspace", "worktree"))
        if not all(command.strip() for command in table.get("setup", ())):
            self._mistakes.say((*place, "setup"), "a command is empty.")
        for key in ("setup", "check"):
            if table.get(key) and not is_here:
                self._mistakes.say((*place, key), "it runs on this machine, where its folder has to be.")

    def _prompt(self, table: dict[str, Any], own: dict[str, Any], place: Place) -> str | None:
        if "prompt" in own and "prompt_file" in own:
            self._mistakes.say((*place, "prompt_file"), "give prompt or prompt_file, not both.")
        if "prompt_file" in table:
            path = self._folder / Path(table["prompt_file"]).expanduser()
            try:
                prompt = decode_file(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                self._mistakes.say((*place, "prompt_file"), f"{path} cannot be read: {reason}.")
                return None
        else:
            prompt = table.get("prompt", "")
        if not prompt.strip() and not table.get("command"):
            elsewhere = ((*place, key) for key in ("prompt", "prompt_file", "command"))
            self._say_unless_lost((*place, "prompt"), "a run needs a prompt.", *elsewhere)
            return None
        return str(prompt)

    def _say_unless_lost(self, place: Place, message: str, *others: Place) -> None:
        """Say what is a mistake only if none of some keys was meant to be there."""
        if not any(map(self._mistakes.is_lost, others)):
            self._mistakes.say(place, message)

    def _config(self, table: dict[str, Any], place: Place) -> RunConfig:
        """Check key by key, so that one mistake does not hide another."""
        values = {key: table[key] for key in CONFIG_TYPES if key in table}
        for key, value in values.items():
            alone: dict[str, Any] = {key: value}
            if key == "fork":
                sessions = ("session_id", "continue_session")
                if any(self._mistakes.is_lost((*place, name)) for name in sessions):
                    continue
                alone |= {name: values[name] for name in sessions if name in values}
            for part in _apart(value, _CHECKED_IN_PARTS.get(key, 0)):
                try:
                    check(RunConfig(**{**alone, key: part}), may_ask=True)
                except ConfigError as error:
                    self._mistakes.say(_place_in((*place, key), part), error.message)
        return RunConfig(**values)


def _template(asked: bool | str | None, prompt: str) -> str:
    """What a prompt is made of; empty where it is to the letter."""
    if isinstance(asked, str):
        return asked
    return prompt if asked is not False and templates.is_template(prompt) else ""


def _attached(config: RunConfig, hosts: Iterator[str] | None) -> RunConfig:
    return config if hosts is None else replace(config, attach=next(hosts))


def _apart(value: Any, depth: int) -> list[Any]:
    """Take a map apart, entry by entry, and so many maps in it."""
    if depth and isinstance(value, dict) and value:
        return [{key: part} for key, inner in value.items() for part in _apart(inner, depth - 1)]
    return [value]


def _place_in(place: Place, value: Any) -> Place:
    while isinstance(value, dict) and len(value) == 1 and place[-1] not in ("type", "command", "url"):
        ((key, value),) = value.items()
        place = (*place, key)
    return place
