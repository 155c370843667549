"""Prompts that are templates (jinja2, sandboxed, strict): checked with the plan, made when their run starts.

A prompt may name ``runs`` (what others came to), ``vars`` and ``env``, and nothing else. What a run answered is put in
as it is: it is data, and never read as a template itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from octui.errors import ConfigError

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import SandboxedEnvironment

_ROOTS = ("runs", "vars", "env")
_OUR_TYPES = re.compile(r"'octui\.[\w.]*\.(\w+) object'")
_IN_WORDS = {"_Names": "what it is looked up in", "Answer": "a run"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a run came to, as a prompt sees it.

    Attributes:
        name: The run's name.
        state: Its state in a word, such as ``succeeded``.
        why: One sentence for a state that needs one.
        final_text: What it answered.
        cost: In US dollars.
        tokens: How many it used.
        turns: How many answers of the model began.
        vars: The run's own variables.
    """

    name: str
    state: str = "succeeded"
    why: str = ""
    final_text: str = ""
    cost: float = 0.0
    tokens: int = 0
    turns: int = 0
    vars: Any = field(default_factory=dict)


FIELDS = tuple(each.name for each in fields(Answer))
Answers = Mapping[str, Answer | Sequence[Answer]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a prompt may name.

    Attributes:
        runs: Names of runs, and names that stand for a list of them.
        groups: The latter alone.
        variables: Names of variables.
        env: Names in the environment that the plan allows.
        set_env: Those of them that are set; None where that is not known.
    """

    runs: Collection[str]
    groups: Collection[str]
    variables: Collection[str]
    env: Collection[str]
    set_env: Collection[str] | None = None


def is_template(prompt: str) -> bool:
    """Whether a prompt has anything in it that a template has."""
    return "{{" in prompt or "{%" in prompt


def quoted_runs(template: str) -> list[str]:
    """The runs and groups that a template names, each once; none where it cannot be understood."""
    return named(template, "runs")


def named(template: str, root: str) -> list[str]:
    """What a template looks up in ``runs``, ``vars`` or ``env``, each once; none where it cannot be understood."""
    from jinja2 import TemplateSyntaxError

    try:
        tree = _environment().parse(template)
    except TemplateSyntaxError:
        return []
    return list(dict.fromkeys(use.key for use in _uses(tree) if use.root == root))


def mistakes(template: str, around: Surroundings) -> Iterator[str]:
    """Say, a sentence each, what a template gets wrong as far as that can be known before its run starts."""
    from jinja2 import TemplateSyntaxError, meta

    try:
        tree = _environment().parse(template)
        _environment().compile(tree)
        unknown = meta.find_undeclared_variables(_environment().parse(template)) - {*_ROOTS}
    except TemplateSyntaxError as error:
        yield f"the template cannot be read: {error.message} (line {error.lineno} of the prompt)."
        return
    for name in sorted(unknown):
        yield f"{name!r} is not known; a prompt can name runs, vars and env, such as {{{{ vars.{name} }}}}."
    for use in dict.fromkeys(_uses(tree)):
        if words := _wrong(use, around):
            yield words
    yield from dict.fromkeys(_wrong_fields(tree, around))


def render(template: str, answers: Answers, variables: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """Make the prompt.

    Args:
        template: What it is made of.
        answers: What runs came to; a list for a group.
        variables: What ``vars`` has.
        env: What of the environment it may name.

    Raises:
        ConfigError: It cannot be made, and why.
    """
    names = {"runs": _Names(answers), "vars": _Names(variables), "env": _Names(env)}
    try:
        return _environment().from_string(template).render(names)
    except Exception as error:  # A template can raise whatever Python can.
        words = _OUR_TYPES.sub(lambda match: _IN_WORDS.get(match[1], "it"), str(error))
        raise ConfigError(f"The prompt could not be made: {words or type(error).__name__}.") from error


class _Names:
    """Values by name that no method of a map can be taken for."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {
            name: Answer(**{each: getattr(value, each) for each in FIELDS} | {"vars": _Names(value.vars)})
            if isinstance(value, Answer)
            else [_Names({"": each})[""] for each in value]
            if isinstance(value, list | tuple)
            else value
            for name, value in values.items()
        }

    def __getitem__(self, name: str) -> Any:
        return self._values[name]


@dataclass(frozen=True, slots=True)
class _Use:
    """A name looked up in ``runs``, ``vars`` or ``env``; ``guarded`` where it may be missing."""

    root: str
    key: str
    guarded: bool


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def _uses(node: nodes.Node, guarded: bool = False) -> Iterator[_Use]:
    from jinja2 import nodes

    if found := _lookup(node):
        yield _Use(*found, guarded)
    may_miss = (isinstance(node, nodes.Filter) and node.name in ("default", "d")) or (
        isinstance(node, nodes.Test) and node.name in ("defined", "undefined")
    )
    for child in node.iter_child_nodes():
        yield from _uses(child, (guarded or may_miss) if child is getattr(node, "node", None) else False)


def _lookup(node: nodes.Node | None) -> tuple[str, str] | None:
    """``runs.api`` and ``runs["api"]`` as ``("runs", "api")``; None for anything else."""
    from jinja2 import nodes

    if isinstance(node, nodes.Getattr | nodes.Getitem) and isinstance(node.node, nodes.Name):
        key = _key(node)
        if node.node.name in _ROOTS and key is not None:
            return node.node.name, key
    return None


def _key(node: nodes.Getattr | nodes.Getitem) -> str | None:
    from jinja2 import nodes

    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None


def _wrong(use: _Use, around: Surroundings) -> str:
    if use.root == "runs":
        return "" if use.key in around.runs else f"there is no run called {use.key!r} to quote."
    if use.root == "vars":
        if use.guarded or use.key in around.variables:
            return ""
        return f"there is no variable {use.key!r}; set it in [vars], or with --var {use.key}=…"
    if use.key not in around.env:
        return f"env.{use.key} is not allowed; add it to allow_env = [{use.key!r}] at the top of the plan."
    if around.set_env is None or use.guarded or use.key in around.set_env:
        return ""
    return f"{use.key} is not set in the environment."


def _wrong_fields(tree: nodes.Template, around: Surroundings) -> Iterator[str]:
    """What is looked up in runs, and in what a loop over a group gives, and is not there."""
    from jinja2 import nodes

    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        assert isinstance(node, nodes.Getattr | nodes.Getitem)
        found = _lookup(node.node)
        key = _key(node)
        if found is None or found[0] != "runs" or key is None:
            continue
        if found[1] in around.groups:
            yield f"runs.{found[1]} is a list of runs; take one, or go through them with {{% for %}}."
        elif key not in FIELDS and found[1] in around.runs:
            yield _no_field(key)
    for loop in tree.find_all(nodes.For):
        over: Any = loop.iter
        while isinstance(over, nodes.Filter):
            over = over.node
        found = _lookup(over)
        if found is None or found[0] != "runs" or not isinstance(loop.target, nodes.Name):
            continue
        for node in (each for part in loop.body for each in part.find_all(nodes.Getattr)):
            if isinstance(node.node, nodes.Name) and node.node.name == loop.target.name and node.attr not in FIELDS:
                yield _no_field(node.attr)


def _no_field(key: str) -> str:
    return f"a run has no {key!r}; it has {', '.join(FIELDS)}."
