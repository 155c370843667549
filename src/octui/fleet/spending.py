"""Runs held to their budgets while they work, and all of them to the plan's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from octui.client.result import Totals
from octui.fleet.run_life import RunLife
from octui.plan.budget import Budget, Meter, Spent


class Spending:
    """Compares what runs spend with what they may, says when that is nearly all, and ends what goes over it.

    Args:
        budget: The plan's.
        runners: What runs each run, by name.
        totals: Gives what a run has spent in all its lives.
        end: Has runs end, for a reason; those that are over stay as they are.
    """

    def __init__(
        self,
        budget: Budget,
        runners: Mapping[str, RunLife],
        totals: Callable[[str], Totals],
        end: Callable[[Iterable[str], str], object],
    ) -> None:
        self._budget = budget
        self._runners = runners
        self._totals = totals
        self._end = end
        self._meter = Meter(budget, "the plan's")

    def watch(self, runner: RunLife) -> None:
        """Have a run tell when it may have spent more, where there is a budget that it could cross."""
        if not (runner.spec.budget.is_open and self._budget.is_open):
            runner.spends = lambda: self._spend(runner)

    def hold_to_time(self, seconds: float, at_work: Iterable[str]) -> bool:
        """Hold the plan to its time; give whether that is up, and everything is ended by it."""
        spent = Spent(seconds=seconds)
        for words in self._meter.nearly(spent):
            for name in at_work:
                self._runners[name].nearly_spent(words)
        if words := self._meter.crossed(spent):
            self._end(self._runners, words)
        return bool(words)

    def _spend(self, runner: RunLife) -> None:
        self._hold(runner, runner.meter, runner.spent, [runner.spec.name])
        if not self._budget.is_open:
            totals = [self._totals(each) for each in self._runners]
            spent = Spent(
                cost=sum(each.cost for each in totals),
                tokens=sum(each.tokens.total for each in totals),
                turns=sum(each.turns for each in totals),
            )
            self._hold(runner, self._meter, spent, self._runners)

    def _hold(self, runner: RunLife, meter: Meter, spent: Spent, names: Iterable[str]) -> None:
        """Say of a run that a budget is nearly spent; where it is crossed, end whatever it is the budget of."""
        for words in meter.nearly(spent):
            runner.nearly_spent(words)
        if words := meter.crossed(spent):
            if runner.has_answered:
                runner.overdrawn(words)
            self._end([name for name in names if not self._runners[name].has_answered], words)
