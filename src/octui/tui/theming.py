"""Themes: TOML files that become Textual themes and the palette panes are drawn with.

A theme file::

    name = "my-theme"
    dark = true

    [colors]            # foreground, background, surface, panel, primary, accent, success, warning, error
    background = "#12141b"
    ...

    [roles]             # optional: any of `ROLES`, where it shall differ from what follows from the colours
    muted = "#98a0b3"

octui's own are in ``themes/``, the user's in the ``themes`` folder of the configuration directory; a name of the
user's hides the same name of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from textual.color import Color, ColorParseError
from textual.theme import Theme

from octui.encoding import decode_file
from octui.errors import SettingsError
from octui.paths import package_data_dir, user_themes_dir

DEFAULT_THEME = "octui-dark"
AA_CONTRAST = 4.5
"""The least contrast WCAG 2 asks of text (level AA)."""
MAX_FILE_BYTES = 64_000

ROLE_PREFIX = "role-"
TEXT_ROLES: Mapping[str, str] = {
    "text": "foreground",
    "muted": "foreground 32%",
    "faint": "foreground 40%",
    "heading": "foreground",
    "accent": "accent",
    "quote": "foreground 30%",
    "output": "foreground 22%",
    "diagnostic": "foreground 30%",
    "tool": "accent",
    "tool-sign": "foreground 32%",
    "code": "foreground 8%",
    "code-comment": "foreground 38%",
    "code-keyword": "accent",
    "code-string": "success",
    "code-number": "warning",
    "code-name": "primary",
    "added": "success",
    "removed": "error",
    "error": "error",
    "warning": "warning",
    "success": "success",
    "state-queued": "foreground 32%",
    "state-starting": "accent",
    "state-running": "accent",
    "state-retrying": "warning",
    "state-attention": "warning",
    "state-succeeded": "success",
    "state-failed": "error",
    "state-stopped": "foreground 25%",
    "state-timed-out": "error",
}
"""Every role text is drawn in, and the colour it has by default: one of the theme's, moved so far to the background."""
LINE_ROLES: Mapping[str, str] = {
    "rule": "foreground 82%",
    "border": "foreground 78%",
    "border-focus": "accent",
}
"""Roles of lines and frames."""
GROUND_ROLES: Mapping[str, str] = {
    "cursor-ground": "foreground 91%",
    "selected-ground": "accent 80%",
    "match-ground": "warning",
    "match": "background",
    "attention-ground": "warning",
    "attention-text": "background",
}
"""Grounds that text stands on, and the text of those that are loud."""
ROLES: Mapping[str, str] = {**TEXT_ROLES, **LINE_ROLES, **GROUND_ROLES}


