from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octui.tui.render.lines import Line, plain, width_of
from octui.tui.render.markdown import MAX_MARKDOWN, markdown_lines


def shown(text: str, width: int = 40) -> list[str]:
    return [plain(line).rstrip() for line in markdown_lines(text, width)]


def roles(lines: list[Line], word: str) -> set[str]:
    return {role for line in lines for text, role in line if word in text}


def test_headings_lists_and_paragraphs_stand_apart() -> None:
    text = "# Title\nwords\n\n- one\n- two\n\n3. three\n4. four"
    assert shown(text) == ["Title", "", "words", "", "• one", "• two", "", "3. three", "4. four"]


def test_nested_lists_keep_their_indent_when_they_wrap() -> None:
    assert shown("- a\n  - a rather long item", 16) == ["• a", "  • a rather", "    long item"]


def test_emphasis_and_code_have_styles_of_their_own() -> None:
    lines = markdown_lines("some **bold** and *slanted* and `code`", 60)
    assert roles(lines, "bold") == {"text/bold"}
    assert roles(lines, "slanted") == {"text/italic"}
    assert roles(lines, "code") == {"code"}


def test_fenced_code_keeps_its_spaces_and_is_highlighted() -> None:
    lines = markdown_lines("```python\ndef f():\n    return 1\n```", 40)
    assert [plain(line) for line in lines] == ["  def f():", "      return 1"]
    assert roles(lines, "def") == {"code-keyword"}


def test_code_of_an_unknown_language_is_shown_plain() -> None:
    assert shown("```no-such-language\n<x>\n```") == ["  <x>"]


def test_a_link_shows_where_it_leads() -> None:
    assert shown("[docs](https://example.org/a)") == ["docs (https://example.org/a)"]


def test_tables_have_columns() -> None:
    assert shown("| a | b |\n|---|---|\n| long cell | 1 |") == ["a          b", "long cell  1"]


def test_html_is_text() -> None:
    assert shown("<script>alert(1)</script>") == ["<script>alert(1)</script>"]


def test_markup_of_rich_and_textual_is_text() -> None:
    assert shown("[bold red]x[/] [@click=app.quit]y[/]") == ["[bold red]x[/] [@click=app.quit]y[/]"]


def test_entities_cannot_bring_back_what_was_cleaned() -> None:
    assert shown("a&#8238;b &#x200b;c &#27;d `e`") == ["ab c �d e"]


def test_very_long_text_is_wrapped_as_it_stands() -> None:
    assert len(shown("# word " * MAX_MARKDOWN, 100)) > 1000


@pytest.mark.parametrize("width", [2, 7, 33])
@given(text=st.text(alphabet="ab #*`->|\n[]()1.한", max_size=120))
def test_lines_of_any_markdown_fit_where_there_is_room(width: int, text: str) -> None:
    lines = markdown_lines(text, width)
    if width > 30 and "|" not in text:
        assert all(width_of(line) <= width for line in lines)
