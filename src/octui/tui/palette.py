"""Roles become terminal styles: one `Palette` a theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from octui.tui.lean_strip import LeanStrip
from octui.tui.render.lines import Line
from octui.tui.theming import ROLE_PREFIX

_MODIFIERS = {"bold": "bold", "italic": "italic", "strike": "strike", "underline": "underline"}


_ASCII_SIGNS = str.maketrans("…⋯│–×·←→↑↓≥−•", "~.|-x-<>^v>-*")


class Palette:
    """Gives the Rich style of a role on a ground; styles are made once and kept.

    Args:
        variables: The theme's variables, as Textual gives them.
        ascii_only: Whether the few other signs octui writes with are replaced by ASCII ones.
    """

    def __init__(self, variables: Mapping[str, str], *, ascii_only: bool = False) -> None:
        self._variables = variables
        self._ascii_only = ascii_only
        self._styles: dict[tuple[str, str], Style] = {}

    def color(self, name: str) -> str:
        """The colour of a role, or of one of Textual's variables, as ``#rrggbb``."""
        return self._variables.get(ROLE_PREFIX + name) or self._variables[name]

    def style(self, role: str, ground: str = "background") -> Style:
        """The style of a role with its modifiers, such as ``muted/italic``, on a ground."""
        key = (role, ground)
        style = self._styles.get(key)
        if style is None:
            name, *modifiers = role.split("/")
            options: dict[str, Any] = {_MODIFIERS[modifier]: True for modifier in modifiers}
            if name in ("match", "attention-text"):
                ground = {"match": "match-ground", "attention-text": "attention-ground"}[name]
            style = Style(color=self.color(name), bgcolor=self.color(ground), **options)
            self._styles[key] = style
        return style

    def strip(self, line: Line, width: int, ground: str = "background") -> LeanStrip:
        """Draw a styled line as a strip of exactly ``width`` cells."""
        return LeanStrip(self.segments(line, width, ground), width)

    def segments(self, line: Line, width: int, ground: str = "background") -> list[Segment]:
        """Draw a styled line as segments of exactly ``width`` cells."""
        if self._ascii_only:
            line = [(text.translate(_ASCII_SIGNS), role) for text, role in line]
        segments = [Segment(text, self.style(role, ground)) for text, role in line if text]
        room = width - sum(cell_len(segment.text) for segment in segments)
        if room > 0:
            segments.append(Segment(" " * room, self.style("text", ground)))
        return Segment.adjust_line_length(segments, width) if room < 0 else segments
