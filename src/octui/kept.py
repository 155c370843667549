"""What was made and may be wanted again: the things used last, as many as a bound allows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Keeps things by key, the ones used last and at least the newest of them.

    Args:
        room: How much they may weigh together.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._weight = 0
        self._things: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __iter__(self) -> Iterator[K]:
        """The keys of what is kept, those used last at the end."""
        return iter(self._things)

    def get(self, key: K) -> V | None:
        """Give a thing; None where it is not kept."""
        found = self._things.get(key)
        if found is None:
            return None
        self._things.move_to_end(key)
        return found[0]

    def put(self, key: K, thing: V, weight: int = 1) -> V:
        """Keep a thing, and let go of those that were not used for longest; give it back."""
        self.forget(key)
        self._things[key] = thing, weight
        self._weight += weight
        while self._weight > self._room and len(self._things) > 1:
            _, (_, freed) = self._things.popitem(last=False)
            self._weight -= freed
        return thing

    def forget(self, key: K) -> None:
        """Let go of one thing, where it is kept."""
        _, freed = self._things.pop(key, (None, 0))
        self._weight -= freed

    def clear(self) -> None:
        """Let go of everything."""
        self._things.clear()
        self._weight = 0
