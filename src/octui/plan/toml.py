"""A plan as TOML: read, and checked all at once; `octui.plan.writing` writes it."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import msgspec

from octui.client.config import RunConfig, check, deep_merge
from octui.errors import ConfigError, PlanError, Problem
from octui.plan import graph, matrix, templates
from octui.plan.budget import Budget
from octui.plan.keys import (
    BUDGET_KEYS,
    CONFIG_TYPES,
    DEFAULT_KEYS,
    FLOW_KEYS,
    OWN_KEYS,
    RUN_KEYS,
    SPEC_KEYS,
    TOP_KEYS,
    WORKSPACE_KEYS,
)
from octui.plan.model import Plan, RunSpec, Value
from octui.plan.names import NAME, NAME_RULE, safe_name, unique_name
from octui.plan.places import Place, in_words, key_lines, line_of

_NOT_IN_MATRIX = (*OWN_KEYS, "copies", "group", "needs", "on_failure", "prompt_file", "setup", "template", "vars")
_MERGED_KEYS = ("permission", "mcp", "vars", "workspace")
_PLAIN_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}


def load_plan(
    path: Path, variables: Mapping[str, str] = MappingProxyType({}), *, folders_may_be_gone: bool = False
) -> Plan:
    """Read a plan file.

    Args:
        path: Where it is.
        variables: What wins over the plan's own ``vars``.
        folders_may_be_gone: Whether it has been run already, so that not all of its workspaces are needed any more.

    Raises:
        PlanError: With every mistake in it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except IsADirectoryError:
        raise PlanError(str(path), [Problem("file", "this is a folder, not a plan.")]) from None
    except UnicodeDecodeError as error:
        problem = Problem("file", "this is not UTF-8 text.", error.object[: error.start].count(b"\n") + 1)
        raise PlanError(str(path), [problem]) from None
    except OSError as error:
        raise PlanError(str(path), [Problem("file", f"it cannot be read: {error.strerror}.")]) from None
    folder = path.absolute().parent
    return parse_plan(
        text,
        folder=folder,
        source=str(path),
        default_name=path.stem,
        variables=variables,
        folders_may_be_gone=folders_may_be_gone,
    )


def parse_plan(
    text: str,
    *,
    folder: Path,
    source: str,
    default_name: str = "plan",
    variables: Mapping[str, str] = MappingProxyType({}),
    folders_may_be_gone: bool = False,
) -> Plan:
    """Read a plan's text.

    Args:
        text: TOML.
        folder: Where relative workspaces and prompt files start from.
        source: What to call the plan in errors.
        default_name: The plan's name where it has none.
        variables: What wins over the plan's own ``vars``.
        folders_may_be_gone: See `load_plan`.

    Raises:
        PlanError: With every mistake in it.
    """
    text = text.replace("\r\n", "\n")
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        raise PlanError(source, [Problem("TOML", f"{error}.", line)]) from None
    reader = _Reader(folder, key_lines(text), variables, env=os.environ, folders_may_be_gone=folders_may_be_gone)
    plan = reader.plan(value, default_name)
    if reader.problems or plan is None:
        raise PlanError(source, sorted(reader.problems, key=lambda problem: problem.line or 0))
    return plan


def plan_from_json(data: bytes, *, folders_may_be_gone: bool = False) -> Plan:
    """Read what `plan_to_json` wrote.

    Args:
        data: It.
        folders_may_be_gone: See `load_plan`.

    Raises:
        PlanError: It is no plan.
    """
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise PlanError("plan", [Problem("JSON", f"{error}.")]) from None
    reader = _Reader(Path("/"), {}, folders_may_be_gone=folders_may_be_gone)
    plan = reader.plan(value, "plan")
    if reader.problems or plan is None:
        raise PlanError("plan", reader.problems)
    return plan


