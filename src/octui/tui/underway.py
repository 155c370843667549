"""What is under way in a run as items of its document, behind the events: each a part that is not whole, or a state.

An item is known by its part's id, so that it stays the same for whoever looks at it when others come to an end before
it, and when it becomes an event itself. That is seen by the id in the event's line: as the stream is written before the
log and both are read one after the other, a part may be whole in one of them before the other says so. It is shown
once all the same, and never not at all.
"""

from __future__ import annotations

import math

from octui.client.events import part_id_of
from octui.client.serve.events import Activity, PartKind
from octui.client.serve.live import Live, LivePart
from octui.kept import Kept
from octui.recording.facts import RunState
from octui.tui.glyphs import Glyphs
from octui.tui.passing import FILTERS
from octui.tui.render.live import (
    Growing,
    Scene,
    as_use,
    compaction_block,
    growing,
    part_block,
    queued_block,
    retry_block,
)
from octui.tui.render.long_text import Block
from octui.tui.text import clean
from octui.tui.view import SessionView

RETRY = "retry"
COMPACTION = "compaction"
QUEUED = "queued:"
"""How the key of a prompt that waits for its answer begins; behind it comes its message's id."""

LINES_LOOKED_AT = 256
"""Of so many new events at most it is looked up which parts they tell of."""

_KEPT_TEXTS = 16
_FILTERS = {PartKind.TEXT: "text", PartKind.REASONING: "reasoning", PartKind.TOOL: "tool_use"}
assert set(_FILTERS.values()) <= set(FILTERS)


class UnderWay:
    """The items under way of one run.

    Args:
        view: Where they are read.
        run: The run's name.
        glyphs: What to draw with.

    Attributes:
        keys: The items in order, by part id, `RETRY`, `COMPACTION` or `QUEUED` and a message.
        landed: Of the items there were before the last look, those that are events now: key → the event's item.
        changed: Whether the last look found anything another than the one before.
    """

    def __init__(self, view: SessionView, run: str, glyphs: Glyphs) -> None:
        self.view = view
        self.run = run
        self.glyphs = glyphs
        self.keys: list[str] = []
        self.landed: dict[str, int] = {}
        self.changed = False
        self._scene: Scene | None = None
        self._parts: dict[str, LivePart] = {}
        self._told: dict[str, int] = {}
        self._texts: Kept[tuple[str, int], Growing] = Kept(_KEPT_TEXTS)
        self._stamp: object = None

    def refresh(self, before: int, count: int) -> None:
        """Look again, there being ``count`` events where there were ``before``."""
        live = self.view.live(self.run)
        if live is None and not self.keys:
            self.changed = False
            self.landed = {}
            return
        parts = dict(live.parts) if live is not None else {}
        is_on = count >= before
        if live is not None and is_on and self.view.position is None:
            parts = {key: part for key, part in self._parts.items() if live.is_whole(key)} | parts
        told = self._tell({*parts, *self._parts}, before, count) if is_on else {}
        self.landed = {key: item for key, item in told.items() if key in self._parts}
        told = self._told | told if is_on else told
        self._parts = {key: part for key, part in parts.items() if key not in told}
        self._told = {key: item for key, item in told.items() if key in parts}
        self._scene = None if live is None else self._set(live)
        self.keys = [*self._parts, *self._states()]
        self._note_change()

    def _set(self, live: Live) -> Scene:
        status = self.view.status.run(self.run)
        at = self.view.moment if status.ended_at is None else min(self.view.moment, status.ended_at)
        is_working = status.state is RunState.RUNNING and live.activity is not Activity.IDLE
        return Scene(live, at * 1000, is_working, self.glyphs)

    def _states(self) -> list[str]:
        scene = self._scene
        if scene is None or not scene.is_working:
            return []
        queued = [f"{QUEUED}{message}" for message in scene.live.queued]
        return [RETRY] * (scene.live.retry is not None) + [COMPACTION] * scene.live.compacting + queued

    def _tell(self, keys: set[str], before: int, count: int) -> dict[str, int]:
        """Which of some parts new events tell of: part id → the event's item."""
        found: dict[str, int] = {}
        keys.discard("")
        for index in range(max(before, count - LINES_LOOKED_AT, 0) if keys else count, count):
            key = part_id_of(self.view.raw(self.run, index) or b"")
            if key in keys:
                found[key] = index + 1
        return found

    def _note_change(self) -> None:
        """Something is another where more was told, or where a clock in sight ran on by a second."""
        scene = self._scene
        has_clock = scene is not None and scene.is_working and bool(self.keys)
        second = math.floor(scene.at_ms / 1000) if scene is not None and has_clock else 0
        stamp = (self.view.live_version(self.run), scene is not None and scene.is_working, second, tuple(self.keys))
        self.changed = stamp != self._stamp
        self._stamp = stamp

    def is_hidden(self, key: str, hidden: frozenset[str]) -> bool:
        """Whether a filter leaves an item out."""
        part = self._parts.get(key)
        return part is not None and _FILTERS.get(part.kind, "") in hidden

    def is_foldable(self, key: str) -> bool:
        """Whether an item can be opened and closed."""
        part = self._parts.get(key)
        return part is not None and part.kind is not PartKind.TEXT

    def block(self, key: str, width: int, *, opened: bool) -> Block:
        """The styled lines of an item in parts."""
        scene = self._scene
        if scene is None:
            return []
        if key == RETRY and scene.live.retry is not None:
            return retry_block(scene.live.retry, width, scene)
        if key.startswith(QUEUED):
            return queued_block(scene.live.queued.get(key.removeprefix(QUEUED), ""), width, scene)
        part = self._parts.get(key)
        if part is None:
            return compaction_block(width, scene)
        if part.kind is PartKind.TOOL:
            return part_block(part, width, scene, opened=opened)
        kept = self._texts.get((key, width)) or self._texts.put((key, width), growing(part, width, self.glyphs))
        return part_block(part, width, scene, opened=opened, kept=kept)

    def text(self, key: str) -> str:
        """What an item says, as clean text to copy."""
        part = self._parts.get(key)
        if part is None:
            asked = self._scene.live.queued.get(key.removeprefix(QUEUED), "") if self._scene is not None else ""
            return clean(asked)
        if part.kind is not PartKind.TOOL:
            return clean(part.text)
        use = as_use(part)
        return clean("\n".join(text for text in (use.tool, use.title, part.output) if text))
