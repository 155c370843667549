"""What a plan would do, in words: which runs, in which order, with which prompts and settings; secrets masked. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, NamedTuple

import tomli_w

from octui.client.config import check
from octui.client.overrides import permissions_of
from octui.client.permissions import in_force
from octui.errors import ConfigError
from octui.plan import graph, templates
from octui.plan.backends import refused
from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import mask, mask_text, masked_plan, plan_secrets

_SHOWN_APART = frozenset(
    {"name", "workspace", "prompt", "template", "needs", "on_failure", "backend", "setup", "check", "group", "vars"}
)
_OF_EACH_RUN = ("in", "branch", "needs", "prompt")
"""Told of each run, even where they are the same for all."""

_INDENT = 11
"""Columns before what is told: three, a word of seven, and a blank."""

_UNSET = {field.name: field.default for field in fields(RunSpec) if field.default is not MISSING}


class _Told(NamedTuple):
    """Something about a run: a word for what it is, and lines."""

    what: str
    text: str


def preview(plan: Plan, env: Mapping[str, str], width: int | None = None) -> Iterator[str]:
    """Give the lines that say it; what is the same for all runs is told once, before them.

    Args:
        plan: The plan, without mistakes.
        env: The environment; only what the plan allows of it is looked at.
        width: Columns to break lines at; None to leave them whole.
    """
    steps = graph.waves(plan.runs)
    tables = {table["name"]: table for table in masked_plan(plan)["runs"]}
    secrets = plan_secrets(plan)
    runs, wait = _count(len(plan.runs), "run"), _count(len(steps), "step")
    yield f"{plan.name}: {runs} in {wait}, {plan.max_parallel} at a time"
    if budget := [_setting(key, value) for key, value in _budget(plan).items() if value is not None]:
        yield f"budget: {', '.join(budget)}"
    told = {run.name: [*_told(run, tables[run.name], plan, env, secrets)] for run in plan.runs}
    shared = _shared(list(told.values()))
    if shared:
        yield from ("", "every run", *_lines(shared, width))
    count = 0
    for number, step in enumerate(steps, 1):
        if len(steps) > 1:
            yield from ("", f"step {number}: {_count(len(step), 'run')}")
        for run in step:
            count += 1
            yield from ("", f"{count}. {run.name}{f' (of {run.group})' if run.group else ''}")
            yield from _lines([each for each in told[run.name] if each not in shared], width)


def _told(
    run: RunSpec, table: Mapping[str, Any], plan: Plan, env: Mapping[str, str], secrets: Collection[str]
) -> Iterator[_Told]:
    yield _Told("in", str(run.workspace))
    if run.worktree:
        begins = f"a worktree from {run.base or 'what is checked out there'}"
        yield _Told("branch", f"octui/SESSION/{run.name}, {begins}")
    if run.setup:
        yield _Told("first", mask_text("\n".join(run.setup), secrets))
    yield _Told("backend", run.backend or ("run" if run.config.cli_kwargs else "serve; run with --headless"))
    if run.needs:
        after = "when they succeeded" if run.on_failure == "skip" else "when they are over"
        yield _Told("needs", f"{', '.join(run.needs)}: {after}")
    yield _Told("prompt", mask_text(_prompt(run, plan, env), secrets))
    if run.check:
        yield _Told("check", mask_text(run.check, secrets))
    for key, value in table.items():
        if key not in _SHOWN_APART and value != _UNSET.get(key):
            yield _Told("with", _setting(key, value))
    for key, value in table.get("vars", {}).items():
        yield _Told("vars", _setting(key, value))
    if found := permissions_in_words(run, env):
        yield _Told("may", found)
    for words in check(run.config, may_ask=run.backend != "run"):
        yield _Told("note", words)
    if run.backend is None:  # With a screen it is served, and somebody can be asked.
        for _, words in refused(run, "run"):
            yield _Told("note", f"with --headless it is refused: {words}")


def permissions_in_words(run: RunSpec, env: Mapping[str, str]) -> str:
    """Say what a run's agent may do but for opencode's defaults, a line a rule; empty where nothing is configured."""
    if run.config.attach:
        return ""
    found = permissions_of(run.config, run.workspace, env)
    rules = [str(each) for each in in_force(found.rules, str(run.workspace))]
    note = ["plugins or an organisation may change this; it is verified before the prompt is sent"]
    return "\n".join(
        [f"agent {found.agent}, the last match wins", *rules, *(note if found.has_unseen else [])] if rules else []
    )


def _shared(told: Sequence[Sequence[_Told]]) -> list[_Told]:
    """What is told of every run, where there are several."""
    first, *others = told
    return [each for each in first if others and each.what not in _OF_EACH_RUN and all(each in one for one in others)]


def _lines(told: Sequence[_Told], width: int | None) -> Iterator[str]:
    """Each under the word for what it is, which stands once for several in a row."""
    before = ""
    for what, text in told:
        for line in text.rstrip().splitlines():
            head = f"   {'' if what == before else what:7} "
            before = what
            yield from _broken(head, line, width)


def _broken(head: str, line: str, width: int | None) -> list[str]:
    """Break a line between words, what follows being indented as its begin is."""
    if width is None or len(head) + len(line) <= width:
        return [f"{head}{line}".rstrip()]
    indent = " " * (_INDENT + len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line,
        max(width, 2 * _INDENT),
        initial_indent=head,
        subsequent_indent=indent,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _setting(key: str, value: Any) -> str:
    """A key and its value as TOML writes them, on one line."""
    return f"{tomli_w.dumps({key: 0}).removesuffix(' = 0' + chr(10))} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(_setting(str(key), each) for key, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")


def _budget(plan: Plan) -> dict[str, Any]:
    budget = plan.budget
    return {
        "max_cost": budget.max_cost,
        "max_tokens": budget.max_tokens,
        "max_turns": budget.max_turns,
        "timeout_s": budget.timeout_s,
    }


def _prompt(run: RunSpec, plan: Plan, env: Mapping[str, str]) -> str:
    """The prompt, with stand-ins for what other runs have not answered yet."""
    if not run.template:
        return run.prompt
    specs = {each.name: each for each in plan.runs}
    answers: dict[str, templates.Answer | list[templates.Answer]] = {
        name: _stand_in(specs[name]) if name in specs else [_stand_in(specs[each]) for each in names]
        for name, names in graph.members(plan.runs).items()
        if name in run.needs
    }
    allowed = {name: env[name] for name in plan.allow_env if name in env}
    try:
        return templates.render(run.template, answers, mask(run.vars), mask(allowed))
    except ConfigError:
        return run.template  # It does more with an answer than a stand-in can do.


def _stand_in(run: RunSpec) -> templates.Answer:
    return templates.Answer(name=run.name, final_text=f"‹what {run.name} answers›", vars=mask(run.vars))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
