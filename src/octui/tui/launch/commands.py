"""The launcher's commands and the words that help with each field."""

from __future__ import annotations

from collections.abc import Mapping

from octui.tui.keys import OCTUI, Command, key_name

LAUNCHER = "New session"

COMMANDS = (
    Command("launch.start", "f5,ctrl+r,ctrl+enter", "launch", "launch", "Start the agents.", LAUNCHER, 1, "F5 ctrl+r"),
    Command("launch.preview", "f4,ctrl+g", "preview", "preview", "Show what opencode will be given.", LAUNCHER, 2),
    Command("launch.save", "f2,ctrl+s", "save_plan", "save plan", "Save the form as a plan.", LAUNCHER, 3),
    Command("launch.open", "f3,ctrl+o", "open_plan", "open plan", "Open a plan.", LAUNCHER, 4),
    Command("launch.more", "f7,ctrl+t", "toggle_more", "more", "Show or hide the further settings.", LAUNCHER),
    Command("launch.problem", "f8", "go_to_problem", "next problem", "Go to the first field with an error.", LAUNCHER),
    Command("launch.clear", "f9", "clear", "clear", "Clear the form; once more brings it back.", LAUNCHER),
    Command("launch.install", "f10", "install", "install opencode", "Install opencode, where it is missing.", LAUNCHER),
    Command("app.sessions", "f6", "app.pick_session", "sessions", "Open another session.", OCTUI),
    Command("app.theme", "f12", "app.pick_theme", "theme", "Choose a theme.", OCTUI),
    Command("app.help", "f1", "help", "help", "Show every key.", OCTUI, 5),
    Command("launch.quit", "ctrl+q", "leave", "quit", "Quit; the form is kept as a draft for this folder.", OCTUI, 6),
)

HINTS: Mapping[str, str] = {
    "prompt": "Sent verbatim to every agent · tab next · esc quit",
    "workspaces": "enter adds · ↓ suggests · backspace removes · ←→ select · or paste lines",
    "model": "provider/model, or nothing for opencode's choice · ↓ shows what it lists",
    "agent": "Nothing for opencode's default agent · ↓ shows what opencode lists",
    "copies": "How many agents work in each workspace, on the same prompt.",
    "at_once": "How many agents work at a time; the others wait.",
    "backend": "↑↓ or space chooses · those that talk share one server",
    "tools": "←→ i a s d change · p adds a pattern · x removes · shift+↑↓ moves, last wins",
    "servers": "space on/off · enter edits · l adds a local, r a remote one · x removes",
    "title": "Title of opencode's sessions and of this one; empty: from the prompt.",
    "timeout": "Seconds an attempt may take; nothing for no limit.",
    "retries": "How often a crash at start-up is tried again; a run that printed never is.",
    "silence": "After so many seconds without a word a run asks for your attention.",
    "files": "Files to attach; names with spaces in quotes.",
    "instructions": "Instruction files or globs opencode shall read; names with spaces in quotes.",
    "variant": "Variant of the model, such as its reasoning effort: high, max, minimal.",
    "thinking": "Show the model's reasoning in the dashboard.",
    "isolate": "So that parallel runs do not fight over one database.",
    "inherit": "Your global configuration applies whole; otherwise only its providers do.",
}
"""Field → what helps while it has the focus."""

FURTHER_KEYS = (
    ("ctrl+c", "Copy the selected text; quit where none is selected."),
    ("esc", "Close a list; where none is open, quit after asking."),
    ("tab shift+tab", "Go to the next field, or the one before."),
)

FIELD_NAMES: Mapping[str, str] = {
    "at_once": "at once",
    "backend": "agents shall",
    "tools": "permissions",
    "servers": "MCP servers",
}


def help_text(bound: Mapping[str, list[str]]) -> str:
    """Say what every key does, and what helps with every field.

    Args:
        bound: Command id → the keys it is bound to now.
    """
    lines = ["Keys"]
    for command in COMMANDS:
        keys = " ".join(key_name(key) for key in bound.get(command.id, []))
        lines.append(f"  {keys:<24}{command.help}")
    lines += [f"  {keys:<24}{words}" for keys, words in FURTHER_KEYS]
    lines += ["", "Fields"]
    for field, hint in HINTS.items():
        lines += [f"  {FIELD_NAMES.get(field, field):<24}{hint}"]
    lines += ["", "Every key can be changed by its command's id under [keys] in settings.toml."]
    return "\n".join(lines)
