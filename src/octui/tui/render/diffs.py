"""Edits as diffs: the lines that changed, with signs that are read without colour too."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from octui.client.events import ToolUse
from octui.tui.render.lines import Line, wrap_spans
from octui.tui.text import clean

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)")
_HEADERS = ("--- ", "+++ ", "Index: ", "====", "diff --git", "index ", "\\ No newline")


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one tool call did to one file; ``patch`` is a unified diff and may be empty."""

    path: str
    patch: str
    additions: int
    deletions: int


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
            if not patch:
                patch = "".join(f"+{row}\n" for row in _text(source.get("content")).splitlines())
            added, removed = count(patch)
            return [FileChange(_text(source.get("filePath")), patch, added, removed)]
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
    rows = [row for row in patch.splitlines() if not row.startswith(_HEADERS)]
    return sum(row.startswith("+") for row in rows), sum(row.startswith("-") for row in rows)


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
        role = {"+": "added", "-": "removed"}.get(sign, "muted")
        gutter = f"{indent}{at or '':>4} "
        body: Line = [(f"{sign} {row[1:]}", role)]
        pieces = wrap_spans(body, width, indent=" " * len(gutter) + "  ", first="")
        pieces[0].insert(0, (gutter, "faint"))
        lines.extend(pieces)
        old += sign != "+" and old > 0
        new += sign != "-" and new > 0
    return lines


def _diff(before: str, after: str) -> str:
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return "\n".join(list(rows)[3:])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
