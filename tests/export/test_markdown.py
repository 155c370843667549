"""A transcript as Markdown, read back by a Markdown parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.tui.sessions import API, GATEWAY, PROMPT, WORKER, Script, record, text, tool
from tests.tui.test_hostile import EVIL, hostile_session
from tests.tui.worktrees import compared

from octui.export import markdown
from octui.export.transcript import Transcript
from octui.recording.facts import RunState, StateChanged
from octui.recording.session import Session
from octui.tui.text import clean

ATTACKS = [
    "<script>alert(1)</script>",
    "</details></section><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "[a]: https://evil.example\n\n[a]",
    "```\nnever closed\n\n# Not a heading",
    "`````\nnever closed",
    "<!-- never closed",
    "- list\n\n      # deep\n1. one\n***\n===",
    EVIL,
]


def written(folder: Path) -> str:
    return "".join(markdown.write(Transcript(Session.open(folder))))


def tokens_of(document: str) -> list[Token]:
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(document)
    return [inner for token in found for inner in (token, *(token.children or []))]


def structure(document: str) -> list[str]:
    """The document's own parts, whatever the texts in it say."""
    tokens = tokens_of(document)
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return headings + [token.content for token in tokens if token.type in ("html_block", "html_inline")]


def test_it_has_what_was_said_and_done(tmp_path: Path) -> None:
    document = written(record(tmp_path, [API, WORKER, GATEWAY]).folder)
    for words in (PROMPT, "I'll start with the **router**", "pytest -q tests/api", "+    return 100", "41.1k", "$0.15"):
        assert words in document
    assert "| worker | ✗ failed |" in document
    assert "permission rejected" in document
    assert "**✗ failed**: the run ended without a final answer" in document


def test_a_state_is_said_once_where_its_reason_says_it_too(tmp_path: Path) -> None:
    journal = record(tmp_path, [API])
    journal.fact(StateChanged(at=2e9, run="api", state=RunState.STOPPED, why="stopped by you"))
    assert "**■ stopped** by you\n" in written(journal.folder)


def test_states_that_an_event_shows_already_are_not_listed_among_the_events(tmp_path: Path) -> None:
    text = written(record(tmp_path, [API, WORKER, GATEWAY]).folder)
    assert "\n*● running*\n" not in text
    assert "\n*✗ failed" in text


def test_worktrees_and_checks_have_columns_of_their_own_where_there_are_any(tmp_path: Path) -> None:
    journal, _ = compared(tmp_path)
    head, rule, first, *_ = (row for row in written(journal.folder).splitlines() if row.startswith("|"))
    assert head.endswith("| time | changed | check |")
    assert rule.count("|") == head.count("|")
    assert first.endswith("| 3 files +8 −4 | good |")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_a_part_of_the_document(attack: str, tmp_path: Path) -> None:
    def recorded(words: str, where: Path) -> str:
        events = [
            text(words),
            {"type": "reasoning", "part": {"text": words}},
            tool("bash", words, input={"command": words}, output=words, metadata={"exit": 1}),
            tool("edit", "x", input={"filePath": words}, metadata={"diff": f"-{words}\n"}),
            {"type": "error", "error": {"name": words, "data": {"message": words}}},
        ]
        return written(record(where, [Script("a", events, prompt=words)], name=words).folder)

    plain, attacked = structure(recorded("x", tmp_path / "plain")), structure(recorded(attack, tmp_path / "attacked"))
    # An answer's own headings are its reader's, within its quotation; all others are the document's.
    assert [part for part in plain if part.startswith("</")] == [part for part in attacked if part.startswith("</")]
    assert len([part for part in attacked if part.startswith("<")]) == len([p for p in plain if p.startswith("<")])
    assert not [token for token in tokens_of(recorded(attack, tmp_path / "again")) if token.type == "image"]
    links = [
        token.attrGet("href") for token in tokens_of(recorded(attack, tmp_path / "more")) if token.type == "link_open"
    ]
    assert all(str(link).startswith("http") for link in links)
    assert not links or "javascript" not in "".join(map(str, links))


def test_hostile_text_acts_on_no_terminal(tmp_path: Path) -> None:
    document = written(hostile_session(tmp_path))
    assert document == clean(document)


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("A *list*:\n\n- `x`\n- [site](https://example.com)\n\n```py\n<b>\n```", True),
        ("a < b, and `<b>`", True),
        ("<b>bold</b>", False),
        ("[x](file:///etc/passwd)", False),
        ("![x](https://example.com/x.png)", False),
        ("[a]: https://example.com", False),
        ("x" * (markdown.MAX_MARKDOWN + 1), False),
    ],
)
def test_an_answer_is_quoted_only_where_it_is_plain(words: str, plain: bool) -> None:
    assert markdown.is_plain(words) is plain


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert markdown.fence("a\n````\nb") == "`````\na\n````\nb\n`````\n"
    assert markdown.code("a`b") == "``a`b``"
    assert markdown.code("`a") == "`` `a ``"


def test_the_state_of_a_run_stands_below_its_name_and_not_behind_its_answer(tmp_path: Path) -> None:
    journal = record(tmp_path / "s", [GATEWAY])
    journal.fact(StateChanged(at=2e9, run="gateway", state=RunState.RUNNING))
    document = written(journal.folder)
    assert "## gateway\n\n**● running**" in document
    assert document.partition("## gateway")[2].count("running") == 1
