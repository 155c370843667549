"""The user's own keys: what of ``[keys]`` in ``settings.toml`` can be used, and what is wrong with the rest.

Textual leaves out what it cannot use without a word, and takes a key away from the command that has it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from textual.binding import Binding
from textual.keys import Keys

from octui.tui.keys import EVERYWHERE

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "meta", "super", "hyper"})


def usable_keys(
    chosen: Mapping[str, str], screens: Sequence[Sequence[Binding]]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Choose what can be used.

    Args:
        chosen: For each command's id its keys, separated by commas.
        screens: The commands of each screen; a key can mean something else on another screen.

    Returns:
        What can be used, and a sentence for each entry that cannot.
    """
    problems: dict[str, str] = {}
    used: dict[str, tuple[str, ...]] = {}
    ids = {binding.id for screen in screens for binding in screen if binding.id}
    for name, text in chosen.items():
        if name not in ids:
            near = difflib.get_close_matches(name, ids, n=1)
            problems[name] = f"No command is called {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")
        elif wrong := [key for key in map(str.strip, text.split(",")) if not _is_key(key)]:
            problems[name] = f"{wrong[0]!r} for {name!r} is no key."
        else:
            used[name] = _keys(text)
    for screen in screens:
        while clash := _clash(screen, used):
            name, key, owner = clash
            problems[name] = f"{key!r} for {name!r} is the key of {owner!r}, which needs another one first."
            del used[name]
    return {name: ",".join(keys) for name, keys in used.items()}, tuple(problems.values())


def screens_with_commands() -> list[list[Binding]]:
    """Give the commands of each screen that has any with an id."""
    from octui.tui.screens import answers, changes, compare, dialogs, launcher_dialogs, text_screen
    from octui.tui.screens.dashboard import DashboardScreen
    from octui.tui.screens.launcher import LauncherScreen
    from octui.tui.screens.replay import ReplayScreen
    from octui.tui.widgets import prompt_line

    screens: list[type] = [DashboardScreen, ReplayScreen, LauncherScreen]
    for module in (answers, changes, compare, dialogs, launcher_dialogs, prompt_line, text_screen):
        screens += [kind for kind in vars(module).values() if getattr(kind, "__module__", "") == module.__name__]
    everywhere = [command.binding for command, _ in EVERYWHERE]
    found = []
    for screen in screens:
        own = [*Binding.make_bindings(vars(screen).get("BINDINGS", ()))]
        ids = {binding.id for binding in own}
        others = [binding for binding in everywhere if own and binding.id not in ids]
        found.append([*own, *Binding.make_bindings(others)])
    return found


def _clash(screen: Sequence[Binding], used: Mapping[str, Sequence[str]]) -> tuple[str, str, str] | None:
    """Find a command whose key of the user's another command of the screen needs: its id, the key, the other's id.

    A command with several keys of its own can spare those that the user chose for another, as long as one is left.
    """
    owners: dict[str, str] = {}
    taken = {key for binding in screen for key in used.get(binding.id or "", ())}
    own: dict[str, list[str]] = {}
    for binding in screen:
        if binding.id not in used:
            own.setdefault(binding.id or binding.action, []).extend(_keys(binding.key))
    spared = {name: taken.intersection(keys) for name, keys in own.items() if not taken.issuperset(keys)}
    for binding in sorted(screen, key=lambda binding: binding.id in used):
        for key in used.get(binding.id or "") or _keys(binding.key):
            if binding.id not in used and key in spared.get(binding.id or binding.action, ()):
                continue
            owner = owners.setdefault(key, binding.id or binding.action)
            if binding.id in used and owner != binding.id:
                return binding.id or "", key, owner
    return None


def _keys(text: str) -> tuple[str, ...]:
    """Split keys, each with its long name: ``question_mark`` for ``?``."""
    return tuple(binding.key for binding in Binding.make_bindings([Binding(text, "")]))


_MARKS = frozenset(_keys("".join(f"{chr(code)}," for code in range(0x21, 0x7F) if chr(code) != ",") + "comma"))
_NAMED = _MARKS | {key.value for key in Keys}


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    return set(modifiers) <= _MODIFIERS and (len(last) == 1 or last in _NAMED or key in _NAMED)
