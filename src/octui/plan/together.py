"""What the runs of a plan are to one another: each of another name, none waiting for what there is not, or for ever."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from octui.names import folded
from octui.plan import graph, templates
from octui.plan.mistakes import Mistakes
from octui.plan.places import Place, in_words
from octui.plan.run_table import ReadRun


def check_together(
    read: Sequence[ReadRun], allow_env: Collection[str], env: Collection[str] | None, mistakes: Mistakes
) -> None:
    """Refuse what does not fit together; runs that are only partly read are checked as far as they are.

    Args:
        read: All runs of a plan.
        allow_env: Names in the environment that the plan allows.
        env: Those that are set; None where that does not matter yet.
        mistakes: What takes those there are.
    """
    places: dict[str, Place] = {}
    known: dict[str, str] = {}
    for run in read:
        name = run.spec.name
        other = known.setdefault(folded(name), name)
        if name in places:
            mistakes.say((*run.place, "name"), f"{name!r} is taken by {in_words(places[name])}; names are unique.")
        elif other != name:
            words = f"{name!r} and {other!r} would be one file where upper and lower case are not told apart."
            mistakes.say((*run.place, "name"), words)
        places.setdefault(name, run.place)
    _check_templates(read, allow_env, env, mistakes)
    _check_order(read, places, mistakes)


def _check_templates(
    read: Sequence[ReadRun], allow_env: Collection[str], env: Collection[str] | None, mistakes: Mistakes
) -> None:
    known = graph.members([run.spec for run in read])
    groups = known.keys() - {run.spec.name for run in read}
    for run in read:
        template = run.spec.template
        if not template:
            continue
        lost_runs = {*filter(mistakes.may_hide_run, templates.named(template, "runs"))}
        lost_variables = {*filter(mistakes.may_hide_variable, templates.named(template, "vars"))}
        lost_env = {*filter(mistakes.may_hide_env, templates.named(template, "env"))}
        around = templates.Surroundings(
            runs=known.keys() | lost_runs,
            groups=groups,
            variables=run.spec.vars.keys() | lost_variables,
            env={*allow_env, *lost_env},
            set_env=None if env is None else {*env, *lost_env},
        )
        for words in templates.mistakes(template, around):
            mistakes.say((*run.place, run.prompt_key), words)


def _check_order(read: Sequence[ReadRun], places: dict[str, Place], mistakes: Mistakes) -> None:
    """Refuse groups and needs that are not clear, and runs that would wait for one another for ever."""
    known = graph.members([run.spec for run in read])
    for run in read:
        if run.spec.group in places:
            where = in_words(places[run.spec.group])
            mistakes.say((*run.place, "group"), f"{run.spec.group!r} is the name of {where}.")
        quoted = templates.quoted_runs(run.spec.template)
        for need in run.spec.needs:
            if need not in known and need not in quoted and not mistakes.may_hide_run(need):
                near = difflib.get_close_matches(need, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                mistakes.say((*run.place, "needs"), f"there is no run called {need!r}{hint}")
    first_of_their_names = {run.spec.name: run.spec for run in reversed(read)}
    for name, circle in graph.cycles([*reversed(first_of_their_names.values())]):
        mistakes.say((*places[name], "needs"), f"these wait for one another: {' → '.join(circle)}.")
