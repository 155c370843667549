"""What the sheets say: the keys of a screen, one event in full, the last messages."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
from rich.cells import cell_len
from textual.screen import Screen

from octui.client.lenient_json import DecodeError, reformat
from octui.settings import Settings
from octui.tui.format import plural
from octui.tui.keys import GROUPS, Command, key_name
from octui.tui.messages import Notice
from octui.tui.palette import Palette
from octui.tui.render.code import code_view
from octui.tui.render.lines import Line, wrap_text
from octui.tui.render.long_text import Block
from octui.tui.screens.text_screen import TextScreen
from octui.tui.text import clean, pad
from octui.tui.widgets.bars import keys_by_id

_HELP_COLUMN = 47


def help_screen(
    commands: tuple[Command, ...], bound: dict[str, list[str]], palette: Palette, states: str
) -> TextScreen:
    """The help: every command with the keys it is bound to now, by group; ``states`` explains the signs."""
    return TextScreen("Keys", lambda width: [help_lines(commands, bound, width, states)], palette, is_help=True)


def keys_screen(screen: Screen[Any], palette: Palette) -> TextScreen:
    """Give the help of a screen or dialog without a table of commands: every key that works on it now."""
    rows = [*_bound_rows(screen), *(screen.more_keys() if isinstance(screen, HasMoreKeys) else ())]
    return TextScreen("Keys", lambda width: [_rows_of_keys(rows, width)], palette, is_help=True)


@runtime_checkable
class HasMoreKeys(Protocol):
    """A dialog with keys that are not bound on the screen itself."""

    def more_keys(self) -> list[tuple[str, str]]:
        """Give each key by its name, with what it does."""


def _bound_rows(screen: Screen[Any]) -> list[tuple[str, str]]:
    """Give the keys of each command bound on a screen, numbered commands as one."""
    found: dict[str, str] = {}
    bindings = [active.binding for active in screen.active_bindings.values()]
    for binding in bindings:
        if binding.id:
            words = str(binding.tooltip or binding.description)
            found.setdefault(binding.id, f"{words[:1].upper()}{words[1:].removesuffix('.')}.")
    keys = keys_by_id(bindings)
    rows: list[tuple[str, str]] = []
    for name, words in found.items():
        stem = name.rstrip("123456789")
        numbers = [other for other in found if other.rstrip("123456789") == stem]
        if len(numbers) == 1:
            rows.append((" ".join(keys[name]), words))
        elif name == numbers[0]:
            rows.append((f"{keys[name][0]}–{keys[numbers[-1]][0]}", words))
    return rows


def _rows_of_keys(rows: Sequence[tuple[str, str]], width: int) -> list[Line]:
    most = max((cell_len(keys) for keys, _ in rows), default=0)
    column = min(most, max(6, width // 3))
    lines: list[Line] = []
    for keys, words in rows:
        wrapped = wrap_text(words, width, "muted", indent=" " * (column + 2))
        if cell_len(keys) > column:
            lines += wrap_text(keys, width, "text/bold")
        else:
            wrapped[0] = [(f"{keys:>{column}}  ", "text/bold"), *wrapped[0][1:]]
        lines += wrapped
    lines += [[], *wrap_text("Every key can be changed under [keys] in settings.toml.", width, "muted")]
    return lines


def messages_screen(notices: Iterable[Notice], palette: Palette) -> TextScreen:
    """List messages, the newest first, with the time they came."""
    told = [*notices][::-1]

    def compose(width: int) -> Block:
        lines: list[Line] = []
        for notice in told:
            role = "text" if notice.severity == "information" else notice.severity
            rows = wrap_text(notice.words, width, role, indent=" " * 10)
            rows[0] = [(f"{_stamp(notice.at)}  ", "muted"), *rows[0][1:]]
            lines += rows
        return [lines or [[("There are no messages yet.", "muted")]]]

    return TextScreen("Messages", compose, palette, lambda: "\n".join(notice.words for notice in told))


def settings_screen(path: Path, values: Settings, palette: Palette) -> TextScreen:
    """Show where the settings are, and each with its value now."""

    def compose(width: int) -> Block:
        lines = wrap_text(clean(str(path)), width, "accent")
        lines += wrap_text("Edit this file to change them; octui reads it when it starts.", width, "muted")
        lines.append([])
        for name, value in msgspec.to_builtins(values).items():
            if name != "keys":
                lines += wrap_text(f"{name} = {_toml(value)}", width, "text")
        if values.keys:
            lines += [[], [("[keys]", "text/bold")]]
        for command, keys in values.keys.items():
            lines += wrap_text(f'"{command}" = "{keys}"', width, "text")
        return [lines]

    return TextScreen("Settings", compose, palette, lambda: str(path))


def _toml(value: object) -> str:
    return "(not set)" if value is None else msgspec.json.encode(value).decode()


def _stamp(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def help_lines(commands: tuple[Command, ...], bound: dict[str, list[str]], width: int, states: str) -> list[Line]:
    """Compose the help for a width in cells."""
    columns = 2 if width >= 2 * _HELP_COLUMN else 1
    each = width // columns
    lines: list[Line] = []
    for group in GROUPS:
        merged = _merged(commands, group)
        if not merged:
            continue
        if lines:
            lines.append([])
        lines.append([(group, "accent/bold")])
        if columns == 1:
            for command in merged:
                lines += _help_rows(command, bound, width)
            continue
        rows = [_help_row(command, bound, each) for command in merged]
        half = -(-len(rows) // columns)
        for index in range(half):
            line = rows[index]
            if index + half < len(rows):
                line = [*line, *rows[index + half]]
            lines.append(line)
    lines += [[], [("States", "accent/bold")], *wrap_text(states, width, "text")]
    lines += wrap_text(
        "Mouse: a click chooses a pane or opens an event, the wheel scrolls, a double click zooms.", width, "muted"
    )
    lines += wrap_text("Every key can be changed by its command's id under [keys] in settings.toml.", width, "muted")
    return lines


def _merged(commands: tuple[Command, ...], group: str) -> list[Command]:
    """The group's commands, numbered ones (pane.1 … pane.9) as one."""
    merged: list[Command] = []
    for command in commands:
        if command.group != group:
            continue
        stem = command.id.rstrip("0123456789")
        if stem != command.id and any(other.id.startswith(stem) and other.display for other in merged):
            continue
        if stem != command.id:
            first, last = ("0", "9") if stem.startswith("replay") else ("1", "9")
            words = "Jump to 0 % … 90 %." if first == "0" else "Go to a pane by its number."
            command = Command(
                command.id, command.keys, command.action, command.label, words, group, 0, f"{first}–{last}"
            )
        merged.append(command)
    return merged


