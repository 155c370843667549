"""The launcher's form as values, and what it comes to: a plan, or what is wrong with each field."""

from __future__ import annotations

import math
import os
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from octui.client.config import RunConfig, check
from octui.discovery.folders import (
    FolderFault,
    absolute,
    describe_faults,
    expand,
    fault_of,
    repository_of,
    shorten,
)
from octui.errors import ConfigError, PlanError
from octui.plan.backends import asks, choose_backends
from octui.plan.build import plan_from_prompt
from octui.plan.model import Backend, Plan, RunSpec
from octui.tui.launch.permissions import ToolRow, default_rows, rows_from_permission, rows_to_permission
from octui.tui.launch.servers import ServerRow, check_server, rows_from_mcp, rows_to_mcp, split_words

MAX_AGENTS = 256
MAX_COPIES = 64
MAX_RETRIES = 20
SILENCE_S = 60.0
DEFAULT_BACKEND: Backend = "serve"
DEFAULT_WORKSPACES = (".",)
"""Where a form begins: the folder octui was started in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormValues:
    """What the form's fields hold, as typed.

    Attributes:
        prompt: What every agent is asked.
        workspaces: Folders or globs, one run (or ``copies``) in each.
        model: ``provider/model``; empty for opencode's default, as with the next three.
        agent: Name of an agent.
        variant: Variant of the model.
        title: Title of opencode's sessions, and name of ours.
        copies: How many runs in each workspace.
        at_once: How many runs work at a time.
        timeout: Limit of an attempt, in seconds; empty for none.
        retries: How often a start-up crash is tried again.
        silence: After how many seconds without a word a run asks for attention.
        files: Files to attach, quoted as for a shell.
        instructions: Instruction files or globs, quoted as for a shell.
        thinking: Show the model's reasoning.
        isolate: A private data home for each run.
        inherit: The user's global opencode configuration applies as it is.
        worktree: Whether each run works in a git worktree of its own.
        worktree_base: The branch, tag or commit those begin at; empty for what is checked out.
        backend: Whether the agents talk to the user, over a server, or work on their own.
        tools: Permission overrides.
        servers: MCP overrides.
    """

    prompt: str = ""
    workspaces: tuple[str, ...] = ()
    model: str = ""
    agent: str = ""
    variant: str = ""
    title: str = ""
    copies: str = "1"
    at_once: str = "4"
    timeout: str = ""
    retries: str = "2"
    silence: str = f"{SILENCE_S:g}"
    files: str = ""
    instructions: str = ""
    thinking: bool = False
    isolate: bool = True
    inherit: bool = False
    worktree: bool = False
    worktree_base: str = ""
    backend: Backend = DEFAULT_BACKEND
    tools: tuple[ToolRow, ...] = field(default_factory=default_rows)
    servers: tuple[ServerRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchForm(FormValues):
    """The form: what its fields hold, and what an opened plan brought beyond them.

    Attributes:
        base: What the plan sets and the form has no field for.
    """

    base: RunConfig = field(default_factory=RunConfig)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a form comes to.

    Attributes:
        plan: Set where nothing is wrong.
        problems: Field → what is wrong with it, as a sentence, in the order of the form. Fields are those of
            `LaunchForm`; a server's is ``server:NAME``.
        warnings: Field → what is likely not meant, as a sentence.
        folder_faults: What of `LaunchForm.workspaces` cannot be used, and why.
        offers_worktrees: Whether any of the folders is in a git repository, so that it can have worktrees.
    """

    plan: Plan | None
    problems: Mapping[str, str]
    warnings: Mapping[str, str]
    offers_worktrees: bool = False
    folder_faults: Mapping[str, FolderFault] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What launching will do, or what is missing, in a few words."""
        if self.plan is None:
            first = next(iter(self.problems.values()))
            more = len(self.problems) - 1
            return first if not more else f"{first} (and {'1 more error' if more == 1 else f'{more} more errors'})"
        count = len(self.plan.runs)
        agents = "1 agent" if count == 1 else f"{count} agents"
        return f"Will run {agents}" + (f", {self.plan.max_parallel} at once" if self.plan.max_parallel < count else "")


def check_form(
    form: LaunchForm, base: Path, *, models: Sequence[str] = (), agents: Sequence[str] = (), version: str = ""
) -> Checked:
    """Check every field, looking at the folders and files it names, and make the plan.

    Args:
        form: The values.
        base: Where relative paths start.
        models: The models opencode offers; empty while they are not known.
        agents: The agents opencode offers, likewise.
        version: Of the opencode that will run; empty while it is not known.
    """
    problems: dict[str, str] = {}
    if not form.prompt.strip():
        problems["prompt"] = "Enter a prompt."
    folders, faults = _folders(form, base)
    if faults or not form.workspaces:
        problems["workspaces"] = describe_faults(faults) or "Add a folder to work in."
    numbers = {
        "copies": _whole("Copies", form.copies, 1, MAX_COPIES),
        "at_once": _whole("At once", form.at_once, 1, MAX_AGENTS),
        "timeout": _seconds("Time limit", form.timeout, empty=True),
        "retries": _whole("Retries", form.retries, 0, MAX_RETRIES),
        "silence": _seconds("Silence", form.silence, empty=False),
    }
    problems |= {name: value for name, value in numbers.items() if isinstance(value, str)}
    copies = numbers["copies"] if isinstance(numbers["copies"], int) else 1
    if "workspaces" not in problems and len(folders) * copies > MAX_AGENTS:
        problems["copies"] = f"That makes {len(folders) * copies} agents; {MAX_AGENTS} are the most."
    if form.model.strip() and not all(form.model.strip().partition("/")):
        problems["model"] = "A model is written `provider/model`."
    tops = {folder: repository_of(folder) for folder in folders}
    offers_worktrees = any(tops.values())
    if form.worktree:
        _check_worktrees(form, tops, base, problems)
    files = _paths(form.files, base, problems)
    instructions = _words(form.instructions, "instructions", problems)
    for row in form.servers:
        if row.source == "new" and row.config and row.is_on(form.inherit):
            for problem in check_server(row).values():
                problems[f"server:{row.name}"] = f"MCP server {row.name}: {problem}"
    config = _config(form, files, instructions)
    warnings = _warnings(form, models, agents)
    if not form.worktree and (words := _trampling(tops.values(), copies)):
        warnings["worktree"] = words
    may_ask = form.backend == "serve"
    if not may_ask and asks(config):
        problems["tools"] = "Nobody is there to `ask`: allow or deny it, or let the agents talk to you."
    if not problems:
        try:
            warnings |= {f"config:{number}": words for number, words in enumerate(check(config, may_ask=may_ask))}
        except ConfigError as error:
            problems["config"] = str(error)
    if problems:
        return Checked(None, problems, warnings, offers_worktrees, faults)
    plan = plan_from_prompt(
        form.prompt,
        folders,
        name=form.title.strip() or None,
        config=config,
        copies=copies,
        max_parallel=int(numbers["at_once"] or 1),
        timeout_s=_number(numbers["timeout"]),
        max_retries=int(numbers["retries"] or 0),
        silence_s=_number(numbers["silence"]) or SILENCE_S,
        isolate_db=form.isolate,
        backend=form.backend,
        worktree=form.worktree,
        base=form.worktree_base.strip() if form.worktree else "",
    )
    try:
        choose_backends(plan, form.backend, version=version)
    except PlanError as error:
        problems["backend"] = _of_one_run(error)
        return Checked(None, problems, warnings, offers_worktrees)
    return Checked(plan, problems, warnings, offers_worktrees)


def _of_one_run(error: PlanError) -> str:
    """What a plan asks for and cannot have, as a sentence: all runs of a form are alike."""
    where, words = error.problems[0].where.partition(".")[2], error.problems[0].message
    return f"{words[:1].upper()}{words[1:]}" if where == "backend" else f"`{where}`: {words}"


def form_from_plan(plan: Plan, base: Path) -> LaunchForm | None:
    """Give the form that makes a plan; None where no form does, as for runs with prompts of their own.

    Args:
        plan: The plan.
        base: Where the form's relative paths start.
    """
    if not plan.runs or replace(plan, name="", runs=(), max_parallel=4) != Plan(name="", runs=()):
        return None
    first = plan.runs[0]
    workspaces = list(dict.fromkeys(run.workspace for run in plan.runs))
    copies, left = divmod(len(plan.runs), len(workspaces))
    if left:
        return None
    config = first.config
    try:
        tools = rows_from_permission(config.permission)
    except ValueError:
        return None
    form = LaunchForm(
        prompt=first.prompt,
        workspaces=tuple(shorten(folder, base) for folder in workspaces),
        model=config.model or "",
        agent=config.agent or "",
        variant=config.variant or "",
        title=config.title or "",
        copies=str(copies),
        at_once=str(plan.max_parallel),
        timeout="" if first.timeout_s is None else f"{first.timeout_s:g}",
        retries=str(first.max_retries),
        silence=f"{first.silence_s:g}",
        files=shlex.join(str(file) for file in config.files),
        instructions=shlex.join(config.instructions),
        thinking=config.thinking,
        isolate=first.isolate_db,
        inherit=config.inherit_user_config,
        worktree=first.worktree,
        worktree_base=first.base if first.worktree else "",
        backend=first.backend or DEFAULT_BACKEND,
        tools=tools,
        servers=rows_from_mcp(config.mcp),
        base=config,
    )
    made = check_form(form, base).plan
    same = made is not None and [_comparable(run) for run in made.runs] == [_comparable(run) for run in plan.runs]
    return form if same else None


def _comparable(run: RunSpec) -> tuple[object, ...]:
    """A run as values that do not depend on how its sequences and maps are kept."""
    config = {item.name: getattr(run.config, item.name) for item in fields(RunConfig)}
    config["permission"] = rows_from_permission(run.config.permission)
    config["files"] = [str(file) for file in run.config.files]
    config["instructions"] = list(run.config.instructions)
    backend = run.backend or DEFAULT_BACKEND
    begin = run.base if run.worktree else ""  # Without a worktree it says nothing.
    return replace(run, config=RunConfig(), group="", backend=backend, base=begin), config


def _folders(form: LaunchForm, base: Path) -> tuple[list[Path], dict[str, FolderFault]]:
    """The folders that the workspaces name, each once, and what is wrong with those that name none."""
    folders: dict[Path, None] = {}
    faults: dict[str, FolderFault] = {}
    for typed in form.workspaces:
        found = expand(typed, base)
        folders |= dict.fromkeys(found)
        if (fault := fault_of(typed, base, found)) is not None:
            faults[typed] = fault
    return list(folders), faults


def _check_worktrees(form: LaunchForm, tops: Mapping[Path, Path | None], base: Path, problems: dict[str, str]) -> None:
    outside = [f"`{shorten(folder, base)}`" for folder, top in tops.items() if top is None]
    if outside:
        problems["worktree"] = f"Not inside a git repository: {', '.join(outside)}. A worktree needs one."
    begin = form.worktree_base.strip()
    if begin.startswith("-") or len(begin.split()) > 1:
        problems["worktree_base"] = "Begin at a branch, a tag or a commit."


def _trampling(tops: Iterable[Path | None], copies: int) -> str:
    """Say where several agents would work on the same files."""
    counts = Counter(top for top in tops if top is not None)
    if not counts or (most := max(counts.values()) * copies) < 2:
        return ""
    return f"{most} agents work in the same repository, and may trample each other's changes."


def _paths(typed: str, base: Path, problems: dict[str, str]) -> tuple[str, ...]:
    """The files to attach, absolute."""
    paths = [absolute(word, base) for word in _words(typed, "files", problems)]
    for words, is_wrong in (("File not found", _is_missing), ("Not a file", _is_no_file)):
        if names := [f"`{shorten(path, base)}`" for path in paths if is_wrong(path)]:
            problems["files"] = f"{problems['files']} " if "files" in problems else ""
            problems["files"] += f"{words}: {', '.join(names)}."
    return tuple(str(path) for path in paths)


def _is_missing(path: Path) -> bool:
    return not os.path.exists(path)  # noqa: PTH110 (a Path raises where a folder above may not be entered)


def _is_no_file(path: Path) -> bool:
    return not _is_missing(path) and not os.path.isfile(path)  # noqa: PTH113


def _words(typed: str, name: str, problems: dict[str, str]) -> tuple[str, ...]:
    try:
        return tuple(split_words(typed))
    except ValueError as error:
        problems[name] = f"{error} Names with spaces go in quotes."
        return ()


def _config(form: LaunchForm, files: tuple[str, ...], instructions: tuple[str, ...]) -> RunConfig:
    return replace(
        form.base,
        model=form.model.strip() or None,
        agent=form.agent.strip() or None,
        variant=form.variant.strip() or None,
        title=form.title.strip() or None,
        files=files,
        instructions=instructions,
        thinking=form.thinking,
        inherit_user_config=form.inherit,
        permission=rows_to_permission(form.tools),
        mcp=rows_to_mcp(form.servers, form.inherit),
    )


def _warnings(form: LaunchForm, models: Sequence[str], agents: Sequence[str]) -> dict[str, str]:
    warnings = {}
    if models and form.model.strip() and form.model.strip() not in models:
        warnings["model"] = "opencode does not list this model; a run with an unknown one fails."
    if agents and form.agent.strip() and form.agent.strip() not in agents:
        warnings["agent"] = "opencode does not list this agent; it would take its default one without a word."
    return warnings


def _whole(name: str, typed: str, least: int, most: int) -> int | str:
    """A whole number, or what is wrong with it."""
    text = typed.strip()
    if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    return f"{name} is a whole number from {least} to {most}."


def _seconds(name: str, typed: str, *, empty: bool) -> float | str | None:
    """Seconds above zero, None where nothing is typed and that is right, or what is wrong."""
    text = typed.strip()
    if not text and empty:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds > 0:
        return seconds
    return f"{name} is in seconds, more than 0" + (", or nothing for no limit." if empty else ".")


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, (int, float)) else None
