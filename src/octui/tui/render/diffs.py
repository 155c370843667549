"""Edits as diffs: the lines that changed, with signs that are read without colour too."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from octui.client.events import ToolUse
from octui.client.lenient_json import as_count
from octui.tui.render.lines import Line, wrap_spans
from octui.tui.render.long_text import Block, LongText, is_long
from octui.tui.text import clean

_SIGNS = {"+": "added", "-": "removed"}
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
GAP = "@"
"""The sign of what is left out between two hunks."""

MAX_COMPARED = 30_000
"""Longer texts, in characters, are not compared: what was there is removed, what is there now is added."""

_HEADERS = (
    "--- ",
    "+++ ",
    "Index: ",
    "====",
    "diff --git",
    "index ",
    "new file mode ",
    "deleted file mode ",
    "similarity index ",
    "rename from ",
    "rename to ",
)


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
            added, removed = count(patch)
            if isinstance(diff, dict) and (told := as_count(diff.get("additions"))) is not None:
                added, removed = told, as_count(diff.get("deletions")) or 0
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
    rows = list(rows_of(patch))
    for number, row in enumerate(rows):
        if limit is not None and len(lines) >= limit:
            lines.append([(f"{indent}… {len(rows) - number} more lines", "muted/italic")])
            break
        if row.sign == GAP:
            lines.append([(f"{indent}{'⋯':>4}", "faint")])
            continue
        at = row.old if row.sign == "-" else row.new
        gutter = f"{indent}{at or '':>4} "
        body: Line = [(f"{row.sign} {row.text}", _SIGNS.get(row.sign, "muted"))]
        pieces = wrap_spans(body, width, indent=" " * len(gutter) + "  ", first="")
        pieces[0].insert(0, (gutter, "faint"))
        lines.extend(pieces)
    return lines


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line of a diff.

    Attributes:
        sign: ``+``, ``-``, a space for one that is the same, or `GAP` where lines are left out.
        text: The line, clean.
        old: Its number in the old file; 0 where that is not told.
        new: Its number in the new file, likewise.
    """

    sign: str
    text: str = ""
    old: int = 0
    new: int = 0


def rows_of(patch: str) -> Iterator[DiffRow]:
    """Read a unified diff; what comes before its hunks is left out where it says nothing of the content."""
    old = new = olds_left = news_left = 0
    told = False
    for row in clean(patch).rstrip("\n").split("\n"):
        is_within = olds_left > 0 or news_left > 0  # There, `--- x` is a line `-- x` that was removed.
        if row.startswith("\\ No newline") or (not is_within and row.startswith(_HEADERS)):
            continue
        if not is_within and (hunk := _HUNK.match(row)):
            if told:
                yield DiffRow(GAP)
            old, new = int(hunk[1]), int(hunk[3])
            olds_left, news_left = int(hunk[2] or 1), int(hunk[4] or 1)
            continue
        sign = row[:1] if row[:1] in ("+", "-") else " "
        told = True
        yield DiffRow(sign, row[1:], old, new)
        old, olds_left = (old + (old > 0), olds_left - 1) if sign != "+" else (old, olds_left)
        new, news_left = (new + (new > 0), news_left - 1) if sign != "-" else (new, news_left)


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
