from __future__ import annotations

from octui.tui.render.diffs import diff_lines, rows_of
from octui.tui.render.lines import plain, width_of
from octui.tui.render.side_by_side import side_by_side

PATCH = """diff --git a/x.py b/x.py
index 1..2 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,4 @@
 def f():
-    return 1
+    if a:
+        return 2
     # end
@@ -9,1 +10,1 @@
-old
+new
"""


def rows(patch: str, width: int = 60) -> list[str]:
    (block,) = side_by_side(patch, width)
    assert all(width_of(line) <= width for line in block)
    return [plain(line).rstrip() for line in block]


def test_a_removed_line_stands_beside_the_one_that_came_in_its_place() -> None:
    assert rows(PATCH) == [
        "   1   def f():              │    1   def f():",
        "   2 -     return 1          │    2 +     if a:",
        "                             │    3 +         return 2",
        "   3       # end             │    4       # end",
        "   ⋯",
        "   9 - old                   │   10 + new",
    ]


def test_lines_that_are_too_wide_go_on_below_within_their_column() -> None:
    shown = rows("@@ -1 +1 @@\n-" + "a" * 50 + "\n+b\n")
    assert shown[0].endswith("│    1 + b")
    assert shown[1].startswith("       aaaa")
    assert "".join(row.partition("│")[0] for row in shown).count("a") == 50


def test_what_is_too_long_to_be_paired_is_shown_as_it_stands() -> None:
    patch = "@@ -0,0 +1,4000 @@\n" + "+long line\n" * 4000
    block = side_by_side(patch, 60)
    assert sum(len(part) for part in block) >= 4000


def test_removed_and_added_lines_that_look_like_heads_of_files_are_lines() -> None:
    patch = "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1,2 @@\n--- old words\n+++ new words\n same\n"
    assert [plain(line).split(maxsplit=1)[1] for line in diff_lines(patch, 60)] == [
        "- -- old words",
        "+ ++ new words",
        "same",
    ]


def test_lines_have_the_numbers_of_their_own_files() -> None:
    numbers = [(row.sign, row.old, row.new) for row in rows_of(PATCH) if row.sign in "+-"]
    assert numbers == [("-", 2, 2), ("+", 3, 2), ("+", 3, 3), ("-", 9, 10), ("+", 10, 10)]
