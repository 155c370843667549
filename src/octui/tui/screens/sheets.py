"""What the sheets say: the help from the table of commands, and one event in full."""

from __future__ import annotations

import time

from octui.client.lenient_json import DecodeError, reformat
from octui.tui.format import plural
from octui.tui.keys import GROUPS, Command, key_name
from octui.tui.palette import Palette
from octui.tui.render.code import code_view
from octui.tui.render.lines import Line, wrap_text
from octui.tui.render.long_text import Block
from octui.tui.screens.text_screen import TextScreen
from octui.tui.text import clean, pad

_HELP_COLUMN = 47


def help_screen(
    commands: tuple[Command, ...], bound: dict[str, list[str]], palette: Palette, states: str
) -> TextScreen:
    """The help: every command with the keys it is bound to now, by group; ``states`` explains the signs."""
    return TextScreen("Keys", lambda width: [help_lines(commands, bound, width, states)], palette)


def help_lines(commands: tuple[Command, ...], bound: dict[str, list[str]], width: int, states: str) -> list[Line]:
    """Compose the help for a width in cells."""
    columns = 2 if width >= 2 * _HELP_COLUMN else 1
    each = width // columns
    lines: list[Line] = []
    for group in GROUPS:
        rows = [_help_row(command, bound, each) for command in _merged(commands, group)]
        if not rows:
            continue
        if lines:
            lines.append([])
        lines.append([(group, "accent/bold")])
        half = -(-len(rows) // columns)
        for index in range(half):
            line = rows[index]
            if columns == 2 and index + half < len(rows):
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
    keys = command.display if "–" in command.display else " ".join(bound.get(command.id, [])) or _keys(command)
    return [(f"{keys:>11}  ", "text/bold"), (pad(command.help, width - 13), "muted")]


def _keys(command: Command) -> str:
    return " ".join(key_name(key) for key in command.keys.split(","))


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
    stamp = time.strftime("%H:%M:%S", time.localtime(when))
    title = f"{run}, event {item}, {stamp}, {plural(len(raw), 'byte')}"

    def compose(width: int) -> Block:
        return code_view(shown, language, width, indent="")

    return TextScreen(title, compose, palette, lambda: clean(shown))
