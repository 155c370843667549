"""The command palette: every command of the screen, found by its words, its id and what people call it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape
from textual.screen import Screen
from textual.types import IgnoreReturnCallbackType

from octui.tui.widgets.bars import keys_by_id

if TYPE_CHECKING:
    from octui.tui.app import OctuiApp

SYNONYMS = {
    "answer.once": "approve accept yes permission grant",
    "answer.always": "approve accept yes permission grant trust",
    "answer.reject": "deny refuse no permission decline",
    "answer.message": "deny refuse no feedback instructions",
    "answer.dismiss": "skip cancel close",
    "app.help": "keys keyboard shortcuts bindings commands manual",
    "app.messages": "log notifications history errors toasts",
    "app.new": "new agent run session launch start create launcher add",
    "app.quit": "exit leave detach close",
    "app.sessions": "open switch history resume recent attach load replay",
    "app.settings": "settings preferences options config configuration keymap remap bell notifications",
    "app.theme": "colors colours dark light appearance skin",
    "changes.alone": "full screen maximise maximize files",
    "changes.apply": "merge bring pull working tree patch worktree",
    "changes.commit": "git save worktree",
    "changes.discard": "delete remove worktree branch drop throw away",
    "changes.keep": "worktree branch save",
    "changes.revert": "undo reset restore rollback",
    "changes.unrevert": "redo undo restore",
    "compare.apply": "merge bring pull working tree patch winner worktree",
    "compare.changes": "diff files worktree",
    "compare.versus": "diff two against each other",
    "event.copy": "yank clipboard",
    "event.filter": "hide show kinds reasoning tools",
    "event.open": "expand collapse fold unfold details",
    "event.open_all": "expand collapse fold unfold",
    "event.raw": "log json raw output source debug",
    "launch.clear": "reset new empty",
    "launch.open": "load toml file",
    "launch.preview": "config configuration settings show permissions",
    "launch.save": "export toml file write",
    "launch.start": "run go new start create agents",
    "pane.attention": "waiting blocked permission alert needs you pending",
    "pane.seen": "acknowledge dismiss alert",
    "pane.zoom": "maximise maximize full screen focus details stderr",
    "replay.go": "seek jump time",
    "replay.play": "pause resume",
    "run.compare": "table side by side versus ranking merge results",
    "run.diff": "diff changes files git patch merge apply commit revert undo worktree branch discard",
    "run.restart": "retry again rerun re-run",
    "run.stop": "kill cancel terminate end abort",
    "scroll.end": "bottom follow tail latest log",
    "scroll.home": "top first beginning",
    "search.open": "find grep log",
    "session.resume": "retry rerun re-run failed restart continue",
    "session.stop_all": "kill cancel terminate end abort everything",
    "talk.abort": "interrupt cancel kill stop turn escape",
    "talk.answer": "approve reject allow deny permission question reply accept",
    "talk.fork": "branch copy new run duplicate clone",
    "talk.model": "switch change llm provider agent settings",
    "talk.send": "prompt message ask reply follow-up followup chat continue",
    "talk.send_all": "prompt message broadcast everyone follow-up followup",
}
"""Command id → words that people know it by and that do not stand in its title."""

SYNONYM_SCORE = 0.6
"""What a match of a synonym is worth; a match in the title is worth up to 1, so that it comes first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A command in the palette.

    Attributes:
        title: Its name.
        help: What it does, and the keys it is bound to, as people know them.
        keys: Those keys.
        words: What else finds it, in lower case.
        run: Runs it.
    """

    title: str
    help: str
    keys: tuple[str, ...]
    words: tuple[str, ...]
    run: IgnoreReturnCallbackType


def entries(app: OctuiApp, screen: Screen[Any]) -> Iterator[Entry]:
    """Give every command that is bound on a screen now, and those that have no key."""
    active = [*screen.active_bindings.values()]
    keys = keys_by_id([each.binding for each in active])
    told: set[str] = set()
    for node, binding, _, _ in active:
        name = binding.id
        if not name or name in told or name == "app.commands" or not binding.description:
            continue
        told.add(name)
        run = partial(app.run_action, binding.action, node)
        yield _entry(name, binding.description, str(binding.tooltip or binding.description), keys[name], run)
    yield _entry("app.settings", "settings", "Show the settings and their file.", [], app.action_show_settings)


def _entry(name: str, label: str, does: str, keys: Sequence[str], run: IgnoreReturnCallbackType) -> Entry:
    parts = f"{name.replace('.', ' ').replace('_', ' ')} {label} {does} {SYNONYMS.get(name, '')}"
    words = tuple(part.strip(".,;()").lower() for part in parts.split())
    shown = f" ({' '.join(keys)})" if keys else ""
    return Entry(_capital(label), f"{_capital(does)}{shown}", tuple(keys), words, run)


def _capital(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


class CommandProvider(Provider):
    """Offers the commands that are bound on the screen below the palette."""

    async def discover(self) -> Hits:
        """List every command by its title."""
        for entry in sorted(self._entries(), key=lambda entry: entry.title):
            yield DiscoveryHit(Content(entry.title), entry.run, text=entry.title, help=escape(entry.help))

    async def search(self, query: str) -> Hits:
        """Find commands by title, key, or the beginnings of words that stand for them."""
        matcher = self.matcher(query)
        wanted = query.lower().split()
        for entry in self._entries():
            score = matcher.match(entry.title)
            shown = matcher.highlight(entry.title) if score > 0 else Content(entry.title)
            if wanted and all(any(word.startswith(part) for word in entry.words) for part in wanted):
                score = max(score, SYNONYM_SCORE)
            if query.strip() in entry.keys:
                score = 1.0
            if score > 0:
                yield Hit(score, shown, entry.run, text=entry.title, help=escape(entry.help))

    def _entries(self) -> Iterator[Entry]:
        return entries(cast("OctuiApp", self.app), self.screen)
