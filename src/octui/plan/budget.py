"""What runs may spend, and how far they have come: told once when little is left, and when it is crossed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

NEARLY = 0.8
"""The share of a budget that is a reason to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent; None for no limit.

    Attributes:
        max_cost: In US dollars.
        max_tokens: As opencode counts them.
        max_turns: Answers of the model.
        timeout_s: Seconds.
    """

    max_cost: float | None = None
    max_tokens: int | None = None
    max_turns: int | None = None
    timeout_s: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether it limits nothing."""
        return all(getattr(self, each.name) is None for each in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent, in the units of a `Budget`; turns count when they begin."""

    cost: float = 0.0
    tokens: int = 0
    turns: int = 0
    seconds: float = 0.0


class Meter:
    """Compares what was spent with a budget, and tells each thing once.

    Args:
        budget: What may be spent.
        whose: Whose budget that is, such as ``its`` or ``the plan's``.
    """

    def __init__(self, budget: Budget, whose: str) -> None:
        self._budget = budget
        self._whose = whose
        self._told: set[str] = set()

    def nearly(self, spent: Spent) -> Iterator[str]:
        """Say of what little or nothing is left, each once; what is crossed is left to `crossed`."""
        for what, used, limit, words in self._amounts(spent):
            if NEARLY * limit <= used <= limit and what not in self._told:
                self._told.add(what)
                yield f"{self._whose} budget is {'nearly spent' if used < limit else 'used up'}: {words}"

    def crossed(self, spent: Spent) -> str:
        """Say what was crossed, if anything was: ``its budget was spent: $0.12 of $0.1``."""
        crossed = (words for _, used, limit, words in self._amounts(spent) if used > limit)
        words = next(crossed, "")
        return f"{self._whose} budget was spent: {words}" if words else ""

    def _amounts(self, spent: Spent) -> Iterator[tuple[str, float, float, str]]:
        budget = self._budget
        if budget.max_cost is not None:
            yield "cost", spent.cost, budget.max_cost, f"${spent.cost:.4g} of ${budget.max_cost:.4g}"
        if budget.max_tokens is not None:
            yield "tokens", spent.tokens, budget.max_tokens, f"{spent.tokens:,} of {budget.max_tokens:,} tokens"
        if budget.max_turns is not None:
            yield "turns", spent.turns, budget.max_turns, f"turn {spent.turns} of {budget.max_turns}"
        if budget.timeout_s is not None:
            yield "time", spent.seconds, budget.timeout_s, f"{spent.seconds:.0f} of {budget.timeout_s:g} s"