class _Reader:
    """Reads a plan's table, collecting every mistake instead of stopping at the first."""

    def __init__(
        self,
        folder: Path,
        lines: dict[Place, int],
        variables: Mapping[str, str] = MappingProxyType({}),
        env: Collection[str] | None = None,
        folders_may_be_gone: bool = False,
    ) -> None:
        self.problems: list[Problem] = []
        self._folder = folder
        self._lines = lines
        self._variables: Mapping[str, Value] = variables
        self._env = env
        self._folders_may_be_gone = folders_may_be_gone
        self._hosts: Iterator[str] | None = None

    def plan(self, value: Any, default_name: str) -> Plan | None:
        top = self._table(value, (), TOP_KEYS)
        defaults = self._table(top.get("defaults", {}), ("defaults",), DEFAULT_KEYS)
        self._variables = {**top.get("vars", {}), **self._variables}
        self._hosts = self._servers(defaults.pop("attach", None), ("defaults", "attach"))
        tables = top.get("runs", [])
        if not tables:
            self._say(("runs",), "there are no runs; add at least one [[runs]] table.")
        runs: list[RunSpec] = []
        taken: dict[str, Place] = {}
        named = {table["name"] for table in tables if isinstance(table, dict) and isinstance(table.get("name"), str)}
        for index, table in enumerate(tables):
            place: Place = ("runs", index)
            own = self._table(table, place, RUN_KEYS)
            for one in self._spread(own, place, named):
                for run in self._run(one, defaults, place, named):
                    if run.name in taken:
                        first = in_words(taken[run.name])
                        self._say((*place, "name"), f"{run.name!r} is taken by {first}; names are unique.")
                    taken.setdefault(run.name, place)
                    runs.append(run)
        self._check_templates(runs, taken, named, top.get("allow_env", ()))
        self._check_order(runs, taken, named)
        budget = self._table(top.get("budget", {}), ("budget",), BUDGET_KEYS)
        self._check_numbers(budget, ("budget",))
        parallel = top.get("max_parallel", 4)
        if parallel < 1:
            self._say(("max_parallel",), "it must be 1 or more.")
        if self.problems:
            return None
        return Plan(
            name=str(top.get("name") or default_name),
            runs=tuple(runs),
            max_parallel=parallel,
            allow_env=top.get("allow_env", ()),
            budget=Budget(**budget),
        )

    def _table(self, value: Any, place: Place, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Give a table's known keys, each of its right type."""
        if not isinstance(value, dict):
            self._say(place, "this must be a table.")
            return {}
        good: dict[str, Any] = {}
        for key, inner in value.items():
            kind = keys.get(key)
            if kind is None:
                near = difflib.get_close_matches(key, keys, n=1)
                self._say((*place, key), f"this key is not known{f'; did you mean {near[0]!r}?' if near else '.'}")
                continue
            try:
                good[key] = msgspec.convert(inner, kind, strict=True)
            except msgspec.ValidationError as error:
                self._say((*place, key), _in_plain_words(str(error), kind))
        if isinstance(folder := good.get("workspace"), str):
            good["workspace"] = {"path": folder}
        elif folder is not None:
            good["workspace"] = self._table(value["workspace"], (*place, "workspace"), WORKSPACE_KEYS)
        return good

    def _spread(self, own: dict[str, Any], place: Place, named: set[str]) -> list[dict[str, Any]]:
        """Make of one table a table for each folder of ``each`` and each combination of ``matrix``."""
        if "matrix" not in own and "each" not in own:
            return [own]
        grid, rest = own.get("matrix", {}), {key: value for key, value in own.items() if key not in ("matrix", "each")}
        found = self._folders(own, place) if "each" in own else [None]
        count = len(found) * math.prod(len(values) for values in grid.values())
        if count > matrix.MOST:
            self._say((*place, "matrix"), f"that makes {count} runs; {matrix.MOST} are the most.")
        if not self._check_matrix(grid, place) or not 0 < count <= matrix.MOST:
            return []
        base = str(own["name"]) if "name" in own else ""
        if not base and "each" not in own:
            base = unique_name(safe_name(Path(own.get("workspace", {}).get("path", "")).name), named)
        tables = []
        for folder, label in zip(found, matrix.labels([each or "" for each in found]), strict=True):
            for words, values in matrix.combinations(grid):
                name = "-".join(part for part in (base, label if folder else "", words) if part)
                table = {**rest, "name": unique_name(name[:64].rstrip("-."), named)}
                table |= {key: value for key, value in values.items() if key in RUN_KEYS}
                if isinstance(table.get("workspace"), str):
                    table["workspace"] = {**rest.get("workspace", {}), "path": table["workspace"]}
                if folder is not None:
                    table["workspace"] = {**rest.get("workspace", {}), "path": str(folder)}
                    values = {"folder": folder.name, **values}
                table["vars"] = {**rest.get("vars", {}), **values}
                if base:
                    table.setdefault("group", base)
                tables.append(table)
        return tables

    def _folders(self, own: dict[str, Any], place: Place) -> list[Path | None]:
        if "path" in own.get("workspace", {}):
            self._say((*place, "each"), "it takes the place of workspace; give one of the two.")
        found: dict[Path | None, None] = {}
        for pattern in [own["each"]] if isinstance(own["each"], str) else own["each"]:
            try:
                matching = matrix.folders(pattern, self._folder)
            except (ValueError, OSError) as error:
                self._say((*place, "each"), f"{pattern!r} is no pattern of folders: {error}.")
                continue
            if not matching:
                self._say((*place, "each"), f"there is no folder {pattern!r} in {self._folder}.")
            found |= dict.fromkeys(matching)
        return [*found]

    def _check_matrix(self, grid: Mapping[str, list[Value]], place: Place) -> bool:
        """Refuse values that their keys cannot have; give whether all is well."""
        before = len(self.problems)
        for key, values in grid.items():
            where = (*place, "matrix", key)
            if not values:
                self._say(where, "name at least one value.")
            if key in _NOT_IN_MATRIX:
                self._say(where, "this key cannot be one of a matrix.")
            elif key in RUN_KEYS:
                for value in values:
                    try:
                        msgspec.convert(value, RUN_KEYS[key], strict=True)
                    except msgspec.ValidationError as error:
                        self._say(where, _in_plain_words(str(error), RUN_KEYS[key]))
        return len(self.problems) == before

    def _run(self, own: dict[str, Any], defaults: dict[str, Any], place: Place, named: set[str]) -> list[RunSpec]:
        table = {**defaults, **own}
        for key in _MERGED_KEYS:
            below, above = defaults.get(key), own.get(key)
            if isinstance(below, dict) and isinstance(above, dict):
                table[key] = deep_merge(below, above)
        if "prompt" in own:
            table.pop("prompt_file", None)
        elif "prompt_file" in own:
            table.pop("prompt", None)
        hosts = self._servers(own.get("attach"), (*place, "attach")) or self._hosts
        is_elsewhere = hosts is not None and table.get("backend") != "run"
        workspace = self._workspace(table, place, may_be_missing=is_elsewhere or self._folders_may_be_gone)
        is_here = workspace is None or self._folders_may_be_gone or workspace.is_dir()
        self._check_worktree(table, own, place, is_here=is_here)
        prompt = self._prompt(table, own, place)
        values = {key: table[key] for key in CONFIG_TYPES if key in table}
        config = self._config(values, place, may_ask=table.get("backend") != "run")
        name = self._name(table, workspace, place, named)
        self._check_numbers(table, place)
        copies = table.get("copies", 1)
        if workspace is None or prompt is None or config is None or copies < 1:
            return []
        spec = {key: table[key] for key in (*SPEC_KEYS, *FLOW_KEYS) if key in table}
        if table["workspace"].get("worktree"):
            spec |= {key: table["workspace"][key] for key in ("worktree", "base") if key in table["workspace"]}
        spec["vars"] = {**self._variables, **table.get("vars", {})}
        spec["template"] = _template(table.get("template"), prompt)
        quoted = templates.quoted_runs(spec["template"]) if spec["template"] else []
        spec["needs"] = tuple(dict.fromkeys((*table.get("needs", ()), *quoted)))
        if copies > 1:
            spec.setdefault("group", name)
        names = [name] if copies == 1 else [f"{name}-{number}" for number in range(1, copies + 1)]
        return [
            RunSpec(name=each, workspace=workspace, prompt=prompt, config=_attached(config, hosts), **spec)
            for each in names
        ]

    def _check_templates(
        self, runs: list[RunSpec], places: Mapping[str, Place], named: set[str], allow_env: tuple[str, ...]
    ) -> None:
        """Refuse templates that name what there is not."""
        known = graph.members(runs)
        groups = known.keys() - {run.name for run in runs}
        for run in runs:
            place = (*places[run.name], "prompt_file" if self._is_in_file(places[run.name]) else "prompt")
            around = templates.Surroundings({*known, *named}, groups, run.vars, allow_env, self._env)
            for words in templates.mistakes(run.template, around) if run.template else ():
                self._say(place, words)

    def _is_in_file(self, place: Place) -> bool:
        return (*place, "prompt_file") in self._lines

    def _check_order(self, runs: list[RunSpec], places: Mapping[str, Place], named: set[str]) -> None:
        """Refuse groups and needs that are not clear, and runs that would wait for one another for ever."""
        known = graph.members(runs)
        for run in {places[run.name]: run for run in reversed(runs)}.values():
            place = places[run.name]
            if run.group in places:
                self._say((*place, "group"), f"{run.group!r} is the name of {in_words(places[run.group])}.")
            for need in run.needs:
                if need not in known and need not in named and need not in templates.quoted_runs(run.template):
                    near = difflib.get_close_matches(need, known, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else "."
                    self._say((*place, "needs"), f"there is no run called {need!r}{hint}")
        for name, circle in graph.cycles(runs):
            self._say((*places[name], "needs"), f"these wait for one another: {' → '.join(circle)}.")

    def _servers(self, value: str | list[str] | None, place: Place) -> Iterator[str] | None:
        """The servers to take in turn; None for none."""
        if value is None:
            return None
        urls = [value] if isinstance(value, str) else value
        if not urls:
            self._say(place, "name at least one server, or leave it out.")
        for url in urls:
            if not url.startswith(("http://", "https://")):
                self._say(place, f"{url!r} is no server; it begins with http:// or https://.")
        return cycle(urls) if urls else None

    def _name(self, table: dict[str, Any], workspace: Path | None, place: Place, named: set[str]) -> str:
        if "name" in table:
            name = str(table["name"])
            if not NAME.fullmatch(name):
                self._say((*place, "name"), f"{name!r} cannot name a run: {NAME_RULE}.")
            return name
        return unique_name(safe_name(workspace.name if workspace else "run"), named)

    def _workspace(self, table: dict[str, Any], place: Place, *, may_be_missing: bool) -> Path | None:
        """The folder; one on the machine of a server cannot be looked at."""
        if "path" not in table.get("workspace", {}):
            self._say((*place, "workspace"), "a run needs the folder its agent works in.")
            return None
        path = (self._folder / Path(table["workspace"]["path"]).expanduser()).absolute()
        if not path.is_dir() and not may_be_missing:
            what = "is a file, not a folder" if path.exists() else "does not exist"
            self._say((*place, "workspace"), f"{path} {what}.")
            return None
        return path

    def _check_worktree(self, table: dict[str, Any], own: dict[str, Any], place: Place, *, is_here: bool) -> None:
        """Refuse what a worktree, or commands run in the folder, cannot be had with."""
        where = table.get("workspace", {})
        place_of_base = (*place, "workspace", "base")
        if where.get("worktree"):
            if not is_here or table.get("remote_dir"):
                words = "a worktree is made on this machine, where its folder has to be; it goes without remote_dir."
                self._say((*place, "workspace", "worktree"), words)
            if where.get("base", "").startswith("-"):
                self._say(place_of_base, f"{where['base']!r} is no branch, tag or commit.")
        elif "base" in where and "worktree" not in own.get("workspace", {}):
            self._say(place_of_base, "it goes with worktree = true.")
        if not all(command.strip() for command in table.get("setup", ())):
            self._say((*place, "setup"), "a command is empty.")
        for key in ("setup", "check"):
            if table.get(key) and not is_here:
                self._say((*place, key), "it runs on this machine, where its folder has to be.")

    def _prompt(self, table: dict[str, Any], own: dict[str, Any], place: Place) -> str | None:
        if "prompt" in own and "prompt_file" in own:
            self._say((*place, "prompt_file"), "give prompt or prompt_file, not both.")
            return None
        if "prompt_file" in table:
            path = self._folder / Path(table["prompt_file"]).expanduser()
            try:
                prompt = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                self._say((*place, "prompt_file"), f"{path} cannot be read: {reason}.")
                return None
        else:
            prompt = table.get("prompt", "")
        if not prompt.strip() and not table.get("command"):
            self._say((*place, "prompt"), "a run needs a prompt.")
            return None
        return str(prompt)

    def _config(self, values: dict[str, Any], place: Place, *, may_ask: bool) -> RunConfig | None:
        """Check key by key, so that one mistake does not hide another."""
        good = True
        for key, value in values.items():
            alone: dict[str, Any] = {key: value}
            if key == "fork":
                alone |= {name: values[name] for name in ("session_id", "continue_session") if name in values}
            for one in _one_by_one(key, value):
                try:
                    check(RunConfig(**{**alone, key: one}), may_ask=may_ask)
                except ConfigError as error:
                    good = False
                    self._say(_place_in((*place, key), one), error.message)
        return RunConfig(**values) if good else None

    def _check_numbers(self, table: dict[str, Any], place: Place) -> None:
        for key, least, strict in (
            ("copies", 1, False),
            ("max_retries", 0, False),
            ("timeout_s", 0, True),
            ("max_cost", 0, True),
            ("max_tokens", 1, False),
            ("max_turns", 1, False),
            ("startup_timeout_s", 0, True),
            ("silence_s", 0, True),
        ):
            value = table.get(key)
            if value is not None and (value < least or (strict and value == least)):
                self._say((*place, key), f"it must be {'more than' if strict else 'at least'} {least}.")

    def _say(self, place: Place, message: str) -> None:
        problem = Problem(in_words(place), message, self._line(place))
        if problem not in self.problems:  # Copies have the same.
            self.problems.append(problem)

    def _line(self, place: Place) -> int | None:
        """The line of a key, or of the default it comes from; else of what is nearest around it."""
        if place[:1] == ("runs",):
            for length in range(len(place), 2, -1):
                for written in (place[:length], ("defaults", *place[2:length])):
                    if written in self._lines:
                        return self._lines[written]
        return line_of(place, self._lines)


def _template(asked: bool | str | None, prompt: str) -> str:
    """What a prompt is made of; empty where it is to the letter."""
    if isinstance(asked, str):
        return asked
    return prompt if asked is not False and templates.is_template(prompt) else ""


def _attached(config: RunConfig, hosts: Iterator[str] | None) -> RunConfig:
    return config if hosts is None else replace(config, attach=next(hosts))


def _one_by_one(key: str, value: Any) -> list[Any]:
    """Take a map of overrides apart, entry by entry."""
    if key in _MERGED_KEYS and isinstance(value, dict) and value:
        parts: list[Any] = []
        for name, inner in value.items():
            if key == "permission" and isinstance(inner, dict) and inner:
                parts += [{name: {pattern: action}} for pattern, action in inner.items()]
            else:
                parts.append({name: inner})
        return parts
    return [value]


def _place_in(place: Place, value: Any) -> Place:
    while isinstance(value, dict) and len(value) == 1 and place[-1] not in ("type", "command", "url"):
        ((key, value),) = value.items()
        place = (*place, key)
    return place


def _in_plain_words(message: str, kind: Any) -> str:
    """Say msgspec's ``Expected `str`, got `int` - at `$[0]``` as a person would."""
    if get_origin(kind) is Literal and message.startswith("Invalid enum value"):
        return f"it must be {' or '.join(map(repr, get_args(kind)))}."
    words = re.sub(r" - at `\$?(.*?)`", "", message)
    words = re.sub(r"`([^`]*)`", lambda m: " or ".join(_PLAIN_WORDS.get(p, p) for p in m[1].split(" | ")), words)
    return f"{words[:1].lower()}{words[1:]}.".replace(" or nothing", "")