class Colors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The colours a theme has to give."""

    background: str
    foreground: str
    surface: str
    panel: str
    primary: str
    accent: str
    success: str
    warning: str
    error: str


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme as written."""

    name: str
    colors: Colors
    dark: bool = True
    roles: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class LoadedThemes:
    """What was found: themes by name, and a sentence for each file that could not be used."""

    themes: dict[str, Theme] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def load_theme(path: Path) -> Theme:
    """Read one theme file.

    Raises:
        SettingsError: Where it cannot be read or used; the message names the file and what is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise SettingsError(f"Theme {path} is larger than {MAX_FILE_BYTES} bytes.")
        return make_theme(msgspec.toml.decode(decode_file(data), type=ThemeFile))
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise SettingsError(f"Theme {path} cannot be used: {error}.") from error
    except OSError as error:
        raise SettingsError(f"Theme {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise SettingsError(f"Theme {path} cannot be used: {error}") from error


def make_theme(source: ThemeFile) -> Theme:
    """Complete a theme: every role gets its colour.

    Raises:
        ValueError: A colour that is none, or a role octui does not have.
    """
    if not source.name.strip() or not source.name.isprintable():
        raise ValueError("`name` must be a word or two.")
    colors = {key: _parse(f"colors.{key}", value) for key, value in msgspec.structs.asdict(source.colors).items()}
    for role in source.roles:
        if role not in ROLES:
            raise ValueError(f"`roles.{role}` is no role; there are: {', '.join(sorted(ROLES))}.")
    variables = {
        ROLE_PREFIX + role: (
            _parse(f"roles.{role}", source.roles[role]) if role in source.roles else _derive(default, colors)
        ).hex
        for role, default in ROLES.items()
    }
    foreground, accent = colors["foreground"].hex, colors["accent"].hex
    variables |= {
        "text-muted": variables[ROLE_PREFIX + "muted"],
        "text-disabled": variables[ROLE_PREFIX + "faint"],
        "border": accent,
        "border-blurred": variables[ROLE_PREFIX + "border"],
        "scrollbar": variables[ROLE_PREFIX + "border"],
        "scrollbar-background": colors["background"].hex,
        "scrollbar-corner-color": colors["background"].hex,
        "scrollbar-hover": variables[ROLE_PREFIX + "muted"],
        "scrollbar-active": accent,
        "scrollbar-background-hover": colors["background"].hex,
        "scrollbar-background-active": colors["background"].hex,
        "input-selection-background": variables[ROLE_PREFIX + "selected-ground"],
        "block-cursor-background": variables[ROLE_PREFIX + "selected-ground"],
        "block-cursor-foreground": foreground,
        "block-cursor-text-style": "bold",
        "footer-key-foreground": accent,
    }
    return Theme(
        name=source.name,
        dark=source.dark,
        primary=colors["primary"].hex,
        secondary=accent,
        accent=accent,
        foreground=foreground,
        background=colors["background"].hex,
        surface=colors["surface"].hex,
        panel=colors["panel"].hex,
        success=colors["success"].hex,
        warning=colors["warning"].hex,
        error=colors["error"].hex,
        text_alpha=1.0,
        variables=variables,
    )


def _parse(key: str, value: str) -> Color:
    try:
        color = Color.parse(value)
    except ColorParseError:
        raise ValueError(f"`{key}` is no colour: {value!r}; write it as `#rrggbb`.") from None
    if color.a != 1 or color.ansi is not None:
        raise ValueError(f"`{key}` must be an opaque colour, as `#rrggbb`.")
    return color


def _derive(default: str, colors: Mapping[str, Color]) -> Color:
    name, _, percent = default.partition(" ")
    amount = float(percent.rstrip("%")) / 100 if percent else 0.0
    return colors[name].blend(colors["background"], amount)


def load_themes(folders: Iterable[Path]) -> LoadedThemes:
    """Read every ``*.toml`` of the folders, later folders winning; broken files are named, not fatal."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = load_theme(path)
            except SettingsError as error:
                problems.append(str(error))
            else:
                themes[theme.name] = theme
    return LoadedThemes(themes, tuple(problems))


def theme_folders() -> tuple[Path, Path]:
    """Where themes are looked for: octui's own, then the user's."""
    return package_data_dir("themes"), user_themes_dir()


def folder_mark(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Give a value that differs when a theme in the folder was added, removed or written to."""
    mark = set()
    for path in folder.glob("*.toml"):
        try:
            stat = path.stat()
        except OSError:
            continue
        mark.add((path.name, stat.st_mtime_ns, stat.st_size))
    return frozenset(mark)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it, from 1 to 21."""
    lights = sorted((_luminance(Color.parse(first)), _luminance(Color.parse(second))))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(color: Color) -> float:
    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def text_pairs(theme: Theme) -> list[tuple[str, str, str]]:
    """Every (what, text colour, ground colour) a theme puts on the screen."""
    role = {name: theme.variables[ROLE_PREFIX + name] for name in ROLES}
    grounds = {
        "background": theme.background or "",
        "surface": theme.surface or "",
        "cursor": role["cursor-ground"],
    }
    pairs = [(f"{name} on {ground}", role[name], color) for name in TEXT_ROLES for ground, color in grounds.items()]
    pairs.append(("match", role["match"], role["match-ground"]))
    pairs.append(("attention", role["attention-text"], role["attention-ground"]))
    pairs.append(("selection", role["text"], role["selected-ground"]))
    return pairs
