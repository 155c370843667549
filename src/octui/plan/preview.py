"""What a plan would do, in words: which runs, in which order, with which prompts and settings; secrets masked. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

from octui.client.config import check
from octui.errors import ConfigError
from octui.plan import graph, templates
from octui.plan.backends import refused
from octui.plan.model import Plan, RunSpec
from octui.plan.secrets import mask, mask_text, masked_plan, plan_secrets

_SHOWN_APART = ("name", "workspace", "prompt", "template", "needs", "backend", "setup", "check")


def preview(plan: Plan, env: Mapping[str, str]) -> Iterator[str]:
    """Give the lines that say it.

    Args:
        plan: The plan, without mistakes.
        env: The environment; only what the plan allows of it is looked at.
    """
    steps = graph.waves(plan.runs)
    tables = {table["name"]: table for table in masked_plan(plan)["runs"]}
    secrets = plan_secrets(plan)
    runs, wait = _count(len(plan.runs), "run"), _count(len(steps), "step")
    yield f"{plan.name}: {runs} in {wait}, {plan.max_parallel} at a time"
    budget = {key: value for key, value in mask(_budget(plan)).items() if value is not None}
    if budget:
        yield f"budget: {', '.join(f'{key} = {value:g}' for key, value in budget.items())}"
    for number, step in enumerate(steps, 1):
        for run in step:
            yield ""
            yield f"{number}. {run.name}"
            yield f"   in      {run.workspace}"
            if run.worktree:
                yield f"   branch  octui/SESSION/{run.name}, a worktree from {run.base or 'what is checked out there'}"
            for command in run.setup:
                yield f"   first   {mask_text(command, secrets)}"
            yield f"   backend {run.backend or 'serve; run with --headless'}"
            if run.needs:
                after = "when they succeeded" if run.on_failure == "skip" else "when they are over"
                yield f"   needs   {', '.join(run.needs)}: {after}"
            yield from _block("prompt", mask_text(_prompt(run, plan, env), secrets))
            if run.check:
                yield f"   check   {mask_text(run.check, secrets)}"
            settings = {key: value for key, value in tables[run.name].items() if key not in _SHOWN_APART}
            yield from _block("with", tomli_w.dumps(settings))
            for words in check(run.config, may_ask=True):
                yield f"   note    {words}"
            for words in _refused_headless(run):
                yield f"   note    with --headless it is refused: {words}"


def _budget(plan: Plan) -> dict[str, Any]:
    budget = plan.budget
    return {
        "max_cost": budget.max_cost,
        "max_tokens": budget.max_tokens,
        "max_turns": budget.max_turns,
        "timeout_s": budget.timeout_s,
    }


def _refused_headless(run: RunSpec) -> Iterator[str]:
    """What keeps a run that leaves its backend open from working on its own; with a screen it is served."""
    if run.backend is None:
        yield from (words for _, words in refused(run, "run"))


def _prompt(run: RunSpec, plan: Plan, env: Mapping[str, str]) -> str:
    """The prompt, with stand-ins for what other runs have not answered yet."""
    if not run.template:
        return run.prompt
    specs = {each.name: each for each in plan.runs}
    answers: dict[str, templates.Answer | list[templates.Answer]] = {
        name: _stand_in(specs[name]) if name in specs else [_stand_in(specs[each]) for each in names]
        for name, names in graph.members(plan.runs).items()
    }
    allowed = {name: env[name] for name in plan.allow_env if name in env}
    try:
        return templates.render(run.template, answers, mask(run.vars), mask(allowed))
    except ConfigError:
        return run.template  # It does more with an answer than a stand-in can do.


def _stand_in(run: RunSpec) -> templates.Answer:
    return templates.Answer(name=run.name, final_text=f"‹what {run.name} answers›", vars=mask(run.vars))


def _block(title: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.rstrip().splitlines()):
        yield f"   {'' if number else title:7} {line}".rstrip()


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
