from __future__ import annotations

import pytest

from octui.tui.attached import as_named, being_typed, files_in

FILES = ("src/a.py", "my notes.txt", "b.md")


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("Look at @src/a.py and @b.md", ["src/a.py", "b.md"]),
        ("See @src/a.py, then (again) @src/a.py.", ["src/a.py"]),
        ('Read @"my notes.txt".', ["my notes.txt"]),
        ("Write to me@b.md or to @nobody", []),
        ("@b.md\n@src/a.py", ["b.md", "src/a.py"]),
        ("@", []),
    ],
)
def test_files_of_the_workspace_that_a_prompt_names_are_attached(text: str, files: list[str]) -> None:
    assert files_in(text, FILES.__contains__) == files


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ("Look at @src/a", "src/a"),
        ("@", ""),
        ('@"my no', "my no"),
        ("me@host", None),
        ("@src/a.py and", None),
        ("", None),
    ],
)
def test_what_is_typed_of_a_file_is_told_from_other_words(before: str, typed: str | None) -> None:
    assert being_typed(before) == typed


@pytest.mark.parametrize("path", FILES)
def test_a_name_is_read_as_it_is_written(path: str) -> None:
    assert files_in(f"Look: {as_named(path)} please", FILES.__contains__) == [path]
