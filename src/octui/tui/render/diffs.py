"""Edits as diffs: the lines that changed, with signs that are read without colour too."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from octui.client.events import ToolUse
from octui.tui.render.lines import Line, wrap_spans
from octui.tui.render.long_text import Block, LongText, is_long
from octui.tui.text import clean

_SIGNS = {"+": "added", "-": "removed"}
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
MAX_COMPARED = 30_000
"""Longer texts, in characters, are not compared: what was there is removed, what is there now is added."""

_HEADERS = ("--- ", "+++ ", "Index: ", "====", "diff --git", "index ", "\\ No newline")


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one tool call did to one file.

    Attributes:
        path: The file.
        told: A unified diff, which may be empty; of a new file, its content.
        additions: Lines added.
        deletions: Lines removed.
        is_new: Whether all of it is added.
    """

    path: str
    told: str
    additions: int
    deletions: int
    is_new: bool = False

    @property
    def patch(self) -> str:
        """The change as a unified diff, or as near as one gets."""
        return _marked("+", self.told) if self.is_new else self.told


def changes_of(use: ToolUse) -> list[FileChange]:
    """Give the files a completed tool call changed: ``edit``, ``write``, ``patch`` and ``apply_patch``."""
    if use.status != "completed":
        return []
    source = use.input if isinstance(use.input, dict) else {}
    match use.tool:
        case "edit" | "multiedit":
            diff = use.metadata.get("filediff")
            patch = use.metadata.get("diff")
            if not isinstance(patch, str) or not patch:
                patch = _diff(_text(source.get("oldString")), _text(source.get("newString")))
            if isinstance(diff, dict) and isinstance(diff.get("additions"), int):
                added, removed = int(diff["additions"]), _number(diff.get("deletions"))
            else:
                added, removed = count(patch)
            return [FileChange(_text(source.get("filePath")), patch, added, removed)]
        case "write":
            patch = _text(use.metadata.get("diff"))
            path, content = _text(source.get("filePath")), _text(source.get("content"))
            if not patch:
                lines = content.count("\n") + 1 if is_long(content) else len(content.splitlines())
                return [FileChange(path, content, lines, 0, is_new=True)]
            return [FileChange(path, patch, *count(patch))]
        case "patch" | "apply_patch":
            return _patched_files(use.metadata)
    return []


def _patched_files(metadata: dict[str, Any]) -> list[FileChange]:
    files = metadata.get("files")
    if isinstance(files, list):
        changes = []
        for file in files:
            if isinstance(file, dict):
                patch = _text(file.get("patch") or file.get("diff"))
                added, removed = count(patch)
                path = _text(file.get("relativePath") or file.get("filePath") or file.get("file"))
                changes.append(FileChange(path, patch, added, removed))
        return changes
    patch = _text(metadata.get("diff"))
    return [FileChange("", patch, *count(patch))] if patch else []


def count(patch: str) -> tuple[int, int]:
    """Count the added and removed lines of a unified diff."""
    lines = f"\n{patch}"
    return lines.count("\n+") - lines.count("\n+++ "), lines.count("\n-") - lines.count("\n--- ")


def diff_block(patch: str, width: int, *, indent: str = "  ", limit: int | None = None) -> Block:
    """Render a unified diff of any length; a long one as it stands, all of it."""
    if not is_long(patch):
        return [diff_lines(patch, width, indent=indent, limit=limit)]
    return LongText(patch.rstrip("\n"), width, lambda row: _SIGNS.get(row[:1], "muted"), indent=indent).parts()


def diff_lines(patch: str, width: int, *, indent: str = "  ", limit: int | None = None) -> list[Line]:
    """Render a unified diff, with line numbers of the new file where hunks tell them."""
    lines: list[Line] = []
    old = new = 0
    rows = [row for row in clean(patch).rstrip("\n").split("\n") if not row.startswith(_HEADERS)]
    for number, row in enumerate(rows):
        if limit is not None and len(lines) >= limit:
            lines.append([(f"{indent}… {len(rows) - number} more lines", "muted/italic")])
            break
        if hunk := _HUNK.match(row):
            if lines:
                lines.append([(f"{indent}{'⋯':>4}", "faint")])
            old, new = int(hunk[1]), int(hunk[2])
            continue
        sign = row[:1] if row[:1] in ("+", "-") else " "
        at = old if sign == "-" else new
        role = _SIGNS.get(sign, "muted")
        gutter = f"{indent}{at or '':>4} "
        body: Line = [(f"{sign} {row[1:]}", role)]
        pieces = wrap_spans(body, width, indent=" " * len(gutter) + "  ", first="")
        pieces[0].insert(0, (gutter, "faint"))
        lines.extend(pieces)
        old += sign != "+" and old > 0
        new += sign != "-" and new > 0
    return lines


def _marked(sign: str, text: str) -> str:
    """Every line of a text behind a sign."""
    if is_long(text):  # Other ends of lines than these are not worth a list of all lines.
        return sign + text.removesuffix("\n").replace("\n", f"\n{sign}") + "\n"
    return "".join(f"{sign}{row}\n" for row in text.splitlines())


def _diff(before: str, after: str) -> str:
    if len(before) + len(after) > MAX_COMPARED:
        return _marked("-", before) + _marked("+", after)
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return "\n".join(list(rows)[3:])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