def _help_row(command: Command, bound: dict[str, list[str]], width: int) -> Line:
    return [(f"{_keys(command, bound):>11}  ", "text/bold"), (pad(command.help, width - 13), "muted")]


def _help_rows(command: Command, bound: dict[str, list[str]], width: int) -> list[Line]:
    """Compose a command's help in as many lines as it takes."""
    rows = wrap_text(command.help, width, "muted", indent=" " * 13)
    rows[0] = [(f"{_keys(command, bound):>11}  ", "text/bold"), *rows[0][1:]]
    return rows


def _keys(command: Command, bound: dict[str, list[str]]) -> str:
    if "–" in command.display:
        return command.display
    return " ".join(bound.get(command.id, [])) or " ".join(key_name(key) for key in command.keys.split(","))


def state_legend(signs: dict[str, str]) -> str:
    """One line that explains the signs of states: word → sign."""
    return "  ".join(f"{sign} {word}" for word, sign in signs.items())


def raw_screen(run: str, item: int, raw: bytes, when: float, palette: Palette) -> TextScreen:
    """One event as opencode printed it: laid out and highlighted where it is JSON."""
    try:
        shown = reformat(raw, indent=2).decode("utf-8", "replace")
        language = "json"
    except DecodeError:
        shown, language = raw.decode("utf-8", "replace"), ""
    title = f"{run}, event {item}, {_stamp(when)}, {plural(len(raw), 'byte')}"

    def compose(width: int) -> Block:
        return code_view(shown, language, width, indent="")

    return TextScreen(title, compose, palette, lambda: clean(shown))
