"""Which run waits for which: names and groups resolved, cycles found, and the order in which runs can start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from octui.plan.model import RunSpec


def members(runs: Sequence[RunSpec]) -> dict[str, tuple[str, ...]]:
    """For every name that ``needs`` may hold, the runs it stands for: itself, or those of a group."""
    found: dict[str, tuple[str, ...]] = {run.name: (run.name,) for run in runs}
    groups: dict[str, tuple[str, ...]] = {}
    for run in runs:
        if run.group:
            groups[run.group] = (*groups.get(run.group, ()), run.name)
    return groups | found


def needed(runs: Sequence[RunSpec]) -> dict[str, tuple[str, ...]]:
    """For every run, the names of those it waits for; names that there are not are passed over."""
    known = members(runs)
    return {run.name: tuple(dict.fromkeys(n for need in run.needs for n in known.get(need, ()))) for run in runs}


def cycles(runs: Sequence[RunSpec]) -> Iterator[tuple[str, list[str]]]:
    """Give each circle of runs that wait for one another: a run in it, and the circle as names or groups.

    The first name of a circle is also its last: ``["api", "worker", "api"]``.
    """
    needs = needed(runs)
    labels = {run.name: run.group or run.name for run in runs}
    told: set[frozenset[str]] = set()
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        ahead = [iter([start])]
        while ahead:
            name = next(ahead[-1], None)
            if name is None:
                ahead.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                circle = [labels[each] for each in path[path.index(name) :]]
                circle = [each for index, each in enumerate(circle) if index == 0 or each != circle[index - 1]]
                if frozenset(circle) not in told:
                    told.add(frozenset(circle))
                    yield name, [*circle, circle[0]]
            elif name not in done:
                path.append(name)
                ahead.append(iter(needs[name]))


def waves(runs: Sequence[RunSpec]) -> list[list[RunSpec]]:
    """Put runs into the order in which they can start: each list needs only what stands in those before it.

    Raises:
        ValueError: Some wait for one another.
    """
    needs = needed(runs)
    left, over, found = list(runs), set[str](), list[list[RunSpec]]()
    while left:
        ready = [run for run in left if over.issuperset(needs[run.name])]
        if not ready:
            raise ValueError("These runs wait for one another.")
        found.append(ready)
        over.update(run.name for run in ready)
        left = [run for run in left if run.name not in over]
    return found


def in_words(needs: Sequence[str], known: Mapping[str, Sequence[str]], waiting: Sequence[str]) -> str:
    """Say what is waited for: ``api, weather (7 of 10)``.

    Args:
        needs: Names and groups.
        known: As `members` gives them.
        waiting: The runs that are not over yet.
    """
    words = []
    for need in needs:
        left = [name for name in known[need] if name in waiting]
        if left:
            words.append(need if known[need] == (need,) else f"{need} ({len(left)} of {len(known[need])})")
    return ", ".join(words)
